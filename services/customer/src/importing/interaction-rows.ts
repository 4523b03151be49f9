import { sql } from '@rapport/kit/db';
import { publishAll } from '@rapport/kit/events';
import { uuidv7 } from '@rapport/kit/runtime';
import {
  ImportKind,
  Interaction,
  InteractionRecorded,
  type InteractionRow,
  RecordInteractionRequest,
} from '@rapport/proto/customer/v1';
import { claimKeys, keyKind } from '../holding/holding.js';
import {
  insertInteractions,
  interactionFields,
  interactionName,
  interactionRecorded,
  type InteractionRecord,
} from '../timeline/timeline.js';
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
  unknownReference,
} from './batch.js';
import { digest64, type Refusal } from './importing.js';
import { partiesByKey } from './references.js';

const KIND = ImportKind.IMPORT_KIND_INTERACTION;
const REQUEST_ID = '00000000-0000-4000-8000-000000000000';
const ANY_PARTY = 'parties/00000000-0000-0000-0000-000000000000';

/** What an interaction row says, its party still as a source key. */
export interface InteractionWish {
  party: string;
  interaction: Interaction;
}

/** Judges a row by the rules that need no database. */
export function checkInteraction(
  stream: Stream,
  line: bigint,
  row: InteractionRow,
): Checked<InteractionWish> | Refusal {
  const { sourceKey, partySourceKey } = row;
  if (sourceKey === '') return { field: 'source_key', reason: 'VALUE_INVALID', message: 'is required', value: '' };
  const interaction = Interaction.fromPartial({ ...row.interaction, name: '', source: stream.source, sourceKey });
  const bytes = RecordInteractionRequest.encode({ parent: ANY_PARTY, interaction, requestId: REQUEST_ID }).finish();
  const refusal = contractRefusal(stream.deps, 'RecordInteraction', bytes, 'interaction', interaction);
  if (refusal) return refusal;
  const { time } = interaction;
  if (!time || time > stream.deps.clock.now()) {
    return { field: 'time', reason: 'VALUE_INVALID', message: 'lies in the future', value: time?.toISOString() ?? '' };
  }
  const json = Interaction.toJSON(interaction);
  if (holdsNul([json, partySourceKey])) return nulRefusal;
  const content = digest64(JSON.stringify([json, partySourceKey]));
  return { line, key: sourceKey, content, value: { party: partySourceKey, interaction } };
}

/** Writes the interactions of a batch with their events. */
export async function takeInteractions(batch: Batch, rows: readonly Checked<InteractionWish>[]): Promise<void> {
  if (rows.length === 0) return;
  const byKey = firstOfEach(batch, KIND, rows);
  const parties = await partiesByKey(
    batch,
    [...byKey.values()].map(({ value }) => value.party),
  );
  const wanted: { from: Checked<InteractionWish>; row: InteractionRecord }[] = [];
  for (const from of byKey.values()) {
    const party = parties.get(from.value.party);
    if (!party) {
      refuse(batch, KIND, from.line, unknownReference('party_source_key', from.value.party));
      continue;
    }
    const { partyId, organisationPath, manager } = party;
    const own = { partyId, organisationPath, manager, interactionId: uuidv7(), createTime: batch.now };
    const fields = interactionFields(from.value.interaction);
    wanted.push({ from, row: { ...fields, ...own, source: batch.source, sourceKey: from.key } });
  }
  const made = await claim(batch, wanted);
  if (made.length === 0) return;
  await insertInteractions(batch.tx, made);
  const events = made.map((row) => ({
    message: interactionRecorded(row),
    options: { aggregate: row.partyId, subject: interactionName(row) },
  }));
  await publishAll(batch.tx, InteractionRecorded, events);
}

async function claim(
  batch: Batch,
  wanted: readonly { from: Checked<InteractionWish>; row: InteractionRecord }[],
): Promise<InteractionRecord[]> {
  if (wanted.length === 0) return [];
  const claims = wanted.map(({ from, row }) => ({
    sourceKey: from.key,
    partyId: row.partyId,
    id: row.interactionId,
    content: from.content,
  }));
  const free = await claimKeys(batch.tx, 'interaction', batch.source, claims);
  const known = await batch.tx.rows<{ key: string; content: bigint }>(sql`
    SELECT source_key AS key, content FROM natural_key
    WHERE source = ${batch.source} AND kind = ${keyKind.interaction}
      AND source_key = ANY(${wanted.map(({ from }) => from.key)}::text[])`);
  const content = new Map(known.map((row) => [row.key, row.content]));
  for (const { from } of wanted) {
    if (free.has(from.key)) settle(batch, KIND, 'created');
    else if (content.get(from.key) === from.content) settle(batch, KIND, 'unchanged');
    else refuse(batch, KIND, from.line, duplicateKey(from.key, 'is taken by an interaction that says something else'));
  }
  return wanted.filter(({ from }) => free.has(from.key)).map(({ row }) => row);
}
