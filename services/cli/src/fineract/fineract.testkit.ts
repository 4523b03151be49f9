import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { ImportRow } from '@rapport/proto/customer/v1';
import type { FineractRecord } from './records.js';
import { type PassedOver, rowsOf } from './rows.js';

export const dump = path.resolve(__dirname, '../../../../../shared/data/fineract/load_sample_data.sql');

/** The rows that the sample database holds of one table, by column. */
function sampleRows(table: string): Record<string, string | null>[] {
  const text = readFileSync(dump, 'utf8');
  const found = new RegExp(`INSERT INTO \`${table}\` \\(([^)]*)\\) VALUES\\n([\\s\\S]*?);\\n`).exec(text);
  const columns = (found?.[1] ?? '').split(',').map((name) => name.trim().replaceAll('`', ''));
  return (found?.[2] ?? '').split('\n').map((line) => {
    const cells = [
      ...line
        .trim()
        .replace(/^\(|\),?$/g, '')
        .matchAll(/'((?:[^']|'')*)'|([^,\s][^,]*)/g),
    ].map((cell) => (cell[1] !== undefined ? cell[1] : cell[2] === 'NULL' ? null : (cell[2] ?? null)));
    return Object.fromEntries(columns.map((column, index) => [column, cells[index] ?? null]));
  });
}
const dayOf = (text: string | null | undefined) => (text ? text.split('-').map(Number) : undefined);

export const currency = { code: 'USD', name: 'US Dollar', decimalPlaces: 2 };
const active = { id: 300, code: 'savingsAccountStatusType.active', value: 'Active' };
export const clients = sampleRows('m_client').map((row) => ({
  id: Number(row.id),
  accountNo: row.account_no,
  status: { id: Number(row.status_enum), code: 'clientStatusType.active', value: 'Active' },
  active: true,
  activationDate: dayOf(row.activation_date),
  firstname: row.firstname,
  lastname: row.lastname,
  displayName: row.display_name,
  officeId: Number(row.office_id),
  officeName: sampleRows('m_office').find((office) => office.id === row.office_id)?.name,
}));
export const savings = {
  id: 1,
  accountNo: '000000001',
  depositType: { id: 100, code: 'savingsAccountType.savingsDeposit', value: 'Savings' },
  clientId: 1,
  status: active,
  timeline: { submittedOnDate: [2014, 3, 1], activatedOnDate: [2014, 3, 7] },
  currency,
  summary: { accountBalance: 950.5 },
  transactions: [
    {
      id: 12,
      transactionType: { id: 2, code: 'savingsAccountTransactionType.withdrawal', withdrawal: true },
      accountId: 1,
      date: [2014, 3, 9],
      currency,
      amount: 49.5,
      runningBalance: 950.5,
      reversed: false,
    },
    {
      id: 13,
      transactionType: { id: 1, deposit: true },
      accountId: 1,
      date: [2014, 3, 9],
      currency,
      amount: 5,
      runningBalance: 5,
      reversed: true,
    },
    {
      id: 11,
      transactionType: { id: 1, code: 'savingsAccountTransactionType.deposit', deposit: true },
      accountId: 1,
      date: [2014, 3, 7],
      currency,
      amount: 1000,
      runningBalance: 1000,
      reversed: false,
    },
    {
      id: 14,
      transactionType: { id: 20, amountHold: true },
      accountId: 1,
      date: [2014, 3, 9],
      currency,
      amount: 5,
      runningBalance: 5,
      reversed: false,
    },
  ],
};
const sampleLoan = sampleRows('m_loan')[0] ?? {};
export const approved = {
  id: Number(sampleLoan.id),
  clientId: Number(sampleLoan.client_id),
  status: { id: Number(sampleLoan.loan_status_id), code: 'loanStatusType.approved', value: 'Approved' },
  currency: { ...currency, code: sampleLoan.currency_code },
  principal: Number(sampleLoan.principal_amount),
  termFrequency: Number(sampleLoan.term_frequency),
  timeline: {},
  transactions: [],
};
export const running = {
  ...approved,
  id: 2,
  status: { id: 300, code: 'loanStatusType.active', value: 'Active' },
  termPeriodFrequencyType: { id: 1, code: 'termFrequency.periodFrequencyType.weeks', value: 'Weeks' },
  inArrears: true,
  timeline: { actualDisbursementDate: [2014, 6, 16] },
  transactions: [
    {
      id: 1,
      type: { id: 1, code: 'loanTransactionType.disbursement', disbursement: true },
      date: [2014, 6, 16],
      currency,
      amount: 10_000,
      outstandingLoanBalance: 10_000,
      manuallyReversed: false,
    },
    {
      id: 2,
      type: { id: 2, code: 'loanTransactionType.repayment', repayment: true },
      date: [2014, 6, 23],
      currency,
      amount: 450.25,
      outstandingLoanBalance: 9_600,
      manuallyReversed: false,
    },
    {
      id: 3,
      type: { id: 10, code: 'loanTransactionType.accrual', accrual: true },
      date: [2014, 6, 23],
      currency,
      amount: 50,
      manuallyReversed: false,
    },
  ],
};

export async function all<T>(records: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const record of records) found.push(record);
  return found;
}
export const rowsFrom = (records: FineractRecord[], passed: PassedOver = new Map()): ImportRow[] =>
  records.flatMap((record, index) => [...rowsOf(record, index + 1, passed)]);
export const keys = (rows: ImportRow[]) =>
  rows.map(({ row }) =>
    row?.$case === 'unreadable' ? row.value.reason : row && 'sourceKey' in row.value ? row.value.sourceKey : '',
  );
