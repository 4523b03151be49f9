import {
  BehaviourKind,
  ConsentState,
  EducationLevel,
  HoldingStatus,
  IdentifierKind,
  ImportKind,
  InteractionDirection,
  LoanStatus,
  PartyState,
  RelationshipKind,
  Sex,
  StatementFrequency,
  TransactionChannel,
  TransactionDirection,
  TransactionKind,
  TransactionOperation,
} from '@rapport/proto/customer/v1';
import { Channel } from '@rapport/proto/type/v1';

/** What a field takes. An `enum` takes the words of the contract in lower case; a `list` is split at the `split` of its mapping. */
export interface Field {
  readonly type: 'text' | 'list' | 'date' | 'time' | 'money' | 'integer' | 'boolean' | 'enum';
  readonly words?: Readonly<Record<string, number>>;
  /** Without it a row means nothing. */
  readonly required?: boolean;
}

/** The words of an enumeration as a mapping writes them: `HOLDING_KIND_STANDING_ORDER` is `standing_order`. */
function words(names: object, prefix: string): Field {
  const entries = Object.entries(names).filter(
    (entry): entry is [string, number] => typeof entry[1] === 'number' && entry[1] > 0 && entry[0].startsWith(prefix),
  );
  return {
    type: 'enum',
    words: Object.fromEntries(entries.map(([name, number]) => [name.slice(prefix.length).toLowerCase(), number])),
  };
}

const text: Field = { type: 'text' };
const key: Field = { type: 'text', required: true };
const list: Field = { type: 'list' };
const date: Field = { type: 'date' };
const time: Field = { type: 'time' };
const money: Field = { type: 'money' };
const integer: Field = { type: 'integer' };
const channel = words(Channel, 'CHANNEL_');

/** The kinds of identifiers by their words. */
export const identifierKinds = words(IdentifierKind, 'IDENTIFIER_KIND_').words ?? {};

const party: Readonly<Record<string, Field>> = {
  source_key: key,
  'person.given_name': text,
  'person.family_name': text,
  'person.sex': words(Sex, 'SEX_'),
  'person.birth_date': date,
  'person.salutation': text,
  'person.occupation': text,
  'person.industry': text,
  'person.education': words(EducationLevel, 'EDUCATION_LEVEL_'),
  // In the currency of the row, or else of the file.
  'person.income': money,
  'person.income_as_of': date,
  'organisation.legal_name': text,
  'organisation.legal_form': text,
  'organisation.registration_number': text,
  'organisation.industry': text,
  organisation_path: text,
  relationship_manager: text,
  region: text,
  district: text,
  branch: text,
  time_zone: text,
  language: text,
  email: list,
  phone: list,
  'address.lines': list,
  'address.locality': text,
  'address.region': text,
  'address.postal_code': text,
  'address.country': text,
  ...Object.fromEntries(Object.keys(identifierKinds).map((kind) => [`identifier.${kind}`, text])),
  'identifier.country': text,
  currency: text,
  state: words(PartyState, 'PARTY_STATE_'),
  synthetic: { type: 'boolean' },
};

const holding: Readonly<Record<string, Field>> = {
  source_key: key,
  owner: key,
  other_owners: list,
  authorised_users: list,
  guarantors: list,
  beneficial_owners: list,
  account: text,
  iban: text,
  kind: {
    type: 'enum',
    required: true,
    words: { account: 1, loan: 2, card: 3, standing_order: 4, deposit: 5, fund: 6, insurance: 7, overdraft: 8 },
  },
  opened_date: date,
  closed_date: date,
  status: words(HoldingStatus, 'HOLDING_STATUS_'),
  currency: text,
  balance: money,
  'account.statement_frequency': words(StatementFrequency, 'STATEMENT_FREQUENCY_'),
  'loan.amount': money,
  'loan.duration_months': integer,
  'loan.payment': money,
  'loan.status': words(LoanStatus, 'LOAN_STATUS_'),
  'card.type': text,
  'card.issued_date': date,
  'standing_order.counterparty_account': text,
  'standing_order.counterparty_bank': text,
  'standing_order.amount': money,
  'standing_order.purpose': text,
  'deposit.term_months': integer,
  'deposit.maturity_date': date,
  'deposit.interest_rate_basis_points': integer,
  'fund.isin': text,
  'fund.units_micro': integer,
  'insurance.type': text,
  'insurance.sum_insured': money,
  'insurance.premium': money,
  'insurance.end_date': date,
  'overdraft.limit': money,
};

const transaction: Readonly<Record<string, Field>> = {
  source_key: key,
  holding: key,
  direction: words(TransactionDirection, 'TRANSACTION_DIRECTION_'),
  amount: { type: 'money', required: true },
  currency: text,
  balance_after: money,
  operation: words(TransactionOperation, 'TRANSACTION_OPERATION_'),
  booking_date: { type: 'date', required: true },
  booking_time: time,
  sequence: integer,
  purpose: text,
  counterparty_account: text,
  counterparty_bank: text,
  counterparty_name: text,
  value_date: date,
  kind: words(TransactionKind, 'TRANSACTION_KIND_'),
  channel: words(TransactionChannel, 'TRANSACTION_CHANNEL_'),
  merchant_category: text,
  category: text,
};

const interaction: Readonly<Record<string, Field>> = {
  source_key: key,
  party: key,
  channel: { ...channel, required: true },
  direction: { ...words(InteractionDirection, 'INTERACTION_DIRECTION_'), required: true },
  kind: key,
  subject: text,
  note: text,
  staff: text,
  related: text,
  time: { type: 'time', required: true },
};

const consent: Readonly<Record<string, Field>> = {
  party: key,
  purpose: key,
  channel: { ...channel, required: true },
  state: { ...words(ConsentState, 'CONSENT_STATE_'), required: true },
  text_version: key,
  proof: text,
  effective_time: time,
  expire_time: time,
};

const relationship: Readonly<Record<string, Field>> = {
  party: key,
  other_party: key,
  kind: { ...words(RelationshipKind, 'RELATIONSHIP_KIND_'), required: true },
  share_basis_points: integer,
  start_date: date,
  end_date: date,
  evidence: text,
};

const behaviour: Readonly<Record<string, Field>> = {
  key,
  party: key,
  kind: { ...words(BehaviourKind, 'BEHAVIOUR_KIND_'), required: true },
  channel: { ...channel, required: true },
  topic: text,
  session: text,
  time: { type: 'time', required: true },
};

const tag: Readonly<Record<string, Field>> = {
  party: key,
  tag: key,
  expire_time: time,
};

/** What the rows of a file may be, with the fields of each. */
export const catalogue = {
  party,
  holding,
  transaction,
  interaction,
  consent,
  relationship,
  behaviour,
  tag,
} as const;

/** What the rows of a file are. */
export type RowKind = keyof typeof catalogue;

/** The kind as the contract knows it. */
export const importKinds: Readonly<Record<RowKind, ImportKind>> = {
  party: ImportKind.IMPORT_KIND_PARTY,
  holding: ImportKind.IMPORT_KIND_HOLDING,
  transaction: ImportKind.IMPORT_KIND_TRANSACTION,
  interaction: ImportKind.IMPORT_KIND_INTERACTION,
  consent: ImportKind.IMPORT_KIND_CONSENT,
  relationship: ImportKind.IMPORT_KIND_RELATIONSHIP,
  behaviour: ImportKind.IMPORT_KIND_BEHAVIOUR,
  tag: ImportKind.IMPORT_KIND_TAG,
};
