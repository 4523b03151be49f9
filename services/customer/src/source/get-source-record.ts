import { sql } from '@rapport/kit/db';
import { type Call, scopeFor } from '@rapport/kit/rpc';
import type { GetSourceRecordRequest, GetSourceRecordResponse } from '@rapport/proto/customer/v1';
import { seen } from '../access/access.js';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { idsIn } from '../party/party.js';
import { openRecord, recordColumns, recordMessage, type RecordRow } from './source.js';

/** Gives one version of what a source said, as it was received. */
export async function getSourceRecord(
  deps: Deps,
  request: GetSourceRecordRequest,
  call: Call,
): Promise<GetSourceRecordResponse> {
  const { name, version } = request;
  const [partyId, recordId] = idsIn(name) ?? [];
  const scope = scopeFor(call, 'C2');
  const row =
    partyId === undefined || recordId === undefined
      ? undefined
      : await deps.db.scoped(scope).maybe<RecordRow & { wrappedKey: Buffer }>(sql`
          SELECT ${recordColumns}, party.wrapped_key AS "wrappedKey"
          FROM source_record s JOIN party ON party.party_id = s.party_id
          WHERE s.party_id = ${partyId} AND s.record_id = ${recordId}
            AND ${version === 0 ? sql`s.latest` : sql`s.version = ${version}`}
            AND ${seen(scope, 's')}`);
  if (!row) throw fail('SOURCE_RECORD_NOT_FOUND', { metadata: { source_record: name } });
  await deps.reads.record(call, name);
  return { sourceRecord: recordMessage(openRecord(deps.cipher, row, row.wrappedKey)) };
}
