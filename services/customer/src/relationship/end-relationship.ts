import { audit } from '@rapport/kit/crypto';
import { everything, sql } from '@rapport/kit/db';
import { type Call, checkEtag, idempotent, scopeFor } from '@rapport/kit/rpc';
import { type EndRelationshipRequest, EndRelationshipResponse } from '@rapport/proto/customer/v1';
import { seen } from '../access/access.js';
import { dayAt, dayMessage } from '../calendar/calendar.js';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { idsIn } from '../party/party.js';
import { daysOf, relationshipColumns, relationshipMessage, type RelationshipRecord } from './relationship.js';

/** Notes the last day of a relationship with both of its parties. */
export async function endRelationship(
  deps: Deps,
  request: EndRelationshipRequest,
  call: Call,
): Promise<EndRelationshipResponse> {
  const scope = scopeFor(call, 'C2');
  const metadata = { relationship: request.name };
  const [partyId, relationshipId] = idsIn(request.name) ?? [];
  if (partyId === undefined || relationshipId === undefined) throw fail('RELATIONSHIP_NOT_FOUND', { metadata });
  return idempotent(
    deps.db,
    call,
    request,
    EndRelationshipResponse,
    async (tx) => {
      const row = await tx.maybe<RelationshipRecord>(sql`
        SELECT ${relationshipColumns} FROM relationship r
        WHERE r.party_id = ${partyId} AND r.relationship_id = ${relationshipId} AND r.forward
          AND ${seen(scope, 'r')}
        FOR UPDATE`);
      if (!row) throw fail('RELATIONSHIP_NOT_FOUND', { metadata });
      checkEtag(request.etag, relationshipMessage(row).etag);
      const today = dayMessage(dayAt(deps.clock.now(), deps.bank.timeZone));
      const { endDate } = daysOf({
        startDate: row.startDate === null ? undefined : dayMessage(row.startDate),
        endDate: request.endDate ?? today,
      });
      const ended: RelationshipRecord = { ...row, endDate, version: row.version + 1 };
      await audit(tx, call, { resource: request.name, change: { ended: true } });
      await tx.run(sql`
        UPDATE relationship SET end_date = ${endDate}::date, version = ${ended.version}
        WHERE party_id = ANY(${[row.partyId, row.otherPartyId]}::uuid[]) AND relationship_id = ${relationshipId}`);
      return { relationship: relationshipMessage(ended) };
    },
    // The other party may stand outside of what the caller sees, and its side must say the same.
    { scope: everything },
  );
}
