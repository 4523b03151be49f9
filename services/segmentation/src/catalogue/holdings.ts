import { tables } from '../fact/fact.js';
import {
  type ArgumentSpec,
  type Arguments,
  type AttributeSpec,
  type Columns,
  dayBehind,
  lengthOf,
  ago,
  lengthWords,
  type Source,
  textOf,
  type ValueSource,
  window,
  windowWords,
} from './attribute.js';

/** The kinds of holdings, as rules name them. */
export const holdingKinds = [
  'account',
  'loan',
  'card',
  'standing_order',
  'deposit',
  'fund',
  'insurance',
  'overdraft',
] as const;

/** What a party owns, open or closed. */
export const owned: Source = { alias: 'h', table: tables.holding, where: 'owner' };
/** The condition of holdings that were opened in a window. */
export function openedIn(kind: string, windowMs: number, sql: Columns): string {
  const days = `opened_date >= ${sql.firstDay(windowMs)} AND opened_date <= ${sql.day()}`;
  return kind === '' ? days : `${days} AND kind = ${sql.bind(kind, 'String')}`;
}

/** What is booked on loans, cards and deposits is seen from those: it is no balance of an account. */
const accounts: Source = {
  alias: 'b',
  table: tables.transaction,
  where: `owner AND holding_kind = 'account'`,
  per: ['holding'],
};

const nouns: Readonly<Record<string, string>> = {
  account: 'owned accounts',
  loan: 'owned loans',
  card: 'owned cards',
  standing_order: 'standing orders',
  deposit: 'owned deposits',
  fund: 'owned funds',
  insurance: 'owned insurance policies',
  overdraft: 'overdrafts',
};

/** The condition of what is open on the day, of one kind where that is asked. */
function open(args: Arguments, sql: Columns): string {
  const day = sql.day();
  const only = args['kind'] === undefined ? '' : ` AND kind = ${sql.bind(textOf(args, 'kind'), 'String')}`;
  return `opened_date <= ${day} AND (closed_date = 0 OR closed_date > ${day})${only}`;
}

/**
 * The average over the days of a window of what was on the accounts at the end of each: what is there at its end, less of
 * each change the share of the window that was over by then. So it is exact where nothing changed. Taken from the balances and not from the amounts, since books that
 * were brought over need not begin with their first transaction.
 */
function averageBalance(windowMs: number, agoMs: number, sql: Columns): string {
  const first = sql.firstDay(windowMs, agoMs);
  // With no time in between the last day is the one that is looked at.
  const upTo = agoMs === 0 ? `booking_date <= ${sql.day()}` : `booking_date < ${sql.firstDay(agoMs)}`;
  const next = agoMs === 0 ? `addDays(YYYYMMDDToDate32(${sql.day()}), 1)` : `YYYYMMDDToDate32(${sql.firstDay(agoMs)})`;
  const days = `dateDiff('day', YYYYMMDDToDate32(${first}), ${next})`;
  const order = '(booking_date, sequence, transaction)';
  const start = `ifNull(argMaxIf(balance_after, ${order}, booking_date < ${first}), 0)`;
  const inside = `balance_after IS NOT NULL AND booking_date >= ${first} AND ${upTo}`;
  const booked = 'tuple(booking_date, sequence, transaction, ifNull(balance_after, 0))';
  const steps = `arraySort(groupArrayIf(${booked}, ${inside}))`;
  const balances = `arrayMap(step -> step.4, ${steps})`;
  const before = `arrayPopBack(arrayPushFront(${balances}, ${start}))`;
  const over = `arrayMap(step -> dateDiff('day', YYYYMMDDToDate32(${first}), YYYYMMDDToDate32(step.1)), ${steps})`;
  const changes = `arraySum((left, was, over) -> toDecimal128(left - was, 4) * over, ${balances}, ${before}, ${over})`;
  const last = `argMaxIf(balance_after, ${order}, ${upTo})`;
  const end = sql.from(accounts, last, (part) => `toFloat64(ifNull(sum(${part}), 0))`);
  const missed = sql.from(accounts, changes, (part) => `toFloat64(sum(${part}))`);
  return `(${end} - ${missed} / nullIf(${days}, 0))`;
}

const money = { decimals: true, unit: { en: 'currency units', zh: '货币单位' } } as const;
const booked = ['rapport.customer.v1.TransactionBooked'];
const told = ['rapport.customer.v1.HoldingOpened', 'rapport.customer.v1.HoldingUpdated'];

const kind: ArgumentSpec = {
  name: 'kind',
  type: 'string',
  optional: true,
  values: holdingKinds,
  description: { en: 'Only holdings of this kind.', zh: '只计该类产品。' },
};

/** What a party has at the bank. */
export const holdingAttributes: readonly AttributeSpec[] = [
  {
    key: 'holdings.balance',
    type: 'number',
    ...money,
    title: { en: 'Balance', zh: '余额' },
    description: {
      en: 'What is on the owned accounts together: of each, the balance after its last transaction. 50000 means 50,000 of the currency, not of its cents. 0 without a transaction.',
      zh: '所拥有账户的余额合计：每个账户取最后一笔交易后的余额。50000 表示五万元（不是分）。没有交易时为 0。',
    },
    sensitivity: 'C2',
    dated: true,
    sources: booked,
    column: (_args, sql) => {
      // A transaction whose balance is not known (NULL) is passed over for the one before it.
      const last = `argMaxIf(balance_after, (booking_date, sequence, transaction), booking_date <= ${sql.day()})`;
      const total = (part: string) => `toFloat64(ifNull(sum(${part}), 0))`;
      return { sql: sql.from(accounts, last, total), nullable: false };
    },
    comesFrom: (_args, sql) => {
      const last = sql.from(accounts, `maxIf(booking_date, booking_date <= ${sql.day()})`, (part) => `max(${part})`);
      return [dayBehind('last transaction on', '最近一笔交易', last)];
    },
    words: () => 'balance of the owned accounts',
  },
  {
    key: 'holdings.count',
    type: 'number',
    unit: { en: 'holdings', zh: '件' },
    title: { en: 'Number of holdings', zh: '持有产品数' },
    description: {
      en: 'How many holdings the party owns; what it may only use does not count. A holding counts from the day it was opened or issued, one without a day always.',
      zh: '客户拥有的产品数；仅有使用权的不计。自开立或发放之日起计，无日期的始终计入。',
    },
    sensitivity: 'C2',
    range: { least: 0 },
    dated: true,
    sources: told,
    arguments: [kind],
    column: (args, sql) => ({ sql: sql.from(owned, `countIf(${open(args, sql)})`), nullable: false }),
    comesFrom: (args, sql) => [
      dayBehind('the newest since', '最近开立', sql.from(owned, `maxIf(opened_date, ${open(args, sql)})`)),
    ],
    words: (args) => `number of ${nouns[textOf(args, 'kind')] ?? 'owned holdings'}`,
  },
  {
    key: 'holdings.amount',
    type: 'number',
    ...money,
    title: { en: 'Amounts and limits', zh: '金额与额度' },
    description: {
      en: 'What the owned holdings of a kind are about, together: the amounts of loans and standing orders, the limits of overdrafts, the sums of insurances. 0 without one.',
      zh: '所拥有某类产品的金额合计：贷款和定期转账的金额、透支额度、保险金额。没有时为 0。',
    },
    sensitivity: 'C2',
    range: { least: 0 },
    dated: true,
    sources: told,
    arguments: [{ ...kind, optional: false, values: ['loan', 'standing_order', 'overdraft', 'insurance'] }],
    column: (args, sql) => ({
      sql: sql.from(owned, `toFloat64(sumIf(ifNull(amount, 0), ${open(args, sql)}))`),
      nullable: false,
    }),
    words: (args) => `amount of the ${nouns[textOf(args, 'kind')]}`,
  },
  {
    key: 'holdings.average_balance',
    type: 'number',
    ...money,
    title: { en: 'Average balance', zh: '日均余额' },
    description: {
      en: 'What was on the owned accounts at the end of each day of the window, on average. With a second length of time the window ends that long before the end of the day. 0 without a transaction; missing for a window without a whole day.',
      zh: '时间窗内每日日终所拥有账户余额合计的平均值。若给出第二个时间长度，则时间窗提前该长度结束。没有交易时为 0；时间窗不足一天时缺失。',
    },
    sensitivity: 'C2',
    missing: true,
    dated: true,
    sources: booked,
    arguments: [window, ago],
    column: (args, sql) => ({
      sql: averageBalance(lengthOf(args, 'window'), lengthOf(args, 'ago'), sql),
      nullable: true,
    }),
    words: (args) => {
      const before = lengthOf(args, 'ago');
      const until = before === 0 ? '' : `, ${lengthWords(before)} ago`;
      return `average balance in the ${windowWords(lengthOf(args, 'window'))}${until}`;
    },
  },
  {
    key: 'holdings.balance_trend',
    type: 'number',
    decimals: true,
    unit: { en: 'share', zh: '比例' },
    title: { en: 'Trend of the average balance', zh: '日均余额变化' },
    description: {
      en: 'By how much the average balance of the window differs from that of the window of the same length before it, as a share of that: -0.2 is a fall by 20 %. Missing where it was 0 before.',
      zh: '时间窗日均余额相对前一个等长时间窗的变化比例：-0.2 表示下降 20%。此前为 0 时缺失。',
    },
    sensitivity: 'C2',
    missing: true,
    dated: true,
    sources: booked,
    arguments: [window],
    column: (args, sql) => {
      const length = lengthOf(args, 'window');
      const now = averageBalance(length, 0, sql);
      const before = averageBalance(length, length, sql);
      return { sql: `((${now} - ${before}) / nullIf(abs(${before}), 0))`, nullable: true };
    },
    comesFrom: (args, sql) => {
      const length = lengthOf(args, 'window');
      const average = (en: string, zh: string, agoMs: number): ValueSource => ({
        title: { en, zh },
        type: 'number',
        column: { sql: `round(${averageBalance(length, agoMs, sql)}, 2)`, nullable: true },
      });
      return [
        average('average of the window', '时间窗日均', 0),
        average('average of the window before', '前一时间窗日均', length),
      ];
    },
    words: (args) => `change of the average balance, ${windowWords(lengthOf(args, 'window'))} to those before`,
  },
  {
    key: 'holdings.kinds',
    type: 'number',
    unit: { en: 'kinds', zh: '类' },
    title: { en: 'Kinds of holdings', zh: '产品种类数' },
    description: {
      en: 'How many different kinds of holdings the party owns: accounts, loans, cards and so on.',
      zh: '客户拥有的不同产品类别数：账户、贷款、卡等。',
    },
    sensitivity: 'C2',
    range: { least: 0, most: holdingKinds.length },
    dated: true,
    sources: told,
    column: (args, sql) => ({ sql: sql.from(owned, `uniqExactIf(kind, ${open(args, sql)})`), nullable: false }),
    words: () => 'number of kinds of owned holdings',
  },
  {
    key: 'party.tenure',
    type: 'number',
    unit: { en: 'days', zh: '天' },
    title: { en: 'Tenure', zh: '客户年限' },
    description: {
      en: 'Days since the first holding that the party owns was opened, closed ones too. Missing without one that has a day.',
      zh: '距客户首个产品开立的天数，已关闭的也计。没有带日期的产品时缺失。',
    },
    sensitivity: 'C1',
    range: { least: 0 },
    missing: true,
    dated: true,
    sources: told,
    column: (_args, sql) => {
      const day = sql.day();
      const first = `minOrNullIf(opened_date, opened_date > 0 AND opened_date <= ${day})`;
      const days = `dateDiff('day', YYYYMMDDToDate32(${first}), YYYYMMDDToDate32(${day}))`;
      return { sql: sql.from(owned, days), nullable: true };
    },
    comesFrom: (_args, sql) => {
      const first = sql.from(owned, `minOrNullIf(opened_date, opened_date > 0 AND opened_date <= ${sql.day()})`);
      return [dayBehind('the first opened on', '首个产品开立', first)];
    },
    words: () => 'days since the first holding',
  },
];
