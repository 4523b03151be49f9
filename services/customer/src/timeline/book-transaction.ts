import { audit } from '@rapport/kit/crypto';
import { sql, type Tx } from '@rapport/kit/db';
import { publish } from '@rapport/kit/events';
import { type Call, idempotent, scopeFor } from '@rapport/kit/rpc';
import { uuidv7 } from '@rapport/kit/runtime';
import {
  type BookTransactionRequest,
  BookTransactionResponse,
  HoldingStatus,
  type Transaction,
  TransactionBooked,
  TransactionDirection,
} from '@rapport/proto/customer/v1';
import { isoDay } from '../calendar/calendar.js';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { findHolding, type HoldingRecord, isBookable } from '../holding/holding.js';
import { categoriser } from '../spending/spending.js';
import {
  classify,
  transactionBooked,
  transactionMessage,
  transactionName,
  type TransactionRecord,
} from './transaction.js';
import { claimKeysOfTransactions } from './transaction-keys.js';
import { counterpartyToken } from './counterparty.js';
import { insertTransaction, setBalances } from './transaction-store.js';

/** Books one transaction on an open account and sets its balance. */
export async function bookTransaction(
  deps: Deps,
  request: BookTransactionRequest,
  call: Call,
): Promise<BookTransactionResponse> {
  const transaction = request.transaction as Transaction;
  const bookingDate = transaction.bookingDate && isoDay(transaction.bookingDate);
  if (bookingDate === undefined) throw invalid('booking_date', 'must be a day of the calendar');
  if (transaction.valueDate && isoDay(transaction.valueDate) === undefined) {
    throw invalid('value_date', 'must be a day of the calendar');
  }
  if ((transaction.source === '') !== (transaction.sourceKey === '')) {
    throw invalid(transaction.source === '' ? 'source' : 'source_key', 'source and source_key go together');
  }
  const scope = scopeFor(call, 'C2');
  return idempotent(
    deps.db,
    call,
    request,
    BookTransactionResponse,
    async (tx) => {
      // The lock puts bookings on one account in a row, so that each balance follows from the one before.
      const holding = await findHolding(tx, request.parent, scope, sql`FOR UPDATE`);
      assertBookable(holding, transaction);
      const row = await place(deps, tx, holding, recordOf(deps, transaction, holding, bookingDate), transaction);
      classify(row, holding, await categoriser(tx));
      await claim(tx, row);
      const booking = { row, holding, counterparty: counterpartyToken(deps.cipher, row) };
      await insertTransaction(tx, booking, deps.bank.timeZone);
      await setBalances(tx, row.balanceAfter === null ? [] : [booking], deps.bank.timeZone);
      const name = transactionName(row);
      await audit(tx, call, { resource: name, change: { created: true, operation: row.operation } });
      await publish(tx, TransactionBooked, transactionBooked(booking), { aggregate: row.partyId, subject: name });
      return { transaction: transactionMessage(row) };
    },
    { scope },
  );
}

function invalid(field: string, description: string): Error {
  return fail('FIELD_INVALID', { violations: [{ field: `transaction.${field}`, description }] });
}

function assertBookable(holding: HoldingRecord, { amount, balanceAfter }: Transaction): void {
  if (!isBookable(holding.kind)) throw fail('HOLDING_NOT_AN_ACCOUNT');
  if (holding.status === HoldingStatus.HOLDING_STATUS_CLOSED) throw fail('HOLDING_CLOSED');
  const currency = holding.currency || amount?.currencyCode;
  if (amount?.currencyCode !== currency || (balanceAfter && balanceAfter.currencyCode !== currency)) {
    throw fail('CURRENCY_MISMATCH', {
      violations: [{ field: 'transaction.amount', description: 'is not in the currency of the account' }],
    });
  }
}

function recordOf(deps: Deps, from: Transaction, holding: HoldingRecord, bookingDate: string): TransactionRecord {
  return {
    partyId: holding.partyId,
    holdingId: holding.holdingId,
    time: from.bookingTime ?? new Date(0),
    sequence: from.sequence,
    transactionId: uuidv7(),
    bookingDate,
    bookingTime: from.bookingTime ?? null,
    direction: from.direction,
    operation: from.operation,
    amount: from.amount?.minorUnits ?? 0n,
    currency: from.amount?.currencyCode ?? '',
    balanceAfter: from.balanceAfter?.minorUnits ?? null,
    purpose: from.purpose,
    counterpartyAccount: from.counterparty?.account ?? '',
    counterpartyBank: from.counterparty?.bank ?? '',
    kind: from.kind,
    channel: from.channel,
    merchantCategory: from.merchantCategory,
    category: from.category,
    source: from.source || null,
    sourceKey: from.sourceKey || null,
    createTime: deps.clock.now(),
    counterpartyName: from.counterparty?.name ?? '',
    valueDate: (from.valueDate && isoDay(from.valueDate)) ?? null,
  };
}

/** Gives the transaction its sequence within the day and, where it states none, its balance. */
async function place(
  deps: Deps,
  tx: Tx,
  holding: HoldingRecord,
  row: TransactionRecord,
  from: Transaction,
): Promise<TransactionRecord> {
  const { time, sequence } = await tx.one<{ time: Date; sequence: number }>(sql`
    SELECT coalesce(${row.bookingTime}::timestamptz, ${row.bookingDate}::timestamp AT TIME ZONE ${deps.bank.timeZone}) AS time,
      (SELECT coalesce(max(sequence), 0) + 1 FROM transaction
        WHERE party_id = ${row.partyId} AND holding_id = ${row.holdingId} AND booking_date = ${row.bookingDate}) AS sequence`);
  const placed = { ...row, time, sequence: from.sequence || sequence };
  if (placed.balanceAfter !== null) return placed;
  const before = await tx.maybe<{ balance: bigint }>(sql`
    SELECT balance_after AS balance FROM transaction
    WHERE party_id = ${row.partyId} AND holding_id = ${row.holdingId} AND balance_after IS NOT NULL
      AND (time, sequence) < (${time}, ${placed.sequence})
    ORDER BY time DESC, sequence DESC LIMIT 1`);
  // Without an earlier transaction the balance that the account was opened with counts.
  const stated = holding.balanceSequence === null ? (holding.balance ?? 0n) : 0n;
  const signed = row.direction === TransactionDirection.TRANSACTION_DIRECTION_CREDIT ? row.amount : -row.amount;
  return { ...placed, balanceAfter: (before?.balance ?? stated) + signed };
}

async function claim(tx: Tx, row: TransactionRecord): Promise<void> {
  if (row.source === null || row.sourceKey === null) return;
  const { source, sourceKey } = row;
  const free = await claimKeysOfTransactions(tx, source, [{ sourceKey, content: 0n }]);
  if (free.size === 0) throw fail('DUPLICATE_SOURCE_KEY');
}
