import { createHash } from 'node:crypto';
import type { FieldCipher } from '@rapport/kit/crypto';
import { type Sql, sql, type Tx } from '@rapport/kit/db';
import { uuidv7 } from '@rapport/kit/runtime';
import { Party, type SourceRecord } from '@rapport/proto/customer/v1';
import type { Placed } from '../access/access.js';
import { kindOf, pathsOf, sameValue, saysNothing, valueAt } from '../party/party.js';

/** Versions of a record that are kept, the newest included. */
const KEPT_VERSIONS = 20;

/** A version of a source record as it is stored, in the names of the Prisma model. */
export interface RecordRow extends Placed {
  /** The home party, for ever. */
  partyId: string;
  recordId: string;
  version: number;
  source: string;
  sourceKey: string;
  receivedTime: Date;
  content: bigint;
  sealed: Buffer;
  fieldTimes: Record<string, string>;
  paths: string[] | null;
  latest: boolean;
}

/** The columns of a `RecordRow`, of the table `source_record` under the name s. */
export const recordColumns: Sql = sql.raw(`s.party_id AS "partyId", s.record_id AS "recordId", s.version, s.source,
  s.source_key AS "sourceKey", s.received_time AS "receivedTime", s.content, s.sealed, s.field_times AS "fieldTimes",
  s.paths, s.latest, s.organisation_path AS "organisationPath", s.manager`);

/** An entry of a list that staff took out of the golden record, as of when. */
export interface Removal {
  path: string;
  /** What makes two entries one. */
  key: string;
  time: Date;
}

/** A record with what was sealed in it. */
export interface KeptRecord extends RecordRow {
  /** As received. */
  party: Party;
  /** Of what staff entered: its proper form, found while the whole party was looked at. That of a source is found anew. */
  stated?: Party | undefined;
  removals: Removal[];
}

/** What a source says about a party now. */
export interface Statement {
  home: Placed & { partyId: string; wrappedKey: Buffer };
  source: string;
  sourceKey: string;
  party: Party;
  stated?: Party | undefined;
  /** The only fields that are spoken of; null means all that are not empty. */
  paths: string[] | null;
  removals: Removal[];
  receivedTime: Date;
  /** What it said before. */
  before?: KeptRecord | undefined;
}

function identity(row: { recordId: string; version: number }) {
  return { table: 'source_record', dataClass: 'C2', row: `${row.recordId}/${row.version}` };
}

/** The fields that a record speaks of. */
export function pathsIn({ party, paths }: Pick<KeptRecord, 'party' | 'paths'>): string[] {
  return paths ?? pathsOf(kindOf(party)).filter((path) => !saysNothing(valueAt(party, path)));
}

/** When the value of a field last changed in the record. */
export function changeTime(record: Pick<RecordRow, 'fieldTimes' | 'receivedTime'>, path: string): Date {
  const time = record.fieldTimes[path];
  return time === undefined ? record.receivedTime : new Date(time);
}

/** The next version of a record, sealed with the key of its home party. */
export function newRecord(cipher: FieldCipher, statement: Statement): KeptRecord {
  const { home, source, sourceKey, party, stated, paths, removals, receivedTime, before } = statement;
  const { partyId, organisationPath, manager } = home;
  const place = { recordId: before?.recordId ?? uuidv7(), version: (before?.version ?? 0) + 1 };
  const same = before
    ? pathsIn(before).filter((path) => sameValue(valueAt(before.party, path), valueAt(party, path)))
    : [];
  const fieldTimes = before ? same.map((path) => [path, changeTime(before, path).toISOString()]) : [];
  const bytes = Buffer.from(Party.encode(party).finish());
  const content = createHash('sha256').update(bytes).digest().readBigInt64BE();
  const sealed = cipher.seal({ owner: partyId, wrapped: home.wrappedKey }, identity(place), {
    party: bytes.toString('base64'),
    stated: stated && Buffer.from(Party.encode(stated).finish()).toString('base64'),
    removals: removals.length > 0 ? JSON.stringify(removals) : undefined,
  });
  return {
    ...{ ...place, partyId, source, sourceKey, receivedTime, content, sealed, paths, organisationPath, manager },
    ...{ fieldTimes: Object.fromEntries(fieldTimes), party, stated, removals, latest: true },
  };
}

/** Opens what `newRecord` sealed. Throws SealError when the row was tampered with or its key is gone. */
export function openRecord(cipher: FieldCipher, row: RecordRow, wrappedKey: Buffer): KeptRecord {
  const key = { owner: row.partyId, wrapped: wrappedKey };
  const fields = cipher.open<{ party?: string; stated?: string; removals?: string }>(key, identity(row), row.sealed);
  const removals = JSON.parse(fields.removals ?? '[]') as (Omit<Removal, 'time'> & { time: string })[];
  return {
    ...row,
    party: Party.decode(Buffer.from(fields.party ?? '', 'base64')),
    stated: fields.stated === undefined ? undefined : Party.decode(Buffer.from(fields.stated, 'base64')),
    removals: removals.map((removal) => ({ ...removal, time: new Date(removal.time) })),
  };
}

/** `parties/{uuid}/sourceRecords/{uuid}`. */
export function recordName(row: { partyId: string; recordId: string }): string {
  return `parties/${row.partyId}/sourceRecords/${row.recordId}`;
}

/** The message of a record. */
export function recordMessage(record: KeptRecord): SourceRecord {
  const { version, latest, source, sourceKey, receivedTime, party, paths } = record;
  const name = recordName(record);
  return {
    ...{ name, version, latest, sourceKey, party },
    source: `sources/${source}`,
    receiveTime: receivedTime,
    paths: paths ?? undefined,
  };
}

/** Keeps new versions of records with one statement each kind; of those before, the last ones stay. */
export async function insertRecords(tx: Tx, records: readonly KeptRecord[]): Promise<void> {
  if (records.length === 0) return;
  const later = records.filter(({ version }) => version > 1);
  if (later.length > 0) {
    const those = sql`unnest(${later.map((row) => row.partyId)}::uuid[], ${later.map((row) => row.recordId)}::uuid[],
      ${later.map((row) => row.version)}::int[]) AS r (party_id, record_id, version)
      WHERE s.party_id = r.party_id AND s.record_id = r.record_id`;
    await tx.run(sql`UPDATE source_record s SET latest = false FROM ${those} AND s.latest`);
    await tx.run(sql`DELETE FROM source_record s USING ${those} AND s.version <= r.version - ${KEPT_VERSIONS}`);
  }
  const last = new Map<string, number>();
  for (const { recordId, version } of records) last.set(recordId, Math.max(version, last.get(recordId) ?? 0));
  const json = records.map(({ party: _party, stated: _stated, removals: _removals, ...row }) => ({
    ...row,
    latest: row.version === last.get(row.recordId),
    content: row.content.toString(),
    sealed: row.sealed.toString('hex'),
  }));
  await tx.run(sql`
    INSERT INTO source_record (party_id, record_id, version, latest, source, source_key, received_time, content, sealed,
      field_times, paths, organisation_path, manager)
    SELECT "partyId", "recordId", version, latest, source, "sourceKey", "receivedTime", content::bigint, decode(sealed, 'hex'),
      "fieldTimes", paths, "organisationPath", manager
    FROM jsonb_to_recordset(${JSON.stringify(json)}::jsonb) AS r ("partyId" uuid, "recordId" uuid, version int,
      latest boolean, source text, "sourceKey" text, "receivedTime" timestamptz, content text, sealed text, "fieldTimes" jsonb,
      paths text[], "organisationPath" text, manager text)`);
}
