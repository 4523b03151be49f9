import { type Queryable, type Sql, sql, type Tx } from '@rapport/kit/db';
import { publish } from '@rapport/kit/events';
import { uuidv7 } from '@rapport/kit/runtime';
import { type Merge, MergeDecision, PartyMerged, PartyState, PartyUnmerged } from '@rapport/proto/customer/v1';
import { fail } from '../errors.js';
import { dropTerms, membersOf, move, openParty, partyName, type PartyRecord } from '../party/party.js';
import { heldUntil } from '../privacy/privacy.js';
import { type Rules, settle, store } from './settle.js';
import { identifierKey } from './survivorship.js';
import type { Member, Tree } from './tree.js';

/** Why two golden records become one. */
export interface Merging {
  decision: MergeDecision;
  reason: string;
  /** The subject of who decided. */
  by: string;
  /** What the matcher gave the pair. */
  score?: number | undefined;
  /** A person has seen that strong identifiers differ, and says why they are one customer all the same. */
  identifiersMayDiffer: boolean;
  /** A person knows of a legal hold on one of them, and says why they are merged all the same. */
  legalHoldKnown: boolean;
}

/** A merge as it is stored under each of its two parties, in the names of the Prisma model. */
export interface MergeRow {
  partyId: string;
  mergeId: string;
  survivorId: string;
  mergedId: string;
  moved: string[];
  decision: number;
  reason: string;
  score: number | null;
  mergedBy: string;
  mergeTime: Date;
  unmergeReason: string;
  unmergedBy: string;
  unmergeTime: Date | null;
}

/** The columns of a `MergeRow`, of the table `party_merge` under the name m. */
export const mergeColumns: Sql = sql.raw(`m.party_id AS "partyId", m.merge_id AS "mergeId",
  m.survivor_id AS "survivorId", m.merged_id AS "mergedId", m.moved, m.decision, m.reason, m.score,
  m.merged_by AS "mergedBy", m.merge_time AS "mergeTime", m.unmerge_reason AS "unmergeReason",
  m.unmerged_by AS "unmergedBy", m.unmerge_time AS "unmergeTime"`);

/** A row that came as JSON. */
export function mergeFromJson(json: MergeRow): MergeRow {
  const { mergeTime, unmergeTime } = json;
  return { ...json, mergeTime: new Date(mergeTime), unmergeTime: unmergeTime && new Date(unmergeTime) };
}

/** The message of a row. */
export function mergeMessage(row: MergeRow): Merge {
  const { decision, reason, mergedBy, mergeTime, unmergeReason, unmergedBy } = row;
  return {
    name: `parties/${row.partyId}/merges/${row.mergeId}`,
    survivor: partyName(row.survivorId),
    merged: partyName(row.mergedId),
    moved: row.moved.map(partyName),
    ...{ decision, reason, mergedBy, mergeTime, unmergeReason, unmergedBy },
    score: row.score ?? undefined,
    unmergeTime: row.unmergeTime ?? undefined,
  };
}

/** Throws when two golden records would be nothing as one. */
export function assertAlike({ root: a }: Tree, { root: b }: Tree): void {
  const metadata = { survivor: partyName(a.partyId), merged: partyName(b.partyId) };
  if (a.partyId === b.partyId) throw fail('ALREADY_MERGED', { metadata });
  if (a.kind !== b.kind || a.synthetic !== b.synthetic) throw fail('MERGE_KINDS_DIFFER', { metadata });
  if (bankOf(a) !== bankOf(b)) throw fail('MERGE_ACROSS_BANKS', { metadata });
}

/** What keeps two golden records from being one, and which of it a person may overrule. */
export const obstacles = {
  PARTY_RESTRICTED: undefined,
  STRONG_IDENTIFIERS_DIFFER: 'identifiersMayDiffer',
  MERGE_UNDER_LEGAL_HOLD: 'legalHoldKnown',
} as const;

/**
 * Everything that keeps two golden records from being one. Merging is processing, which a restriction forbids (article
 * 18(2) of the GDPR). A legal hold asks that what is there be kept: a merge keeps it, and can be taken back exactly, but
 * changes how the record answers, so that it takes a person who knows of the hold and leaves a reason in the audit.
 */
export async function obstaclesTo(
  on: Queryable,
  deps: Rules,
  { root: a }: Tree,
  { root: b }: Tree,
  now: Date,
): Promise<(keyof typeof obstacles)[]> {
  const found: (keyof typeof obstacles)[] = [];
  if ([a, b].some(({ state }) => state === PartyState.PARTY_STATE_RESTRICTED)) found.push('PARTY_RESTRICTED');
  if (strongIdentifiersDiffer(deps, a, b)) found.push('STRONG_IDENTIFIERS_DIFFER');
  if (await heldUntil(on, [...membersOf(a), ...membersOf(b)], now)) found.push('MERGE_UNDER_LEGAL_HOLD');
  return found;
}

async function assertMergeable(
  tx: Tx,
  deps: Rules,
  survivor: Tree,
  merged: Tree,
  merging: Merging,
  now: Date,
): Promise<void> {
  assertAlike(survivor, merged);
  for (const reason of await obstaclesTo(tx, deps, survivor, merged, now)) {
    const overruled = obstacles[reason];
    if (overruled !== undefined && merging[overruled]) continue;
    const [a, b] = [partyName(survivor.root.partyId), partyName(merged.root.partyId)];
    throw fail(reason, { metadata: { survivor: a, merged: b } });
  }
}

function bankOf({ organisationPath }: Member): string {
  return organisationPath.split('/')[1] ?? '';
}

/** Whether both have a number of one kind and country and share none of it: two people, until a person says otherwise. */
export function strongIdentifiersDiffer(deps: Rules, a: Member, b: Member): boolean {
  const [left, right] = [numbersOf(deps, a), numbersOf(deps, b)];
  return [...left].some(([kind, numbers]) => {
    const others = right.get(kind);
    return others !== undefined && ![...numbers].some((number) => others.has(number));
  });
}

function numbersOf(deps: Rules, row: Member): Map<string, Set<string>> {
  const { identifiers, registrationNumber } = openParty(deps.cipher, row);
  const numbers = new Map<string, Set<string>>();
  const add = (kind: string, number: string) => numbers.set(kind, (numbers.get(kind) ?? new Set()).add(number));
  for (const identifier of identifiers) add(`${identifier.kind} ${identifier.countryCode}`, identifierKey(identifier));
  if (registrationNumber !== '') add('register', registrationNumber.toUpperCase().replace(/[^\p{L}\p{N}]+/gu, ''));
  return numbers;
}

/**
 * Makes two golden records one: `merged`, with all that was merged into it, answers as `survivor` from now on and stands
 * where that stands. No row of theirs moves. Both trees must be held. Publishes PartyMerged, and PartyUpdated when
 * fields of the survivor change.
 */
export async function mergeTrees(
  tx: Tx,
  deps: Rules,
  survivor: Tree,
  merged: Tree,
  merging: Merging,
  now: Date,
): Promise<{ row: MergeRow; party: PartyRecord }> {
  await assertMergeable(tx, deps, survivor, merged, merging, now);
  const { partyId, organisationPath, manager } = survivor.root;
  const moved = membersOf(merged.root);
  const mergeTime = await nextTime(tx, [...membersOf(survivor.root), ...moved], now);
  await tx.run(sql`
    UPDATE party SET golden_id = ${partyId}, aliases = '{}', quality = NULL, issues = '{}',
      merged_into = CASE WHEN party_id = ${merged.root.partyId} THEN ${partyId} ELSE merged_into END,
      own_organisation_path = coalesce(own_organisation_path, organisation_path),
      own_manager = coalesce(own_manager, manager)
    WHERE party_id = ANY(${moved}::uuid[])`);
  const aliases = [...survivor.root.aliases, ...moved];
  await tx.run(sql`UPDATE party SET aliases = ${aliases}::uuid[] WHERE party_id = ${partyId}`);
  const row: MergeRow = {
    ...{ partyId, mergeId: uuidv7(), survivorId: partyId, mergedId: merged.root.partyId, moved, mergeTime },
    ...{ decision: merging.decision, reason: merging.reason, score: merging.score ?? null, mergedBy: merging.by },
    ...{ unmergeReason: '', unmergedBy: '', unmergeTime: null },
  };
  await insertMerge(tx, row, survivor.root);
  if (merged.root.organisationPath !== organisationPath || merged.root.manager !== manager) {
    await move(
      tx,
      moved.map((id) => ({ partyId: id, organisationPath, manager })),
    );
  }
  await dropTerms(tx, [merged.root.partyId]);
  const settled = settle(deps, joined(survivor, merged), now);
  await store(tx, deps, [settled], { always: true });
  const event: PartyMerged = {
    survivor: partyName(partyId),
    merged: moved.map(partyName),
    ...{ organisationPath, relationshipManager: manager, mergeTime },
    mergedOrganisationPath: merged.root.organisationPath,
  };
  await publish(tx, PartyMerged, event, { aggregate: partyId, subject: partyName(partyId) });
  return { row, party: settled.row };
}

/** Two golden records as one. */
export function joined(survivor: Tree, merged: Tree): Tree {
  const root = { ...survivor.root, aliases: [...survivor.root.aliases, ...membersOf(merged.root)] };
  return {
    ...survivor,
    root,
    members: [root, ...survivor.members.filter((one) => one !== survivor.root), ...merged.members.map(under(root))],
    records: [...survivor.records, ...merged.records],
    fresh: [...survivor.fresh, ...merged.fresh],
    choices: [...survivor.choices, ...merged.choices],
  };
}

/** A member as it is once its tree hangs under another root. */
function under(root: Member): (member: Member) => Member {
  return (member) => ({
    ...member,
    goldenId: root.partyId,
    aliases: [],
    mergedInto: member.mergedInto ?? root.partyId,
    ownOrganisationPath: member.ownOrganisationPath ?? member.organisationPath,
    ownManager: member.ownManager ?? member.manager,
    organisationPath: root.organisationPath,
    manager: root.manager,
  });
}

/** Merges and unmerges of a party have increasing times, so that whoever hears of them out of order ends the same. */
async function nextTime(tx: Tx, ids: readonly string[], now: Date): Promise<Date> {
  const { last } = await tx.one<{ last: Date | null }>(sql`
    SELECT max(greatest(merge_time, unmerge_time)) AS last FROM party_merge WHERE party_id = ANY(${ids}::uuid[])`);
  return last && last >= now ? new Date(last.getTime() + 1) : now;
}

async function insertMerge(tx: Tx, row: MergeRow, { organisationPath, manager }: Member): Promise<void> {
  const own = await tx.one<{ organisationPath: string; manager: string }>(sql`
    SELECT organisation_path AS "organisationPath", manager FROM party WHERE party_id = ${row.mergedId}`);
  for (const under of [
    { partyId: row.survivorId, organisationPath, manager },
    { partyId: row.mergedId, ...own },
  ]) {
    await tx.run(sql`
      INSERT INTO party_merge (party_id, merge_id, survivor_id, merged_id, moved, decision, reason, score, merged_by,
        merge_time, organisation_path, manager)
      VALUES (${under.partyId}, ${row.mergeId}, ${row.survivorId}, ${row.mergedId}, ${row.moved}::uuid[],
        ${row.decision}, ${row.reason}, ${row.score}, ${row.mergedBy}, ${row.mergeTime}, ${under.organisationPath},
        ${under.manager})`);
  }
}

/** Everybody who was merged into a party of a tree, the party first. */
export function subtreeOf(tree: Tree, partyId: string): string[] {
  const into = tree.members.filter(({ mergedInto }) => mergedInto === partyId);
  return [partyId, ...into.flatMap((member) => subtreeOf(tree, member.partyId))];
}

/**
 * Takes a merge back: the party answers for itself again, with all that had been merged into it, and stands where it
 * stands by itself. The tree must be held. Publishes PartyUnmerged, and PartyUpdated for each side whose fields change.
 */
export async function unmergeTree(
  tx: Tx,
  deps: Rules,
  tree: Tree,
  member: Member,
  { by, reason }: { by: string; reason: string },
  now: Date,
): Promise<{ row: MergeRow; party: PartyRecord; survivor: PartyRecord }> {
  const { partyId } = member;
  const { root } = tree;
  if (member.mergedInto === null) throw fail('NOT_MERGED', { metadata: { party: partyName(partyId) } });
  const restored = subtreeOf(tree, partyId);
  const unmergeTime = await nextTime(tx, membersOf(root), now);
  const place = { organisationPath: member.ownOrganisationPath ?? '', manager: member.ownManager ?? '' };
  const rows = await tx.rows<MergeRow>(sql`
    UPDATE party_merge m SET unmerge_time = ${unmergeTime}, unmerged_by = ${by}, unmerge_reason = ${reason}
    WHERE m.merged_id = ${partyId} AND m.party_id = ANY(${membersOf(root)}::uuid[]) AND m.unmerge_time IS NULL
    RETURNING ${mergeColumns}`);
  await tx.run(sql`
    UPDATE party SET golden_id = ${partyId},
      aliases = CASE WHEN party_id = ${partyId} THEN ${restored.slice(1)}::uuid[] ELSE '{}' END,
      merged_into = CASE WHEN party_id = ${partyId} THEN NULL ELSE merged_into END,
      own_organisation_path = CASE WHEN party_id = ${partyId} THEN NULL ELSE own_organisation_path END,
      own_manager = CASE WHEN party_id = ${partyId} THEN NULL ELSE own_manager END,
      organisation_path = ${place.organisationPath}, manager = ${place.manager}
    WHERE party_id = ANY(${restored}::uuid[])`);
  await keepHeld(tx, root.partyId, partyId, rows[0]?.mergeTime, unmergeTime);
  const left = root.aliases.filter((id) => !restored.includes(id));
  await tx.run(sql`UPDATE party SET aliases = ${left}::uuid[] WHERE party_id = ${root.partyId}`);
  if (place.organisationPath !== root.organisationPath || place.manager !== root.manager) {
    await move(
      tx,
      restored.map((id) => ({ partyId: id, ...place })),
    );
  }
  const free: Member = {
    ...{ ...member, ...place, goldenId: partyId, mergedInto: null, aliases: restored.slice(1) },
    ...{ ownOrganisationPath: null, ownManager: null },
  };
  const [survivor, party] = [
    settle(deps, part(tree, { ...root, aliases: left }), now),
    settle(deps, part(tree, free), now),
  ];
  await store(tx, deps, [survivor, party], { always: true });
  const event: PartyUnmerged = {
    party: partyName(partyId),
    restored: restored.map(partyName),
    survivor: partyName(root.partyId),
    ...{ organisationPath: place.organisationPath, relationshipManager: place.manager, unmergeTime },
  };
  await publish(tx, PartyUnmerged, event, { aggregate: root.partyId, subject: partyName(partyId) });
  const row = rows.find((one) => one.partyId === partyId) as MergeRow;
  return { row, party: party.row, survivor: survivor.row };
}

/** A hold that was placed on both while they were one holds for both from now on. */
async function keepHeld(tx: Tx, root: string, restored: string, since: Date | undefined, now: Date): Promise<void> {
  await tx.run(sql`
    INSERT INTO legal_hold (party_id, hold_id, reason, end_time, placed_by, place_time)
    SELECT ${restored}, hold_id, reason, end_time, placed_by, place_time FROM legal_hold
    WHERE party_id = ${root} AND place_time >= ${since ?? now} AND release_time IS NULL AND end_time > ${now}
    ON CONFLICT DO NOTHING`);
}

/** The part of a tree that answers as a root. */
function part(tree: Tree, root: Member): Tree {
  const ids = membersOf(root);
  const inside = ({ partyId }: { partyId: string }) => ids.includes(partyId);
  const members = tree.members.filter((one) => inside(one) && one.partyId !== root.partyId);
  return {
    ...tree,
    root,
    members: [root, ...members.map((one) => ({ ...one, goldenId: root.partyId }))],
    records: tree.records.filter(inside),
    fresh: tree.fresh.filter(inside),
    choices: tree.choices.filter(inside),
  };
}
