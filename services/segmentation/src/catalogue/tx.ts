import { tables } from '../fact/fact.js';
import {
  ago,
  type ArgumentSpec,
  type Arguments,
  type AttributeSpec,
  type Columns,
  conditionsOf,
  dayBehind,
  each,
  type Filter,
  filterOf,
  filterWords,
  lengthOf,
  lengthWords,
  type Source,
  textOf,
  window,
  windowWords,
} from './attribute.js';

const sources = ['rapport.customer.v1.TransactionBooked', 'rapport.customer.v1.TransactionRecategorised'];

/** How money moved, as rules name it; the short words stand for several. */
const operations: Readonly<Record<string, readonly string[]>> = {
  ...each(['cash_deposit', 'cash_withdrawal', 'card_withdrawal', 'card_payment', 'transfer_in', 'transfer_out']),
  ...each(['interest', 'fee', 'penalty', 'loan_disbursement', 'loan_repayment', 'other']),
  card: ['card_withdrawal', 'card_payment'],
  cash: ['cash_deposit', 'cash_withdrawal'],
  transfer: ['transfer_in', 'transfer_out'],
  loan: ['loan_disbursement', 'loan_repayment'],
};

const directions = ['credit', 'debit'] as const;
const ways = ['branch', 'atm', 'point_of_sale', 'app', 'web', 'phone', 'post', 'automatic'] as const;

/** What transactions may be asked for by. */
export const transactionKeys = {
  direction: { values: each(directions) },
  kind: { values: operations },
  channel: { values: each(ways) },
  category: {},
  merchant_category: {},
  purpose: {},
  at_least: { number: true },
  at_most: { number: true },
} as const;

const called = { kind: 'operation', at_least: 'amount >=', at_most: 'amount <=' };

const transactions: ArgumentSpec = {
  name: 'transactions',
  type: 'filter',
  optional: true,
  values: directions,
  short: 'direction',
  keys: transactionKeys,
  description: {
    en: '"credit" or "debit", or a map such as {"direction": "debit", "kind": "card", "category": "groceries"}; left out, all transactions count.',
    zh: '"credit"（贷）或 "debit"（借），或映射，如 {"direction": "debit", "kind": "card", "category": "groceries"}；省略则计全部交易。',
  },
};

/** What is booked on loans, cards and deposits is seen from those: a loan paid back is a credit of the loan. */
export const booked: Source = { alias: 't', table: tables.transaction, where: `owner AND holding_kind = 'account'` };

/** The condition of transactions up to the end of the day, or to that long before. */
export function transactionsUpTo(filter: Filter, agoMs: number, sql: Columns): string {
  const last = agoMs === 0 ? `booking_date <= ${sql.day()}` : `booking_date < ${sql.firstDay(agoMs)}`;
  return [last, ...conditionsOf(filter, sql, called)].join(' AND ');
}

/** The condition of the transactions of a window. */
export function transactionsIn(filter: Filter, windowMs: number, agoMs: number, sql: Columns): string {
  return `booking_date >= ${sql.firstDay(windowMs, agoMs)} AND ${transactionsUpTo(filter, agoMs, sql)}`;
}

function inWindow(args: Arguments, sql: Columns): string {
  return transactionsIn(filterOf(args, 'transactions'), lengthOf(args, 'window'), lengthOf(args, 'ago'), sql);
}

/** When the last transaction was that a value counts. */
const lastOfWindow = (args: Arguments, sql: Columns) => [
  dayBehind('last of them on', '最近一笔', sql.from(booked, `maxIf(booking_date, ${inWindow(args, sql)})`)),
];

/** Transactions of a map in words: "debits (card payment)". */
export function transactionWords({ direction, ...rest }: Filter): string {
  const [way] = Array.isArray(direction) ? direction : [];
  const noun = way === 'credit' ? 'credits' : way === 'debit' ? 'debits' : 'transactions';
  return `${noun}${filterWords(rest)}`;
}

const wordsOf = (verb: string) => (args: Arguments) => {
  const before = lengthOf(args, 'ago');
  const until = before === 0 ? '' : `, ${lengthWords(before)} ago`;
  return `${verb} of ${transactionWords(filterOf(args, 'transactions'))} in the ${windowWords(lengthOf(args, 'window'))}${until}`;
};

const money = { decimals: true, unit: { en: 'currency units', zh: '货币单位' } } as const;
const common = { type: 'number', sensitivity: 'C2', dated: true, sources } as const;

/** What may be counted apart: by the column of it. */
const distinct: Readonly<Record<string, string>> = {
  category: 'category',
  channel: 'channel',
  kind: 'operation',
  merchant_category: 'merchant_category',
  purpose: 'purpose',
  day: 'booking_date',
  account: 'holding',
  counterparty: 'counterparty',
};

/** An amount of one transaction of the window. */
function extreme(verb: 'min' | 'max', title: AttributeSpec['title'], which: AttributeSpec['title']): AttributeSpec {
  return {
    ...common,
    ...money,
    key: `tx.${verb}`,
    title,
    description: {
      en: `The ${which.en} amount of the transactions of the window. Missing when there are none.`,
      zh: `时间窗内交易的${which.zh}金额。没有交易时缺失。`,
    },
    range: { least: 0 },
    missing: true,
    arguments: [transactions, window, ago],
    column: (args, sql) => ({
      sql: sql.from(booked, `toFloat64(${verb}OrNullIf(amount, ${inWindow(args, sql)}))`),
      nullable: true,
    }),
    comesFrom: lastOfWindow,
    words: wordsOf(`${which.en} amount`),
  };
}

/** The sum of the window that ends so long before the end of the day. */
function sumBefore(args: Arguments, agoMs: number, sql: Columns): string {
  const filter = transactionsIn(filterOf(args, 'transactions'), lengthOf(args, 'window'), agoMs, sql);
  return sql.from(booked, `toFloat64(sumIf(amount, ${filter}))`);
}

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
    arguments: [transactions, window, ago],
    column: (args, sql) => {
      const filter = inWindow(args, sql);
      const average = `toFloat64(sumIf(amount, ${filter})) / nullIf(countIf(${filter}), 0)`;
      return { sql: sql.from(booked, average), nullable: true };
    },
    comesFrom: lastOfWindow,
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
    arguments: [transactions, window, ago],
    column: (args, sql) => ({ sql: sql.from(booked, `countIf(${inWindow(args, sql)})`), nullable: false }),
    comesFrom: lastOfWindow,
    words: wordsOf('number'),
  },
  {
    ...common,
    key: 'tx.distinct',
    unit: { en: 'different ones', zh: '个' },
    title: { en: 'Variety of transactions', zh: '交易的多样性' },
    description: {
      en: 'How many different categories, channels, kinds, merchant categories, purposes, days, accounts or counterparties the transactions of the window have. One that is not known does not count.',
      zh: '时间窗内交易涉及多少个不同的消费类别、渠道、方式、商户类别、用途、日期、账户或交易对手。未知的不计。',
    },
    range: { least: 0 },
    arguments: [
      {
        name: 'what',
        type: 'string',
        values: Object.keys(distinct),
        description: { en: 'What is counted apart.', zh: '按什么去重计数。' },
      },
      transactions,
      window,
      ago,
    ],
    column: (args, sql) => {
      const column = distinct[textOf(args, 'what')] ?? '';
      const known = ['booking_date', 'holding'].includes(column)
        ? ''
        : ` AND ${column} != ${column === 'counterparty' ? '0' : "''"}`;
      return { sql: sql.from(booked, `uniqExactIf(${column}, ${inWindow(args, sql)}${known})`), nullable: false };
    },
    comesFrom: lastOfWindow,
    words: (args) => wordsOf(`number of different ${textOf(args, 'what').replace('_', ' ')} values`)(args),
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
      const last = `nullIf(maxIf(booking_date, ${transactionsUpTo(filterOf(args, 'transactions'), 0, sql)}), 0)`;
      const days = `dateDiff('day', YYYYMMDDToDate32(${last}), YYYYMMDDToDate32(${sql.day()}))`;
      return { sql: sql.from(booked, days), nullable: true };
    },
    comesFrom: (args, sql) => {
      const upTo = transactionsUpTo(filterOf(args, 'transactions'), 0, sql);
      return [dayBehind('the last on', '最近一笔', sql.from(booked, `maxIf(booking_date, ${upTo})`))];
    },
    words: (args) => `days since the last of all ${transactionWords(filterOf(args, 'transactions'))}`,
  },
  extreme('max', { en: 'Largest amount', zh: '最大交易金额' }, { en: 'largest', zh: '最大' }),
  extreme('min', { en: 'Smallest amount', zh: '最小交易金额' }, { en: 'smallest', zh: '最小' }),
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
    arguments: [transactions, window, ago],
    column: (args, sql) => ({
      sql: sql.from(booked, `toFloat64(sumIf(amount, ${inWindow(args, sql)}))`),
      nullable: false,
    }),
    comesFrom: lastOfWindow,
    words: wordsOf('sum'),
  },
  {
    ...common,
    key: 'tx.trend',
    decimals: true,
    unit: { en: 'share', zh: '比例' },
    title: { en: 'Trend of transactions', zh: '交易金额变化' },
    description: {
      en: 'By how much the sum of the window differs from that of the window of the same length before it, as a share of that: -0.2 is a fall by 20 %. Missing where there was nothing before.',
      zh: '时间窗交易金额合计相对前一个等长时间窗的变化比例：-0.2 表示下降 20%。此前没有交易时缺失。',
    },
    range: { least: -1 },
    missing: true,
    arguments: [transactions, window],
    column: (args, sql) => {
      const before = sumBefore(args, lengthOf(args, 'window'), sql);
      return { sql: `((${sumBefore(args, 0, sql)} - ${before}) / nullIf(${before}, 0))`, nullable: true };
    },
    comesFrom: (args, sql) => [
      {
        title: { en: 'sum of the window', zh: '时间窗合计' },
        type: 'number',
        column: { sql: sumBefore(args, 0, sql), nullable: false },
      },
      {
        title: { en: 'sum of the window before', zh: '前一时间窗合计' },
        type: 'number',
        column: { sql: sumBefore(args, lengthOf(args, 'window'), sql), nullable: false },
      },
    ],
    words: (args) => {
      const noun = transactionWords(filterOf(args, 'transactions'));
      return `change of the sum of ${noun}, ${windowWords(lengthOf(args, 'window'))} to those before`;
    },
  },
];
