import { sql } from '@rapport/kit/db';
import { type Call, decodePage, encodePage, pageSize, scopeFor } from '@rapport/kit/rpc';
import type { ListTagsRequest, ListTagsResponse } from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';
import { assertParty, membersOf, partyName } from '../party/party.js';
import { groundsOf, seenTags, tagColumns, tagMessages, type TagRow } from './portrait.js';

/** Lists what the caller may see of a party's tags, by id, each with all its grounds. */
export async function listTags(deps: Deps, request: ListTagsRequest, call: Call): Promise<ListTagsResponse> {
  const size = pageSize(request);
  const after = decodePage(call, request, 'string')?.[0] ?? '';
  const scopes = { personal: scopeFor(call, 'C2'), sensitive: scopeFor(call, 'C3') };
  const on = deps.db.scoped(scopes.personal);
  const party = await assertParty(on, request.parent, scopes.personal);
  const members = membersOf(party);
  const rows = await on.rows<TagRow>(sql`
    WITH seen AS (
      SELECT ${tagColumns} FROM ${groundsOf(members)} JOIN tag_definition d ON d.tag_id = g.tag_id
      WHERE g.tag_id > ${after} AND ${seenTags(scopes, deps.clock.now())}
    )
    SELECT * FROM seen WHERE "tagId" IN (SELECT DISTINCT "tagId" FROM seen ORDER BY "tagId" LIMIT ${size + 1})`);
  await deps.reads.record(call, `${request.parent}/tags`);
  const tags = tagMessages(partyName(party.partyId), rows);
  const last = tags.at(size - 1);
  return {
    tags: tags.slice(0, size),
    nextPageToken: last && tags.length > size ? encodePage(call, request, [last.name.split('/')[3] as string]) : '',
  };
}
