import { type Sql, sql } from '@rapport/kit/db';
import {
  HoldingKind,
  type Transaction,
  type TransactionBooked,
  TransactionKind,
  TransactionOperation,
} from '@rapport/proto/customer/v1';
import { dayMessage } from '../calendar/calendar.js';
import { holdingName, type HoldingRecord, ownerNames, spendingKinds } from '../holding/holding.js';
import type { Categorise } from '../spending/spending.js';

/** The highest number of an operation. */
export const LAST_OPERATION = TransactionOperation.TRANSACTION_OPERATION_LOAN_REPAYMENT;

/** A transaction as it is stored, in the names of the Prisma model. */
export interface TransactionRecord {
  partyId: string;
  holdingId: string;
  time: Date;
  sequence: number;
  transactionId: string;
  /** `YYYY-MM-DD`. */
  bookingDate: string;
  bookingTime: Date | null;
  direction: number;
  operation: number;
  amount: bigint;
  currency: string;
  balanceAfter: bigint | null;
  purpose: string;
  counterpartyAccount: string;
  counterpartyBank: string;
  /** 0 in rows from before kinds were kept; see `kindOf`. */
  kind: number;
  channel: number;
  /** ISO 18245; '' when not known. */
  merchantCategory: string;
  category: string;
  source: string | null;
  sourceKey: string | null;
  createTime: Date;
  counterpartyName: string;
  /** `YYYY-MM-DD`. */
  valueDate: string | null;
}

function columns(integer: '' | '::text'): Sql {
  return sql.raw(`t.party_id AS "partyId", t.holding_id AS "holdingId", t.time, t.sequence,
    t.transaction_id AS "transactionId", t.booking_date AS "bookingDate", t.booking_time AS "bookingTime", t.direction,
    t.operation, t.amount${integer} AS amount, t.currency, t.balance_after${integer} AS "balanceAfter", t.purpose,
    t.counterparty_account AS "counterpartyAccount", t.counterparty_bank AS "counterpartyBank", t.kind,
    t.channel, t.merchant_category AS "merchantCategory", t.category, t.source,
    t.source_key AS "sourceKey", t.create_time AS "createTime", t.counterparty_name AS "counterpartyName",
    t.value_date AS "valueDate"`);
}

/** The columns of a `TransactionRecord`, of the table `transaction` under the name t. */
export const transactionColumns: Sql = columns('');

/** The same for a row that becomes JSON, whose numbers would lose digits. */
export const transactionJsonColumns: Sql = columns('::text');

/** A row that came as JSON. */
export function transactionFromJson(json: TransactionRecord): TransactionRecord {
  return {
    ...json,
    time: new Date(json.time),
    bookingTime: json.bookingTime === null ? null : new Date(json.bookingTime),
    amount: BigInt(json.amount),
    balanceAfter: json.balanceAfter === null ? null : BigInt(json.balanceAfter),
    createTime: new Date(json.createTime),
  };
}

/** `parties/{uuid}/holdings/{uuid}/transactions/{uuid}`. */
export function transactionName(row: { partyId: string; holdingId: string; transactionId: string }): string {
  return `${holdingName(row)}/transactions/${row.transactionId}`;
}

/** The message of a row. */
export function transactionMessage(row: TransactionRecord): Transaction {
  const { amount, balanceAfter, currency } = row;
  const counterparty = { account: row.counterpartyAccount, bank: row.counterpartyBank, name: row.counterpartyName };
  return {
    name: transactionName(row),
    direction: row.direction,
    amount: { minorUnits: amount, currencyCode: currency },
    balanceAfter: balanceAfter === null ? undefined : { minorUnits: balanceAfter, currencyCode: currency },
    operation: row.operation,
    bookingDate: dayMessage(row.bookingDate),
    bookingTime: row.bookingTime ?? undefined,
    purpose: row.purpose,
    counterparty: Object.values(counterparty).every((text) => text === '') ? undefined : counterparty,
    valueDate: row.valueDate === null ? undefined : dayMessage(row.valueDate),
    source: row.source ?? '',
    sourceKey: row.sourceKey ?? '',
    createTime: row.createTime,
    sequence: row.sequence,
    kind: row.kind || kindOf(row.operation),
    channel: row.channel,
    merchantCategory: row.merchantCategory,
    category: row.category,
  };
}

const kinds: Readonly<Record<number, TransactionKind>> = {
  [TransactionOperation.TRANSACTION_OPERATION_CASH_DEPOSIT]: TransactionKind.TRANSACTION_KIND_DEPOSIT,
  [TransactionOperation.TRANSACTION_OPERATION_CASH_WITHDRAWAL]: TransactionKind.TRANSACTION_KIND_WITHDRAWAL,
  [TransactionOperation.TRANSACTION_OPERATION_CARD_WITHDRAWAL]: TransactionKind.TRANSACTION_KIND_WITHDRAWAL,
  [TransactionOperation.TRANSACTION_OPERATION_TRANSFER_IN]: TransactionKind.TRANSACTION_KIND_TRANSFER,
  [TransactionOperation.TRANSACTION_OPERATION_TRANSFER_OUT]: TransactionKind.TRANSACTION_KIND_TRANSFER,
  [TransactionOperation.TRANSACTION_OPERATION_INTEREST]: TransactionKind.TRANSACTION_KIND_INTEREST,
  [TransactionOperation.TRANSACTION_OPERATION_FEE]: TransactionKind.TRANSACTION_KIND_FEE,
  [TransactionOperation.TRANSACTION_OPERATION_PENALTY]: TransactionKind.TRANSACTION_KIND_FEE,
  [TransactionOperation.TRANSACTION_OPERATION_CARD_PAYMENT]: TransactionKind.TRANSACTION_KIND_CARD,
  [TransactionOperation.TRANSACTION_OPERATION_LOAN_DISBURSEMENT]: TransactionKind.TRANSACTION_KIND_LOAN,
  [TransactionOperation.TRANSACTION_OPERATION_LOAN_REPAYMENT]: TransactionKind.TRANSACTION_KIND_LOAN,
};

/** The kind that an operation makes where nobody states one. */
export function kindOf(operation: number): TransactionKind {
  return kinds[operation] ?? TransactionKind.TRANSACTION_KIND_OTHER;
}

/** The operations that make a kind. */
export function operationsOf(kind: number): number[] {
  return Array.from({ length: LAST_OPERATION }, (_none, index) => index + 1).filter((one) => kindOf(one) === kind);
}

/** Gives a new transaction the kind and the category that it does not state. */
export function classify(row: TransactionRecord, holding: TransactionHolding, categorise: Categorise): void {
  row.kind ||=
    holding.kind === HoldingKind.HOLDING_KIND_LOAN ? TransactionKind.TRANSACTION_KIND_LOAN : kindOf(row.operation);
  if (spendingKinds.includes(holding.kind)) row.category ||= categorise(holding.organisationPath, row);
}

/** What a transaction needs to know of its holding. */
export type TransactionHolding = Pick<
  HoldingRecord,
  'partyId' | 'holdingId' | 'kind' | 'owners' | 'organisationPath' | 'manager'
>;

/** What the world hears of a transaction: of the other side nothing that can be read. */
export function transactionBooked({ row, holding, counterparty }: Booking): TransactionBooked {
  const { amount, balanceAfter, currency } = row;
  return {
    transaction: transactionName(row),
    holding: holdingName(holding),
    holdingKind: holding.kind,
    parties: ownerNames(holding.owners),
    organisationPath: holding.organisationPath,
    direction: row.direction,
    amount: { minorUnits: amount, currencyCode: currency },
    balanceAfter: balanceAfter === null ? undefined : { minorUnits: balanceAfter, currencyCode: currency },
    bookingDate: dayMessage(row.bookingDate),
    bookingTime: row.bookingTime ?? undefined,
    operation: row.operation,
    purpose: row.purpose,
    source: row.source ?? '',
    sequence: row.sequence,
    kind: row.kind,
    channel: row.channel,
    merchantCategory: row.merchantCategory,
    category: row.category,
    counterpartyToken: counterparty,
  };
}

/** A transaction with the holding that it is on. */
export interface Booking {
  row: TransactionRecord;
  holding: TransactionHolding;
  /** See `counterpartyToken`. */
  counterparty: bigint;
}
