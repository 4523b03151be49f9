import { audit, systemCaller } from '@rapport/kit/crypto';
import { sql, type Tx } from '@rapport/kit/db';
import { publishAll } from '@rapport/kit/events';
import { GoalReached, GoalState } from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';
import { RESTRICTED } from '../party/party.js';
import { goalColumns, goalName, type GoalProgress, goalReached, isReached } from './records.js';

const caller = systemCaller('customer', 'FollowGoals');

/**
 * Marks the goals of some parties that their holdings have come to, and tells of each once. A goal that was reached
 * stays so, whatever is spent afterwards; one that is set anew begins again. Those of who is restricted wait.
 */
export async function followGoals(deps: Pick<Deps, 'clock'>, tx: Tx, partyIds: readonly string[]): Promise<void> {
  const rows = await tx.rows<GoalProgress>(sql`
    SELECT ${goalColumns} FROM (
      SELECT DISTINCT unnest(g.party_id || g.aliases) AS id FROM party p JOIN party g ON g.party_id = p.golden_id
      WHERE p.party_id = ANY(${[...partyIds]}::uuid[]) AND g.state <> ${RESTRICTED}) AS member
    CROSS JOIN LATERAL (SELECT * FROM goal o WHERE o.party_id = member.id
      AND o.state = ${GoalState.GOAL_STATE_ACTIVE} OFFSET 0) o`);
  const reached = rows.filter(isReached);
  if (reached.length === 0) return;
  const now = deps.clock.now();
  const marked = await tx.rows<{ id: string }>(sql`
    UPDATE goal SET state = ${GoalState.GOAL_STATE_REACHED}, reach_time = ${now}, update_time = ${now},
      version = version + 1
    WHERE state = ${GoalState.GOAL_STATE_ACTIVE} AND (party_id, goal_id) IN (SELECT * FROM unnest(
      ${reached.map(({ partyId }) => partyId)}::uuid[], ${reached.map(({ goalId }) => goalId)}::uuid[]))
    RETURNING goal_id AS id`);
  const ids = new Set(marked.map(({ id }) => id));
  const told = reached.filter(({ goalId }) => ids.has(goalId));
  if (told.length === 0) return;
  await audit(tx, caller, { resource: told.map(goalName), change: { reached: true } });
  const events = told.map((row) => ({
    message: goalReached(row, now),
    options: { aggregate: row.partyId, subject: goalName(row) },
  }));
  await publishAll(tx, GoalReached, events);
}
