import { type Queryable, type Scope, type Sql, sql, type Tx } from '@rapport/kit/db';
import { PartyKind, type Relationship, RelationshipKind } from '@rapport/proto/customer/v1';
import { type Placed, seen } from '../access/access.js';
import { dayMessage, isoDay } from '../calendar/calendar.js';
import { fail } from '../errors.js';
import { partyName } from '../party/party.js';

/** A relationship as it stands with one of its two parties, in the names of the Prisma model. */
export interface RelationshipRecord {
  partyId: string;
  relationshipId: string;
  otherPartyId: string;
  forward: boolean;
  kind: number;
  share: number;
  startDate: string | null;
  endDate: string | null;
  evidence: string;
  recordedBy: string;
  version: number;
  createTime: Date;
}

/** The columns of a `RelationshipRecord`, of the table `relationship` under the name r. */
export const relationshipColumns: Sql = sql.raw(`r.party_id AS "partyId", r.relationship_id AS "relationshipId",
  r.other_party_id AS "otherPartyId", r.forward, r.kind, r.share, r.start_date AS "startDate", r.end_date AS "endDate",
  r.evidence, r.recorded_by AS "recordedBy", r.version, r.create_time AS "createTime"`);

/**
 * The relationships of a party, under all its names, in the order they were recorded; those that have ended by `today` only
 * with `history`. Between two parties that were merged into one there is nothing left to say.
 */
export function relationshipsOf(
  on: Queryable,
  members: readonly string[],
  scope: Scope,
  { today, history, after, limit }: { today: string; history: boolean; after: string | undefined; limit: number },
): Promise<RelationshipRecord[]> {
  return on.rows<RelationshipRecord>(sql`
    SELECT ${relationshipColumns}
    FROM unnest(${[...members]}::uuid[]) AS member (id) CROSS JOIN LATERAL (
      SELECT * FROM relationship r WHERE r.party_id = member.id OFFSET 0) r
    WHERE r.other_party_id <> ALL(${[...members]}::uuid[])
      AND ${seen(scope, 'r')}
      ${history ? sql.empty : sql`AND (r.end_date IS NULL OR r.end_date >= ${today}::date)`}
      ${after === undefined ? sql.empty : sql`AND r.relationship_id > ${after}::uuid`}
    ORDER BY r.relationship_id LIMIT ${limit}`);
}

/** The message of a row, read from whichever party. */
export function relationshipMessage(row: RelationshipRecord): Relationship {
  const [from, to] = row.forward ? [row.partyId, row.otherPartyId] : [row.otherPartyId, row.partyId];
  return {
    name: `${partyName(from)}/relationships/${row.relationshipId}`,
    fromParty: partyName(from),
    toParty: partyName(to),
    kind: row.kind,
    share: row.share,
    startDate: row.startDate === null ? undefined : dayMessage(row.startDate),
    endDate: row.endDate === null ? undefined : dayMessage(row.endDate),
    evidence: row.evidence,
    recordedBy: row.recordedBy,
    createTime: row.createTime,
    etag: `"${row.version}"`,
  };
}

const K = RelationshipKind;
/** What says the same in both directions. */
export const symmetric: ReadonlySet<RelationshipKind> = new Set([
  K.RELATIONSHIP_KIND_SPOUSE_OF,
  K.RELATIONSHIP_KIND_PARTNER_OF,
  K.RELATIONSHIP_KIND_SIBLING_OF,
]);
/** What makes two persons relatives or one the ward of the other. */
export const familial: readonly RelationshipKind[] = [
  K.RELATIONSHIP_KIND_SPOUSE_OF,
  K.RELATIONSHIP_KIND_PARTNER_OF,
  K.RELATIONSHIP_KIND_PARENT_OF,
  K.RELATIONSHIP_KIND_SIBLING_OF,
  K.RELATIONSHIP_KIND_GUARDIAN_OF,
];
const shared: ReadonlySet<RelationshipKind> = new Set([
  K.RELATIONSHIP_KIND_OWNER_OF,
  K.RELATIONSHIP_KIND_BENEFICIAL_OWNER_OF,
]);
const byPersons: ReadonlySet<RelationshipKind> = new Set([
  ...familial,
  K.RELATIONSHIP_KIND_BENEFICIAL_OWNER_OF,
  K.RELATIONSHIP_KIND_EMPLOYEE_OF,
]);
const ofOrganisations: ReadonlySet<RelationshipKind> = new Set([
  K.RELATIONSHIP_KIND_OWNER_OF,
  K.RELATIONSHIP_KIND_BENEFICIAL_OWNER_OF,
  K.RELATIONSHIP_KIND_DIRECTOR_OF,
]);
const ofPersons: ReadonlySet<RelationshipKind> = new Set([...familial, K.RELATIONSHIP_KIND_HEIR_OF]);

/** Days as they are stored. Throws where they are none, or in the wrong order. */
export function daysOf(relationship: Pick<Relationship, 'startDate' | 'endDate'>): {
  startDate: string | null;
  endDate: string | null;
} {
  const day = (field: 'startDate' | 'endDate', name: string): string | null => {
    const date = relationship[field];
    if (!date) return null;
    const iso = isoDay(date);
    if (iso === undefined) throw invalid(`relationship.${name}`, 'must be a day of the calendar');
    return iso;
  };
  const startDate = day('startDate', 'start_date');
  const endDate = day('endDate', 'end_date');
  if (startDate !== null && endDate !== null && endDate < startDate) {
    throw invalid('relationship.end_date', 'must not lie before the start');
  }
  return { startDate, endDate };
}

interface Side {
  partyId: string;
  kind: number;
}

/** Throws when the two parties cannot stand to each other like this. */
export function assertPossible(relationship: Relationship, from: Side, to: Side): void {
  const { kind, share } = relationship;
  const person = PartyKind.PARTY_KIND_PERSON;
  if (from.partyId === to.partyId) throw invalid('relationship.to_party', 'must be another party');
  if (share > 0 && !shared.has(kind)) throw invalid('relationship.share', 'is only for owners and beneficial owners');
  if (byPersons.has(kind) && from.kind !== person) throw invalid('parent', 'must be a person for this kind');
  if (ofPersons.has(kind) && to.kind !== person)
    throw invalid('relationship.to_party', 'must be a person for this kind');
  if (ofOrganisations.has(kind) && to.kind === person) {
    throw invalid('relationship.to_party', 'must be an organisation for this kind');
  }
}

function invalid(field: string, description: string): Error {
  return fail('RELATIONSHIP_INVALID', { violations: [{ field, description }] });
}

/** The whole of an organisation, in hundredths of a percent. */
export const WHOLE = 10_000;

/** Writes relationships, each with both parties, which stand where `from` and `to` say. */
export async function insertRelationships(
  tx: Tx,
  made: readonly { row: RelationshipRecord; from: Placed; to: Placed }[],
): Promise<void> {
  const sides = made.flatMap(({ row, from, to }) => [
    { ...row, organisationPath: from.organisationPath, manager: from.manager },
    {
      ...row,
      partyId: row.otherPartyId,
      otherPartyId: row.partyId,
      forward: !row.forward,
      organisationPath: to.organisationPath,
      manager: to.manager,
    },
  ]);
  await tx.run(sql`
    INSERT INTO relationship (party_id, relationship_id, other_party_id, forward, kind, share, start_date, end_date,
      evidence, recorded_by, create_time, organisation_path, manager)
    SELECT "partyId", "relationshipId", "otherPartyId", forward, kind, share, "startDate", "endDate", evidence,
      "recordedBy", "createTime", "organisationPath", manager
    FROM jsonb_to_recordset(${JSON.stringify(sides)}::jsonb) AS r ("partyId" uuid, "relationshipId" uuid,
      "otherPartyId" uuid, forward boolean, kind smallint, share integer, "startDate" date, "endDate" date,
      evidence text, "recordedBy" text, "createTime" timestamptz, "organisationPath" text, manager text)`);
}

/** Writes what changed of relationships that are there, with both parties. */
export async function updateRelationships(tx: Tx, changed: readonly RelationshipRecord[]): Promise<void> {
  await tx.run(sql`
    UPDATE relationship SET share = c.share, start_date = c."startDate", end_date = c."endDate",
      evidence = c.evidence, version = relationship.version + 1
    FROM jsonb_to_recordset(${JSON.stringify(changed)}::jsonb) AS c ("partyId" uuid, "otherPartyId" uuid,
      "relationshipId" uuid, share integer, "startDate" date, "endDate" date, evidence text)
    WHERE relationship.relationship_id = c."relationshipId"
      AND relationship.party_id = ANY(ARRAY[c."partyId", c."otherPartyId"])`);
}
