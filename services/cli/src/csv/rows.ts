import type { ImportRow } from '@rapport/proto/customer/v1';
import type { PlainDate } from '../bank/bank.js';
import { rowMessage } from '../importing/row.js';
import { identifierKinds, importKinds, type RowKind } from './catalogue.js';
import type { FieldMapping, Mapping } from './mapping.js';
import type { Cells, Table } from './read.js';
import { type Read, readDay, readMoney, readTime } from './values.js';

type Value = string | string[] | number | bigint | boolean | PlainDate | Date;
type Values = ReadonlyMap<string, Value>;

/** The fields that name parties and holdings. */
const keyFields = new Set([
  ...['source_key', 'party', 'other_party', 'owner', 'holding'],
  ...['other_owners', 'authorised_users', 'guarantors', 'beneficial_owners'],
]);

/** A value that cannot be read; becomes a reject of the whole row. */
interface Unread {
  readonly field: string;
  readonly reason: string;
  readonly value: string;
}

/** The rows that a table makes; a record that makes none becomes an unreadable row with field, reason and value. */
export async function* rowsOf(table: Table, mapping: Mapping): AsyncGenerator<ImportRow> {
  const place = new Map(table.columns.map((column, index) => [column, index]));
  for await (const record of table.records) {
    const cell = (column: string): string => record.cells[place.get(column) ?? -1] ?? '';
    if (record.broken) {
      yield unreadable(mapping.rows, record, { field: '', reason: record.broken, value: record.raw ?? '' }, []);
      continue;
    }
    if (mapping.only.some(({ column, values }) => !values.has(cell(column).trim()))) continue;
    const values = valuesOf(mapping, cell);
    yield 'reason' in values
      ? unreadable(mapping.rows, record, values, keysOf(mapping, cell))
      : rowOf(mapping, record.line, values);
  }
}

/** Whom a row is about, though something else of it cannot be read. */
function keysOf(mapping: Mapping, cell: (column: string) => string): string[] {
  return mapping.fields
    .filter(({ name }) => keyFields.has(name) && !(mapping.rows === 'transaction' && name === 'source_key'))
    .flatMap((field) => {
      const raw = rawOf(mapping, field, cell);
      return field.field.type === 'list' ? raw.split(field.split).map((item) => item.trim()) : [raw];
    })
    .filter((key) => key !== '' && key.length <= 120)
    .slice(0, 60);
}

function unreadable(kind: RowKind, record: Cells, { field, reason, value }: Unread, keys: string[]): ImportRow {
  const row = {
    kind: importKinds[kind],
    field: field.slice(0, 100),
    reason,
    originalValue: [...value].slice(0, 200).join(''),
    keys,
  };
  return rowMessage(record.line, { $case: 'unreadable', value: row });
}

function valuesOf(mapping: Mapping, cell: (column: string) => string): Values | Unread {
  const values = new Map<string, Value>();
  const raws = new Map<string, string>();
  for (const field of mapping.fields) {
    const raw = rawOf(mapping, field, cell);
    if (raw !== '') raws.set(field.name, raw);
    else if (field.required)
      return { field: field.columns.join(' ') || field.name, reason: 'VALUE_MISSING', value: '' };
  }
  const currency = raws.get('currency') ?? mapping.currency;
  for (const field of mapping.fields) {
    const raw = raws.get(field.name);
    if (raw === undefined) continue;
    const read = readField(mapping, field, raw, currency);
    if ('reason' in read) return { field: field.columns.join(' ') || field.name, reason: read.reason, value: raw };
    values.set(field.name, read.value);
  }
  values.set('currency', currency);
  return values;
}

/** The text of a field: its constant, or its columns joined, its words exchanged, its default where nothing stands. */
function rawOf(mapping: Mapping, field: FieldMapping, cell: (column: string) => string): string {
  if (field.value !== undefined) return field.value;
  const parts = field.columns.map((column) => cell(column).trim()).filter((part) => !mapping.empty.has(part));
  const text = parts.join(field.join);
  const word = field.map ? (field.map.get(text) ?? text) : text;
  if (word === '') return field.default ?? '';
  return field.prefix + word;
}

function readField(mapping: Mapping, field: FieldMapping, raw: string, currency: string): Read<Value> {
  switch (field.field.type) {
    case 'enum': {
      const number = field.field.words?.[raw];
      return number === undefined ? { reason: 'WORD_UNKNOWN' } : { value: number };
    }
    case 'date':
      return readDay(raw, field.format ?? 'yyyy-MM-dd');
    case 'time':
      return readTime(raw, field.format ?? 'iso', mapping.zone);
    case 'money': {
      const read = readMoney(raw, currency, field);
      return field.negate && 'value' in read ? { value: -read.value } : read;
    }
    case 'integer':
      return /^-?\d{1,15}$/.test(raw) ? { value: Number(raw) } : { reason: 'NUMBER_INVALID' };
    case 'boolean':
      return /^(true|false)$/.test(raw) ? { value: raw === 'true' } : { reason: 'BOOLEAN_INVALID' };
    case 'list':
      return {
        value: raw
          .split(field.split)
          .map((item) => item.trim())
          .filter((item) => item !== ''),
      };
    default:
      return { value: raw };
  }
}

function rowOf(mapping: Mapping, line: number, values: Values): ImportRow {
  const make = {
    party: partyRow,
    holding: holdingRow,
    transaction: transactionRow,
    interaction: interactionRow,
    consent: consentRow,
    relationship: relationshipRow,
    behaviour: behaviourRow,
    tag: tagRow,
  };
  return rowMessage(line, make[mapping.rows](values));
}

const textOf = (values: Values, name: string): string => (values.get(name) as string | undefined) ?? '';
const numberOf = (values: Values, name: string): number => (values.get(name) as number | undefined) ?? 0;
const listOf = (values: Values, name: string): string[] => (values.get(name) as string[] | undefined) ?? [];
const dayOf = (values: Values, name: string) => values.get(name) as PlainDate | undefined;
const timeOf = (values: Values, name: string) => values.get(name) as Date | undefined;

function moneyOf(values: Values, name: string) {
  const minorUnits = values.get(name) as bigint | undefined;
  return minorUnits === undefined ? undefined : { minorUnits, currencyCode: textOf(values, 'currency') };
}

/** What is set under a head, with the names as the contract's code writes them: `person.given_name` → `givenName`. */
function under(values: Values, head: string): Record<string, Value> {
  const found: Record<string, Value> = {};
  for (const [name, value] of values) {
    if (!name.startsWith(`${head}.`)) continue;
    const rest = name.slice(head.length + 1);
    found[rest.replaceAll(/_([a-z])/g, (_all, letter: string) => letter.toUpperCase())] = value;
  }
  return found;
}

/** A person; of the income the amount and its day are one. */
function personOf(values: Values): object {
  const { income: _amount, incomeAsOf: asOf, ...person } = under(values, 'person');
  const perYear = moneyOf(values, 'person.income');
  return perYear ? { ...person, income: { perYear, asOf } } : person;
}

function partyRow(values: Values): object {
  const organisation = under(values, 'organisation');
  const isOrganisation = Object.keys(organisation).length > 0;
  const country = textOf(values, 'identifier.country');
  const identifiers = Object.entries(identifierKinds)
    .map(([word, kind]) => ({ kind, value: textOf(values, `identifier.${word}`), countryCode: country }))
    .filter((identifier) => identifier.value !== '');
  const lines = listOf(values, 'address.lines');
  const contactPoints: object[] = [
    ...listOf(values, 'email').map((value, index) => ({ point: { $case: 'email', value }, preferred: index === 0 })),
    ...listOf(values, 'phone').map((value, index) => ({ point: { $case: 'phone', value }, preferred: index === 0 })),
  ];
  if (lines.length > 0) {
    const value = {
      lines,
      locality: textOf(values, 'address.locality'),
      region: textOf(values, 'address.region'),
      postalCode: textOf(values, 'address.postal_code'),
      countryCode: textOf(values, 'address.country'),
    };
    contactPoints.push({ point: { $case: 'postalAddress', value } });
  }
  const value = {
    sourceKey: textOf(values, 'source_key'),
    party: {
      details: isOrganisation
        ? { $case: 'organisation', value: organisation }
        : { $case: 'person', value: personOf(values) },
      organisationPath: textOf(values, 'organisation_path'),
      relationshipManager: textOf(values, 'relationship_manager'),
      region: textOf(values, 'region'),
      district: textOf(values, 'district'),
      branch: textOf(values, 'branch'),
      timeZone: textOf(values, 'time_zone'),
      language: textOf(values, 'language'),
      contactPoints,
      identifiers,
      synthetic: (values.get('synthetic') as boolean | undefined) ?? false,
      state: numberOf(values, 'state'),
    },
  };
  return { $case: 'party', value };
}

const OTHERS = [
  ['other_owners', 1],
  ['authorised_users', 2],
  ['guarantors', 3],
  ['beneficial_owners', 4],
] as const;

function holdingRow(values: Values): object {
  const kinds = ['account', 'loan', 'card', 'standingOrder', 'deposit', 'fund', 'insurance', 'overdraft'] as const;
  const kind = kinds[numberOf(values, 'kind') - 1] as (typeof kinds)[number];
  const head = kind === 'standingOrder' ? 'standing_order' : kind;
  const parts: Record<string, unknown> = under(values, head);
  for (const [name, value] of Object.entries(parts)) {
    if (typeof value === 'bigint') parts[name] = { minorUnits: value, currencyCode: textOf(values, 'currency') };
  }
  if (kind === 'account') parts.currencyCode = textOf(values, 'currency');
  if (kind === 'fund') parts.unitsMicro = BigInt(numberOf(values, 'fund.units_micro'));
  if (kind === 'standingOrder') {
    parts.counterparty = { account: parts.counterpartyAccount ?? '', bank: parts.counterpartyBank ?? '' };
  }
  const value = {
    sourceKey: textOf(values, 'source_key'),
    ownerSourceKey: textOf(values, 'owner'),
    accountSourceKey: textOf(values, 'account'),
    otherOwners: OTHERS.flatMap(([name, role]) =>
      listOf(values, name).map((partySourceKey) => ({ partySourceKey, role })),
    ),
    holding: {
      details: { $case: kind, value: parts },
      openedDate: dayOf(values, 'opened_date'),
      closedDate: dayOf(values, 'closed_date'),
      status: numberOf(values, 'status'),
      balance: moneyOf(values, 'balance'),
      iban: textOf(values, 'iban'),
    },
  };
  return { $case: 'holding', value };
}

function transactionRow(values: Values): object {
  const amount = values.get('amount') as bigint;
  // Without a direction of its own the sign says which way the money went.
  const direction = numberOf(values, 'direction') || (amount < 0n ? 2 : 1);
  const account = textOf(values, 'counterparty_account');
  const bank = textOf(values, 'counterparty_bank');
  const name = textOf(values, 'counterparty_name');
  const operation = numberOf(values, 'operation') || (account === '' ? 8 : direction === 1 ? 4 : 5);
  const transaction = {
    direction,
    amount: { minorUnits: amount < 0n ? -amount : amount, currencyCode: textOf(values, 'currency') },
    balanceAfter: moneyOf(values, 'balance_after'),
    operation,
    bookingDate: dayOf(values, 'booking_date'),
    bookingTime: timeOf(values, 'booking_time'),
    sequence: numberOf(values, 'sequence'),
    purpose: textOf(values, 'purpose'),
    counterparty: account + bank + name === '' ? undefined : { account, bank, name },
    valueDate: dayOf(values, 'value_date'),
    kind: numberOf(values, 'kind'),
    channel: numberOf(values, 'channel'),
    merchantCategory: textOf(values, 'merchant_category'),
    category: textOf(values, 'category'),
  };
  const value = { sourceKey: textOf(values, 'source_key'), holdingSourceKey: textOf(values, 'holding'), transaction };
  return { $case: 'transaction', value };
}

function interactionRow(values: Values): object {
  const interaction = {
    channel: numberOf(values, 'channel'),
    direction: numberOf(values, 'direction'),
    kind: textOf(values, 'kind'),
    subject: textOf(values, 'subject'),
    note: textOf(values, 'note'),
    staff: textOf(values, 'staff'),
    related: textOf(values, 'related'),
    time: timeOf(values, 'time'),
  };
  const value = { sourceKey: textOf(values, 'source_key'), partySourceKey: textOf(values, 'party'), interaction };
  return { $case: 'interaction', value };
}

function consentRow(values: Values): object {
  const consent = {
    purpose: textOf(values, 'purpose'),
    channel: numberOf(values, 'channel'),
    state: numberOf(values, 'state'),
    textVersion: textOf(values, 'text_version'),
    proof: textOf(values, 'proof'),
    effectiveTime: timeOf(values, 'effective_time'),
    expireTime: timeOf(values, 'expire_time'),
  };
  return { $case: 'consent', value: { partySourceKey: textOf(values, 'party'), consent } };
}

function relationshipRow(values: Values): object {
  const relationship = {
    kind: numberOf(values, 'kind'),
    share: numberOf(values, 'share_basis_points'),
    startDate: dayOf(values, 'start_date'),
    endDate: dayOf(values, 'end_date'),
    evidence: textOf(values, 'evidence'),
  };
  const keys = { partySourceKey: textOf(values, 'party'), otherPartySourceKey: textOf(values, 'other_party') };
  return { $case: 'relationship', value: { ...keys, relationship } };
}

function tagRow(values: Values): object {
  const tag = { definition: `tagDefinitions/${textOf(values, 'tag')}`, expireTime: timeOf(values, 'expire_time') };
  return { $case: 'tag', value: { partySourceKey: textOf(values, 'party'), tag } };
}

function behaviourRow(values: Values): object {
  const event = {
    time: timeOf(values, 'time'),
    kind: numberOf(values, 'kind'),
    topic: textOf(values, 'topic'),
    channel: numberOf(values, 'channel'),
    session: textOf(values, 'session'),
    key: textOf(values, 'key'),
  };
  return { $case: 'behaviour', value: { partySourceKey: textOf(values, 'party'), event } };
}
