import { tables } from '../fact/fact.js';
import { type ArgumentSpec, type AttributeSpec, type Source, textOf } from './attribute.js';

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

const owned: Source = { alias: 'h', table: tables.holding, where: 'owner' };
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
    decimals: true,
    unit: { en: 'currency units', zh: '货币单位' },
    title: { en: 'Balance', zh: '余额' },
    description: {
      en: 'What is on the owned accounts together: of each, the balance after its last transaction. 50000 means 50,000 of the currency, not of its cents. 0 without a transaction.',
      zh: '所拥有账户的余额合计：每个账户取最后一笔交易后的余额。50000 表示五万元（不是分）。没有交易时为 0。',
    },
    sensitivity: 'C2',
    dated: true,
    sources: ['rapport.customer.v1.TransactionBooked'],
    column: (_args, sql) => {
      // A transaction whose balance is not known (NULL) is passed over for the one before it.
      const last = `argMaxIf(balance_after, (booking_date, sequence, transaction), booking_date <= ${sql.day()})`;
      const total = (part: string) => `toFloat64(ifNull(sum(${part}), 0))`;
      return { sql: sql.from(accounts, last, total), nullable: false };
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
    sources: ['rapport.customer.v1.HoldingOpened', 'rapport.customer.v1.HoldingUpdated'],
    arguments: [kind],
    column: (args, sql) => {
      const day = sql.day();
      const only = args['kind'] === undefined ? '' : ` AND kind = ${sql.bind(textOf(args, 'kind'), 'String')}`;
      const open = `opened_date <= ${day} AND (closed_date = 0 OR closed_date > ${day})${only}`;
      return { sql: sql.from(owned, `countIf(${open})`), nullable: false };
    },
    words: (args) => `number of ${nouns[textOf(args, 'kind')] ?? 'owned holdings'}`,
  },
];
