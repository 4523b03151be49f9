import { audit } from '@rapport/kit/crypto';
import { sql } from '@rapport/kit/db';
import { type Call, idempotent } from '@rapport/kit/rpc';
import { type RemoveListEntriesRequest, RemoveListEntriesResponse } from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { dateText, today } from '../segment/segment.js';
import { findList, listIdOf, lockList, standsOn } from './list.js';

/**
 * Ends the entries of parties with yesterday, so that what was asked for an earlier day stays true. Throws
 * LIST_NOT_FOUND.
 */
export async function removeListEntries(
  deps: Deps,
  request: RemoveListEntriesRequest,
  call: Call,
): Promise<RemoveListEntriesResponse> {
  const listId = listIdOf(request.parent);
  const parties = request.parties.map((party) => party.slice('parties/'.length));
  const day = dateText(today(deps));
  return idempotent(deps.db, call, request, RemoveListEntriesResponse, async (tx) => {
    await findList(tx, call.scope, request.parent);
    await lockList(tx, listId);
    // A list has a customer when it has one of its merged parties, so all of them go.
    const removed = await tx.run(sql`
      UPDATE list_entry SET until_date = ${day}::date - 1, changed_by = ${call.principal.subject},
        change_time = ${deps.clock.now()}, change = nextval('list_entry_change_seq'), sent = false
      WHERE list_id = ${listId} AND ${standsOn(day)} AND party_id IN (
        WITH asked AS (SELECT unnest(${parties}::uuid[]) AS party_id),
          golden AS (SELECT coalesce(a.golden_id, asked.party_id) AS golden_id
            FROM asked LEFT JOIN party_alias a USING (party_id))
        SELECT party_id FROM asked UNION SELECT golden_id FROM golden
        UNION SELECT a.party_id FROM party_alias a JOIN golden USING (golden_id))`);
    await audit(tx, call, { resource: request.parent, change: { removed } });
    return { removed };
  });
}
