import { covers, sql, within } from '@rapport/kit/db';
import { ImportKind, type PartyTagRow, SetTagsRequest, TagSource, TagWish } from '@rapport/proto/customer/v1';
import type { Placed } from '../access/access.js';
import { RESTRICTED } from '../party/party.js';
import {
  type DefinitionRecord,
  definitionColumns,
  expiryOf,
  type GroundRecord,
  groundsOf,
  setGrounds,
  tagIdIn,
} from '../portrait/portrait.js';
import {
  type Batch,
  type Checked,
  contractRefusal,
  holdsNul,
  nulRefusal,
  refuse,
  settle,
  type Stream,
  unknownReference,
} from './batch.js';
import type { Refusal } from './importing.js';
import { partiesByKey } from './references.js';

const KIND = ImportKind.IMPORT_KIND_TAG;
const REQUEST_ID = '00000000-0000-4000-8000-000000000000';
const ANY_PARTY = 'parties/00000000-0000-0000-0000-000000000000';

/** Judges a row by the rules that need no database; the key is that of its party. */
export function checkTag(stream: Stream, line: bigint, row: PartyTagRow): Checked<TagWish> | Refusal {
  const tag = TagWish.fromPartial({ ...row.tag, model: '' });
  const bytes = SetTagsRequest.encode({ parent: ANY_PARTY, tags: [tag], requestId: REQUEST_ID }).finish();
  const refusal = contractRefusal(stream.deps, 'PortraitService/SetTags', bytes, 'tags[0]', tag);
  if (refusal) return refusal;
  if (tag.expireTime && tag.expireTime <= stream.deps.clock.now()) {
    const value = tag.expireTime.toISOString();
    return { field: 'expire_time', reason: 'VALUE_INVALID', message: 'lies in the past', value };
  }
  if (holdsNul([TagWish.toJSON(tag), row.partySourceKey])) return nulRefusal;
  return { line, key: row.partySourceKey, content: 0n, value: tag };
}

/** Sets the tags of a batch, the source of the import being their ground. */
export async function takeTags(batch: Batch, rows: readonly Checked<TagWish>[]): Promise<void> {
  if (rows.length === 0) return;
  const { tx, now, source } = batch;
  const parties = await partiesByKey(
    batch,
    rows.map(({ key }) => key),
  );
  const ids = rows.map(({ value }) => tagIdIn(value.definition));
  const known = await tx.rows<DefinitionRecord>(sql`
    SELECT ${definitionColumns} FROM tag_definition d WHERE d.tag_id = ANY(${[...new Set(ids)]}::text[])`);
  const definitions = new Map(known.map((row) => [row.tagId, row]));
  const standing = await tx.rows<{ partyId: string; tagId: string; expireTime: Date | null }>(sql`
    SELECT g.party_id AS "partyId", g.tag_id AS "tagId", g.expire_time AS "expireTime"
    FROM ${groundsOf([...parties.values()].map(({ partyId }) => partyId))}
    WHERE g.source = ${TagSource.TAG_SOURCE_IMPORT} AND g.reference = ${source}`);
  const before = new Map(standing.map(({ partyId, tagId, expireTime }) => [`${partyId} ${tagId}`, expireTime]));
  const wanted = new Map<string, GroundRecord>();
  for (const { line, key, value } of rows) {
    const party = parties.get(key);
    const definition = definitions.get(tagIdIn(value.definition));
    if (!party) {
      refuse(batch, KIND, line, unknownReference('party_source_key', key));
      continue;
    }
    if (party.state === RESTRICTED) {
      const message = 'is restricted: its data is kept and not used';
      refuse(batch, KIND, line, { field: 'party_source_key', reason: 'PARTY_RESTRICTED', message, value: key });
      continue;
    }
    if (!definition || !isOpen(batch, definition, party)) {
      refuse(batch, KIND, line, unknownReference('definition', value.definition));
      continue;
    }
    const place = `${party.partyId} ${definition.tagId}`;
    const stood = before.get(place);
    // What says nothing of its end leaves the end of before.
    if (stood !== undefined && (!value.expireTime || stood?.getTime() === value.expireTime.getTime())) {
      settle(batch, KIND, 'unchanged');
      continue;
    }
    settle(batch, KIND, stood === undefined ? 'created' : 'updated');
    const expireTime = value.expireTime ?? expiryOf(definition, now);
    before.set(place, expireTime);
    const { partyId, organisationPath, manager } = party;
    const ground = { tagId: definition.tagId, source: TagSource.TAG_SOURCE_IMPORT, reference: source };
    wanted.set(place, {
      ...ground,
      partyId,
      organisationPath,
      manager,
      setBy: batch.subject,
      setTime: now,
      expireTime,
    });
  }
  const caller = {
    principal: { subject: batch.subject, roles: [] },
    method: 'rapport.customer.v1.CustomerService/Import',
    purpose: 'processing',
  };
  await setGrounds(tx, caller, [...wanted.values()]);
}

/** Whether the definition holds for the party, and the caller may see what it says. */
function isOpen(batch: Batch, { retired, organisationPath, dataClass }: DefinitionRecord, party: Placed): boolean {
  if (retired || !covers(organisationPath, party.organisationPath)) return false;
  return dataClass < 3 || within(batch.sensitive, party.organisationPath, party.manager);
}
