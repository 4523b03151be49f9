import { audit } from '@rapport/kit/crypto';
import { type Call, idempotent } from '@rapport/kit/rpc';
import { type RemoveListEntriesRequest, RemoveListEntriesResponse } from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { today } from '../segment/segment.js';
import { endEntries } from './entries.js';
import { findOpenList, listIdOf, lockList } from './list.js';
import { assertUnguarded } from './users.js';

/**
 * Ends the entries of parties with yesterday, so that what was asked for an earlier day stays true. Throws
 * LIST_NOT_FOUND, LIST_RETIRED, LIST_GUARDED.
 */
export async function removeListEntries(
  deps: Deps,
  request: RemoveListEntriesRequest,
  call: Call,
): Promise<RemoveListEntriesResponse> {
  const listId = listIdOf(request.parent);
  const parties = request.parties.map((party) => party.slice('parties/'.length));
  return idempotent(deps.db, call, request, RemoveListEntriesResponse, async (tx) => {
    await findOpenList(tx, call.scope, request.parent);
    await lockList(tx, listId);
    await assertUnguarded(tx, call.scope, listId);
    const by = call.principal.subject;
    const change = { day: today(deps), by, at: deps.clock.now(), version: 0 };
    const { removed } = await endEntries(tx, listId, parties, change);
    await audit(tx, call, { resource: request.parent, change: { removed } });
    return { removed };
  });
}
