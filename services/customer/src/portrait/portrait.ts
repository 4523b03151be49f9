import { type AuditCaller, audit } from '@rapport/kit/crypto';
import { type Queryable, type Scope, type Sql, sql, type Tx } from '@rapport/kit/db';
import { publishAll } from '@rapport/kit/events';
import { type Tag, type TagClass, type TagEnd, TagRemoved, TagSet, type TagSource } from '@rapport/proto/customer/v1';
import { seen } from '../access/access.js';
import { partyName } from '../party/party.js';
import { definitionName } from './definition.js';

export { definitionColumns, type DefinitionRecord, expiryOf, tagIdIn } from './definition.js';

/** A ground as it is stored, in the names of the Prisma model. */
export interface GroundRecord {
  partyId: string;
  tagId: string;
  source: TagSource;
  reference: string;
  setBy: string;
  setTime: Date;
  expireTime: Date | null;
  organisationPath: string;
  manager: string;
}

/** A ground with what its definition says. */
export type TagRow = Omit<GroundRecord, 'organisationPath' | 'manager'> & {
  titleEn: string;
  titleZh: string;
  dataClass: TagClass;
};

/** The columns of a `TagRow`, of the tables party_tag under the name g and tag_definition under the name d. */
export const tagColumns: Sql = sql.raw(`g.party_id AS "partyId", g.tag_id AS "tagId", g.source, g.reference,
  g.set_by AS "setBy", g.set_time AS "setTime", g.expire_time AS "expireTime", d.title_en AS "titleEn",
  d.title_zh AS "titleZh", d.data_class AS "dataClass"`);

/** The columns of a `GroundRecord`. */
const groundColumns: Sql = sql.raw(`party_id AS "partyId", tag_id AS "tagId", source, reference, set_by AS "setBy",
  set_time AS "setTime", expire_time AS "expireTime", organisation_path AS "organisationPath", manager`);

/** A row that came as JSON. */
export function tagFromJson(json: TagRow): TagRow {
  const { setTime, expireTime } = json;
  return { ...json, setTime: new Date(setTime), expireTime: expireTime === null ? null : new Date(expireTime) };
}

/** One message per tag, by id, under the name of the party that was asked for; its grounds the oldest first. */
export function tagMessages(party: string, rows: readonly TagRow[]): Tag[] {
  const tags = new Map<string, Tag>();
  for (const row of [...rows].sort((a, b) => a.setTime.getTime() - b.setTime.getTime() || a.source - b.source)) {
    const { tagId, titleEn, titleZh, dataClass, source, reference, setBy, setTime, expireTime } = row;
    let tag = tags.get(tagId);
    if (!tag) tags.set(tagId, (tag = { name: `${party}/tags/${tagId}`, titleEn, titleZh, dataClass, grounds: [] }));
    tag.grounds.push({ source, reference, setBy, setTime, expireTime: expireTime ?? undefined });
  }
  return [...tags.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Of whom the caller may see which tags. */
export interface TagScopes {
  /** Of whom those that are not most sensitive. */
  personal: Scope;
  /** Of whom those of class C3 too. */
  sensitive: Scope;
}

/** The condition that keeps the tags that may be seen and whose time is not up. */
export function seenTags({ personal, sensitive }: TagScopes, now: Date): Sql {
  return sql`(g.expire_time IS NULL OR g.expire_time > ${now}) AND ${seen(personal, 'g')}
    AND (d.data_class < 3 OR ${seen(sensitive, 'g')})`;
}

/** The grounds of these parties under the name g, for FROM. */
export function groundsOf(members: readonly string[]): Sql {
  return sql`unnest(${[...members]}::uuid[]) AS member (id) CROSS JOIN LATERAL (
    SELECT * FROM party_tag g WHERE g.party_id = member.id OFFSET 0) g`;
}

/** What a party has of what the caller may see. `members` are the ids that its rows stand under. */
export function readTags(on: Queryable, members: readonly string[], scopes: TagScopes, now: Date): Promise<TagRow[]> {
  return on.rows<TagRow>(sql`
    SELECT ${tagColumns} FROM ${groundsOf(members)} JOIN tag_definition d ON d.tag_id = g.tag_id
    WHERE ${seenTags(scopes, now)}`);
}

/**
 * Writes grounds with one statement and tells of those that are new or end at another time. Gives how many those are.
 * A ground that stands as it is said changes nothing.
 */
export async function setGrounds(tx: Tx, caller: AuditCaller, grounds: readonly GroundRecord[]): Promise<number> {
  if (grounds.length === 0) return 0;
  const set = await tx.rows<GroundRecord>(sql`
    INSERT INTO party_tag AS g (party_id, tag_id, source, reference, set_by, set_time, expire_time, organisation_path,
      manager)
    SELECT * FROM unnest(${grounds.map(({ partyId }) => partyId)}::uuid[], ${grounds.map(({ tagId }) => tagId)}::text[],
      ${grounds.map(({ source }) => source)}::smallint[], ${grounds.map(({ reference }) => reference)}::text[],
      ${grounds.map(({ setBy }) => setBy)}::text[], ${grounds.map(({ setTime }) => setTime)}::timestamptz[],
      ${grounds.map(({ expireTime }) => expireTime)}::timestamptz[],
      ${grounds.map(({ organisationPath }) => organisationPath)}::text[],
      ${grounds.map(({ manager }) => manager)}::text[])
    ON CONFLICT (party_id, tag_id, source, reference) DO UPDATE
      SET expire_time = excluded.expire_time, set_by = excluded.set_by, set_time = excluded.set_time
      WHERE g.expire_time IS DISTINCT FROM excluded.expire_time
    RETURNING ${groundColumns}`);
  if (set.length === 0) return 0;
  await audit(tx, caller, { resource: partiesOf(set), change: { set: set.length } });
  const events = set.map((row) => ({
    message: {
      party: partyName(row.partyId),
      organisationPath: row.organisationPath,
      definition: definitionName(row.tagId),
      source: row.source,
      reference: row.reference,
      setTime: row.setTime,
      expireTime: row.expireTime ?? undefined,
    },
    options: { aggregate: row.partyId, subject: partyName(row.partyId) },
  }));
  await publishAll(tx, TagSet, events);
  return set.length;
}

/** Ends the grounds that a condition on party_tag (under the name g) names, and tells of each. Gives how many. */
export async function endGrounds(
  tx: Tx,
  caller: AuditCaller,
  which: Sql,
  reason: TagEnd,
  now: Date,
): Promise<GroundRecord[]> {
  const ended = await tx.rows<GroundRecord>(sql`DELETE FROM party_tag g WHERE ${which} RETURNING ${groundColumns}`);
  if (ended.length === 0) return ended;
  const left = await tx.rows<{ partyId: string; tagId: string }>(sql`
    SELECT party_id AS "partyId", tag_id AS "tagId" FROM party_tag
    WHERE party_id = ANY(${ended.map(({ partyId }) => partyId)}::uuid[])
      AND (expire_time IS NULL OR expire_time > ${now})`);
  const held = new Set(left.map(({ partyId, tagId }) => `${partyId} ${tagId}`));
  await audit(tx, caller, { resource: partiesOf(ended), change: { ended: ended.length } });
  const events = ended.map((row) => ({
    message: {
      party: partyName(row.partyId),
      organisationPath: row.organisationPath,
      definition: definitionName(row.tagId),
      source: row.source,
      reference: row.reference,
      reason,
      removeTime: now,
      stillHeld: held.has(`${row.partyId} ${row.tagId}`),
    },
    options: { aggregate: row.partyId, subject: partyName(row.partyId) },
  }));
  await publishAll(tx, TagRemoved, events);
  return ended;
}

/** What an audit record names: the parties. A tag itself may say too much. */
function partiesOf(rows: readonly GroundRecord[]): string[] {
  return [...new Set(rows.map(({ partyId }) => partyName(partyId)))];
}
