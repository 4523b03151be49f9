import { type Queryable, type Scope, type Sql, sql } from '@rapport/kit/db';
import { type Goal, type GoalKind, GoalReached, type GoalSet, GoalState } from '@rapport/proto/customer/v1';
import { seen } from '../access/access.js';
import { dayMessage } from '../calendar/calendar.js';
import { partyName } from '../party/party.js';

/** A goal as it is stored, in the names of the Prisma model. */
export interface GoalRecord {
  partyId: string;
  goalId: string;
  kind: GoalKind;
  target: bigint;
  currency: string;
  /** `YYYY-MM-DD`. */
  targetDate: string | null;
  holdings: { party: string; holding: string }[];
  state: GoalState;
  setBy: string;
  createTime: Date;
  updateTime: Date;
  reachTime: Date | null;
  version: number;
  organisationPath: string;
  manager: string;
}

/** A goal with what is on its holdings, in minor units of its currency. */
export interface GoalProgress extends GoalRecord {
  progress: bigint;
}

function columns(integer: '' | '::text'): Sql {
  return sql.raw(`o.party_id AS "partyId", o.goal_id AS "goalId", o.kind, o.target${integer} AS target, o.currency,
    o.target_date AS "targetDate", o.holdings, o.state, o.set_by AS "setBy", o.create_time AS "createTime",
    o.update_time AS "updateTime", o.reach_time AS "reachTime", o.version, o.organisation_path AS "organisationPath",
    o.manager, (SELECT coalesce(sum(h.balance), 0)::bigint${integer} FROM jsonb_array_elements(o.holdings) AS linked
      CROSS JOIN LATERAL (SELECT * FROM holding h WHERE h.party_id = (linked ->> 'party')::uuid
        AND h.holding_id = (linked ->> 'holding')::uuid AND h.currency = o.currency OFFSET 0) h) AS progress`);
}

/** The columns of a `GoalProgress`, of the table goal under the name o. */
export const goalColumns: Sql = columns('');

/** The same for a row that becomes JSON, whose numbers would lose digits. */
export const goalJsonColumns: Sql = columns('::text');

/** A row that came as JSON. */
export function goalFromJson(json: GoalProgress): GoalProgress {
  const { target, progress, createTime, updateTime, reachTime } = json;
  return {
    ...json,
    target: BigInt(target),
    progress: BigInt(progress),
    createTime: new Date(createTime),
    updateTime: new Date(updateTime),
    reachTime: reachTime === null ? null : new Date(reachTime),
  };
}

/** `parties/{uuid}/goals/{uuid}`. */
export function goalName(row: { partyId: string; goalId: string }): string {
  return `${partyName(row.partyId)}/goals/${row.goalId}`;
}

/** The etag of a version. */
export function goalEtag({ version }: { version: number }): string {
  return `"${version}"`;
}

/** How much of the target there is, in hundredths, 0 to 100. */
export function percentOf({ progress, target }: Pick<GoalProgress, 'progress' | 'target'>): number {
  if (progress <= 0n) return 0;
  return progress >= target ? 100 : Number((progress * 100n) / target);
}

/** The message of a row. */
export function goalMessage(row: GoalProgress): Goal {
  const { kind, target, currency, targetDate, holdings, state, progress, setBy, createTime, updateTime } = row;
  return {
    name: goalName(row),
    kind,
    target: { minorUnits: target, currencyCode: currency },
    targetDate: targetDate === null ? undefined : dayMessage(targetDate),
    holdings: holdings.map(({ party, holding }) => `${partyName(party)}/holdings/${holding}`),
    state,
    progress: { minorUnits: progress, currencyCode: currency },
    progressPercent: percentOf(row),
    setBy,
    createTime,
    updateTime,
    reachTime: row.reachTime ?? undefined,
    etag: goalEtag(row),
  };
}

/** What the world hears of a goal. */
export function goalSet(row: GoalRecord): GoalSet {
  const { kind, target, currency, targetDate, state, organisationPath, updateTime } = row;
  return {
    party: partyName(row.partyId),
    organisationPath,
    goal: goalName(row),
    kind,
    target: { minorUnits: target, currencyCode: currency },
    targetDate: targetDate === null ? undefined : dayMessage(targetDate),
    state,
    setTime: updateTime,
  };
}

/** What the world hears of a goal that was reached. */
export function goalReached(row: GoalProgress, reachTime: Date): GoalReached {
  const { kind, target, currency, progress, organisationPath } = row;
  return GoalReached.fromPartial({
    party: partyName(row.partyId),
    organisationPath,
    goal: goalName(row),
    kind,
    target: { minorUnits: target, currencyCode: currency },
    progress: { minorUnits: progress, currencyCode: currency },
    reachTime,
  });
}

/** The goal of a name as far as the caller may see it; `lock` holds it. */
export function findGoal(
  on: Queryable,
  [partyId, goalId]: readonly [string, string],
  scope: Scope,
  lock: Sql = sql.empty,
): Promise<GoalProgress | undefined> {
  return on.maybe<GoalProgress>(sql`
    SELECT ${goalColumns} FROM goal o
    WHERE o.party_id IN (SELECT unnest(party_id || aliases) FROM party WHERE party_id = ${partyId})
      AND o.goal_id = ${goalId} AND ${seen(scope, 'o')} ${lock}`);
}

/** Whether the holdings of an active goal came to the target. */
export function isReached(row: GoalProgress): boolean {
  return row.state === GoalState.GOAL_STATE_ACTIVE && row.progress >= row.target;
}
