import { audit } from '@rapport/kit/crypto';
import { sql } from '@rapport/kit/db';
import { publish } from '@rapport/kit/events';
import { type Call, idempotent, scopeFor } from '@rapport/kit/rpc';
import { type AbandonGoalRequest, AbandonGoalResponse, GoalSet, GoalState } from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { idsIn } from '../party/party.js';
import { findGoal, goalMessage, goalName, goalSet } from './records.js';

/** Gives a goal up; the row stays, marked. */
export async function abandonGoal(deps: Deps, request: AbandonGoalRequest, call: Call): Promise<AbandonGoalResponse> {
  const [partyId, goalId] = idsIn(request.name) ?? [];
  if (partyId === undefined || goalId === undefined) throw fail('GOAL_NOT_FOUND');
  const scope = scopeFor(call, 'C2');
  return idempotent(
    deps.db,
    call,
    request,
    AbandonGoalResponse,
    async (tx) => {
      const before = await findGoal(tx, [partyId, goalId], scope, sql`FOR UPDATE OF o`);
      if (!before) throw fail('GOAL_NOT_FOUND');
      const name = goalName(before);
      const given = before.state === GoalState.GOAL_STATE_ABANDONED;
      await audit(tx, call, { resource: name, change: { abandoned: !given } });
      if (given) return { goal: goalMessage(before) };
      const row = {
        ...before,
        state: GoalState.GOAL_STATE_ABANDONED,
        updateTime: deps.clock.now(),
        version: before.version + 1,
      };
      await tx.run(sql`
        UPDATE goal SET state = ${row.state}, update_time = ${row.updateTime}, version = ${row.version}
        WHERE party_id = ${row.partyId} AND goal_id = ${row.goalId}`);
      await publish(tx, GoalSet, goalSet(row), { aggregate: row.partyId, subject: name });
      return { goal: goalMessage(row) };
    },
    { scope },
  );
}
