import { type Queryable, type Scope, sql } from '@rapport/kit/db';
import { type Call, scopeFor } from '@rapport/kit/rpc';
import {
  type ListBeneficialOwnersRequest,
  type ListBeneficialOwnersResponse,
  PartyKind,
  RelationshipKind,
} from '@rapport/proto/customer/v1';
import { seen } from '../access/access.js';
import { dayAt } from '../calendar/calendar.js';
import type { Deps } from '../deps.js';
import { assertParty, partyName } from '../party/party.js';
import { LONGEST_CHAIN, ownershipOf } from './ownership.js';
import { WHOLE } from './relationship.js';

/** The threshold where none is asked for: 25 %. */
const LEAST = 2_500;
/** Owners of one organisation's owners, over all chains; more than that is no ownership that a person can look into. */
const MOST_PARTIES = 2_000;

/** Gives the persons who in the end own an organisation, as far as the caller may see the parties between. */
export async function listBeneficialOwners(
  deps: Deps,
  request: ListBeneficialOwnersRequest,
  call: Call,
): Promise<ListBeneficialOwnersResponse> {
  const scope = scopeFor(call, 'C2');
  const on = deps.db.scoped(scope);
  const { partyId } = await assertParty(on, request.parent, scope);
  const today = dayAt(deps.clock.now(), deps.bank.timeZone);
  const owners = new Map<string, Map<string, number>>();
  const declared = new Map<string, number>();
  const persons = new Set<string>();
  let partial = false;
  let next = [partyId];
  for (let link = 0; link < LONGEST_CHAIN && next.length > 0 && owners.size < MOST_PARTIES; link += 1) {
    const edges = await ownersOf(on, scope, next, today);
    for (const id of next) owners.set(id, new Map());
    for (const { organisation, owner, kind, share, ownerKind } of edges) {
      if (owner === null) {
        partial = true;
        continue;
      }
      if (ownerKind === PartyKind.PARTY_KIND_PERSON) persons.add(owner);
      if (kind === RelationshipKind.RELATIONSHIP_KIND_OWNER_OF) {
        const direct = owners.get(organisation);
        direct?.set(owner, (direct.get(owner) ?? 0) + share);
      } else if (organisation === partyId) declared.set(owner, Math.max(declared.get(owner) ?? 0, share));
    }
    const found = new Set(edges.flatMap(({ owner }) => owner ?? []));
    next = [...found].filter((id) => !persons.has(id) && !owners.has(id));
  }
  await deps.reads.record(call, `${request.parent}/beneficialOwners`);
  const { shares, circular } = ownershipOf({ owners, persons }, partyId);
  const explained = [...shares.values()].reduce((sum, share) => sum + share, 0);
  const least = request.leastShare || LEAST;
  return {
    owners: [...new Set([...shares.keys(), ...declared.keys()])]
      .map((id) => ({
        party: partyName(id),
        share: rounded(Math.max(shares.get(id) ?? 0, declared.get(id) ?? 0)),
        declared: declared.has(id),
      }))
      // Who was declared is one whatever the share, which may not be known.
      .filter((owner) => owner.share >= least || owner.declared)
      .sort((a, b) => b.share - a.share || (a.party < b.party ? -1 : 1)),
    circular,
    unexplainedShare: Math.max(0, WHOLE - Math.ceil(explained - 1e-6)),
    partial,
  };
}

/** Down to a whole hundredth of a percent; products of thirds must not lose one to the last bit. */
function rounded(share: number): number {
  return Math.floor(share + 1e-6);
}

interface Edge {
  organisation: string;
  /** The golden record of the owner; null where the caller may not see it. */
  owner: string | null;
  ownerKind: number | null;
  kind: number;
  share: number;
}

function ownersOf(on: Queryable, scope: Scope, organisations: readonly string[], today: string): Promise<Edge[]> {
  return on.rows<Edge>(sql`
    SELECT member.golden_id AS organisation, golden.party_id AS owner, golden.kind AS "ownerKind", r.kind, r.share
    FROM party member CROSS JOIN LATERAL (
        SELECT * FROM relationship r WHERE r.party_id = member.party_id AND NOT r.forward OFFSET 0) r
      LEFT JOIN party other ON other.party_id = r.other_party_id
      LEFT JOIN party golden ON golden.party_id = other.golden_id
        AND ${seen(scope, 'golden')}
    WHERE member.golden_id = ANY(${organisations}::uuid[])
      AND r.kind IN (${RelationshipKind.RELATIONSHIP_KIND_OWNER_OF},
        ${RelationshipKind.RELATIONSHIP_KIND_BENEFICIAL_OWNER_OF})
      AND (r.start_date IS NULL OR r.start_date <= ${today}::date)
      AND (r.end_date IS NULL OR r.end_date >= ${today}::date)
    LIMIT 5000`);
}
