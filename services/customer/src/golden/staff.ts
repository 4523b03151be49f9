import type { ContactPoint, Identifier, Party } from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';
import { blankParty, partyMessage, putValue, sameValue, valueAt } from '../party/party.js';
import { type KeptRecord, type Removal, STAFF } from '../source/source.js';
import { contactKey, identifierKey } from './survivorship.js';
import { type Member, recordAt, state, type Tree } from './tree.js';

const everything = { kind: 'everything' } as const;

/** What staff enter about a golden record: as it was typed, and in its proper form, entry by entry. */
export interface Entered {
  received: Party;
  stated: Party;
  /** The fields that changed. */
  paths: readonly string[];
  time: Date;
}

/**
 * Takes what staff enter about a golden record: the changed fields go to the record of the root. Of lists only what was
 * put in or taken out is theirs, so that an unmerge takes nothing along. The state is that of the customer and goes to
 * every member: who is restricted stays so after an unmerge.
 */
export function stateByStaff(deps: Pick<Deps, 'cipher'>, tree: Tree, entered: Entered): void {
  const current = partyMessage(deps, tree.root, everything);
  for (const member of tree.members) {
    const paths = member === tree.root ? entered.paths : entered.paths.filter((path) => path === 'state');
    if (paths.length > 0) stateOne(deps, tree, member, current, { ...entered, paths });
  }
}

function stateOne(deps: Pick<Deps, 'cipher'>, tree: Tree, home: Member, current: Party, entered: Entered): void {
  const { received, stated, paths, time } = entered;
  const before = recordAt(tree, home.partyId, STAFF, home.partyId);
  const party = structuredClone(before?.party ?? blankParty(home.kind));
  const proper = structuredClone(statedBefore(before) ?? blankParty(home.kind));
  let removals = before?.removals ?? [];
  for (const path of paths) {
    if (path === 'contact_points') {
      const own = zip(party.contactPoints, proper.contactPoints);
      const wanted = zip(received.contactPoints, stated.contactPoints);
      const change = listChange(path, own, current.contactPoints, wanted, contactKey, time);
      party.contactPoints = change.entries.map((entry): ContactPoint => entry.received);
      proper.contactPoints = change.entries.map((entry): ContactPoint => entry.stated);
      removals = nowRemoved(path, removals, change);
    } else if (path === 'identifiers') {
      const own = zip(party.identifiers, proper.identifiers);
      const wanted = zip(received.identifiers, stated.identifiers);
      const change = listChange(path, own, current.identifiers, wanted, identifierKey, time);
      party.identifiers = change.entries.map((entry): Identifier => entry.received);
      proper.identifiers = change.entries.map((entry): Identifier => entry.stated);
      removals = nowRemoved(path, removals, change);
    } else {
      putValue(party, path, valueAt(received, path));
      putValue(proper, path, valueAt(stated, path));
    }
  }
  state(deps, tree, {
    ...{ home, source: STAFF, sourceKey: home.partyId, party, stated: proper, removals, receivedTime: time },
    paths: [...new Set([...(before?.paths ?? []), ...paths])],
  });
}

function statedBefore(before: KeptRecord | undefined): Party | undefined {
  return before?.stated ?? before?.party;
}

/** An entry as it was typed and in its proper form. */
interface Typed<T> {
  received: T;
  stated: T;
}

function zip<T>(received: readonly T[], stated: readonly T[]): Typed<T>[] {
  return stated.map((entry, index) => ({ received: received[index] ?? entry, stated: entry }));
}

interface ListChange<T> {
  /** What staff state of the list. */
  entries: Typed<T>[];
  removed: Removal[];
  /** The keys that are in the list as wanted. */
  present: Set<string>;
}

function listChange<T>(
  path: string,
  own: readonly Typed<T>[],
  current: readonly T[],
  wanted: readonly Typed<T>[],
  keyOf: (entry: T) => string,
  time: Date,
): ListChange<T> {
  const present = new Set(wanted.map(({ stated }) => keyOf(stated)));
  const put = wanted.filter(({ stated }) => !current.some((one) => sameValue(one, stated)));
  const restated = new Set(put.map(({ stated }) => keyOf(stated)));
  const kept = own.filter(({ stated }) => present.has(keyOf(stated)) && !restated.has(keyOf(stated)));
  const out = new Set(current.map(keyOf).filter((key) => !present.has(key)));
  return { entries: [...kept, ...put], removed: [...out].map((key) => ({ path, key, time })), present };
}

function nowRemoved<T>(path: string, before: readonly Removal[], { removed, present }: ListChange<T>): Removal[] {
  const again = new Set(removed.map(({ key }) => key));
  return [...before.filter((one) => one.path !== path || !(present.has(one.key) || again.has(one.key))), ...removed];
}
