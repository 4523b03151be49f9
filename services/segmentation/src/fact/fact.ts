import type { Analytics, Parameter } from '@rapport/kit/analytics';
import { type Database, type Scope, sql } from '@rapport/kit/db';
import type { BatchedEvent } from '@rapport/kit/events';
import {
  ConsentChanged,
  ConsentState,
  HoldingKind,
  HoldingOpened,
  HoldingRole,
  HoldingUpdated,
  PartyCreated,
  PartyKind,
  PartyMerged,
  PartyState,
  PartyUnmerged,
  PartyUpdated,
  Sex,
  TransactionBooked,
  TransactionDirection,
  TransactionOperation,
} from '@rapport/proto/customer/v1';
import { Channel, type Money } from '@rapport/proto/type/v1';

import { allTables } from './tables.js';
import type { Alias } from '../merge/merge.js';

export { aliases, type FactTable, factTables, tables } from './tables.js';

/** The events that become facts. */
export const factEvents: readonly [
  typeof PartyCreated,
  typeof PartyUpdated,
  typeof HoldingOpened,
  typeof HoldingUpdated,
  typeof PartyMerged,
  typeof PartyUnmerged,
  typeof TransactionBooked,
  typeof ConsentChanged,
] = [
  PartyCreated,
  PartyUpdated,
  HoldingOpened,
  HoldingUpdated,
  PartyMerged,
  PartyUnmerged,
  TransactionBooked,
  ConsentChanged,
];

/** One of them, as it came. */
export type FactEvent = BatchedEvent<(typeof factEvents)[number]>;

/** The rows of a batch of events, by table, and the parties whose features they change. */
export interface Facts {
  rows: { party: object[]; holding: object[]; booked_transaction: object[]; consent: object[]; party_alias: object[] };
  /** What merges and unmerges told, in the order of the events. */
  aliases: Alias[];
  /** With the trace context of the last event that changed each. */
  touched: Map<string, string | undefined>;
}

interface DateParts {
  year: number;
  month: number;
  day: number;
}

function day(date: DateParts | undefined): number {
  return date ? date.year * 10_000 + date.month * 100 + date.day : 0;
}

/** The id at the end of a resource name. */
function idOf(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1);
}

/** The id of the party that a name begins with. */
function partyOf(name: string): string {
  return name.split('/')[1] ?? '';
}

/** Grows with each event of a party: the time and the counter at the front of its UUIDv7, which fit 60 bits. */
function versionOf(eventId: string): bigint {
  const hex = eventId.replaceAll('-', '');
  return (BigInt(`0x${hex.slice(0, 12)}`) << 12n) | BigInt(`0x${hex.slice(13, 16)}`);
}

/** The word that rules use for an enum value: `HOLDING_KIND_STANDING_ORDER` is `standing_order`, unspecified is ''. */
function word(names: Readonly<Record<number, string>>, value: number, prefix: string): string {
  const name = names[value];
  if (value === 0 || !name?.startsWith(prefix)) return '';
  return name.slice(prefix.length).toLowerCase();
}

const decimals = new Map<string, number>();

function decimalsOf(currency: string): number {
  const known = decimals.get(currency);
  if (known !== undefined) return known;
  let found = 2;
  try {
    const options = new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions();
    found = Math.min(options.maximumFractionDigits ?? 2, 4);
  } catch {
    // Not a currency code: cents, as most have.
  }
  decimals.set(currency, found);
  return found;
}

/** An amount in whole units of its currency, exact: 123456 minor units of CZK are '1234.56'. */
export function wholeUnits(money: Money): string {
  const places = decimalsOf(money.currencyCode);
  const digits = (money.minorUnits < 0n ? -money.minorUnits : money.minorUnits).toString().padStart(places + 1, '0');
  const whole = digits.slice(0, digits.length - places);
  const sign = money.minorUnits < 0n ? '-' : '';
  return places === 0 ? `${sign}${whole}` : `${sign}${whole}.${digits.slice(-places)}`;
}

function partyRow(event: PartyCreated | PartyUpdated, version: bigint): object {
  return {
    party: idOf(event.party),
    organisation_path: event.organisationPath,
    // As the subject of that employee's tokens.
    manager: event.relationshipManager,
    kind: word(PartyKind, event.kind, 'PARTY_KIND_'),
    sex: word(Sex, event.sex, 'SEX_'),
    birth_date: day(event.birthDate),
    region: event.region,
    district: event.district,
    branch: event.branch,
    source: event.source,
    state: word(PartyState, event.state, 'PARTY_STATE_'),
    version,
  };
}

/** One row for each who has it; whoever has it no longer keeps a row that says so. */
function holdingRows(event: HoldingOpened | HoldingUpdated, version: bigint): object[] {
  const former = 'formerOwners' in event ? event.formerOwners : [];
  const common = {
    holding: idOf(event.holding),
    organisation_path: event.organisationPath,
    kind: word(HoldingKind, event.kind, 'HOLDING_KIND_'),
    opened_date: day(event.openedDate),
    closed_date: 'closedDate' in event ? day(event.closedDate) : 0,
    version,
  };
  return [
    ...event.owners.map(({ party, role }) => ({
      party: idOf(party),
      owner: role === HoldingRole.HOLDING_ROLE_OWNER,
      ...common,
    })),
    ...former.map((party) => ({ party: idOf(party), owner: false, ...common })),
  ];
}

/** One row for each owner. A transaction without an owner is kept under the party of its name, owned by nobody. */
function transactionRows(event: TransactionBooked, version: bigint): object[] {
  const owned = event.parties.length > 0;
  const parties = owned ? event.parties.map(idOf) : [partyOf(event.transaction)];
  const common = {
    booking_date: day(event.bookingDate),
    transaction: idOf(event.transaction),
    holding: idOf(event.holding),
    organisation_path: event.organisationPath,
    holding_kind: word(HoldingKind, event.holdingKind, 'HOLDING_KIND_'),
    owner: owned,
    sequence: event.sequence,
    direction: word(TransactionDirection, event.direction, 'TRANSACTION_DIRECTION_'),
    operation: word(TransactionOperation, event.operation, 'TRANSACTION_OPERATION_'),
    amount: event.amount ? wholeUnits(event.amount) : '0',
    balance_after: event.balanceAfter ? wholeUnits(event.balanceAfter) : null,
    version,
  };
  return parties.map((party) => ({ party, ...common }));
}

function consentRow(event: ConsentChanged, version: bigint, occurred: Date): object {
  return {
    party: idOf(event.party),
    purpose: event.purpose,
    channel: word(Channel, event.channel, 'CHANNEL_'),
    effective_time: event.effectiveTime ?? occurred,
    consent: idOf(event.consent),
    organisation_path: event.organisationPath,
    granted: event.state === ConsentState.CONSENT_STATE_GRANTED,
    version,
  };
}

/** Turns events into rows. Pure: the same events give the same rows. */
export function factsOf(events: readonly FactEvent[]): Facts {
  const rows: Facts['rows'] = { party: [], holding: [], booked_transaction: [], consent: [], party_alias: [] };
  const aliases: Alias[] = [];
  const touched: Facts['touched'] = new Map();
  const touch = (party: string, traceparent: string | undefined): void => {
    // Set anew, so that the order is that of the last event of each.
    touched.delete(party);
    touched.set(party, traceparent);
  };
  for (const { type, event, meta } of events) {
    const version = versionOf(meta.id);
    switch (type) {
      case PartyCreated.$type:
      case PartyUpdated.$type:
        rows.party.push(partyRow(event, version));
        touch(idOf(event.party), meta.traceparent);
        break;
      case HoldingOpened.$type:
      case HoldingUpdated.$type:
        rows.holding.push(...holdingRows(event, version));
        for (const owner of event.owners) touch(idOf(owner.party), meta.traceparent);
        if ('formerOwners' in event) for (const party of event.formerOwners) touch(idOf(party), meta.traceparent);
        break;
      case PartyMerged.$type: {
        const time = event.mergeTime ?? meta.occurred;
        aliases.push(...event.merged.map((party) => ({ party: idOf(party), golden: idOf(event.survivor), time })));
        for (const party of [event.survivor, ...event.merged]) touch(idOf(party), meta.traceparent);
        break;
      }
      case PartyUnmerged.$type: {
        const time = event.unmergeTime ?? meta.occurred;
        aliases.push(...event.restored.map((party) => ({ party: idOf(party), golden: idOf(event.party), time })));
        for (const party of [event.survivor, ...event.restored]) touch(idOf(party), meta.traceparent);
        break;
      }
      case TransactionBooked.$type:
        rows.booked_transaction.push(...transactionRows(event, version));
        for (const party of event.parties) touch(idOf(party), meta.traceparent);
        break;
      default:
        rows.consent.push(consentRow(event, version, meta.occurred));
        touch(idOf(event.party), meta.traceparent);
    }
  }
  rows.party_alias = aliases.map(({ party, golden, time }) => ({ party, golden, version: BigInt(time.getTime()) }));
  return { rows, touched, aliases };
}

/** Writes the rows; one insert per table. Writing the same rows again changes nothing that is read. */
export async function storeFacts(analytics: Analytics, rows: Facts['rows']): Promise<void> {
  for (const [table, values] of Object.entries(rows)) await analytics.insert(table, values);
}

/** The tables whose rows belong to a party. */
export const partyTables: readonly string[] = allTables.map(({ name }) => name);

/**
 * Removes every fact of the parties, from the files too: the parts that held them are written anew before it returns.
 * Gives how many there were in each table.
 */
export async function eraseFacts(analytics: Analytics, parties: readonly string[]): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const table of partyTables) {
    const [found] = await analytics.query<{ n: number }>(
      `SELECT count() AS n FROM ${table} WHERE party IN {parties:Array(UUID)}`,
      { parties: [...parties] },
    );
    counts[`fact_${table}`] = Number(found?.n ?? 0);
    if (counts[`fact_${table}`] === 0) continue;
    await analytics.command(
      `ALTER TABLE ${table} DELETE WHERE party IN {parties:Array(UUID)} SETTINGS mutations_sync = 2`,
      { parties: [...parties] },
    );
  }
  return counts;
}

/** A condition in ClickHouse, with what it binds. */
export interface FactFilter {
  text: string;
  parameters: Record<string, Parameter>;
}

/**
 * The condition that keeps the rows which a scope allows and, if given, those under a path. A relation that facts know
 * nothing of adds no rows. `manager` is a column of parties only.
 */
export function factFilter(scope: Scope, under = '', columns: { manager?: boolean } = {}): FactFilter {
  const parameters: Record<string, Parameter> = {};
  const below = (name: string, path: string): string => {
    if (path === '/') return '1';
    parameters[name] = path;
    parameters[`${name}_below`] = `${path}/`;
    return `(organisation_path = {${name}:String} OR startsWith(organisation_path, {${name}_below:String}))`;
  };
  const asked = under === '' ? '1' : below('asked', under);
  if (scope.kind === 'everything') return { text: asked, parameters };
  if (scope.kind === 'nothing') return { text: '0', parameters };
  const allowed: string[] = [];
  if (scope.subtree) allowed.push(below('subtree', scope.subtree));
  if (scope.branch) {
    parameters['branch'] = scope.branch;
    allowed.push('organisation_path = {branch:String}');
  }
  if (scope.own && columns.manager) {
    parameters['own'] = scope.own;
    allowed.push('manager = {own:String}');
  }
  return { text: `${asked} AND (${allowed.length > 0 ? allowed.join(' OR ') : '0'})`, parameters };
}

/** The time of the newest event that became a fact; undefined when none did. */
export async function lastEventTime(db: Database): Promise<Date | undefined> {
  const row = await db.system.maybe<{ last_event_time: Date }>(sql`SELECT last_event_time FROM fact_progress`);
  return row?.last_event_time;
}
