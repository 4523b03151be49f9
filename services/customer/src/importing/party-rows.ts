import { covers, sql, within } from '@rapport/kit/db';
import { publishAll } from '@rapport/kit/events';
import {
  CreatePartyRequest,
  ImportKind,
  Party,
  PartyCreated,
  type PartyRow,
  PartyUpdated,
} from '@rapport/proto/customer/v1';
import {
  breachIn,
  changedPaths,
  type CleanParty,
  cleaned,
  findable,
  insertParties,
  insertTerms,
  newRecord,
  partyColumns,
  partyCreated,
  partyMessage,
  partyName,
  type PartyRecord,
  partyUpdated,
  recordOf,
  storeChange,
} from '../party/party.js';
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

const KIND = ImportKind.IMPORT_KIND_PARTY;
const REQUEST_ID = '00000000-0000-4000-8000-000000000000';

/** Judges a row by the rules that need no database. */
export function checkParty(stream: Stream, line: bigint, row: PartyRow): Checked<CleanParty> | Refusal {
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
  return { line, key: row.sourceKey, content: digest64(Party.encode(party).finish()), value: clean };
}

/** Writes the parties of a batch: new ones are created, changed ones updated, all with their events. */
export async function takeParties(batch: Batch, rows: readonly Checked<CleanParty>[]): Promise<void> {
  if (rows.length === 0) return;
  const { tx, deps, source } = batch;
  const byKey = firstOfEach(batch, KIND, rows);
  const known = await tx.rows<PartyRecord & { content: bigint | null }>(sql`
    SELECT ${partyColumns}, party.content FROM party
    WHERE source = ${source} AND source_key = ANY(${[...byKey.keys()]}::text[]) FOR UPDATE`);
  const before = new Map(known.map((row) => [row.sourceKey, row]));
  const fresh: { from: Checked<CleanParty>; row: PartyRecord }[] = [];
  const changes: { before: PartyRecord; from: Checked<CleanParty> }[] = [];
  for (const from of byKey.values()) {
    const existing = before.get(from.key);
    if (!existing) fresh.push({ from, row: newRecord(deps, from.value) });
    else if (existing.content === from.content) settle(batch, KIND, 'unchanged');
    else changes.push({ before: existing, from });
  }
  await create(batch, fresh);
  await change(batch, changes);
}

async function create(batch: Batch, fresh: { from: Checked<CleanParty>; row: PartyRecord }[]): Promise<void> {
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

async function change(batch: Batch, wanted: { before: PartyRecord; from: Checked<CleanParty> }[]): Promise<void> {
  const { tx, deps, now } = batch;
  const everything = { kind: 'everything' } as const;
  const changes = [];
  const events = [];
  for (const { before, from } of wanted) {
    const row = recordOf(deps, from.value, { ...before, version: before.version + 1, updateTime: now });
    if (row.kind !== before.kind || row.synthetic !== before.synthetic) {
      const message = 'cannot become another kind of party';
      refuse(batch, KIND, from.line, { field: '', reason: 'IMMUTABLE', message, value: '' });
      continue;
    }
    const paths = changedPaths(partyMessage(deps, before, everything), partyMessage(deps, row, everything));
    settle(batch, KIND, paths.length === 0 ? 'unchanged' : 'updated');
    if (paths.length === 0) continue;
    changes.push({ before, ...findable(row, from.value.party), content: from.content });
    const options = { aggregate: row.partyId, subject: partyName(row.partyId) };
    events.push({ message: partyUpdated(row, paths), options });
  }
  if (changes.length === 0) return;
  await storeChange(tx, deps.cipher, changes);
  await publishAll(tx, PartyUpdated, events);
}
