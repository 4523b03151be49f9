import { normalise } from '@rapport/kit/crypto';
import { type ContactPoint, type Identifier, Party, PartyState } from '@rapport/proto/customer/v1';
import type { Removal } from '../source/source.js';
import {
  blankParty,
  displayNameOf,
  kindOf,
  type Named,
  pathsOf,
  putValue,
  sameValue,
  saysNothing,
  valueAt,
} from '../party/party.js';

/** What decides between records that state different values of a field. */
export type Criterion = 'priority' | 'recency' | 'completeness';

/** What one source says about one of the parties of a golden record. */
export interface StatedRecord {
  recordId: string;
  /** The party that the record belongs to for ever. */
  homeId: string;
  source: string;
  /** How far the source is believed; the higher number wins. */
  priority: number;
  /** Entered here by staff: believed as much as the best of the others, so that the later of the two wins. */
  staff: boolean;
  party: Party;
  /** The only fields that the record speaks of, be they empty; without it, every field that is not empty. */
  paths?: ReadonlySet<string> | undefined;
  /** When the value of a field last changed in the record. */
  changed: (path: string) => Date;
  removals: readonly Removal[];
}

/** Which record a value of the golden record comes from, and by what. */
export interface Provenance {
  /** A field such as `person.family_name`, or an entry such as `contact_points[0]`. */
  path: string;
  record: StatedRecord;
  /** What decided; `only` where no record says anything else. */
  by: Criterion | 'choice' | 'only' | 'order';
  /** The records that say something else. */
  others: StatedRecord[];
}

/** A golden record as it follows from its records. */
export interface Survived {
  party: Party;
  fields: Provenance[];
  /** Every name that a record knows the customer by. */
  names: Named[];
}

/** What is decided beside the records themselves. */
export interface Deciding {
  /** The order of criteria for a field. */
  criteria: (path: string) => readonly Criterion[];
  /** A steward's choice: the record that holds for a field. */
  choices: ReadonlyMap<string, string>;
}

/** Fields that say where a party stands in the bank: those of the surviving party itself. */
const places = ['organisation_path', 'relationship_manager'];

/** Fields that say who somebody is are taken from who checks best; the others from who heard last. */
const identity = ['person.', 'organisation.'];
/** Of those, what changes in the course of a life, and so goes by who heard last. */
const changing = new Set([
  ...['salutation', 'occupation', 'industry', 'education', 'income'].map((path) => `person.${path}`),
  'organisation.industry',
]);

/** The order of criteria where the bank has set none. */
export function defaultCriteria(path: string): readonly Criterion[] {
  return identity.some((prefix) => path.startsWith(prefix)) && !changing.has(path)
    ? ['priority', 'recency', 'completeness']
    : ['recency', 'priority', 'completeness'];
}

/**
 * The golden record of a tree of parties, from the records of all of them. Pure; the order of the records and how often
 * it is asked do not matter. `root` gives what no source decides: the id, the kind, whether it is synthetic.
 */
export function survive(
  root: Pick<Party, 'kind' | 'source' | 'sourceKey' | 'synthetic'> & { partyId: string },
  records: readonly StatedRecord[],
  deciding: Deciding,
): Survived {
  const known = records.toSorted((a, b) => (a.recordId < b.recordId ? -1 : 1));
  const party = blankParty(root.kind);
  const fields: Provenance[] = [];
  for (const path of pathsOf(root.kind)) {
    if (path === 'contact_points' || path === 'identifiers') continue;
    const asked = places.includes(path) ? known.filter(({ homeId }) => homeId === root.partyId) : known;
    const won = path === 'state' ? strictest(asked, deciding) : decide(path, asked, deciding, root.partyId);
    if (!won) continue;
    putValue(party, path, valueAt(won.record.party, path));
    fields.push(won);
  }
  const contacts = unite('contact_points', known, deciding, root.partyId, contactKey, (one) => one.contactPoints);
  party.contactPoints = onePreferred(contacts.map(({ value }) => value));
  const identifiers = unite('identifiers', known, deciding, root.partyId, identifierKey, (one) => one.identifiers);
  party.identifiers = identifiers.map(({ value }) => value);
  for (const { provenance } of [...contacts, ...identifiers]) fields.push(provenance);
  const { source, sourceKey, synthetic } = root;
  return {
    party: Party.fromPartial({ ...party, source, sourceKey, synthetic }),
    fields,
    names: known.map((record) => namedAs(record.party)).filter(({ displayName }) => displayName !== ''),
  };
}

function namedAs(party: Party): Named {
  const displayName = displayNameOf(party);
  if (party.details?.$case !== 'person') return { displayName, givenName: '', familyName: '' };
  const { givenName, familyName } = party.details.value;
  return { displayName, givenName, familyName };
}

/** Whether a record says anything about a field. */
export function states(record: StatedRecord, path: string): boolean {
  return record.paths?.has(path) ?? !saysNothing(valueAt(record.party, path));
}

function decide(
  path: string,
  records: readonly StatedRecord[],
  { criteria, choices }: Deciding,
  rootId: string,
): Provenance | undefined {
  const stating = records.filter((record) => states(record, path));
  const chosen = stating.find(({ recordId }) => recordId === choices.get(path));
  const ranked = rank(path, stating, criteria(path), rootId);
  const record = chosen ?? ranked[0];
  if (!record) return undefined;
  const value = valueAt(record.party, path);
  const others = ranked.filter((other) => !sameValue(valueAt(other.party, path), value));
  if (chosen) return { path, record, by: 'choice', others };
  const [next] = others;
  return { path, record, by: next ? decisive(path, record, next, stating, criteria(path)) : 'only', others };
}

/**
 * Processing that one of the parties restricted is restricted for the customer, and a relationship has ended when all
 * have: the state that binds most wins over those of the parties, each decided for itself.
 */
function strictest(records: readonly StatedRecord[], deciding: Deciding): Provenance | undefined {
  const order = [PartyState.PARTY_STATE_CLOSED, PartyState.PARTY_STATE_ACTIVE, PartyState.PARTY_STATE_RESTRICTED];
  const homes = [...new Set(records.map(({ homeId }) => homeId))].sort();
  const won = homes.flatMap((home) => {
    const own = records.filter(({ homeId }) => homeId === home);
    return decide('state', own, deciding, home) ?? [];
  });
  return won.reduce<Provenance | undefined>(
    (best, one) =>
      best && order.indexOf(best.record.party.state) >= order.indexOf(one.record.party.state) ? best : one,
    undefined,
  );
}

/** Records in the order in which they are believed about a field. */
function rank(
  path: string,
  records: readonly StatedRecord[],
  criteria: readonly Criterion[],
  rootId: string,
): StatedRecord[] {
  return records.toSorted((a, b) => {
    for (const criterion of criteria) {
      const difference = measure(criterion, path, b, records) - measure(criterion, path, a, records);
      if (difference !== 0) return difference;
    }
    const own = Number(b.homeId === rootId) - Number(a.homeId === rootId);
    return Number(b.staff) - Number(a.staff) || own || (a.recordId < b.recordId ? -1 : 1);
  });
}

function decisive(
  path: string,
  record: StatedRecord,
  next: StatedRecord,
  records: readonly StatedRecord[],
  criteria: readonly Criterion[],
): Criterion | 'order' {
  const by = criteria.find(
    (criterion) => measure(criterion, path, record, records) !== measure(criterion, path, next, records),
  );
  return by ?? 'order';
}

function measure(criterion: Criterion, path: string, record: StatedRecord, among: readonly StatedRecord[]): number {
  // What staff enter while a source speaks up in the same millisecond is the later of the two.
  if (criterion === 'recency') return record.changed(path).getTime() + (record.staff ? 0.5 : 0);
  if (criterion === 'completeness') {
    return pathsOf(kindOf(record.party)).filter((one) => states(record, one)).length;
  }
  if (!record.staff) return record.priority;
  return Math.max(record.priority, ...among.filter(({ staff }) => !staff).map(({ priority }) => priority));
}

interface Entry<T> {
  value: T;
  provenance: Provenance;
}

/** All entries that records state and staff did not take out since, each value once, as the best record states it. */
function unite<T>(
  path: string,
  records: readonly StatedRecord[],
  { criteria, choices }: Deciding,
  rootId: string,
  keyOf: (entry: T) => string,
  entriesOf: (party: Party) => readonly T[],
): Entry<T>[] {
  const removed = new Map<string, number>();
  for (const { path: from, key, time } of records.flatMap(({ removals }) => removals)) {
    if (from === path) removed.set(key, Math.max(removed.get(key) ?? 0, time.getTime()));
  }
  const stating = records.filter(({ party }) => entriesOf(party).length > 0);
  const chosen = choices.get(path);
  const ranked = rank(path, stating, criteria(path), rootId);
  const best = ranked.find(({ recordId }) => recordId === chosen);
  const united = new Map<string, Entry<T>>();
  for (const record of best ? [best, ...ranked.filter((one) => one !== best)] : ranked) {
    for (const value of entriesOf(record.party)) {
      const key = keyOf(value);
      if (!record.staff && (removed.get(key) ?? Number.NEGATIVE_INFINITY) >= record.changed(path).getTime()) continue;
      const before = united.get(key);
      if (before) {
        if (before.provenance.record !== record) before.provenance.others.push(record);
        continue;
      }
      const by = record === best ? 'choice' : 'order';
      const provenance: Provenance = { path: `${path}[${united.size}]`, record, by, others: [] };
      united.set(key, { value, provenance });
    }
  }
  for (const { provenance } of united.values()) if (provenance.others.length === 0) provenance.by = 'only';
  return [...united.values()];
}

/** What makes two contact points one. */
export function contactKey({ point }: ContactPoint): string {
  if (point === undefined) return '';
  if (point.$case === 'email') return `email ${normalise(point.value)}`;
  if (point.$case === 'phone') return `phone ${point.value.replace(/[^\d+]/g, '')}`;
  const { lines, locality, region, postalCode, countryCode } = point.value;
  return `post ${normalise([...lines, locality, region, postalCode, countryCode].join(' ')).replace(/[\s,.]+/g, ' ')}`;
}

/** What makes two identifiers one. */
export function identifierKey({ kind, value, countryCode }: Identifier): string {
  return `${kind} ${countryCode} ${normalise(value).replace(/[^\p{L}\p{N}]+/gu, '')}`;
}

/** Of each kind of contact points at most one is to be used first: that of the best record. */
function onePreferred(points: readonly ContactPoint[]): ContactPoint[] {
  const taken = new Set<string | undefined>();
  return points.map(({ point, preferred }) => {
    const first = preferred && !taken.has(point?.$case);
    if (first) taken.add(point?.$case);
    return { point, preferred: first };
  });
}
