import { type Scope, type Sql, sql } from '@rapport/kit/db';
import type { Call } from '@rapport/kit/rpc';
import {
  type CustomerView,
  CustomerViewPart as Part,
  HoldingRole,
  HoldingStatus,
  type PartyQuality,
  TransactionDirection,
} from '@rapport/proto/customer/v1';
import { seen } from '../access/access.js';
import { assignmentsOf, formerColumns, formerFromJson, type FormerRecord } from '../assignment/assignment.js';
import { baselineColumns, baselineMessage, type BaselineRecord } from '../behaviour/behaviour.js';
import { dayAt, dayMessage } from '../calendar/calendar.js';
import { qualityOf } from '../cleaning/cleaning.js';
import type { Deps } from '../deps.js';
import { mergeColumns, mergeFromJson, mergeMessage, type MergeRow } from '../golden/golden.js';
import { spendingKinds } from '../holding/holding.js';
import { partyMessage, partyName, type PartyRecord } from '../party/party.js';

/** Assignments and merges. */
const MOST = 20;
const MOST_BASELINES = 100;

/** What a method of this service shows of a class. */
const methods = {
  spending: ['SpendingService/GetSpending', 'C2'],
  assignments: ['HouseholdService/ListAssignments', 'C2'],
  quality: ['QualityService/GetPartyQuality', 'C1'],
  merges: ['GoldenService/ListMerges', 'C2'],
  baselines: ['PortraitService/ListBaselines', 'C2'],
} as const;
type Name = keyof typeof methods;

const nameOf: Partial<Record<Part, Name>> = {
  [Part.CUSTOMER_VIEW_PART_SPENDING]: 'spending',
  [Part.CUSTOMER_VIEW_PART_ASSIGNMENTS]: 'assignments',
  [Part.CUSTOMER_VIEW_PART_QUALITY]: 'quality',
  [Part.CUSTOMER_VIEW_PART_MERGES]: 'merges',
  [Part.CUSTOMER_VIEW_PART_BASELINES]: 'baselines',
};

/** What a caller sees by another method of this service. */
function seenBy(call: Call, method: string, dataClass: 'C1' | 'C2' | 'C3'): Scope {
  return call.seesBy(`rapport.customer.v1.${method}`, dataClass);
}

/** The columns that a view has besides those that every view has; null where they were not asked for or may not be seen. */
export interface AskedRow {
  askedSpending?: {
    /** `YYYY-MM-DD`: the day after the last month. */
    end: string;
    start: string;
    rows: { month: string; category: string; currency: string; amount: string; count: number }[] | null;
  } | null;
  askedAssignments?: FormerRecord[] | null;
  askedQuality?: boolean | null;
  askedMerges?: MergeRow[] | null;
  askedBaselines?: BaselineRecord[] | null;
}

/** What of a view is asked for beyond what every view has. */
export interface Asked {
  /** Of which the statement has a column each. */
  columns: Sql;
  /** Who may see tags and life events of the most sensitive class. */
  sensitive?: { tags: Scope; lifeEvents: Scope } | undefined;
}

/** Nothing more than every view has. */
export const nothingMore: Asked = { columns: sql.empty };

/**
 * The columns for the parts that a request names. What is kept with a party stands where the party stands, so that each
 * column has one condition on the party: that of the method which gives the part alone. Of tables that are partitioned by
 * party only one partition is read, as in the rest of the statement.
 */
export function askedColumns(parts: ReadonlySet<Part>, call: Call, timeZone: string): Asked {
  const made: Record<Name, () => Sql> = {
    spending: () => spendingColumn(timeZone),
    assignments: () => sql`(SELECT coalesce(json_agg(x), '[]') FROM (SELECT ${formerColumns} FROM former_assignment f
      WHERE f.party_id = party.party_id ORDER BY f.end_time DESC LIMIT ${MOST + 1}) x)`,
    quality: () => sql`true`,
    merges: () => sql`(SELECT coalesce(json_agg(x), '[]') FROM (SELECT * FROM (
        SELECT DISTINCT ON (m.merge_id) ${mergeColumns} FROM member CROSS JOIN LATERAL (
          SELECT * FROM party_merge m WHERE m.party_id = member.id OFFSET 0) m
        WHERE member.golden = party.party_id ORDER BY m.merge_id, m.party_id) merges
      ORDER BY "mergeTime" DESC, "mergeId" DESC LIMIT ${MOST + 1}) x)`,
    baselines: () => sql`(SELECT coalesce(json_agg(x), '[]') FROM (SELECT ${baselineColumns} FROM behaviour_baseline b
      WHERE b.party_id = party.party_id ORDER BY b.measure, b.code LIMIT ${MOST_BASELINES + 1}) x)`,
  };
  const columns = [...parts].flatMap((part) => {
    const name = nameOf[part];
    if (!name) return [];
    const [method, dataClass] = methods[name];
    const scope = seenBy(call, method, dataClass);
    if (scope.kind === 'nothing') return [];
    const as = sql.raw(`"asked${name.charAt(0).toUpperCase()}${name.slice(1)}"`);
    return [sql`, CASE WHEN ${seen(scope, 'party')} THEN ${made[name]()} END AS ${as}`];
  });
  const sensitive = parts.has(Part.CUSTOMER_VIEW_PART_SENSITIVE) && {
    tags: seenBy(call, 'PortraitService/ListTags', 'C3'),
    lifeEvents: seenBy(call, 'PortraitService/ListLifeEvents', 'C3'),
  };
  return { columns: sql.join(columns, ' '), sensitive: sensitive || undefined };
}

/** Twelve months of what went off the owned holdings, as `GetSpending` adds it up. */
function spendingColumn(timeZone: string): Sql {
  return sql`(SELECT json_build_object('start', (until - interval '12 months')::date, 'end', until, 'rows',
      (SELECT json_agg(x) FROM (
        SELECT date_trunc('month', t.booking_date)::date AS month, t.category, t.currency, sum(t.amount)::text AS amount,
          count(*)::int AS count
        FROM has h CROSS JOIN LATERAL (
          SELECT t.booking_date, t.category, t.currency, t.amount FROM transaction t
          WHERE t.party_id = h.party_id AND t.holding_id = h.holding_id
            AND t.time >= (until - interval '12 months')::date - 10 AND t.time < until + 10
            AND t.booking_date >= (until - interval '12 months')::date AND t.booking_date < until
            AND t.direction = ${TransactionDirection.TRANSACTION_DIRECTION_DEBIT} OFFSET 0) t
        WHERE h.golden = party.party_id AND h.role = ${HoldingRole.HOLDING_ROLE_OWNER}
          AND h.kind = ANY(${spendingKinds}::smallint[])
        GROUP BY 1, 2, 3 ORDER BY 1, 2, 3) x))
    FROM (SELECT (date_trunc('month', coalesce(max(h.balance_time), statement_timestamp()) AT TIME ZONE ${timeZone})
        + interval '1 month')::date AS until
      FROM has h WHERE h.golden = party.party_id AND h.role = ${HoldingRole.HOLDING_ROLE_OWNER}
        AND h.status = ${HoldingStatus.HOLDING_STATUS_OPEN} AND h.balance IS NOT NULL) period)`;
}

function judged(deps: Pick<Deps, 'bank' | 'cipher' | 'clock'>, row: PartyRecord): PartyQuality {
  const party = partyMessage(deps, row, { kind: 'everything' });
  const today = dayAt(deps.clock.now(), deps.bank.timeZone);
  return { party: partyName(row.partyId), ...qualityOf(party, deps.bank, today) };
}

/** The parts of a row that has those columns; what may not be seen is not there. */
export function askedParts(
  deps: Pick<Deps, 'bank' | 'cipher' | 'clock'>,
  row: PartyRecord & AskedRow,
  asOf: Date,
): Pick<CustomerView, Name> {
  const { askedSpending: spending, askedAssignments, askedMerges, askedBaselines } = row;
  const former = askedAssignments?.map(formerFromJson);
  const assignments = former && assignmentsOf(row, former, 'now');
  const merges = askedMerges?.map(mergeFromJson);
  return {
    spending: spending
      ? {
          spending: (spending.rows ?? []).map(({ month, category, currency, amount, count }) => ({
            month: dayMessage(month),
            category,
            amount: { minorUnits: BigInt(amount), currencyCode: currency },
            transactions: BigInt(count),
          })),
          startDate: dayMessage(spending.start),
          endDate: dayMessage(spending.end),
          asOf,
        }
      : undefined,
    assignments: assignments && { assignments: assignments.slice(0, MOST), more: assignments.length > MOST, asOf },
    quality: row.askedQuality ? { quality: judged(deps, row), asOf } : undefined,
    merges: merges && { merges: merges.slice(0, MOST).map(mergeMessage), more: merges.length > MOST, asOf },
    baselines: askedBaselines
      ? {
          baselines: askedBaselines.slice(0, MOST_BASELINES).map(baselineMessage),
          more: askedBaselines.length > MOST_BASELINES,
          asOf,
        }
      : undefined,
  };
}
