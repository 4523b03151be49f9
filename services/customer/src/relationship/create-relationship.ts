import { audit } from '@rapport/kit/crypto';
import { type Scope, sql, type Tx } from '@rapport/kit/db';
import { type Call, idempotent, scopeFor } from '@rapport/kit/rpc';
import { uuidv7 } from '@rapport/kit/runtime';
import {
  type CreateRelationshipRequest,
  CreateRelationshipResponse,
  type Relationship,
  RelationshipKind,
} from '@rapport/proto/customer/v1';
import { dayAt } from '../calendar/calendar.js';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { assertParty, type PlacedParty, partyName } from '../party/party.js';
import {
  assertPossible,
  daysOf,
  insertRelationships,
  relationshipColumns,
  relationshipMessage,
  type RelationshipRecord,
  symmetric,
  WHOLE,
} from './relationship.js';

/** Records how a party stands to another, with both. What holds already is given back and nothing is written. */
export async function createRelationship(
  deps: Deps,
  request: CreateRelationshipRequest,
  call: Call,
): Promise<CreateRelationshipResponse> {
  const wish = request.relationship as Relationship;
  const days = daysOf(wish);
  const scope = scopeFor(call, 'C2');
  return idempotent(
    deps.db,
    call,
    request,
    CreateRelationshipResponse,
    async (tx) => {
      // The lock on the second keeps two shares in one organisation from being added past the whole.
      const to = await side(tx, wish.toParty, scope, true);
      const from = await side(tx, request.parent, scope, false);
      assertPossible(wish, from, to);
      const known = await same(tx, wish.kind, from, to);
      if (known) {
        if (known.share !== wish.share || known.startDate !== days.startDate) throw fail('RELATIONSHIP_EXISTS');
        await audit(tx, call, { resource: relationshipMessage(known).name, change: { repeated: true } });
        return { relationship: relationshipMessage(known) };
      }
      if (wish.kind === RelationshipKind.RELATIONSHIP_KIND_OWNER_OF && days.endDate === null) {
        await assertShares(tx, to, wish.share, dayAt(deps.clock.now(), deps.bank.timeZone));
      }
      const row: RelationshipRecord = {
        partyId: from.partyId,
        relationshipId: uuidv7(),
        otherPartyId: to.partyId,
        forward: true,
        kind: wish.kind,
        share: wish.share,
        ...days,
        evidence: wish.evidence,
        recordedBy: call.principal.subject,
        version: 1,
        createTime: deps.clock.now(),
      };
      await insertRelationships(tx, [{ row, from, to }]);
      const relationship = relationshipMessage(row);
      const resource = [relationship.name, partyName(to.partyId)];
      await audit(tx, call, { resource, change: { kind: row.kind, created: true } });
      return { relationship };
    },
    { scope },
  );
}

interface PartySide extends PlacedParty {
  kind: number;
}

async function side(tx: Tx, name: string, scope: Scope, lock: boolean): Promise<PartySide> {
  const party = await assertParty(tx, name, scope, lock ? sql`FOR UPDATE OF golden` : sql`FOR SHARE OF golden`);
  const { kind } = await tx.one<{ kind: number }>(sql`SELECT kind FROM party WHERE party_id = ${party.partyId}`);
  return { ...party, kind };
}

/** The relationship of that kind that holds between the two, also under ids that were merged into them. */
function same(tx: Tx, kind: number, from: PlacedParty, to: PlacedParty): Promise<RelationshipRecord | undefined> {
  const direction = symmetric.has(kind) ? sql`TRUE` : sql`r.forward`;
  return tx.maybe<RelationshipRecord>(sql`
    SELECT ${relationshipColumns} FROM relationship r
    WHERE r.party_id = ANY(${[from.partyId, ...from.aliases]}::uuid[])
      AND r.other_party_id = ANY(${[to.partyId, ...to.aliases]}::uuid[])
      AND r.kind = ${kind} AND r.end_date IS NULL AND ${direction} LIMIT 1`);
}

async function assertShares(tx: Tx, organisation: PlacedParty, share: number, today: string): Promise<void> {
  const { known } = await tx.one<{ known: number }>(sql`
    SELECT coalesce(sum(r.share), 0)::int AS known FROM relationship r
    WHERE r.party_id = ANY(${[organisation.partyId, ...organisation.aliases]}::uuid[]) AND NOT r.forward
      AND r.kind = ${RelationshipKind.RELATIONSHIP_KIND_OWNER_OF} AND (r.end_date IS NULL OR r.end_date >= ${today}::date)`);
  if (known + share > WHOLE) throw fail('SHARES_EXCEEDED', { metadata: { known: String(known) } });
}
