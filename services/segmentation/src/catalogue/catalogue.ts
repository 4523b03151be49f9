import { type Attribute, type AttributeArgument, AttributeType } from '@rapport/proto/segmentation/v1';

/** The types that values of a rule have. Whole numbers and numbers with decimals compare with each other. */
export type ValueType = 'number' | 'string' | 'bool' | 'date';

/** The kinds of holdings, as rules name them. */
export const holdingKinds = ['account', 'loan', 'card', 'standing_order'] as const;
/** Which way money went, as rules name it. */
export const directions = ['credit', 'debit'] as const;
/** How money moved, as rules name it; the short words stand for several. */
export const operations: Readonly<Record<string, readonly string[]>> = {
  cash_deposit: ['cash_deposit'],
  cash_withdrawal: ['cash_withdrawal'],
  card_withdrawal: ['card_withdrawal'],
  transfer_in: ['transfer_in'],
  transfer_out: ['transfer_out'],
  interest: ['interest'],
  fee: ['fee'],
  other: ['other'],
  card: ['card_withdrawal'],
  cash: ['cash_deposit', 'cash_withdrawal'],
  transfer: ['transfer_in', 'transfer_out'],
};
/** The ways of contact, as rules name them. */
export const channels = ['email', 'sms', 'phone', 'post', 'app', 'branch', 'web'] as const;

/** What may stand in the brackets of an attribute. */
export interface ArgumentSpec {
  name: string;
  /** `transactions` is a direction, or a map with `direction` and `kind`. */
  type: 'string' | 'duration' | 'transactions';
  optional?: boolean;
  values?: readonly string[];
  description: string;
}

/** One word of the rule language. */
export interface AttributeSpec {
  key: string;
  type: ValueType;
  /** How its numbers are announced; comparison does not tell them apart. */
  decimals?: boolean;
  unit?: string;
  description: string;
  /** Undefined: written without brackets. */
  arguments?: readonly ArgumentSpec[];
  /** The only constants that it may be compared with, each with other spellings that are accepted. */
  values?: Readonly<Record<string, readonly string[]>>;
  /** Whether it can be missing; then every comparison with it is false. */
  missing?: boolean;
  /** Whether its value depends on the day. */
  dated?: boolean;
  sources: readonly string[];
}

const party = ['rapport.customer.v1.PartyCreated', 'rapport.customer.v1.PartyUpdated'];
const holding = ['rapport.customer.v1.HoldingOpened'];
const booking = ['rapport.customer.v1.TransactionBooked'];

const transactions: ArgumentSpec = {
  name: 'transactions',
  type: 'transactions',
  optional: true,
  values: directions,
  description:
    '"credit" or "debit", or a map such as {"direction": "debit", "kind": "card"}; left out, all transactions count.',
};
const window: ArgumentSpec = {
  name: 'window',
  type: 'duration',
  description: 'How far back from the end of the day, for example duration("720h").',
};

const text = (key: string, description: string): AttributeSpec => ({
  key,
  type: 'string',
  missing: true,
  sources: party,
  description,
});

/** Every attribute, by key. A comparison with a missing value is false, `!=` too. */
export const catalogue: readonly AttributeSpec[] = [
  {
    key: 'consent',
    type: 'bool',
    dated: true,
    sources: ['rapport.customer.v1.ConsentChanged'],
    description: 'Whether the party has agreed to be contacted for a purpose on a channel. Nothing said is false.',
    arguments: [
      { name: 'purpose', type: 'string', description: 'A lower-case code, for example "marketing".' },
      { name: 'channel', type: 'string', values: channels, description: 'By which way.' },
    ],
  },
  {
    key: 'holdings.balance',
    type: 'number',
    decimals: true,
    unit: 'currency units',
    dated: true,
    sources: booking,
    description:
      'What is on the owned accounts together: of each, the balance after its last transaction. 50000 means 50,000 of the currency, not of its cents. 0 without a transaction.',
  },
  {
    key: 'holdings.count',
    type: 'number',
    unit: 'holdings',
    dated: true,
    sources: holding,
    description:
      'How many holdings the party owns; what it may only use does not count. A holding counts from the day it was opened or issued, one without a day always.',
    arguments: [
      {
        name: 'kind',
        type: 'string',
        optional: true,
        values: holdingKinds,
        description: 'Only holdings of this kind.',
      },
    ],
  },
  {
    key: 'party.age',
    type: 'number',
    unit: 'years',
    missing: true,
    dated: true,
    sources: party,
    description: 'Completed years. Missing without a day of birth, and before birth.',
  },
  {
    key: 'party.birth_date',
    type: 'date',
    missing: true,
    sources: party,
    description:
      'The day of birth. Compare it with date("1950-01-01"), or with timestamp("1950-01-01T00:00:00Z") of which the written day counts.',
  },
  text('party.branch', 'The branch, as the bank names it.'),
  text('party.district', 'The district, as the bank names it.'),
  {
    key: 'party.kind',
    type: 'string',
    missing: true,
    sources: party,
    values: { person: ['individual', 'natural_person'], organisation: ['organization', 'company', 'legal_entity'] },
    description: 'Whether the party is a person or an organisation.',
  },
  text('party.region', 'The region, as the bank names it.'),
  {
    key: 'party.sex',
    type: 'string',
    missing: true,
    sources: party,
    values: { male: ['m', 'man'], female: ['f', 'w', 'woman'], other: ['x', 'o'] },
    description: 'The sex of a person, as the bank recorded it. Missing for an organisation.',
  },
  text('party.source', 'The system that the party came from.'),
  {
    key: 'tx.average',
    type: 'number',
    decimals: true,
    unit: 'currency units',
    missing: true,
    dated: true,
    sources: booking,
    description: 'The average amount of the transactions of the window. Missing when there are none.',
    arguments: [transactions, window],
  },
  {
    key: 'tx.count',
    type: 'number',
    unit: 'transactions',
    dated: true,
    sources: booking,
    description: 'How many transactions of the window. A transaction counts at the start of its booking day.',
    arguments: [transactions, window],
  },
  {
    key: 'tx.last_days',
    type: 'number',
    unit: 'days',
    missing: true,
    dated: true,
    sources: booking,
    description: 'Days since the last transaction. Missing when there was none.',
    arguments: [transactions],
  },
  {
    key: 'tx.sum',
    type: 'number',
    decimals: true,
    unit: 'currency units',
    dated: true,
    sources: booking,
    description:
      'The amounts of the transactions of the window together, credits and debits alike positive. 50000 means 50,000 of the currency.',
    arguments: [transactions, window],
  },
];

const byKey = new Map(catalogue.map((spec) => [spec.key, spec]));

/** The attribute of that key. */
export function findAttribute(key: string): AttributeSpec | undefined {
  return byKey.get(key);
}

/** Whether a word begins the key of an attribute, as `party` does. */
export function isPrefix(word: string): boolean {
  return catalogue.some((spec) => spec.key.startsWith(`${word}.`));
}

/** The declared value behind a constant, whatever its case or spelling; undefined when it is none. */
export function declaredValue(spec: AttributeSpec, constant: string): string | undefined {
  const wanted = constant.toLowerCase();
  return Object.entries(spec.values ?? {}).find(
    ([value, aliases]) => value === wanted || aliases.includes(wanted),
  )?.[0];
}

const types: Readonly<Record<ValueType | ArgumentSpec['type'], AttributeType>> = {
  number: AttributeType.ATTRIBUTE_TYPE_INT,
  string: AttributeType.ATTRIBUTE_TYPE_STRING,
  bool: AttributeType.ATTRIBUTE_TYPE_BOOL,
  date: AttributeType.ATTRIBUTE_TYPE_DATE,
  duration: AttributeType.ATTRIBUTE_TYPE_DURATION,
  transactions: AttributeType.ATTRIBUTE_TYPE_STRING,
};

function argumentMessage(spec: ArgumentSpec): AttributeArgument {
  const { name, type, optional = false, values = [], description } = spec;
  return { name, type: types[type], optional, description, values: [...values] };
}

/** The attribute as the contract shows it. */
export function attributeMessage(spec: AttributeSpec): Attribute {
  return {
    key: spec.key,
    type: spec.decimals ? AttributeType.ATTRIBUTE_TYPE_DOUBLE : types[spec.type],
    unit: spec.unit ?? '',
    sources: [...spec.sources],
    description: `${spec.description}${spec.missing ? ' A comparison with a missing value is false.' : ''}`,
    freshness: 'seconds',
    arguments: (spec.arguments ?? []).map(argumentMessage),
    values: Object.keys(spec.values ?? {}),
    dated: spec.dated ?? false,
  };
}
