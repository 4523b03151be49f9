import { copyColumns, type CopyWriter, copyWriter, sql, type Tx } from '@rapport/kit/db';
import type { Booking, TransactionHolding, TransactionRecord } from './transaction.js';

/**
 * Writes one transaction. Its time is filled in: the booking time, or the start of the booking date in the bank's time
 * zone. A column more belongs here and in `insertStaged`.
 */
export async function insertTransaction(tx: Tx, { row, holding }: Booking, timeZone: string): Promise<void> {
  await tx.run(sql`
    INSERT INTO transaction (party_id, holding_id, time, sequence, transaction_id, booking_date, booking_time, direction,
      operation, amount, currency, balance_after, purpose, counterparty_account, counterparty_bank, kind, channel,
      merchant_category, category, source, source_key, organisation_path, manager, create_time, counterparty_name,
      value_date)
    VALUES (${row.partyId}, ${row.holdingId},
      coalesce(${row.bookingTime}::timestamptz, ${row.bookingDate}::date::timestamp AT TIME ZONE ${timeZone}),
      ${row.sequence}, ${row.transactionId}, ${row.bookingDate}, ${row.bookingTime}, ${row.direction},
      ${row.operation}, ${row.amount}, ${row.currency}, ${row.balanceAfter}, ${row.purpose},
      ${row.counterpartyAccount}, ${row.counterpartyBank}, ${row.kind}, ${row.channel}, ${row.merchantCategory},
      ${row.category}, ${row.source}, ${row.sourceKey}, ${holding.organisationPath}, ${holding.manager},
      ${row.createTime}, ${row.counterpartyName}, ${row.valueDate})`);
}

/** The columns that each transaction brings to the table where it waits, in the order in which they are written. */
const staged = sql.raw(`party_id, holding_id, organisation_path, manager, sequence, transaction_id, booking_date,
  booking_time, direction, operation, amount, currency, balance_after, purpose, counterparty_account, counterparty_bank,
  kind, channel, merchant_category, category, source_key, counterparty_name, value_date`);
const OF_HOLDING = 4;
const OF_ROW = 19;

function writeRow(to: CopyWriter, row: TransactionRecord, ofHolding: Buffer): void {
  to.row(OF_HOLDING + OF_ROW);
  to.columns(ofHolding);
  to.int4(row.sequence);
  to.uuid(row.transactionId);
  to.date(row.bookingDate);
  if (row.bookingTime === null) to.null();
  else to.timestamptz(row.bookingTime);
  to.int2(row.direction);
  to.int2(row.operation);
  to.int8(row.amount);
  to.text(row.currency);
  if (row.balanceAfter === null) to.null();
  else to.int8(row.balanceAfter);
  to.text(row.purpose);
  to.text(row.counterpartyAccount);
  to.text(row.counterpartyBank);
  to.int2(row.kind);
  to.int2(row.channel);
  to.text(row.merchantCategory);
  to.text(row.category);
  to.text(row.sourceKey ?? '');
  to.text(row.counterpartyName);
  if (row.valueDate === null) to.null();
  else to.date(row.valueDate);
}

function holdingColumns(holding: TransactionHolding): Buffer {
  return copyColumns((to) => {
    to.uuid(holding.partyId);
    to.uuid(holding.holdingId);
    to.text(holding.organisationPath);
    to.text(holding.manager);
  });
}

const ofHoldings = new WeakMap<TransactionHolding, Buffer>();
const writer = copyWriter();

/** The bytes that `stageTransactions` sends. */
export function transactionBytes(bookings: readonly Booking[]): Buffer {
  for (const { row, holding } of bookings) {
    let ofHolding = ofHoldings.get(holding);
    if (!ofHolding) ofHoldings.set(holding, (ofHolding = holdingColumns(holding)));
    writeRow(writer, row, ofHolding);
  }
  return writer.finish();
}

/**
 * Puts many transactions where they wait to be inserted: COPY is refused where there is row security, so they are copied
 * into a temporary table of the connection, which costs no log.
 */
export async function stageTransactions(tx: Tx, bytes: Buffer): Promise<void> {
  await tx.run(sql`
    CREATE TEMPORARY TABLE IF NOT EXISTS transaction_stage ON COMMIT DELETE ROWS AS
    SELECT ${staged} FROM transaction WITH NO DATA`);
  await tx.copy(sql`pg_temp.transaction_stage (${staged})`, bytes);
}

/** Inserts the transactions of one source that `stageTransactions` put there. The statement is sent before it returns. */
export async function insertStaged(
  tx: Tx,
  { source, createTime, timeZone }: { source: string; createTime: Date; timeZone: string },
): Promise<void> {
  await tx.run(sql`
    INSERT INTO transaction (${staged}, time, source, create_time)
    SELECT ${staged}, coalesce(booking_time, booking_date::timestamp AT TIME ZONE ${timeZone}), ${source},
      ${createTime}::timestamptz
    FROM pg_temp.transaction_stage`);
}

/**
 * Sets each holding's balance to that of its latest transaction, unless it has a later one. Needs the balance after, of
 * at most one booking per holding.
 */
export async function setBalances(tx: Tx, latest: readonly Booking[], timeZone: string): Promise<void> {
  const rows = latest.map(({ row }) => row);
  if (rows.length === 0) return;
  await tx.run(sql`
    UPDATE holding h SET balance = r.balance, balance_time = r.time, balance_sequence = r.sequence, currency = r.currency
    FROM (SELECT party_id, holding_id, balance, sequence, currency,
        coalesce(booking_time, booking_date::timestamp AT TIME ZONE ${timeZone}) AS time
      FROM unnest(${rows.map((row) => row.partyId)}::uuid[], ${rows.map((row) => row.holdingId)}::uuid[],
        ${rows.map((row) => row.balanceAfter)}::bigint[], ${rows.map((row) => row.sequence)}::int[],
        ${rows.map((row) => row.bookingTime)}::timestamptz[], ${rows.map((row) => row.bookingDate)}::date[],
        ${rows.map((row) => row.currency)}::text[])
        AS u (party_id, holding_id, balance, sequence, booking_time, booking_date, currency)) r
    WHERE h.party_id = r.party_id AND h.holding_id = r.holding_id
      AND (h.balance_sequence IS NULL OR (h.balance_time, h.balance_sequence) < (r.time, r.sequence))`);
}
