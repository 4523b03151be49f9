import { everything, sql, type Tx } from '@rapport/kit/db';
import { publishAll } from '@rapport/kit/events';
import { type Party, PartyUpdated } from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';
import {
  type CleanParty,
  changedPaths,
  cleaned,
  findable,
  partyMessage,
  partyName,
  type PartyRecord,
  partyUpdated,
  recordOf,
  replaceTerms,
  RESTRICTED,
  storeChange,
} from '../party/party.js';
import { insertRecords, type KeptRecord, newRecord } from '../source/source.js';
import { type Survived, survive } from './survivorship.js';
import { anchorOf, decidingOf, firstStatement, type Member, statedRecords, type Tree } from './tree.js';

/** What golden records are worked out with. */
export type Rules = Pick<Deps, 'cipher' | 'bank' | 'clock'>;

/** What a golden record has come to. */
export interface Settled {
  tree: Tree;
  row: PartyRecord;
  /** The fields that changed. */
  paths: string[];
  survived: Survived;
}

/** Works out what follows from the records of a tree; stores nothing. */
export function settle(deps: Rules, tree: Tree, now: Date): Settled {
  const { root } = tree;
  const survived = survive(anchorOf(root), statedRecords(deps, tree), decidingOf(tree));
  const current = partyMessage(deps, root, everything);
  const party = { ...survived.party, organisationPath: survived.party.organisationPath || root.organisationPath };
  if (tree.members.some(({ restricted }) => restricted)) party.state = RESTRICTED;
  const row = recordOf(deps, judged(deps, tree, party), { ...root, version: root.version + 1, updateTime: now });
  return { tree, row, survived, paths: changedPaths(current, { ...partyMessage(deps, row, everything) }) };
}

/** A golden record with its quality; what cleaning had to correct in the records counts too. */
function judged(deps: Rules, tree: Tree, party: Party): CleanParty {
  const clean = cleaned(deps, party);
  const received = tree.records.flatMap((record) => cleaned(deps, record.party).quality.issues);
  const corrected = received.filter(({ severity }) => severity === 'correction');
  return { ...clean, quality: { ...clean.quality, issues: [...clean.quality.issues, ...corrected] } };
}

/**
 * Stores golden records, with the records that are new and the events of what changed. With `always` the row gets its
 * next version though no field changed.
 */
export async function store(
  tx: Tx,
  deps: Rules,
  settled: readonly Settled[],
  { always }: { always: boolean } = { always: false },
): Promise<void> {
  await insertRecords(tx, newest(settled.flatMap(({ tree }) => tree.fresh)));
  await keepOwnPlaces(tx, deps, settled);
  const found = (one: Settled) => ({ ...findable(one.row, one.survived.party), otherNames: one.survived.names });
  const changed = settled.filter(({ paths }) => always || paths.length > 0);
  const kept = settled.filter((one) => !changed.includes(one) && one.tree.records.length > 1);
  if (kept.length > 0) await replaceTerms(tx, deps.cipher, kept.map(found));
  if (changed.length === 0) return;
  await storeChange(
    tx,
    deps.cipher,
    changed.map((one) => ({ before: one.tree.root, ...found(one) })),
  );
  const events = changed
    .filter(({ paths }) => paths.length > 0)
    .map(({ row, paths }) => ({
      message: partyUpdated(row, paths),
      options: { aggregate: row.partyId, subject: partyName(row.partyId) },
    }));
  if (events.length > 0) await publishAll(tx, PartyUpdated, events);
}

/** Of a record that was stated twice before it was stored, all versions count; each is stored once. */
function newest(records: readonly KeptRecord[]): KeptRecord[] {
  return [...new Map(records.map((record) => [`${record.recordId}/${record.version}`, record])).values()];
}

/** Where a merged party stands by itself follows from its own records, while it stands where its golden record stands. */
async function keepOwnPlaces(tx: Tx, deps: Rules, settled: readonly Settled[]): Promise<void> {
  const moved = settled.flatMap(({ tree }) =>
    tree.members
      .filter(({ mergedInto }) => mergedInto !== null)
      .flatMap((member) => ownPlace(deps, tree, member) ?? []),
  );
  if (moved.length === 0) return;
  await tx.run(sql`
    UPDATE party SET own_organisation_path = r.path, own_manager = r.manager
    FROM unnest(${moved.map(({ partyId }) => partyId)}::uuid[], ${moved.map(({ path }) => path)}::text[],
      ${moved.map(({ manager }) => manager)}::text[]) AS r (party_id, path, manager)
    WHERE party.party_id = r.party_id AND party.merged_into IS NOT NULL`);
}

function ownPlace(
  deps: Rules,
  tree: Tree,
  member: Member,
): { partyId: string; path: string; manager: string } | undefined {
  const { partyId } = member;
  if (!tree.fresh.some((record) => record.partyId === partyId)) return undefined;
  const own = statedRecords(deps, tree).filter(({ homeId }) => homeId === partyId);
  const { party } = survive(anchorOf(member), own, decidingOf(tree));
  const path = party.organisationPath || (member.ownOrganisationPath ?? member.organisationPath);
  const manager = party.relationshipManager;
  if (path === member.ownOrganisationPath && manager === member.ownManager) return undefined;
  return { partyId, path, manager };
}

/** Keeps what new parties are first known by. */
export async function keepFirst(
  tx: Tx,
  deps: Rules,
  made: readonly { row: PartyRecord; received: Party; party: Party }[],
): Promise<void> {
  const records = made.map(({ row, received, party }) => newRecord(deps.cipher, firstStatement(row, received, party)));
  await insertRecords(tx, records);
}
