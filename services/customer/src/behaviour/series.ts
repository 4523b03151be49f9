import { type Sql, sql, type Tx } from '@rapport/kit/db';
import { BehaviourKind, HoldingKind, HoldingRole, MeasureKind, TransactionDirection } from '@rapport/proto/customer/v1';
import { Channel } from '@rapport/proto/type/v1';
import { spendingKinds } from '../holding/holding.js';

/** Days as numbers since 1 January 1970, so that they can be counted. */
export function dayNumber(day: string): number {
  return Date.parse(`${day}T00:00:00Z`) / 86_400_000;
}

/** `YYYY-MM-DD`. */
export function dayText(number: number): string {
  return new Date(number * 86_400_000).toISOString().slice(0, 10);
}

/** From 0, Monday, to 6; the first day of 1970 was a Thursday. */
export function weekday(number: number): number {
  return (((number + 3) % 7) + 7) % 7;
}

/** The values of one measure: by day, only days on which there is one. */
export type Series = Map<number, number>;

/** A measure as a key of maps: `kind code`. */
export function measureKey(kind: MeasureKind, code: string): string {
  return `${kind} ${code}`;
}

/** What was measured of one party: the series by measure. */
export type Measured = Map<string, Series>;

/** Of which golden record what is read from which day on, `YYYY-MM-DD`. */
export interface Window {
  partyId: string;
  since: string;
}

const members =
  sql.raw(`CROSS JOIN LATERAL (SELECT g.party_id || g.aliases AS ids FROM party g WHERE g.party_id = w.id) g
  CROSS JOIN LATERAL unnest(g.ids) AS member (id)`);

function windows(of: readonly Window[]): Sql {
  return sql`unnest(${of.map(({ partyId }) => partyId)}::uuid[], ${of.map(({ since }) => since)}::date[]) AS w (id, since)`;
}

/** What the golden record of the window w owns of accounts, each once, under the name r. */
const owned: Sql = sql.raw(`CROSS JOIN LATERAL (
  SELECT DISTINCT r.holding_party_id, r.holding_id FROM unnest(g.ids) AS member (id) CROSS JOIN LATERAL (
    SELECT * FROM holding_role r WHERE r.party_id = member.id AND r.role = ${HoldingRole.HOLDING_ROLE_OWNER} OFFSET 0) r
  ) r`);

interface Found {
  partyId: string;
  day: string;
  kind: MeasureKind;
  code: string;
  value: number;
}

/**
 * Reads what the measures of some golden records came to, from the rows themselves, so that the same answer comes
 * however often and in whatever order they were written. Work grows with the days asked for, not with the history.
 */
export async function readSeries(tx: Tx, of: readonly Window[], timeZone: string): Promise<Map<string, Measured>> {
  const found = [
    ...(await digital(tx, of, timeZone)),
    ...(await spending(tx, of, timeZone)),
    ...(await balances(tx, of, timeZone)),
  ];
  const all = new Map<string, Measured>(of.map(({ partyId }) => [partyId, new Map()]));
  for (const { partyId, day, kind, code, value } of found) {
    const measured = all.get(partyId) as Measured;
    const key = measureKey(kind, code);
    let series = measured.get(key);
    if (!series) measured.set(key, (series = new Map()));
    const number = dayNumber(day);
    series.set(number, (series.get(number) ?? 0) + value);
  }
  return all;
}

async function digital(tx: Tx, of: readonly Window[], timeZone: string): Promise<Found[]> {
  const rows = await tx.rows<{ partyId: string; day: string; kind: number; topic: string; channel: number; n: number }>(
    sql`
    SELECT w.id AS "partyId", (e.time AT TIME ZONE ${timeZone})::date::text AS day, e.kind, e.topic, e.channel,
      count(*)::int AS n
    FROM ${windows(of)} ${members} CROSS JOIN LATERAL (
      SELECT * FROM behaviour_event e
      WHERE e.party_id = member.id AND e.time >= w.since::timestamp AT TIME ZONE ${timeZone} OFFSET 0) e
    GROUP BY 1, 2, 3, 4, 5`,
  );
  const interests: BehaviourKind[] = [BehaviourKind.BEHAVIOUR_KIND_PAGE_VIEW, BehaviourKind.BEHAVIOUR_KIND_SEARCH];
  return rows.flatMap(({ partyId, day, kind, topic, channel, n }) => {
    const one = (measure: MeasureKind, code: string): Found => ({ partyId, day, kind: measure, code, value: n });
    const name = (Channel[channel] ?? '').replace('CHANNEL_', '').toLowerCase();
    return [
      one(MeasureKind.MEASURE_KIND_CHANNEL, name),
      ...(kind === BehaviourKind.BEHAVIOUR_KIND_LOGIN ? [one(MeasureKind.MEASURE_KIND_LOGIN, '')] : []),
      ...(interests.includes(kind) && topic !== '' ? [one(MeasureKind.MEASURE_KIND_INTEREST, topic)] : []),
    ];
  });
}

function spending(tx: Tx, of: readonly Window[], timeZone: string): Promise<Found[]> {
  return tx.rows<Found>(sql`
    SELECT w.id AS "partyId", t.booking_date::text AS day, ${MeasureKind.MEASURE_KIND_SPENDING}::int AS kind,
      coalesce(nullif(t.category, ''), 'other') || ':' || t.currency AS code, sum(t.amount)::float8 AS value
    FROM ${windows(of)} ${memberIds} ${owned} CROSS JOIN LATERAL (
      SELECT h.kind FROM holding h WHERE h.party_id = r.holding_party_id AND h.holding_id = r.holding_id
        AND h.kind = ANY(${spendingKinds}::smallint[]) OFFSET 0) h
    CROSS JOIN LATERAL (
      SELECT * FROM transaction t WHERE t.party_id = r.holding_party_id AND t.holding_id = r.holding_id
        AND t.time >= (w.since - 1)::timestamp AT TIME ZONE ${timeZone} AND t.booking_date >= w.since
        AND t.direction = ${TransactionDirection.TRANSACTION_DIRECTION_DEBIT} OFFSET 0) t
    GROUP BY 1, 2, 4`);
}

const memberIds = sql.raw(
  'CROSS JOIN LATERAL (SELECT g.party_id || g.aliases AS ids FROM party g WHERE g.party_id = w.id) g',
);

/** The last balance of each account on each day that has one, and the last before the window on the day before it. */
async function balances(tx: Tx, of: readonly Window[], timeZone: string): Promise<Found[]> {
  type Row = { partyId: string; since: string; holdingId: string; currency: string; day: string; balance: number };
  const rows = await tx.rows<Row>(sql`
    SELECT w.id AS "partyId", w.since::text, h.holding_id AS "holdingId", t.currency, t.day::text, t.balance
    FROM ${windows(of)} ${memberIds} ${owned} CROSS JOIN LATERAL (
      SELECT h.* FROM holding h WHERE h.party_id = r.holding_party_id AND h.holding_id = r.holding_id
        AND h.kind = ${HoldingKind.HOLDING_KIND_ACCOUNT} OFFSET 0) h
    CROSS JOIN LATERAL (
      (SELECT DISTINCT ON (t.booking_date) t.booking_date AS day, t.currency, t.balance_after::float8 AS balance
        FROM transaction t WHERE t.party_id = h.party_id AND t.holding_id = h.holding_id
          AND t.time >= w.since::timestamp AT TIME ZONE ${timeZone} AND t.balance_after IS NOT NULL
        ORDER BY t.booking_date, t.time DESC, t.sequence DESC)
      UNION ALL
      (SELECT w.since - 1, t.currency, t.balance_after::float8 FROM transaction t
        WHERE t.party_id = h.party_id AND t.holding_id = h.holding_id
          AND t.time < w.since::timestamp AT TIME ZONE ${timeZone} AND t.balance_after IS NOT NULL
        ORDER BY t.time DESC, t.sequence DESC LIMIT 1)) t`);
  return carried(rows);
}

/** Adds up the accounts of a currency day by day; an account without a booking has what it had the day before. */
function carried(
  rows: readonly { partyId: string; holdingId: string; currency: string; day: string; balance: number }[],
): Found[] {
  const groups = new Map<string, (typeof rows)[number][]>();
  for (const row of rows) {
    const key = `${row.partyId} ${row.currency}`;
    const group = groups.get(key);
    if (group) group.push(row);
    else groups.set(key, [row]);
  }
  return [...groups.values()].flatMap((group) => {
    const held = new Map<string, number>();
    const days = new Map<string, Found>();
    for (const row of [...group].sort((a, b) => (a.day < b.day ? -1 : a.day > b.day ? 1 : 0))) {
      held.set(row.holdingId, row.balance);
      const value = [...held.values()].reduce((sum, balance) => sum + balance, 0);
      const { partyId, day, currency } = row;
      days.set(day, { partyId, day, kind: MeasureKind.MEASURE_KIND_BALANCE, code: currency, value });
    }
    return [...days.values()];
  });
}
