import {
  HoldingStatus,
  ImportKind,
  type ImportRow,
  LoanStatus,
  PartyState,
  Sex,
  TransactionChannel,
  TransactionOperation,
} from '@rapport/proto/customer/v1';
import type { z } from 'zod';
import type { PlainDate } from '../bank/bank.js';
import { readDay, readMoney } from '../csv/values.js';
import { rowMessage } from '../importing/row.js';
import {
  clientShape,
  type FineractRecord,
  loanShape,
  loanTransactionShape,
  savingsShape,
  savingsTransactionShape,
} from './records.js';

/** What is passed over, by why: not lost in silence. */
export type PassedOver = Map<string, number>;

class Unusable extends Error {
  constructor(
    readonly kind: ImportKind,
    readonly field: string,
    readonly reason: string,
    readonly value: unknown,
  ) {
    super(reason);
  }
}

/** The rows that a record makes, in an order in which each refers to earlier ones only. */
export function* rowsOf(record: FineractRecord, line: number, passed: PassedOver): Generator<ImportRow> {
  for (const make of makersOf(record, passed)) {
    let row: object | undefined;
    try {
      row = make();
    } catch (error) {
      if (!(error instanceof Unusable)) throw error;
      const { kind, field, reason, value } = error;
      const originalValue = value === undefined || value === null ? '' : JSON.stringify(value).slice(0, 200);
      const keys = keysIn(record);
      row = { $case: 'unreadable', value: { kind, field, reason, originalValue, keys } };
    }
    if (row) yield rowMessage(line, row);
  }
}

/** Whom a record is about, though something else of it cannot be read. */
function keysIn({ is, data }: FineractRecord): string[] {
  if (is !== 'client' && is !== 'savings' && is !== 'loan') return [];
  const { clientId } = (data ?? {}) as { clientId?: unknown };
  return [`${is}/${idIn(data)}`, ...(Number.isInteger(clientId) ? [`client/${String(clientId)}`] : [])];
}

type Maker = () => object | undefined;

function makersOf({ is, data }: FineractRecord, passed: PassedOver): Maker[] {
  if (is === 'client') return [() => client(data, passed)];
  if (is === 'savings') {
    const inside = transactionsIn(data).map((one) => () => savingsTransaction(one, idIn(data), passed));
    return [() => savings(data, passed), ...(isOpened(data) ? inside : [])];
  }
  if (is === 'loan') {
    const inside = transactionsIn(data).map((one) => () => loanTransaction(one, idIn(data), passed));
    return [() => loan(data, passed), ...(isOpened(data) ? inside : [])];
  }
  if (is === 'savings_transaction') return [() => savingsTransaction(data, undefined, passed)];
  return [() => loanTransaction(data, undefined, passed)];
}

/** Fineract lists the newest first; ids grow with time, and a balance follows from the one before. */
function transactionsIn(data: unknown): unknown[] {
  const list = (data as { transactions?: unknown } | null)?.transactions;
  return Array.isArray(list) ? list.toSorted((a, b) => idIn(a) - idIn(b)) : [];
}

const idIn = (data: unknown): number => Number((data as { id?: unknown } | null)?.id ?? 0);

/** What was applied for and not opened yet is nobody's holding: status 300 is active, above it comes what is over. */
function isOpened(data: unknown): boolean {
  const status = (data as { status?: { id?: number } | null } | null)?.status;
  return (status?.id ?? 0) >= 300 && !REFUSED.includes(status?.id ?? 0);
}

/** Withdrawn by the applicant, rejected. */
const REFUSED = [400, 500];

function shaped<T>(shape: z.ZodType<T>, data: unknown, kind: ImportKind): T {
  const parsed = shape.safeParse(data);
  if (parsed.success) return parsed.data;
  const field = parsed.error.issues[0]?.path.join('.') ?? '';
  throw new Unusable(
    kind,
    field,
    'SHAPE_UNKNOWN',
    field === '' ? undefined : (data as Record<string, unknown>)[field.split('.')[0] as string],
  );
}

function pass(passed: PassedOver, why: string): undefined {
  passed.set(why, (passed.get(why) ?? 0) + 1);
  return undefined;
}

type Day = [number, number, number] | string | null | undefined;

function dayOf(value: Day): PlainDate | undefined {
  if (value === null || value === undefined) return undefined;
  const written = typeof value === 'string' ? value : value.map((part) => String(part).padStart(2, '0')).join('-');
  const read = readDay(written.slice(0, 10), 'yyyy-MM-dd');
  return 'value' in read ? read.value : undefined;
}

const plain = { decimal: '.', group: '', minor: false };

function moneyOf(value: string | number | null | undefined, code: string, kind: ImportKind, field: string) {
  const read = readMoney(String(value ?? ''), code, plain);
  if ('reason' in read) throw new Unusable(kind, field, read.reason, value);
  return { minorUnits: read.value, currencyCode: code };
}

const PARTY = ImportKind.IMPORT_KIND_PARTY;
const HOLDING = ImportKind.IMPORT_KIND_HOLDING;
const TRANSACTION = ImportKind.IMPORT_KIND_TRANSACTION;
/** Legal form 2 is an entity (`legalFormType.entity`). */
const ENTITY = 2;

function client(data: unknown, passed: PassedOver): object {
  const of = shaped(clientShape, data, PARTY);
  const name = of.fullname || of.displayName || '';
  const words = name.split(/\s+/);
  const phone = (of.mobileNo ?? '').replaceAll(/[\s().-]/g, '');
  const international = /^\+[1-9][0-9]{5,14}$/.test(phone);
  if (phone !== '' && !international) pass(passed, 'telephone numbers without a country code');
  const person = {
    givenName: [of.firstname, of.middlename].filter(Boolean).join(' ') || words.slice(0, -1).join(' ') || name,
    familyName: of.lastname || (words.at(-1) ?? ''),
    sex: sexOf(of.gender?.name ?? of.gender?.value),
    birthDate: dayOf(of.dateOfBirth),
  };
  const party = {
    details:
      of.legalForm?.id === ENTITY
        ? { $case: 'organisation', value: { legalName: name } }
        : { $case: 'person', value: person },
    branch: (of.officeName ?? '').slice(0, 100),
    contactPoints: [
      ...(of.emailAddress ? [{ point: { $case: 'email', value: of.emailAddress }, preferred: true }] : []),
      ...(international ? [{ point: { $case: 'phone', value: phone }, preferred: true }] : []),
    ],
    // 600 is closed, 700 rejected, 800 withdrawn.
    state: (of.status?.id ?? 0) >= 600 ? PartyState.PARTY_STATE_CLOSED : PartyState.PARTY_STATE_ACTIVE,
  };
  return { $case: 'party', value: { sourceKey: `client/${of.id}`, party } };
}

function sexOf(word: string | null | undefined): Sex {
  const lower = (word ?? '').toLowerCase();
  if (lower === 'female' || lower === 'f') return Sex.SEX_FEMALE;
  return lower === 'male' || lower === 'm' ? Sex.SEX_MALE : Sex.SEX_UNSPECIFIED;
}

/** Fixed (200) and recurring (300) deposits; everything else is a savings account. */
const DEPOSITS = [200, 300];

function savings(data: unknown, passed: PassedOver): object | undefined {
  const of = shaped(savingsShape, data, HOLDING);
  if (!isOpened(of)) return pass(passed, 'savings accounts that are not opened');
  if (!of.clientId) return pass(passed, 'accounts of groups');
  const opened = dayOf(of.timeline?.activatedOnDate) ?? dayOf(of.timeline?.approvedOnDate);
  if (!opened) throw new Unusable(HOLDING, 'timeline.activatedOnDate', 'DATE_MISSING', of.timeline);
  const isDeposit = DEPOSITS.includes(of.depositType?.id ?? 0);
  const details = isDeposit
    ? { $case: 'deposit', value: {} }
    : { $case: 'account', value: { currencyCode: of.currency?.code ?? '' } };
  const closed = dayOf(of.timeline?.closedOnDate);
  const isClosed = (of.status?.id ?? 0) >= 600;
  const status = isClosed ? HoldingStatus.HOLDING_STATUS_CLOSED : HoldingStatus.HOLDING_STATUS_OPEN;
  const holding = { details, openedDate: opened, ...(isClosed && closed && { closedDate: closed }), status };
  return {
    $case: 'holding',
    value: { sourceKey: `savings/${of.id}`, ownerSourceKey: `client/${of.clientId}`, holding },
  };
}

/** A term in months, rounded up: frequency types are 0 days, 1 weeks, 2 months, 3 years. */
function monthsOf(term: number, type: number | null | undefined): number {
  const months = type === 0 ? term / 30.4375 : type === 1 ? (term * 7) / 30.4375 : type === 3 ? term * 12 : term;
  return Math.max(1, Math.ceil(months));
}

function loan(data: unknown, passed: PassedOver): object | undefined {
  const of = shaped(loanShape, data, HOLDING);
  if (!isOpened(of)) return pass(passed, 'loans that are not paid out');
  if (!of.clientId) return pass(passed, 'accounts of groups');
  const opened = dayOf(of.timeline?.actualDisbursementDate);
  if (!opened) throw new Unusable(HOLDING, 'timeline.actualDisbursementDate', 'DATE_MISSING', of.timeline);
  const status = of.status?.id ?? 0;
  const isClosed = status >= 600;
  const closed = dayOf(of.timeline?.closedOnDate);
  // 600 all obligations met, 601 written off, 602 rescheduled, 700 overpaid.
  const written = status === 601 ? LoanStatus.LOAN_STATUS_DEFAULTED : LoanStatus.LOAN_STATUS_REPAID;
  const running = of.inArrears ? LoanStatus.LOAN_STATUS_IN_ARREARS : LoanStatus.LOAN_STATUS_PERFORMING;
  const value = {
    amount: moneyOf(of.approvedPrincipal ?? of.principal, of.currency?.code ?? '', HOLDING, 'principal'),
    durationMonths: monthsOf(of.termFrequency ?? 1, of.termPeriodFrequencyType?.id),
    status: isClosed ? written : running,
  };
  const holding = {
    details: { $case: 'loan', value },
    openedDate: opened,
    ...(isClosed && closed && { closedDate: closed }),
    status: isClosed ? HoldingStatus.HOLDING_STATUS_CLOSED : HoldingStatus.HOLDING_STATUS_OPEN,
  };
  return { $case: 'holding', value: { sourceKey: `loan/${of.id}`, ownerSourceKey: `client/${of.clientId}`, holding } };
}

const { TRANSACTION_CHANNEL_AUTOMATIC: AUTOMATIC } = TransactionChannel;

/** Which flag of a savings transaction's type says what; the first that is set decides. Others move no money. */
const SAVINGS: readonly (readonly [flag: string, credit: boolean, operation: TransactionOperation, purpose: string])[] =
  [
    ['deposit', true, TransactionOperation.TRANSACTION_OPERATION_CASH_DEPOSIT, ''],
    ['withdrawal', false, TransactionOperation.TRANSACTION_OPERATION_CASH_WITHDRAWAL, ''],
    ['interestPosting', true, TransactionOperation.TRANSACTION_OPERATION_INTEREST, 'interest'],
    ['dividendPayout', true, TransactionOperation.TRANSACTION_OPERATION_OTHER, 'dividend'],
    ['feeDeduction', false, TransactionOperation.TRANSACTION_OPERATION_FEE, 'fee'],
    ['overdraftInterest', false, TransactionOperation.TRANSACTION_OPERATION_PENALTY, 'overdraft_interest'],
    ['overdraftFee', false, TransactionOperation.TRANSACTION_OPERATION_FEE, 'overdraft_fee'],
    ['withholdTax', false, TransactionOperation.TRANSACTION_OPERATION_OTHER, 'tax'],
    ['writtenoff', true, TransactionOperation.TRANSACTION_OPERATION_OTHER, 'write_off'],
    ['escheat', false, TransactionOperation.TRANSACTION_OPERATION_OTHER, 'escheat'],
  ];

function savingsTransaction(data: unknown, account: number | undefined, passed: PassedOver): object | undefined {
  const of = shaped(savingsTransactionShape, data, TRANSACTION);
  if (of.reversed || of.isReversal) return pass(passed, 'transactions that were reversed');
  const type = of.transactionType as Record<string, unknown> | null | undefined;
  const found = SAVINGS.find(([flag]) => type?.[flag] === true);
  if (!found) return pass(passed, 'transactions that move no money');
  const [flag, credit, stated, purpose] = found;
  const holding = account ?? of.accountId;
  if (!holding) throw new Unusable(TRANSACTION, 'accountId', 'VALUE_MISSING', of.accountId);
  const isTransfer = Boolean(of.transfer) || of.paymentDetailData?.paymentType?.isCashPayment === false;
  const byHand = flag === 'deposit' || flag === 'withdrawal';
  const transfer = credit
    ? TransactionOperation.TRANSACTION_OPERATION_TRANSFER_IN
    : TransactionOperation.TRANSACTION_OPERATION_TRANSFER_OUT;
  return movement(
    `savings_transaction/${of.id}`,
    `savings/${holding}`,
    of,
    credit,
    {
      operation: byHand && isTransfer ? transfer : stated,
      purpose,
      ...(!byHand && { channel: AUTOMATIC }),
      ...(of.runningBalance !== null && of.runningBalance !== undefined && { balance: of.runningBalance }),
    },
    passed,
  );
}

/** As above, of a loan: what is paid out takes its balance down, what is paid back takes it up. Accruals move no money. */
const LOANS: readonly (readonly [flag: string, credit: boolean, operation: TransactionOperation, purpose: string])[] = [
  ['disbursement', false, TransactionOperation.TRANSACTION_OPERATION_LOAN_DISBURSEMENT, ''],
  ['repaymentAtDisbursement', true, TransactionOperation.TRANSACTION_OPERATION_LOAN_REPAYMENT, ''],
  ['repayment', true, TransactionOperation.TRANSACTION_OPERATION_LOAN_REPAYMENT, ''],
  ['downPayment', true, TransactionOperation.TRANSACTION_OPERATION_LOAN_REPAYMENT, ''],
  ['recoveryRepayment', true, TransactionOperation.TRANSACTION_OPERATION_LOAN_REPAYMENT, 'recovery'],
  ['chargePayment', true, TransactionOperation.TRANSACTION_OPERATION_LOAN_REPAYMENT, 'fee'],
  ['merchantIssuedRefund', true, TransactionOperation.TRANSACTION_OPERATION_LOAN_REPAYMENT, 'refund'],
  ['payoutRefund', true, TransactionOperation.TRANSACTION_OPERATION_LOAN_REPAYMENT, 'refund'],
  ['goodwillCredit', true, TransactionOperation.TRANSACTION_OPERATION_LOAN_REPAYMENT, 'goodwill'],
  ['writeOff', true, TransactionOperation.TRANSACTION_OPERATION_OTHER, 'write_off'],
  ['waiveInterest', true, TransactionOperation.TRANSACTION_OPERATION_OTHER, 'waiver'],
  ['waiveCharges', true, TransactionOperation.TRANSACTION_OPERATION_OTHER, 'waiver'],
  ['chargeback', false, TransactionOperation.TRANSACTION_OPERATION_OTHER, 'chargeback'],
  ['creditBalanceRefund', false, TransactionOperation.TRANSACTION_OPERATION_OTHER, 'refund'],
  ['refund', false, TransactionOperation.TRANSACTION_OPERATION_OTHER, 'refund'],
];

function loanTransaction(data: unknown, account: number | undefined, passed: PassedOver): object | undefined {
  const of = shaped(loanTransactionShape, data, TRANSACTION);
  if (of.manuallyReversed || of.reversed) return pass(passed, 'transactions that were reversed');
  const type = of.type as Record<string, unknown> | null | undefined;
  const found = LOANS.find(([flag]) => type?.[flag] === true);
  if (!found) return pass(passed, 'transactions that move no money');
  const [, credit, operation, purpose] = found;
  const holding = account ?? of.loanId;
  if (!holding) throw new Unusable(TRANSACTION, 'loanId', 'VALUE_MISSING', of.loanId);
  const owed = of.outstandingLoanBalance;
  const balance =
    owed === null || owed === undefined
      ? {}
      : { balance: String(owed).startsWith('-') ? String(owed).slice(1) : `-${owed}` };
  return movement(
    `loan_transaction/${of.id}`,
    `loan/${holding}`,
    of,
    credit,
    { operation, purpose, ...balance },
    passed,
  );
}

function movement(
  sourceKey: string,
  holding: string,
  of: {
    date?: Day;
    currency?: { code?: string | null | undefined } | null | undefined;
    amount?: string | number | null | undefined;
  },
  credit: boolean,
  more: { operation: TransactionOperation; purpose: string; channel?: TransactionChannel; balance?: string | number },
  passed: PassedOver,
): object | undefined {
  const code = of.currency?.code ?? '';
  const money = moneyOf(of.amount, code, TRANSACTION, 'amount');
  if (money.minorUnits === 0n) return pass(passed, 'transactions that move no money');
  const bookingDate = dayOf(of.date);
  if (!bookingDate) throw new Unusable(TRANSACTION, 'date', 'DATE_INVALID', of.date);
  const { balance, ...rest } = more;
  const transaction = {
    ...rest,
    direction: credit ? 1 : 2,
    amount: money,
    ...(balance !== undefined && { balanceAfter: moneyOf(balance, code, TRANSACTION, 'balance') }),
    bookingDate,
  };
  return { $case: 'transaction', value: { sourceKey, holdingSourceKey: holding, transaction } };
}
