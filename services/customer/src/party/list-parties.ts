import { type Scope, type Sql, scopeFilter, sql } from '@rapport/kit/db';
import { type Call, decodePage, encodePage, pageSize, scopeFor } from '@rapport/kit/rpc';
import type { ListPartiesRequest, ListPartiesResponse } from '@rapport/proto/customer/v1';
import { seen } from '../access/access.js';
import type { Deps } from '../deps.js';
import { partyMessage, partyName } from './party.js';
import { partyColumns, type PartyRecord } from './record.js';

/** Lists the golden records that the caller may see, in the order they were created (ids are UUIDv7). */
export async function listParties(deps: Deps, request: ListPartiesRequest, call: Call): Promise<ListPartiesResponse> {
  const size = pageSize(request);
  const after = decodePage(call, request, 'uuid')?.[0];
  const clear = scopeFor(call, 'C2');
  // A source key is personal: where the caller may not see it, it cannot be probed for either.
  const scope = request.sourceKey === '' ? call.scope : clear;
  const rows = await deps.db.scoped(scope).rows<PartyRecord>(sql`
    SELECT ${partyColumns} FROM party
    WHERE ${sql.join(conditions(request, scope, after), ' AND ')}
    ORDER BY party_id LIMIT ${size + 1}`);
  const shown = rows.slice(0, size);
  await deps.reads.record(
    call,
    shown.map((row) => partyName(row.partyId)),
  );
  const last = shown.at(-1);
  return {
    parties: shown.map((row) => partyMessage(deps, row, clear)),
    nextPageToken: last && rows.length > size ? encodePage(call, request, [last.partyId]) : '',
  };
}

function conditions(request: ListPartiesRequest, scope: Scope, after: string | undefined): Sql[] {
  const { organisationPath, relationshipManager, kind, region, source, sourceKey } = request;
  const wanted = [seen(scope, 'party'), sql`merged_into IS NULL`];
  if (after !== undefined) wanted.push(sql`party_id > ${after}`);
  if (organisationPath !== '') {
    wanted.push(scopeFilter({ kind: 'rows', subtree: organisationPath }, { path: 'organisation_path' }));
  }
  if (relationshipManager !== '') wanted.push(sql`manager = ${relationshipManager}`);
  if (kind !== 0) wanted.push(sql`kind = ${kind}`);
  if (region !== '') wanted.push(sql`region = ${region}`);
  if (sourceKey !== '') {
    wanted.push(sql`party_id = (SELECT golden_id FROM party WHERE source = ${source} AND source_key = ${sourceKey})`);
  } else if (source !== '') {
    wanted.push(sql`(source = ${source}
      OR EXISTS (SELECT FROM party alias WHERE alias.party_id = ANY(party.aliases) AND alias.source = ${source}))`);
  }
  return wanted;
}
