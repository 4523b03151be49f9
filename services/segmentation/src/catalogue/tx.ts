import { tables } from '../fact/fact.js';
import {
  type ArgumentSpec,
  type Arguments,
  type AttributeSpec,
  type Columns,
  type Filter,
  filterOf,
  lengthOf,
  type Source,
  window,
  windowWords,
} from './attribute.js';

const sources = ['rapport.customer.v1.TransactionBooked'];

function each(words: readonly string[]): Record<string, readonly string[]> {
  return Object.fromEntries(words.map((word) => [word, [word]]));
}

/** How money moved, as rules name it; the short words stand for several. */
const operations: Readonly<Record<string, readonly string[]>> = {
  ...each(['cash_deposit', 'cash_withdrawal', 'card_withdrawal', 'card_payment', 'transfer_in', 'transfer_out']),
  ...each(['interest', 'fee', 'penalty', 'loan_disbursement', 'loan_repayment', 'other']),
  card: ['card_withdrawal', 'card_payment'],
  cash: ['cash_deposit', 'cash_withdrawal'],
  transfer: ['transfer_in', 'transfer_out'],
  loan: ['loan_disbursement', 'loan_repayment'],
};

/** Which way money went, as rules name it. */
export const directions = ['credit', 'debit'] as const;

const transactions: ArgumentSpec = {
  name: 'transactions',
  type: 'filter',
  optional: true,
  values: directions,
  short: 'direction',
  keys: { direction: { values: each(directions) }, kind: { values: operations } },
  description: {
    en: '"credit" or "debit", or a map such as {"direction": "debit", "kind": "card"}; left out, all transactions count.',
    zh: '"credit"（贷）或 "debit"（借），或映射，如 {"direction": "debit", "kind": "card"}；省略则计全部交易。',
  },
};

/** What is booked on loans, cards and deposits is seen from those: a loan paid back is a credit of the loan. */
const booked: Source = { alias: 't', table: tables.transaction, where: `owner AND holding_kind = 'account'` };

const columnOf: Readonly<Record<string, string>> = { direction: 'direction', kind: 'operation' };

/** The condition of a map on the rows of transactions. */
function conditions(filter: Filter, sql: Columns): string[] {
  return Object.entries(filter).map(([key, value]) => {
    const column = columnOf[key] ?? key;
    return Array.isArray(value) && value.length === 1
      ? `${column} = ${sql.bind(String(value[0]), 'String')}`
      : `${column} IN ${sql.bind([...(value as readonly string[])], 'Array(String)')}`;
  });
}

/** The condition of the transactions of the window. */
function inWindow(args: Arguments, sql: Columns): string {
  const parts = [`booking_date <= ${sql.day()}`, `booking_date >= ${sql.firstDay(lengthOf(args, 'window'))}`];
  return [...parts, ...conditions(filterOf(args, 'transactions'), sql)].join(' AND ');
}

function nounOf({ direction, kind, ...rest }: Filter): string {
  const [way] = Array.isArray(direction) ? direction : [];
  const noun = way === 'credit' ? 'credits' : way === 'debit' ? 'debits' : 'transactions';
  const shown = [kind, ...Object.values(rest)].filter((value) => value !== undefined);
  return shown.length > 0 ? `${noun} (${shown.flat().join(', ').replaceAll('_', ' ')})` : noun;
}

const wordsOf = (verb: string) => (args: Arguments) =>
  `${verb} of ${nounOf(filterOf(args, 'transactions'))} in the ${windowWords(lengthOf(args, 'window'))}`;

const money = { decimals: true, unit: { en: 'currency units', zh: '货币单位' } } as const;
const common = { type: 'number', sensitivity: 'C2', dated: true, sources } as const;

/** What a party does with its accounts. */
export const transactionAttributes: readonly AttributeSpec[] = [
  {
    ...common,
    ...money,
    key: 'tx.average',
    title: { en: 'Average amount', zh: '平均交易金额' },
    description: {
      en: 'The average amount of the transactions of the window. Missing when there are none.',
      zh: '时间窗内交易的平均金额。没有交易时缺失。',
    },
    range: { least: 0 },
    missing: true,
    arguments: [transactions, window],
    column: (args, sql) => {
      const filter = inWindow(args, sql);
      const average = `toFloat64(sumIf(amount, ${filter})) / nullIf(countIf(${filter}), 0)`;
      return { sql: sql.from(booked, average), nullable: true };
    },
    words: wordsOf('average'),
  },
  {
    ...common,
    key: 'tx.count',
    unit: { en: 'transactions', zh: '笔' },
    title: { en: 'Number of transactions', zh: '交易笔数' },
    description: {
      en: 'How many transactions of the window. A transaction counts at the start of its booking day.',
      zh: '时间窗内的交易笔数。交易按入账日的零点计。',
    },
    range: { least: 0 },
    arguments: [transactions, window],
    column: (args, sql) => ({ sql: sql.from(booked, `countIf(${inWindow(args, sql)})`), nullable: false }),
    words: wordsOf('number'),
  },
  {
    ...common,
    key: 'tx.last_days',
    unit: { en: 'days', zh: '天' },
    title: { en: 'Days since the last transaction', zh: '距最近交易天数' },
    description: {
      en: 'Days since the last transaction. Missing when there was none.',
      zh: '距最近一笔交易的天数。没有交易时缺失。',
    },
    range: { least: 0 },
    missing: true,
    arguments: [transactions],
    column: (args, sql) => {
      const day = sql.day();
      const parts = [`booking_date <= ${day}`, ...conditions(filterOf(args, 'transactions'), sql)];
      const last = `nullIf(maxIf(booking_date, ${parts.join(' AND ')}), 0)`;
      const days = `dateDiff('day', YYYYMMDDToDate32(${last}), YYYYMMDDToDate32(${day}))`;
      return { sql: sql.from(booked, days), nullable: true };
    },
    words: (args) => `days since the last of all ${nounOf(filterOf(args, 'transactions'))}`,
  },
  {
    ...common,
    ...money,
    key: 'tx.sum',
    title: { en: 'Sum of transactions', zh: '交易金额合计' },
    description: {
      en: 'The amounts of the transactions of the window together, credits and debits alike positive. 50000 means 50,000 of the currency.',
      zh: '时间窗内交易金额合计，贷借均为正数。50000 表示五万元。',
    },
    range: { least: 0 },
    arguments: [transactions, window],
    column: (args, sql) => ({
      sql: sql.from(booked, `toFloat64(sumIf(amount, ${inWindow(args, sql)}))`),
      nullable: false,
    }),
    words: wordsOf('sum'),
  },
];
