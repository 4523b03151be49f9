import { sql } from '@rapport/kit/db';
import { type Call, decodePage, encodePage, pageSize, scopeFor } from '@rapport/kit/rpc';
import { GoalState, type ListGoalsRequest, type ListGoalsResponse } from '@rapport/proto/customer/v1';
import { seen } from '../access/access.js';
import type { Deps } from '../deps.js';
import { assertParty, membersOf } from '../party/party.js';
import { goalColumns, goalMessage, type GoalProgress } from './records.js';

/** Lists the goals of a party with their progress, newest first; ids are made in the order of time. */
export async function listGoals(deps: Deps, request: ListGoalsRequest, call: Call): Promise<ListGoalsResponse> {
  const size = pageSize(request);
  const before = decodePage(call, request, 'uuid')?.[0] ?? 'ffffffff-ffff-ffff-ffff-ffffffffffff';
  const scope = scopeFor(call, 'C2');
  const on = deps.db.scoped(scope);
  const members = membersOf(await assertParty(on, request.parent, scope));
  const rows = await on.rows<GoalProgress>(sql`
    SELECT ${goalColumns} FROM unnest(${members}::uuid[]) AS member (id) CROSS JOIN LATERAL (
      SELECT * FROM goal o WHERE o.party_id = member.id AND o.goal_id < ${before}
        AND (o.state <> ${GoalState.GOAL_STATE_ABANDONED} OR ${request.showAbandoned})
        AND ${seen(scope, 'o')} OFFSET 0) o
    ORDER BY o.goal_id DESC LIMIT ${size + 1}`);
  await deps.reads.record(call, `${request.parent}/goals`);
  const last = rows.at(size - 1);
  return {
    goals: rows.slice(0, size).map(goalMessage),
    nextPageToken: last && rows.length > size ? encodePage(call, request, [last.goalId]) : '',
  };
}
