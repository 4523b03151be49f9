import { audit } from '@rapport/kit/crypto';
import { sql, type Tx } from '@rapport/kit/db';
import { publish } from '@rapport/kit/events';
import { type Call, checkEtag, idempotent, scopeFor } from '@rapport/kit/rpc';
import { uuidv7 } from '@rapport/kit/runtime';
import {
  type Goal,
  GoalSet,
  GoalState,
  HoldingRole,
  type SetGoalRequest,
  SetGoalResponse,
} from '@rapport/proto/customer/v1';
import { isoDay } from '../calendar/calendar.js';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { assertParty, assertUsable, idsIn, membersOf, type PlacedParty } from '../party/party.js';
import { followGoals } from './follow-goals.js';
import { findGoal, goalEtag, goalMessage, goalName, type GoalProgress, goalSet } from './records.js';

/** Sets a new goal, or replaces one that nobody changed since it was read; it is active again then. */
export async function setGoal(deps: Deps, request: SetGoalRequest, call: Call): Promise<SetGoalResponse> {
  const goal = request.goal as Goal;
  const now = deps.clock.now();
  const targetDate = goal.targetDate ? isoDay(goal.targetDate) : null;
  if (targetDate === undefined) {
    throw fail('FIELD_INVALID', {
      violations: [{ field: 'goal.target_date', description: 'must be a day of the calendar' }],
    });
  }
  const scope = scopeFor(call, 'C2');
  return idempotent(
    deps.db,
    call,
    request,
    SetGoalResponse,
    async (tx) => {
      const party = await assertParty(tx, request.parent, scope, sql`FOR SHARE OF golden`);
      assertUsable(party);
      const before = goal.name === '' ? undefined : await existing(tx, goal, party, scope);
      const holdings = await linked(tx, goal, party);
      const key = before ?? { partyId: party.partyId, goalId: uuidv7(), createTime: now, version: 0 };
      const { partyId, goalId } = key;
      const version = key.version + 1;
      await tx.run(sql`
        INSERT INTO goal (party_id, goal_id, kind, target, currency, target_date, holdings, state, set_by, create_time,
          update_time, version, organisation_path, manager)
        VALUES (${partyId}, ${goalId}, ${goal.kind}, ${goal.target?.minorUnits ?? 0n},
          ${goal.target?.currencyCode ?? ''}, ${targetDate}, ${JSON.stringify(holdings)}::jsonb,
          ${GoalState.GOAL_STATE_ACTIVE}, ${call.principal.subject}, ${key.createTime}, ${now}, ${version},
          ${party.organisationPath}, ${party.manager})
        ON CONFLICT (party_id, goal_id) DO UPDATE SET kind = excluded.kind, target = excluded.target,
          currency = excluded.currency, target_date = excluded.target_date, holdings = excluded.holdings,
          state = excluded.state, set_by = excluded.set_by, update_time = excluded.update_time, reach_time = NULL,
          version = excluded.version`);
      const name = goalName(key);
      await audit(tx, call, { resource: name, change: { created: !before, version } });
      const row = (await findGoal(tx, [partyId, goalId], scope)) as GoalProgress;
      await publish(tx, GoalSet, goalSet(row), { aggregate: partyId, subject: name });
      await followGoals(deps, tx, [partyId]);
      return { goal: goalMessage((await findGoal(tx, [partyId, goalId], scope)) as GoalProgress) };
    },
    { scope },
  );
}

async function existing(
  tx: Tx,
  goal: Goal,
  party: PlacedParty,
  scope: Parameters<typeof findGoal>[2],
): Promise<GoalProgress> {
  const [, goalId = ''] = idsIn(goal.name) ?? [];
  const before = goalId && (await findGoal(tx, [party.partyId, goalId], scope, sql`FOR UPDATE OF o`));
  if (!before) throw fail('GOAL_NOT_FOUND');
  checkEtag(goal.etag, goalEtag(before));
  return before;
}

/** The linked holdings; each must be owned by the party. */
async function linked(tx: Tx, goal: Goal, party: PlacedParty): Promise<GoalProgress['holdings']> {
  const wanted = goal.holdings.map((name) => {
    const [owner, holding] = idsIn(name) ?? [];
    if (owner === undefined || holding === undefined) throw fail('HOLDING_NOT_FOUND', { metadata: { holding: name } });
    return { party: owner, holding, name };
  });
  const owned = await tx.rows<{ party: string; holding: string }>(sql`
    SELECT r.holding_party_id AS party, r.holding_id AS holding
    FROM unnest(${membersOf(party)}::uuid[]) AS member (id) CROSS JOIN LATERAL (
      SELECT * FROM holding_role r WHERE r.party_id = member.id
        AND r.role = ${HoldingRole.HOLDING_ROLE_OWNER} OFFSET 0) r`);
  const known = new Set(owned.map((one) => `${one.party} ${one.holding}`));
  const strange = wanted.find((one) => !known.has(`${one.party} ${one.holding}`));
  if (strange) throw fail('HOLDING_NOT_FOUND', { metadata: { holding: strange.name } });
  return wanted.map(({ party: owner, holding }) => ({ party: owner, holding }));
}
