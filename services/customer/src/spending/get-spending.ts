import { sql } from '@rapport/kit/db';
import { type Call, scopeFor } from '@rapport/kit/rpc';
import {
  type GetSpendingRequest,
  type GetSpendingResponse,
  HoldingRole,
  TransactionDirection,
} from '@rapport/proto/customer/v1';
import type { DateMessage } from '@rapport/proto/google/type';
import { seen } from '../access/access.js';
import { dayMessage, isoDay } from '../calendar/calendar.js';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { spendingKinds } from '../holding/holding.js';
import { assertParty, membersOf } from '../party/party.js';

const MOST_MONTHS = 36;

/** Adds up what went off the holdings that a party owns, by month, category and currency. */
export async function getSpending(deps: Deps, request: GetSpendingRequest, call: Call): Promise<GetSpendingResponse> {
  const [start, end] = period(request);
  const scope = scopeFor(call, 'C2');
  const on = deps.db.scoped(scope);
  const party = await assertParty(on, request.name, scope);
  // A transaction that has a booking time may lie off its booking date by the bank's and the source's time zones, so
  // that the walk through the primary key is wider than the period by ten days on either side.
  const rows = await on.rows<{ month: string; category: string; currency: string; amount: string; count: number }>(sql`
    SELECT date_trunc('month', t.booking_date)::date AS month, t.category, t.currency, sum(t.amount)::text AS amount,
      count(*)::int AS count
    FROM (SELECT DISTINCT r.holding_party_id, r.holding_id
        FROM unnest(${membersOf(party)}::uuid[]) AS member (id) CROSS JOIN LATERAL (
          SELECT * FROM holding_role r
          WHERE r.party_id = member.id AND r.role = ${HoldingRole.HOLDING_ROLE_OWNER} OFFSET 0) r) r
      CROSS JOIN LATERAL (
      SELECT h.kind FROM holding h WHERE h.party_id = r.holding_party_id AND h.holding_id = r.holding_id
        AND h.kind = ANY(${spendingKinds}::smallint[]) OFFSET 0) h
      CROSS JOIN LATERAL (
      SELECT t.booking_date, t.category, t.currency, t.amount FROM transaction t
      WHERE t.party_id = r.holding_party_id AND t.holding_id = r.holding_id
        AND t.time >= ${start}::date - 10 AND t.time < ${end}::date + 10
        AND t.booking_date >= ${start}::date AND t.booking_date < ${end}::date
        AND t.direction = ${TransactionDirection.TRANSACTION_DIRECTION_DEBIT}
        AND ${seen(scope, 't')} OFFSET 0) t
    GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`);
  await deps.reads.record(call, `${request.name}/spending`);
  return {
    spending: rows.map((row) => ({
      month: dayMessage(row.month),
      category: row.category,
      amount: { minorUnits: BigInt(row.amount), currencyCode: row.currency },
      transactions: BigInt(row.count),
    })),
  };
}

function period({ startDate, endDate }: GetSpendingRequest): [start: string, end: string] {
  const wrong = (field: string, description: string) => fail('FIELD_INVALID', { violations: [{ field, description }] });
  const start = isoDay(startDate as DateMessage);
  if (start === undefined) throw wrong('start_date', 'must be a day of the calendar');
  const end = isoDay(endDate as DateMessage);
  if (end === undefined) throw wrong('end_date', 'must be a day of the calendar');
  if (end <= start) throw wrong('end_date', 'must lie after start_date');
  const { year, month, day } = startDate as DateMessage;
  const last = new Date(Date.UTC(year, month - 1 + MOST_MONTHS, day)).toISOString().slice(0, 10);
  if (end > last) throw wrong('end_date', `must lie at most ${MOST_MONTHS} months after start_date`);
  return [start, end];
}
