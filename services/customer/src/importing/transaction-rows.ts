import { sql } from '@rapport/kit/db';
import { packAll } from '@rapport/kit/events';
import { uuidv7 } from '@rapport/kit/runtime';
import { ImportKind, type TransactionRow } from '@rapport/proto/customer/v1';
import { isoDay } from '../calendar/calendar.js';
import { isBookable } from '../holding/holding.js';
import { categoriser } from '../spending/spending.js';
import {
  bookedCodec,
  type Booking,
  claimFreshKeys,
  claimKeysOfTransactions,
  classify,
  contentOfKeys,
  counterpartyToken,
  insertStaged,
  LAST_OPERATION,
  setBalances,
  stageTransactions,
  transactionBytes,
  transactionName,
  type TransactionRecord,
} from '../timeline/timeline.js';
import { accountsOf } from './accounts.js';
import {
  type Account,
  type Batch,
  type Checked,
  duplicateKey,
  firstOfEach,
  printable,
  refuse,
  settle,
  type Stream,
  unknownReference,
} from './batch.js';
import { digest64, type Refusal } from './importing.js';

const KIND = ImportKind.IMPORT_KIND_TRANSACTION;
const currencyPattern = /^[A-Z]{3}$/;
const merchantPattern = /^[0-9]{4}$/;
const codePattern = /^[a-z][a-z0-9_]{0,39}$/;

/** What a transaction row says, its holding still as a source key. */
export interface TransactionWish {
  holding: string;
  /** What the row said of what each attempt to write it may fill in. */
  said: Pick<TransactionRecord, 'sequence' | 'kind' | 'category'>;
  /** The row as it will be stored. Each attempt fills in what the row did not say and the database knows. */
  row: TransactionRecord;
}

/** How many other sides a stream remembers: some megabytes. */
const MOST_COUNTERPARTIES = 50_000;
const NEVER = new Date(0);

function invalid(field: string, message: string, value: unknown): Refusal {
  return { field, reason: 'VALUE_INVALID', message, value: printable(String(value)) };
}

/** Characters, as the contract counts them; only strings that may be too long are counted one by one. */
function longer(text: string, most: number): boolean {
  return text.length > most && [...text].length > most;
}

function badKey(field: string, key: string): Refusal | undefined {
  if (key === '' || longer(key, 120)) return invalid(field, 'must be 1 to 120 characters', key);
  return key.includes('\0') ? invalid(field, 'holds a NUL character', key) : undefined;
}

/**
 * Judges a row by the rules that need no database. The rules of the contract, written out: by far the most rows of a
 * bank are transactions, and the general validator takes 20 times as long. A test compares the two.
 */
export function checkTransaction(
  stream: Stream,
  line: bigint,
  row: TransactionRow,
): Checked<TransactionWish> | Refusal {
  const { sourceKey, holdingSourceKey, transaction } = row;
  const bad = badKey('source_key', sourceKey) ?? badKey('holding_source_key', holdingSourceKey);
  if (bad) return bad;
  if (!transaction) return invalid('transaction', 'is required', '');
  const { direction, amount, balanceAfter, operation, bookingDate, purpose, counterparty, sequence } = transaction;
  if (direction !== 1 && direction !== 2) return invalid('direction', 'must be credit or debit', direction);
  if (!amount) return invalid('amount', 'is required', '');
  if (amount.minorUnits <= 0n) return invalid('amount', 'must be positive', amount.minorUnits);
  const currency = amount.currencyCode;
  if (!currencyPattern.test(currency))
    return invalid('amount.currency_code', 'must be three capital letters', currency);
  if (balanceAfter && balanceAfter.currencyCode !== currency) {
    const message = 'must be in the currency of the amount';
    return { ...invalid('balance_after', message, balanceAfter.currencyCode), reason: 'CURRENCY_MISMATCH' };
  }
  if (!(operation >= 1 && operation <= LAST_OPERATION)) return invalid('operation', 'is not an operation', operation);
  if (!bookingDate) return invalid('booking_date', 'is required', '');
  const day = isoDay(bookingDate);
  if (day === undefined) {
    const { year, month, day: ofMonth } = bookingDate;
    return invalid('booking_date', 'must be a day of the calendar', `${year}-${month}-${ofMonth}`);
  }
  if (purpose !== '' && !codePattern.test(purpose)) return invalid('purpose', 'must be a lower-case code', purpose);
  if (sequence < 0 || sequence > 1_000_000) return invalid('sequence', 'must be 0 to 1000000', sequence);
  const account = counterparty?.account ?? '';
  const bank = counterparty?.bank ?? '';
  for (const [field, text] of [
    ['counterparty.account', account],
    ['counterparty.bank', bank],
  ] as const) {
    if (longer(text, 60) || text.includes('\0'))
      return invalid(field, 'must be at most 60 characters without NUL', text);
  }
  const name = counterparty?.name ?? '';
  if (longer(name, 140) || name.includes('\0')) {
    return invalid('counterparty.name', 'must be at most 140 characters without NUL', name);
  }
  const valueDay = transaction.valueDate ? isoDay(transaction.valueDate) : null;
  if (valueDay === undefined) return invalid('value_date', 'must be a day of the calendar', '');
  const { kind, channel, merchantCategory, category } = transaction;
  if (!(kind >= 0 && kind <= 8)) return invalid('kind', 'is not a kind', kind);
  if (!(channel >= 0 && channel <= 8)) return invalid('channel', 'is not a channel', channel);
  if (merchantCategory !== '' && !merchantPattern.test(merchantCategory))
    return invalid('merchant_category', 'must be four digits', merchantCategory);
  if (category !== '' && !codePattern.test(category)) return invalid('category', 'must be a lower-case code', category);
  const bookingTime = transaction.bookingTime ?? null;
  const said = `${holdingSourceKey}\n${direction}\n${operation}\n${amount.minorUnits}\n${currency}\n${balanceAfter?.minorUnits}\n${day}\n${bookingTime?.getTime()}\n${purpose}\n${account}\n${bank}`;
  // Rows that say none of these have the digest that they had before these were kept.
  const more =
    kind === 0 && channel === 0 && merchantCategory === '' && category === ''
      ? ''
      : `\n${kind}\n${channel}\n${merchantCategory}\n${category}`;
  const other = name === '' && valueDay === null ? '' : `\n${name}\n${valueDay}`;
  return {
    line,
    key: sourceKey,
    content: digest64(said + more + other),
    value: {
      holding: holdingSourceKey,
      said: { sequence, kind, category },
      row: {
        partyId: '',
        holdingId: '',
        time: bookingTime ?? NEVER,
        sequence,
        transactionId: '',
        bookingDate: day,
        bookingTime,
        direction,
        operation,
        amount: amount.minorUnits,
        currency,
        balanceAfter: balanceAfter?.minorUnits ?? null,
        purpose,
        counterpartyAccount: account,
        counterpartyBank: bank,
        kind,
        channel,
        merchantCategory,
        category,
        source: stream.source,
        sourceKey,
        createTime: NEVER,
        counterpartyName: name,
        valueDate: valueDay,
      },
    },
  };
}

/** Writes the transactions of a batch with their events; sets the balances of their accounts. */
export async function takeTransactions(batch: Batch, rows: readonly Checked<TransactionWish>[]): Promise<void> {
  if (rows.length === 0) return;
  const byKey = firstOfEach(batch, KIND, rows);
  const accounts = await accountsOf(batch, new Set([...byKey.values()].map(({ value }) => value.holding)));
  const categorise = await categoriser(batch.tx);
  const wanted: { from: Checked<TransactionWish>; booking: Booking }[] = [];
  for (const from of byKey.values()) {
    const { holding, row } = from.value;
    const account = accounts.get(holding);
    if (!account || !isBookable(account.kind)) {
      refuse(batch, KIND, from.line, unknownReference('holding_source_key', holding));
    } else if (account.currency !== '' && account.currency !== row.currency) {
      const message = 'is not in the currency of the account';
      const value = row.currency;
      refuse(batch, KIND, from.line, { field: 'amount', reason: 'CURRENCY_MISMATCH', message, value });
    } else {
      place(from.value, account, batch.now);
      classify(row, account, categorise);
      wanted.push({ from, booking: { row, holding: account, counterparty: tokenOf(batch, row) } });
    }
  }
  const bookings = await claim(batch, wanted);
  if (bookings.length === 0) return;
  await placeLast(batch, bookings);
  const { tx, source, now: createTime } = batch;
  const { timeZone } = batch.deps.bank;
  await stageTransactions(tx, transactionBytes(bookings));
  const inserting = insertStaged(tx, { source, createTime, timeZone });
  // A failure is thrown where it is awaited; until then it must not count as unhandled.
  inserting.catch(() => undefined);
  // While Postgres inserts the transactions, which takes it longer than all else, their events are encoded.
  const publish = packAll(bookedCodec, bookings, ({ row, holding: { organisationPath } }) => ({
    aggregate: row.partyId,
    subject: transactionName(row),
    organisationPath,
  }));
  await inserting;
  await publish(tx);
  await setBalances(tx, latestOf(bookings), timeZone);
}

/** Makes the row one of the account, as if no attempt to write it had been made before. */
function place({ row, said }: TransactionWish, { partyId, holdingId }: Account, createTime: Date): void {
  row.partyId = partyId;
  row.holdingId = holdingId;
  row.transactionId = uuidv7();
  row.createTime = createTime;
  row.sequence = said.sequence;
  row.kind = said.kind;
  row.category = said.category;
}

/** The token of the other side. A file names the same shops and employers over and over. */
function tokenOf({ deps, counterparties }: Batch, row: TransactionRecord): bigint {
  const who = `${row.counterpartyBank}\n${row.counterpartyAccount}\n${row.counterpartyName}`;
  let token = counterparties.get(who);
  if (token === undefined) {
    if (counterparties.size >= MOST_COUNTERPARTIES) counterparties.clear();
    token = counterpartyToken(deps.cipher, row);
    counterparties.set(who, token);
  }
  return token;
}

/** Gives the bookings whose keys are new; the others say the same as before, or are refused. */
async function claim(batch: Batch, wanted: { from: Checked<TransactionWish>; booking: Booking }[]): Promise<Booking[]> {
  if (wanted.length === 0) return [];
  const { tx, source, keys } = batch;
  const claims = wanted.map(({ from }) => ({ sourceKey: from.key, content: from.content }));
  // As a rule a file brings only new rows or, sent a second time, only known ones.
  const allFree = !keys.repeated && (await claimFreshKeys(tx, source, claims));
  const free = allFree ? undefined : await claimKeysOfTransactions(tx, source, claims);
  const fresh = wanted.filter(({ from }) => free?.has(from.key) ?? true);
  for (const _row of fresh) settle(batch, KIND, 'created');
  const taken = wanted.filter(({ from }) => free?.has(from.key) === false).map(({ from }) => from);
  keys.repeated = taken.length > 0;
  if (taken.length > 0) await settleTaken(batch, taken);
  return fresh.map(({ booking }) => booking);
}

async function settleTaken(batch: Batch, taken: readonly Checked<TransactionWish>[]): Promise<void> {
  const content = await contentOfKeys(
    batch.tx,
    batch.source,
    taken.map(({ key }) => key),
  );
  for (const from of taken) {
    if (content.get(from.key) === from.content) settle(batch, KIND, 'unchanged');
    else refuse(batch, KIND, from.line, duplicateKey(from.key, 'is taken by a transaction that says something else'));
  }
}

/** Puts the transactions that state no place after all that were booked on their account and day so far. */
async function placeLast(batch: Batch, bookings: readonly Booking[]): Promise<void> {
  const placeless = bookings.map(({ row }) => row).filter((row) => row.sequence === 0);
  if (placeless.length === 0) return;
  const last = await batch.tx.rows<{ holdingId: string; day: string; last: number }>(sql`
    SELECT t.holding_id AS "holdingId", t.booking_date AS day, max(t.sequence) AS last
    FROM (SELECT DISTINCT * FROM unnest(${placeless.map((row) => row.partyId)}::uuid[],
      ${placeless.map((row) => row.holdingId)}::uuid[], ${placeless.map((row) => row.bookingDate)}::date[])
      AS u (party_id, holding_id, day)) u
    JOIN transaction t ON t.party_id = u.party_id AND t.holding_id = u.holding_id AND t.booking_date = u.day
    GROUP BY 1, 2`);
  const next = new Map(last.map((row) => [`${row.holdingId} ${row.day}`, row.last]));
  for (const { row } of bookings) {
    const day = `${row.holdingId} ${row.bookingDate}`;
    if (row.sequence > 0) next.set(day, Math.max(next.get(day) ?? 0, row.sequence));
  }
  for (const row of placeless) {
    const day = `${row.holdingId} ${row.bookingDate}`;
    row.sequence = (next.get(day) ?? 0) + 1;
    next.set(day, row.sequence);
  }
}

/** The latest booking of each account that states a balance. */
function latestOf(bookings: readonly Booking[]): Booking[] {
  const latest = new Map<string, Booking>();
  for (const booking of bookings) {
    const { row } = booking;
    if (row.balanceAfter === null) continue;
    const before = latest.get(row.holdingId)?.row;
    if (!before || isLater(row, before)) latest.set(row.holdingId, booking);
  }
  return [...latest.values()];
}

function isLater(row: TransactionRecord, than: TransactionRecord): boolean {
  if (row.bookingDate !== than.bookingDate) return row.bookingDate > than.bookingDate;
  const [time, before] = [row.bookingTime?.getTime() ?? 0, than.bookingTime?.getTime() ?? 0];
  return time === before ? row.sequence > than.sequence : time > before;
}
