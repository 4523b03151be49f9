import { audit } from '@rapport/kit/crypto';
import { sql } from '@rapport/kit/db';
import { type Call, idempotent } from '@rapport/kit/rpc';
import { type CreateStaticListRequest, CreateStaticListResponse } from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { reaches } from '../segment/segment.js';
import { listColumns, listMessage, type ListRow } from './list.js';

/** Creates a list, empty. Throws LIST_EXISTS, ORGANISATION_PATH_OUTSIDE. */
export async function createStaticList(
  deps: Deps,
  request: CreateStaticListRequest,
  call: Call,
): Promise<CreateStaticListResponse> {
  const { listId, title, organisationPath } = request;
  if (!reaches(call.scope, organisationPath)) throw fail('ORGANISATION_PATH_OUTSIDE');
  return idempotent(deps.db, call, request, CreateStaticListResponse, async (tx) => {
    // Ids are unique in the whole suite, so one that the caller cannot see is taken as well.
    const made = await tx.maybe<ListRow>(sql`
      INSERT INTO static_list (list_id, title, organisation_path, created_by, create_time)
      VALUES (${listId}, ${title}, ${organisationPath}, ${call.principal.subject}, ${deps.clock.now()})
      ON CONFLICT DO NOTHING RETURNING ${listColumns}`);
    if (!made) throw fail('LIST_EXISTS', { metadata: { list: `staticLists/${listId}` } });
    await audit(tx, call, { resource: `staticLists/${listId}`, change: { organisation_path: organisationPath } });
    return { staticList: listMessage(made) };
  });
}
