import { audit } from '@rapport/kit/crypto';
import { type Call, idempotent } from '@rapport/kit/rpc';
import { type AddListEntriesRequest, AddListEntriesResponse, ListRejectReason } from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { factFilter } from '../fact/fact.js';
import { today } from '../segment/segment.js';
import { addEntries, withoutErased } from './entries.js';
import { findOpenList, listIdOf, lockList, placesOf, readLines } from './list.js';
import { assertUnguarded } from './users.js';

/**
 * Puts parties on a list from today on; rules know of it within seconds (`send.ts`). Throws
 * LIST_NOT_FOUND, LIST_RETIRED, LIST_GUARDED.
 */
export async function addListEntries(
  deps: Deps,
  request: AddListEntriesRequest,
  call: Call,
): Promise<AddListEntriesResponse> {
  const list = await findOpenList(deps.db.scoped(call.scope), call.scope, request.parent);
  const listId = listIdOf(request.parent);
  const day = today(deps);
  const { lines, refused } = readLines(request.entries, day);
  const where = factFilter(call.scope, list.organisation_path, { manager: true });
  const places = await placesOf(
    deps.analytics,
    lines.map(({ party }) => party),
    { ...where, text: `state != 'restricted' AND (${where.text})` },
    call.signal,
  );
  const known = new Map(places.map((place) => [place.party, place]));
  const answer = await idempotent(deps.db, call, request, AddListEntriesResponse, async (tx) => {
    await lockList(tx, listId);
    await assertUnguarded(tx, call.scope, listId);
    const found = lines.flatMap((line) => {
      const place = known.get(line.party);
      return place ? [{ ...line, ...place, note: '' }] : [];
    });
    const taken = await withoutErased(tx, found);
    const { added, updated, unchanged } = await addEntries(tx, listId, taken, {
      day,
      by: call.principal.subject,
      at: deps.clock.now(),
      version: 0,
    });
    const counts = { added, updated, unchanged };
    const takenOf = new Set(taken.map(({ index }) => index));
    const unknown = lines
      .filter(({ index }) => !takenOf.has(index))
      .map(({ index }) => ({ index, reason: ListRejectReason.LIST_REJECT_REASON_PARTY_UNKNOWN }));
    const rejects = [...refused, ...unknown].sort((a, b) => a.index - b.index);
    await audit(tx, call, { resource: request.parent, change: { ...counts, rejected: rejects.length } });
    // The kept answer names nobody: its lines are places in the call until it is given.
    return { ...counts, rejects: rejects.map(({ index, reason }) => ({ line: index, value: '', reason })) };
  });
  return {
    ...answer,
    rejects: answer.rejects.map(({ line: index, reason }) => {
      const entry = request.entries[index];
      return { line: entry && entry.line > 0 ? entry.line : index + 1, value: entry?.party ?? '', reason };
    }),
  };
}
