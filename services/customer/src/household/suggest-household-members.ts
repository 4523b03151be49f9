import { type Queryable, type Scope, sql } from '@rapport/kit/db';
import { type Call, scopeFor } from '@rapport/kit/rpc';
import {
  HoldingRole,
  HouseholdEvidence,
  HouseholdKind,
  PartyKind,
  type SuggestHouseholdMembersRequest,
  type SuggestHouseholdMembersResponse,
} from '@rapport/proto/customer/v1';
import { seen } from '../access/access.js';
import { cleanAddress, foldedWords } from '../cleaning/cleaning.js';
import type { Deps } from '../deps.js';
import { sharingDwelling } from '../matching/matching.js';
import {
  assertParty,
  assertUsable,
  membersOf,
  openParty,
  partyColumns,
  partyName,
  type PartyRecord,
  RESTRICTED,
} from '../party/party.js';
import { familial } from '../relationship/relationship.js';

const MOST = 50;
/** Candidates that are looked at: a person with more co-owners than that is a club's treasurer. */
const MOST_CANDIDATES = 200;

interface Candidate extends PartyRecord {
  joint: boolean;
  relative: boolean;
}

/**
 * Gives the persons who own something together with a person, are its relatives, or have its address and its family name,
 * unless they are in a household, with what speaks for keeping house together.
 */
export async function suggestHouseholdMembers(
  deps: Deps,
  request: SuggestHouseholdMembersRequest,
  call: Call,
): Promise<SuggestHouseholdMembersResponse> {
  const scope = scopeFor(call, 'C2');
  const on = deps.db.scoped(scope);
  const party = await assertParty(on, request.parent, scope);
  assertUsable(party);
  const self = await on.one<PartyRecord>(sql`SELECT ${partyColumns} FROM party WHERE party_id = ${party.partyId}`);
  const person = self.kind === PartyKind.PARTY_KIND_PERSON;
  const neighbours = person ? await sharingDwelling(on, deps.cipher, self, openParty(deps.cipher, self)) : [];
  const candidates = person ? await candidatesFor(on, membersOf(party), neighbours, scope) : [];
  const home = addressesOf(deps, self);
  const found = candidates
    .map((row) => ({ row, evidence: evidenceFor(self, row, home, addressesOf(deps, row)) }))
    .filter(({ row, evidence }) => row.joint || row.relative || isHome(evidence))
    .sort((a, b) => b.evidence.length - a.evidence.length || (a.row.partyId < b.row.partyId ? -1 : 1))
    .slice(0, MOST);
  await deps.reads.record(call, [request.parent, ...found.map(({ row }) => partyName(row.partyId))]);
  return {
    suggestions: found.map(({ row, evidence }) => ({
      party: partyName(row.partyId),
      displayName: row.displayName,
      evidence,
    })),
  };
}

/** Of those who only live there the name must be the same, too: a house has more than one family. */
function isHome(evidence: readonly HouseholdEvidence[]): boolean {
  return (
    evidence.includes(HouseholdEvidence.HOUSEHOLD_EVIDENCE_SAME_ADDRESS) &&
    evidence.includes(HouseholdEvidence.HOUSEHOLD_EVIDENCE_SAME_FAMILY_NAME)
  );
}

function candidatesFor(
  on: Queryable,
  members: readonly string[],
  neighbours: readonly string[],
  scope: Scope,
): Promise<Candidate[]> {
  const owner = HoldingRole.HOLDING_ROLE_OWNER;
  return on.rows<Candidate>(sql`
    WITH joint AS (
      SELECT DISTINCT (o ->> 'party')::uuid AS id
      FROM unnest(${members}::uuid[]) AS member (id) CROSS JOIN LATERAL (
          SELECT * FROM holding_role r WHERE r.party_id = member.id AND r.role = ${owner} OFFSET 0) r
        CROSS JOIN LATERAL (
          SELECT * FROM holding h WHERE h.party_id = r.holding_party_id AND h.holding_id = r.holding_id OFFSET 0) h
        CROSS JOIN LATERAL jsonb_array_elements(h.owners) AS o
      WHERE (o ->> 'role')::int = ${owner}
    ), relative AS (
      SELECT DISTINCT r.other_party_id AS id
      FROM unnest(${members}::uuid[]) AS member (id) CROSS JOIN LATERAL (
        SELECT * FROM relationship r WHERE r.party_id = member.id AND r.kind = ANY(${[...familial]}::smallint[])
          AND r.end_date IS NULL OFFSET 0) r
    ), neighbour AS (
      SELECT id FROM unnest(${[...neighbours]}::uuid[]) AS n (id)
    )
    SELECT ${partyColumns}, bool_or(joint.id IS NOT NULL) AS joint, bool_or(relative.id IS NOT NULL) AS relative
    FROM (SELECT id FROM joint UNION SELECT id FROM relative UNION SELECT id FROM neighbour) AS found
      LEFT JOIN joint USING (id) LEFT JOIN relative USING (id) JOIN party alias ON alias.party_id = found.id
      JOIN party ON party.party_id = alias.golden_id
    WHERE party.party_id <> ALL(${members}::uuid[]) AND party.kind = ${PartyKind.PARTY_KIND_PERSON}
      AND party.state <> ${RESTRICTED}
      AND ${seen(scope, 'party')}
      AND NOT EXISTS (SELECT FROM household_member m WHERE m.party_id = party.party_id
        AND m.kind = ${HouseholdKind.HOUSEHOLD_KIND_FAMILY} AND m.leave_time IS NULL)
    GROUP BY party.party_id LIMIT ${MOST_CANDIDATES}`);
}

/** The strongest evidence first. */
function evidenceFor(
  self: PartyRecord,
  other: Candidate,
  home: ReadonlySet<string>,
  theirs: ReadonlySet<string>,
): HouseholdEvidence[] {
  const evidence: HouseholdEvidence[] = [];
  if (other.joint) evidence.push(HouseholdEvidence.HOUSEHOLD_EVIDENCE_JOINT_HOLDING);
  if (other.relative) evidence.push(HouseholdEvidence.HOUSEHOLD_EVIDENCE_RELATIVE);
  if ([...theirs].some((address) => home.has(address))) {
    evidence.push(HouseholdEvidence.HOUSEHOLD_EVIDENCE_SAME_ADDRESS);
  }
  if (familyOf(self.familyName) === familyOf(other.familyName)) {
    evidence.push(HouseholdEvidence.HOUSEHOLD_EVIDENCE_SAME_FAMILY_NAME);
  }
  return evidence;
}

/**
 * A family name as spouses, sisters and brothers share it: folded, without the endings by which Slavic names tell women from
 * men (Novák and Nováková, Černý and Černá). Ending `-ová` goes first, then a last vowel.
 */
function familyOf(name: string): string {
  return foldedWords(name)
    .map((word) => word.replace(/(.{3})ova$/, '$1').replace(/(.{3})[aeiouy]$/, '$1'))
    .join(' ');
}

function addressesOf(deps: Pick<Deps, 'cipher'>, row: PartyRecord): Set<string> {
  const points = openParty(deps.cipher, row).contactPoints;
  return new Set(
    points.flatMap(({ point }) => (point?.$case === 'postalAddress' ? [cleanAddress(point.value).key] : [])),
  );
}
