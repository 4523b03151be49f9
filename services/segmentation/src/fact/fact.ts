import type { Analytics, Parameter } from '@rapport/kit/analytics';
import { type Database, type Scope, sql } from '@rapport/kit/db';
import type { BatchedEvent } from '@rapport/kit/events';
import {
  BehaviourChanged,
  BehaviourRecorded,
  ConsentChanged,
  GoalReached,
  GoalSet,
  HoldingOpened,
  HoldingUpdated,
  HouseholdChanged,
  InteractionRecorded,
  LifeEventRecorded,
  LifeEventRetracted,
  PartyCreated,
  PartyMerged,
  PartyUnmerged,
  PartyUpdated,
  TagRemoved,
  TagSet,
  TransactionBooked,
  TransactionRecategorised,
} from '@rapport/proto/customer/v1';
import type { Alias } from '../merge/merge.js';
import { stored } from './cluster.js';
import {
  behaviourChangeRow,
  behaviourRows,
  consentRow,
  goalRow,
  holdingRows,
  householdMemberRow,
  householdRow,
  interactionRow,
  lifeEventRow,
  partyRow,
  tagRow,
  transactionRows,
} from './rows.js';
import { aliases as aliasTable, households, partyTables, replacedFiles, tables } from './tables.js';
import { day, idOf, versionOf } from './values.js';

export { educationLevels, industrySections, occupationGroups } from './livelihood.js';
export { ensureTables, stored } from './cluster.js';
export { aliases, changes, type FactTable, factTables, households, partyTables, tables } from './tables.js';
export { versionOf } from './values.js';

/** The events that become facts. */
export const factEvents: readonly [
  typeof BehaviourChanged,
  typeof BehaviourRecorded,
  typeof ConsentChanged,
  typeof GoalReached,
  typeof GoalSet,
  typeof HoldingOpened,
  typeof HoldingUpdated,
  typeof HouseholdChanged,
  typeof InteractionRecorded,
  typeof LifeEventRecorded,
  typeof LifeEventRetracted,
  typeof PartyCreated,
  typeof PartyMerged,
  typeof PartyUnmerged,
  typeof PartyUpdated,
  typeof TagRemoved,
  typeof TagSet,
  typeof TransactionBooked,
  typeof TransactionRecategorised,
] = [
  BehaviourChanged,
  BehaviourRecorded,
  ConsentChanged,
  GoalReached,
  GoalSet,
  HoldingOpened,
  HoldingUpdated,
  HouseholdChanged,
  InteractionRecorded,
  LifeEventRecorded,
  LifeEventRetracted,
  PartyCreated,
  PartyMerged,
  PartyUnmerged,
  PartyUpdated,
  TagRemoved,
  TagSet,
  TransactionBooked,
  TransactionRecategorised,
];

/** One of them, as it came. */
export type FactEvent = BatchedEvent<(typeof factEvents)[number]>;

/** A transaction that was put into another spending category. */
export interface Recategorised {
  transaction: string;
  parties: string[];
  /** Its booking day. */
  day: number;
  category: string;
  version: bigint;
}

/** The rows of a batch of events, by table, and the parties whose features they change. */
export interface Facts {
  rows: Map<string, object[]>;
  /** What merges and unmerges told, in the order of the events. */
  aliases: Alias[];
  /** In the order of the events. */
  recategorised: Recategorised[];
  /** The households whose number of members changed, each with the trace context of the event. */
  households: Map<string, string | undefined>;
  /** With the trace context of the last event that changed each. */
  touched: Map<string, string | undefined>;
}

/** Turns events into rows. Pure: the same events give the same rows. */
export function factsOf(events: readonly FactEvent[]): Facts {
  const facts: Facts = {
    rows: new Map(),
    aliases: [],
    recategorised: [],
    households: new Map(),
    touched: new Map(),
  };
  const add = ({ name }: { name: string }, ...rows: object[]): void => {
    const known = facts.rows.get(name);
    if (known) known.push(...rows);
    else facts.rows.set(name, rows);
  };
  for (const one of events) {
    for (const party of factOf(one, facts, add)) {
      // Set anew, so that the order is that of the last event of each.
      facts.touched.delete(party);
      facts.touched.set(party, one.meta.traceparent);
    }
  }
  const merges = facts.aliases.map(({ party, golden, time }) => ({ party, golden, version: BigInt(time.getTime()) }));
  if (merges.length > 0) add(aliasTable, ...merges);
  return facts;
}

type Add = (table: { name: string }, ...rows: object[]) => void;

/** Adds what one event tells; gives the parties whose features it changes. */
function factOf({ type, event, meta }: FactEvent, facts: Facts, add: Add): string[] {
  const version = versionOf(meta.id);
  const { occurred, traceparent } = meta;
  switch (type) {
    case PartyCreated.$type:
    case PartyUpdated.$type:
      add(tables.party, partyRow(event, version));
      break;
    case HoldingOpened.$type:
    case HoldingUpdated.$type:
      add(tables.holding, ...holdingRows(event, version));
      return [...event.owners.map(({ party }) => party), ...('formerOwners' in event ? event.formerOwners : [])].map(
        idOf,
      );
    case PartyMerged.$type: {
      const time = event.mergeTime ?? occurred;
      for (const party of event.merged) facts.aliases.push({ party: idOf(party), golden: idOf(event.survivor), time });
      return [event.survivor, ...event.merged].map(idOf);
    }
    case PartyUnmerged.$type: {
      const time = event.unmergeTime ?? occurred;
      for (const party of event.restored) facts.aliases.push({ party: idOf(party), golden: idOf(event.party), time });
      return [event.survivor, ...event.restored].map(idOf);
    }
    case TransactionBooked.$type:
      add(tables.transaction, ...transactionRows(event, version));
      return event.parties.map(idOf);
    case TransactionRecategorised.$type: {
      const { category } = event;
      const parties = event.parties.map(idOf);
      const transaction = idOf(event.transaction);
      facts.recategorised.push({ transaction, parties, day: day(event.bookingDate), category, version });
      return parties;
    }
    case HouseholdChanged.$type:
      add(tables.householdMember, householdMemberRow(event, version, occurred));
      add(households, householdRow(event, version, occurred));
      facts.households.set(idOf(event.household), traceparent);
      break;
    case TagSet.$type:
    case TagRemoved.$type:
      add(tables.tag, tagRow(event, version, occurred));
      break;
    case LifeEventRecorded.$type:
    case LifeEventRetracted.$type:
      add(tables.lifeEvent, lifeEventRow(event, version));
      break;
    case InteractionRecorded.$type:
      add(tables.interaction, interactionRow(event, version, occurred));
      break;
    case BehaviourRecorded.$type:
      add(tables.behaviour, ...behaviourRows(event, version, occurred));
      break;
    case GoalSet.$type:
    case GoalReached.$type:
      add(tables.goal, goalRow(event, version, occurred));
      break;
    case BehaviourChanged.$type:
      add(tables.behaviourChange, behaviourChangeRow(event, version));
      break;
    default:
      add(tables.consent, consentRow(event, version, occurred));
  }
  return [idOf(event.party)];
}

/** Writes the rows; one insert per table. Writing the same rows again changes nothing that is read. */
export async function storeFacts(analytics: Analytics, rows: Facts['rows']): Promise<void> {
  for (const [table, values] of rows) await analytics.insert(table, values);
}

/**
 * Writes transactions anew with the category that they are in now. Each event of a party comes after the one that told of
 * the transaction, so it is there; a later category has the higher version, whatever comes again.
 */
export async function recategorise(analytics: Analytics, events: readonly Recategorised[]): Promise<void> {
  if (events.length === 0) return;
  const last = [...new Map(events.map((one) => [one.transaction, one])).values()];
  const { name } = tables.transaction;
  await analytics.command(
    `INSERT INTO ${name} SELECT * REPLACE (
        transform(toString(transaction), {transactions:Array(String)}, {categories:Array(String)}, '') AS category,
        transform(toString(transaction), {transactions:Array(String)}, {versions:Array(UInt64)}, toUInt64(0)) AS version)
      FROM ${name} FINAL WHERE party IN {parties:Array(UUID)} AND booking_date IN {days:Array(Int32)}
        AND toString(transaction) IN {transactions:Array(String)}`,
    {
      transactions: last.map(({ transaction }) => transaction),
      categories: last.map(({ category }) => category),
      versions: last.map(({ version }) => version),
      parties: [...new Set(last.flatMap(({ parties }) => parties))],
      days: [...new Set(last.map((one) => one.day))],
    },
  );
}

/** The parties that are or were in those households, with the trace context given for the household. */
export async function membersOf(
  analytics: Analytics,
  changed: ReadonlyMap<string, string | undefined>,
): Promise<Map<string, string | undefined>> {
  if (changed.size === 0) return new Map();
  // Names of their own for the texts: the condition is on the columns.
  const rows = await analytics.query<{ member: string; home: string }>(
    `SELECT DISTINCT toString(party) AS member, toString(household) AS home FROM ${tables.householdMember.name}
      WHERE household IN {households:Array(UUID)}`,
    { households: [...changed.keys()] },
  );
  return new Map(rows.map(({ member, home }) => [member, changed.get(home)]));
}

/**
 * Removes every fact of the parties, from the files too: the parts that held them are written anew before it returns, and
 * those that were replaced are gone within two minutes. Gives how many there were in each table.
 */
export async function eraseFacts(analytics: Analytics, parties: readonly string[]): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const table of partyTables) {
    const [found] = await analytics.query<{ n: number }>(
      // Of a fact that was told twice there may still be two rows.
      `SELECT count() AS n FROM ${table} FINAL WHERE party IN {parties:Array(UUID)}`,
      { parties: [...parties] },
    );
    counts[`fact_${table}`] = Number(found?.n ?? 0);
    if (counts[`fact_${table}`] === 0) continue;
    const { altered } = stored(analytics, table);
    await analytics.command(`ALTER TABLE ${altered} MODIFY SETTING ${replacedFiles}`);
    await analytics.command(
      `ALTER TABLE ${altered} DELETE WHERE party IN {parties:Array(UUID)} SETTINGS mutations_sync = 2`,
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
