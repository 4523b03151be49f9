import { covers, sql, within } from '@rapport/kit/db';
import { publishAll } from '@rapport/kit/events';
import { CreatePartyRequest, ImportKind, Party, PartyCreated, type PartyRow } from '@rapport/proto/customer/v1';
import { keepFirst, loadTrees, type Member, settle as settleGolden, state, store, treeOf } from '../golden/golden.js';
import {
  breachIn,
  type CleanParty,
  cleaned,
  findable,
  insertParties,
  insertTerms,
  kindOf,
  newRecord,
  partyColumns,
  partyCreated,
  partyName,
  type PartyRecord,
} from '../party/party.js';
import { erasedAmong } from '../source/source.js';
import {
  type Batch,
  type Checked,
  contractRefusal,
  duplicateKey,
  firstOfEach,
  holdsNul,
  nulRefusal,
  refuse,
  settle,
  type Stream,
  valueAt,
} from './batch.js';
import { digest64, type Refusal } from './importing.js';

/** A party in its proper form, and as it was received. */
export interface PartyWish extends CleanParty {
  received: Party;
}

const KIND = ImportKind.IMPORT_KIND_PARTY;
const REQUEST_ID = '00000000-0000-4000-8000-000000000000';

/** The refusal of somebody who was erased; the key is not repeated, for nothing of them is to be kept. */
const ERASED: Refusal = {
  field: 'source_key',
  reason: 'ERASED',
  message: 'was erased; a steward may lift that',
  value: '',
};

/** Judges a row by the rules that need no database. */
export function checkParty(stream: Stream, line: bigint, row: PartyRow): Checked<PartyWish> | Refusal {
  const { deps, source, organisationPath } = stream;
  const party = Party.fromPartial({
    ...row.party,
    name: '',
    etag: '',
    source,
    sourceKey: row.sourceKey,
    organisationPath: row.party?.organisationPath || organisationPath,
  });
  if (row.sourceKey === '') {
    return { field: 'source_key', reason: 'VALUE_INVALID', message: 'is required', value: '' };
  }
  const bytes = CreatePartyRequest.encode({ party, requestId: REQUEST_ID }).finish();
  const refusal = contractRefusal(deps, 'CreateParty', bytes, 'party', party);
  if (refusal) return refusal;
  const clean = cleaned(deps, party);
  const breach = breachIn(clean.party, deps);
  if (breach) {
    const { field, description } = breach;
    return { field, reason: 'VALUE_INVALID', message: description, value: valueAt(party, field) };
  }
  if (holdsNul(Party.toJSON(party))) return nulRefusal;
  const { organisationPath: path, relationshipManager: manager } = party;
  if (!covers(organisationPath, path) || !within(stream.scope, path, manager)) {
    const message = 'lies outside of the import or of what the caller may see';
    return { field: 'organisation_path', reason: 'ORGANISATION_PATH_OUTSIDE', message, value: path };
  }
  return {
    line,
    key: row.sourceKey,
    content: digest64(Party.encode(party).finish()),
    value: { ...clean, received: party },
  };
}

/** Writes the parties of a batch: new ones are created, changed ones updated, all with their events. */
export async function takeParties(batch: Batch, rows: readonly Checked<PartyWish>[]): Promise<void> {
  if (rows.length === 0) return;
  const { tx, deps, source } = batch;
  const byKey = firstOfEach(batch, KIND, rows);
  const known = await tx.rows<PartyRecord & { content: bigint | null }>(sql`
    SELECT ${partyColumns}, party.content FROM party
    WHERE source = ${source} AND source_key = ANY(${[...byKey.keys()]}::text[])`);
  const before = new Map(known.map((row) => [row.sourceKey, row]));
  const unknown = [...byKey.keys()].filter((key) => !before.has(key));
  const erased = await erasedAmong(tx, deps.cipher, source, unknown);
  const fresh: { from: Checked<PartyWish>; row: PartyRecord }[] = [];
  const changes: { before: PartyRecord; from: Checked<PartyWish> }[] = [];
  for (const from of byKey.values()) {
    const existing = before.get(from.key);
    if (erased.has(from.key)) refuse(batch, KIND, from.line, ERASED);
    else if (!existing) fresh.push({ from, row: newRecord(deps, from.value) });
    else if (existing.content === from.content) settle(batch, KIND, 'unchanged');
    else changes.push({ before: existing, from });
  }
  await create(batch, fresh);
  await change(batch, changes);
}

async function create(batch: Batch, fresh: { from: Checked<PartyWish>; row: PartyRecord }[]): Promise<void> {
  if (fresh.length === 0) return;
  const { tx, deps } = batch;
  const inserted = await insertParties(
    tx,
    fresh.map(({ from, row }) => ({ row, content: from.content })),
  );
  const made = fresh.filter(({ row }) => inserted.has(row.partyId));
  for (const { from, row } of fresh) {
    if (inserted.has(row.partyId)) settle(batch, KIND, 'created');
    else refuse(batch, KIND, from.line, duplicateKey(from.key, 'is taken outside of what you may see'));
  }
  await keepFirst(
    tx,
    deps,
    made.map(({ from, row }) => ({ row, received: from.value.received, party: from.value.party })),
  );
  await insertTerms(
    tx,
    deps.cipher,
    made.map(({ from, row }) => findable(row, from.value.party)),
  );
  const events = made.map(({ row }) => ({
    message: partyCreated(row),
    options: { aggregate: row.partyId, subject: partyName(row.partyId) },
  }));
  await publishAll(tx, PartyCreated, events);
}

/**
 * Keeps what the source says now and works out the golden records anew: what a field is then, the records of all that
 * were merged decide together.
 */
async function change(batch: Batch, wanted: { before: PartyRecord; from: Checked<PartyWish> }[]): Promise<void> {
  if (wanted.length === 0) return;
  const { tx, deps, now, source } = batch;
  const ids = wanted.map(({ before }) => before.partyId);
  const trees = await loadTrees(tx, deps, ids, { lock: true });
  const taken: { partyId: string; content: bigint }[] = [];
  for (const { before, from } of wanted) {
    const { partyId } = before;
    const tree = treeOf(trees, partyId);
    const home = tree.members.find((member) => member.partyId === partyId) as Member;
    if (kindOf(from.value.party) !== home.kind || from.value.party.synthetic !== home.synthetic) {
      const message = 'cannot become another kind of party';
      refuse(batch, KIND, from.line, { field: '', reason: 'IMMUTABLE', message, value: '' });
      continue;
    }
    const said = { home, source, sourceKey: from.key, party: from.value.received, paths: null, removals: [] };
    const paths = state(deps, tree, { ...said, receivedTime: now });
    settle(batch, KIND, paths.length === 0 ? 'unchanged' : 'updated');
    taken.push({ partyId, content: from.content });
  }
  if (taken.length === 0) return;
  const touched = new Set(taken.map(({ partyId }) => treeOf(trees, partyId)));
  const settled = [...touched].map((tree) => settleGolden(deps, tree, now));
  await store(tx, deps, settled);
  await tx.run(sql`
    UPDATE party SET content = r.content
    FROM unnest(${taken.map(({ partyId }) => partyId)}::uuid[], ${taken.map(({ content }) => content)}::bigint[])
      AS r (party_id, content)
    WHERE party.party_id = r.party_id`);
}
