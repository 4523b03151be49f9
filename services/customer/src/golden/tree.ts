import { type Queryable, type Sql, sql } from '@rapport/kit/db';
import { type Party, PartyKind } from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import {
  cleaned,
  membersOf,
  partyColumns,
  partyMessage,
  partyName,
  type PartyRecord,
  pathsOf,
  saysNothing,
  valueAt,
} from '../party/party.js';
import {
  changeTime,
  type KeptRecord,
  newRecord,
  openRecord,
  pathsIn,
  priorities,
  recordColumns,
  type RecordRow,
  STAFF,
  type Statement,
} from '../source/source.js';
import { criteriaAt, readRules } from './rules.js';
import type { Criterion, Deciding, StatedRecord } from './survivorship.js';

/** A party of a tree with what only merging looks at. */
export interface Member extends PartyRecord {
  mergedInto: string | null;
  ownOrganisationPath: string | null;
  ownManager: string | null;
  /** Digest of the row that an import last took, as text. */
  content: string | null;
  /** Whether a request restricted its processing; no record says otherwise. */
  restricted: boolean;
}

/** A steward's choice. */
export interface Choice {
  partyId: string;
  path: string;
  recordId: string;
  chosenBy: string;
  chooseTime: Date;
  reason: string;
}

/** A golden record with everything that it follows from. */
export interface Tree {
  root: Member;
  /** The root and all that were merged into it. */
  members: Member[];
  /** The newest version of each record of each member. */
  records: KeptRecord[];
  /** Those of them that are not stored yet. */
  fresh: KeptRecord[];
  choices: Choice[];
  priorities: ReadonlyMap<string, number>;
  criteria: (path: string) => readonly Criterion[];
}

const everything = { kind: 'everything' } as const;
const ATTEMPTS = 3;

/** The columns of a `Member`, of the table `party` under its own name. */
const memberColumns: Sql = sql`${partyColumns}, party.merged_into AS "mergedInto",
  party.own_organisation_path AS "ownOrganisationPath", party.own_manager AS "ownManager",
  party.content::text AS content, party.restricted`;

/**
 * The golden records that parties answer as, by the id of every member. With `lock` they are held until the transaction
 * ends, in the order of their ids, so that two callers never wait for each other in a ring. What belongs to a party that
 * the caller may not see is not there.
 */
export async function loadTrees(
  on: Queryable,
  deps: Pick<Deps, 'cipher' | 'clock'>,
  ids: readonly string[],
  { lock }: { lock: boolean },
): Promise<Map<string, Tree>> {
  const rows = await readMembers(on, ids, lock);
  const memberIds = rows.map(({ partyId }) => partyId);
  const records = await on.rows<RecordRow>(sql`
    SELECT ${recordColumns} FROM unnest(${memberIds}::uuid[]) AS member (id) CROSS JOIN LATERAL (
      SELECT * FROM source_record s WHERE s.party_id = member.id AND s.latest OFFSET 0) s`);
  const choices = await on.rows<Choice>(sql`
    SELECT party_id AS "partyId", path, record_id AS "recordId", chosen_by AS "chosenBy", choose_time AS "chooseTime",
      reason
    FROM field_choice WHERE party_id = ANY(${memberIds}::uuid[]) ORDER BY choose_time`);
  const believed = await priorities(on);
  const rules = await readRules(on);
  const trees = new Map<string, Tree>();
  for (const root of rows.filter(({ mergedInto }) => mergedInto === null)) {
    const members = rows.filter(({ goldenId }) => goldenId === root.partyId);
    const tree: Tree = {
      ...{ root, members, records: [], fresh: [], priorities: believed },
      choices: choices.filter(({ partyId }) => members.some((member) => member.partyId === partyId)),
      criteria: criteriaAt(rules, root.organisationPath),
    };
    for (const member of members) trees.set(member.partyId, tree);
  }
  const wrapped = new Map(rows.map((row) => [row.partyId, row.wrappedKey]));
  for (const row of records) {
    trees.get(row.partyId)?.records.push(openRecord(deps.cipher, row, wrapped.get(row.partyId) as Buffer));
  }
  for (const row of rows) addMissing(deps, trees.get(row.partyId) as Tree, row);
  return trees;
}

/** All members of the golden records of some parties; whole trees, as they are once they are held. */
async function readMembers(on: Queryable, ids: readonly string[], lock: boolean): Promise<Member[]> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const roots = await on.rows<{ goldenId: string }>(sql`
      SELECT DISTINCT golden_id AS "goldenId" FROM party WHERE party_id = ANY(${ids}::uuid[])`);
    const rows = await on.rows<Member>(sql`
      SELECT ${memberColumns} FROM party WHERE golden_id = ANY(${roots.map(({ goldenId }) => goldenId)}::uuid[])
      ORDER BY party_id ${lock ? sql`FOR UPDATE` : sql.empty}`);
    const found = new Set(rows.map(({ partyId }) => partyId));
    const whole = rows.filter(({ mergedInto }) => mergedInto === null).flatMap(membersOf);
    // A merge that committed while this waited for it has changed who belongs together.
    if (whole.length === rows.length && whole.every((id) => found.has(id))) return rows;
  }
  throw fail('GOLDEN_RECORD_CHANGING', { retryInMs: 100 });
}

/** A party from before records were kept states what stands in its row. */
function addMissing(deps: Pick<Deps, 'cipher'>, tree: Tree, row: Member): void {
  if (tree.records.some(({ partyId }) => partyId === row.partyId)) return;
  const party = {
    ...partyMessage(deps, row, everything),
    organisationPath: row.ownOrganisationPath ?? row.organisationPath,
  };
  party.relationshipManager = row.ownManager ?? row.manager;
  const record = newRecord(deps.cipher, { ...firstStatement(row, party, party), receivedTime: row.createTime });
  tree.records.push(record);
  tree.fresh.push(record);
}

/** What a party that is new here is known by: its source, or the staff who entered it. */
export function firstStatement(row: PartyRecord, received: Party, party: Party): Statement {
  const said = (one: Party): Party => ({ ...one, name: '', etag: '', aliases: [], displayName: '' });
  const { kind, partyId } = row;
  const entered = row.source === null;
  return {
    home: row,
    source: row.source ?? STAFF,
    sourceKey: row.sourceKey ?? partyId,
    party: said(received),
    stated: entered ? said(party) : undefined,
    paths: entered ? pathsOf(kind).filter((path) => !saysNothing(valueAt(party, path))) : null,
    removals: [],
    receivedTime: row.updateTime,
  };
}

/** Takes what a source says now; gives the fields in which the record differs from what it said before. */
export function state(deps: Pick<Deps, 'cipher'>, tree: Tree, statement: Omit<Statement, 'before'>): string[] {
  const { home, source, sourceKey } = statement;
  const before = recordAt(tree, home.partyId, source, sourceKey);
  const record = newRecord(deps.cipher, { ...statement, before });
  tree.records = [...tree.records.filter((one) => one !== before), record];
  // A record that is restated before it was stored is stored once, as it is then.
  tree.fresh = [...tree.fresh, record];
  if (!before) return pathsIn(record);
  return [...new Set([...pathsIn(before), ...pathsIn(record)])].filter((path) => record.fieldTimes[path] === undefined);
}

/** The record of a source in a tree. */
export function recordAt(tree: Tree, homeId: string, source: string, sourceKey: string): KeptRecord | undefined {
  return tree.records.find((one) => one.partyId === homeId && one.source === source && one.sourceKey === sourceKey);
}

/** The records as survivorship looks at them: what they say, in its proper form. */
export function statedRecords(deps: Pick<Deps, 'bank' | 'clock'>, tree: Tree): StatedRecord[] {
  return tree.records.map((record) => ({
    recordId: record.recordId,
    homeId: record.partyId,
    source: record.source,
    priority: tree.priorities.get(record.source) ?? 0,
    staff: record.source === STAFF,
    party: record.stated ?? cleaned(deps, record.party).party,
    paths: record.paths === null ? undefined : new Set(record.paths),
    changed: (path) => changeTime(record, path),
    removals: record.removals,
  }));
}

/** What is decided for a tree: of several choices for one field that of the root counts, else the latest. */
export function decidingOf({ root, choices, criteria }: Tree): Deciding {
  const sorted = choices.toSorted((a, b) => a.chooseTime.getTime() - b.chooseTime.getTime());
  const own = sorted.filter(({ partyId }) => partyId === root.partyId);
  return { criteria, choices: new Map([...sorted, ...own].map(({ path, recordId }) => [path, recordId])) };
}

/** What no source decides about a member. */
export function anchorOf({ partyId, kind, source, sourceKey, synthetic }: Member) {
  return { partyId, kind: kind as PartyKind, source: source ?? '', sourceKey: sourceKey ?? '', synthetic };
}

/** The tree of a party; throws when it is not there for the caller. */
export function treeOf(trees: ReadonlyMap<string, Tree>, id: string): Tree {
  const tree = trees.get(id);
  if (!tree) throw fail('PARTY_NOT_FOUND', { metadata: { party: partyName(id) } });
  return tree;
}
