import { audit, systemCaller } from '@rapport/kit/crypto';
import { sql, type Tx } from '@rapport/kit/db';
import { DataSubjectRequestState } from '@rapport/proto/customer/v1';
import { closeRequest, missing, type OtherService, requestColumns, requestIdIn, type RequestRow } from './request.js';

/** What every PartyErased says, of whichever service. */
interface PartyErased {
  dataSubjectRequest: string;
  party: string;
  counts: Record<string, bigint>;
  eraseTime?: Date | undefined;
}

/**
 * Gives the function that hears a service's receipt. The last one completes the request, and lets the events of the
 * parties be forgotten. The same receipt again changes nothing.
 */
export function onPartyErased(service: OtherService) {
  return async (tx: Tx, event: PartyErased): Promise<void> => {
    const row = await tx.maybe<RequestRow>(sql`
      SELECT ${requestColumns} FROM data_subject_request WHERE request_id = ${requestIdIn(event.dataSubjectRequest)}
      FOR UPDATE`);
    const party = event.party.slice('parties/'.length);
    if (!row?.members.includes(party)) return;
    const counts = Object.fromEntries(Object.entries(event.counts).map(([what, count]) => [what, Number(count)]));
    const now = new Date();
    await tx.run(sql`
      INSERT INTO erasure_receipt (request_id, party_id, service, counts, time)
      VALUES (${row.requestId}, ${party}, ${service}, ${JSON.stringify(counts)}::jsonb, ${event.eraseTime ?? now})
      ON CONFLICT DO NOTHING`);
    if (row.state !== DataSubjectRequestState.DATA_SUBJECT_REQUEST_STATE_ACCEPTED) return;
    const receipts = await tx.rows<{ partyId: string; service: string }>(sql`
      SELECT party_id AS "partyId", service FROM erasure_receipt WHERE request_id = ${row.requestId}`);
    if (missing(row.members, receipts).length > 0) return;
    await closeRequest(tx, row, DataSubjectRequestState.DATA_SUBJECT_REQUEST_STATE_COMPLETED, now);
    await tx.run(sql`UPDATE kit.tombstone SET answered_at = now() WHERE aggregate = ANY(${row.members}::text[])`);
    await audit(tx, systemCaller('customer', 'PartyErased'), {
      resource: event.dataSubjectRequest,
      change: { completed: true, receipts: receipts.length },
    });
  };
}
