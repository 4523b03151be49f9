import { sql } from '@rapport/kit/db';
import { Failure } from '@rapport/kit/rpc';
import { uuidv7 } from '@rapport/kit/runtime';
import {
  CreateRelationshipRequest,
  ImportKind,
  Relationship,
  RelationshipKind,
  type RelationshipRow,
} from '@rapport/proto/customer/v1';
import type { Placed } from '../access/access.js';
import { dayAt } from '../calendar/calendar.js';
import {
  assertPossible,
  daysOf,
  insertRelationships,
  relationshipColumns,
  type RelationshipRecord,
  symmetric,
  updateRelationships,
  WHOLE,
} from '../relationship/relationship.js';
import {
  type Batch,
  type Checked,
  contractRefusal,
  holdsNul,
  nulRefusal,
  refuse,
  settle,
  type Stream,
  unknownReference,
} from './batch.js';
import type { Refusal } from './importing.js';
import { partiesByKey } from './references.js';

const KIND = ImportKind.IMPORT_KIND_RELATIONSHIP;
const OWNER = RelationshipKind.RELATIONSHIP_KIND_OWNER_OF;
const REQUEST_ID = '00000000-0000-4000-8000-000000000000';
const ANY_PARTY = 'parties/00000000-0000-0000-0000-000000000000';

/** What a row says, its parties still as source keys. */
export interface RelationshipWish {
  other: string;
  relationship: Relationship;
  startDate: string | null;
  endDate: string | null;
}

/** Judges a row by the rules that need no database; the key is that of the first party. */
export function checkRelationship(
  stream: Stream,
  line: bigint,
  row: RelationshipRow,
): Checked<RelationshipWish> | Refusal {
  const { partySourceKey: key, otherPartySourceKey: other } = row;
  const relationship = Relationship.fromPartial({ ...row.relationship, name: '', toParty: ANY_PARTY });
  const bytes = CreateRelationshipRequest.encode({ parent: ANY_PARTY, relationship, requestId: REQUEST_ID }).finish();
  const method = 'HouseholdService/CreateRelationship';
  const refusal = contractRefusal(stream.deps, method, bytes, 'relationship', relationship);
  if (refusal) return refusal;
  if (holdsNul([Relationship.toJSON(relationship), key, other])) return nulRefusal;
  try {
    return { line, key, content: 0n, value: { other, relationship, ...daysOf(relationship) } };
  } catch (error) {
    return breachOf(error);
  }
}

/** What a rule of relationships says against a row. */
function breachOf(error: unknown): Refusal {
  const violation = error instanceof Failure ? error.violations[0] : undefined;
  if (!violation) throw error;
  const field = { parent: 'party_source_key', 'relationship.to_party': 'other_party_source_key' }[violation.field];
  const inside = violation.field.replace('relationship.', '');
  return { field: field ?? inside, reason: 'RELATIONSHIP_INVALID', message: violation.description, value: '' };
}

interface Side extends Placed {
  partyId: string;
  goldenId: string;
  kind: number;
}

/** Writes the relationships of a batch: new ones are made, changed ones updated, ended ones ended. */
export async function takeRelationships(batch: Batch, rows: readonly Checked<RelationshipWish>[]): Promise<void> {
  if (rows.length === 0) return;
  const { tx, now, deps } = batch;
  const sides = await sidesOf(batch, rows);
  const known = await knownBetween(batch, [...sides.values()]);
  const today = dayAt(now, deps.bank.timeZone);
  const shares = await sharesIn(batch, rows, sides, today);
  const made = new Map<string, { row: RelationshipRecord; from: Side; to: Side }>();
  const changed = new Map<string, RelationshipRecord>();
  for (const { line, key, value } of rows) {
    const { other, relationship, startDate, endDate } = value;
    const [from, to] = [sides.get(key), sides.get(other)];
    if (!from || !to) {
      const [field, absent] = from ? ['other_party_source_key', other] : ['party_source_key', key];
      refuse(batch, KIND, line, unknownReference(field as string, absent as string));
      continue;
    }
    const impossible = impossibility(relationship, from, to);
    if (impossible) {
      refuse(batch, KIND, line, impossible);
      continue;
    }
    const { kind, evidence } = relationship;
    const place = placeOf(kind, from.goldenId, to.goldenId);
    const standing = known.get(place) ?? [];
    const before = standing.find((one) => one.endDate === null) ?? sameDays(standing, startDate, endDate);
    const share = relationship.share || (before?.share ?? 0);
    const counts = (ended: string | null) => kind === OWNER && (ended === null || ended >= today);
    const had = before && counts(before.endDate) ? before.share : 0;
    const taken = (shares.get(to.goldenId) ?? 0) - had + (counts(endDate) ? share : 0);
    if (kind === OWNER && taken > WHOLE && counts(endDate)) {
      const message = 'the known shares would add up to more than 100 %';
      refuse(batch, KIND, line, { field: 'share', reason: 'SHARES_EXCEEDED', message, value: String(share) });
      continue;
    }
    if (kind === OWNER) shares.set(to.goldenId, taken);
    if (!before) {
      const row: RelationshipRecord = {
        ...{ partyId: from.partyId, relationshipId: uuidv7(), otherPartyId: to.partyId, forward: true, kind },
        ...{ share, startDate, endDate, evidence, recordedBy: batch.subject, version: 1, createTime: now },
      };
      made.set(row.relationshipId, { row, from, to });
      known.set(place, [...standing, row]);
      settle(batch, KIND, 'created');
      continue;
    }
    const after = {
      ...{ share, startDate: startDate ?? before.startDate, endDate: endDate ?? before.endDate },
      evidence: evidence || before.evidence,
    };
    const same = (['share', 'startDate', 'endDate', 'evidence'] as const).every((name) => after[name] === before[name]);
    settle(batch, KIND, same ? 'unchanged' : 'updated');
    if (same) continue;
    // The same object stands in `known` and, when this batch made it, in `made`.
    Object.assign(before, after);
    if (!made.has(before.relationshipId)) changed.set(before.relationshipId, before);
  }
  if (made.size > 0) await insertRelationships(tx, [...made.values()]);
  if (changed.size > 0) await updateRelationships(tx, [...changed.values()]);
}

function impossibility(relationship: Relationship, from: Side, to: Side): Refusal | undefined {
  try {
    assertPossible(relationship, { partyId: from.goldenId, kind: from.kind }, { partyId: to.goldenId, kind: to.kind });
    return undefined;
  } catch (error) {
    return breachOf(error);
  }
}

/** Two golden records and how the first stands to the second; of what says the same in both directions, in one order. */
function placeOf(kind: RelationshipKind, from: string, to: string): string {
  const [one, other] = symmetric.has(kind) && to < from ? [to, from] : [from, to];
  return `${kind} ${one} ${other}`;
}

function sameDays(
  standing: readonly RelationshipRecord[],
  startDate: string | null,
  endDate: string | null,
): RelationshipRecord | undefined {
  return standing.find((one) => endDate !== null && one.startDate === startDate && one.endDate === endDate);
}

async function sidesOf(batch: Batch, rows: readonly Checked<RelationshipWish>[]): Promise<Map<string, Side>> {
  const parties = await partiesByKey(
    batch,
    rows.flatMap(({ key, value }) => [key, value.other]),
  );
  // Owners of one organisation are added up under one lock.
  const organisations = rows.flatMap(({ value }) =>
    value.relationship.kind === OWNER ? (parties.get(value.other)?.goldenId ?? []) : [],
  );
  await batch.tx.run(sql`
    SELECT FROM party WHERE party_id = ANY(${[...new Set(organisations)]}::uuid[]) ORDER BY party_id FOR NO KEY UPDATE`);
  const kinds = await batch.tx.rows<{ partyId: string; kind: number }>(sql`
    SELECT party_id AS "partyId", kind FROM party
    WHERE party_id = ANY(${[...parties.values()].map(({ partyId }) => partyId)}::uuid[])`);
  const kindOf = new Map(kinds.map(({ partyId, kind }) => [partyId, kind]));
  return new Map([...parties].map(([key, party]) => [key, { ...party, kind: kindOf.get(party.partyId) ?? 0 }]));
}

/** What stands between the golden records of a batch, read from the first party, by `placeOf`. */
async function knownBetween(batch: Batch, sides: readonly Side[]): Promise<Map<string, RelationshipRecord[]>> {
  const ids = [...new Set(sides.map(({ goldenId }) => goldenId))];
  const rows = await batch.tx.rows<RelationshipRecord & { fromGolden: string; toGolden: string }>(sql`
    SELECT ${relationshipColumns}, p.golden_id AS "fromGolden", o.golden_id AS "toGolden"
    FROM party p
    CROSS JOIN LATERAL (SELECT * FROM relationship r WHERE r.party_id = p.party_id AND r.forward OFFSET 0) r
    JOIN party o ON o.party_id = r.other_party_id
    WHERE p.golden_id = ANY(${ids}::uuid[]) AND o.golden_id = ANY(${ids}::uuid[]) ORDER BY r.create_time`);
  return Map.groupBy(rows, ({ kind, fromGolden, toGolden }) => placeOf(kind, fromGolden, toGolden));
}

/** The shares of owners that are known of each organisation of a batch today. */
async function sharesIn(
  batch: Batch,
  rows: readonly Checked<RelationshipWish>[],
  sides: ReadonlyMap<string, Side>,
  today: string,
): Promise<Map<string, number>> {
  const organisations = rows.flatMap(({ value }) =>
    value.relationship.kind === OWNER ? (sides.get(value.other)?.goldenId ?? []) : [],
  );
  if (organisations.length === 0) return new Map();
  const found = await batch.tx.rows<{ id: string; share: number }>(sql`
    SELECT p.golden_id AS id, sum(r.share)::int AS share FROM party p
    CROSS JOIN LATERAL (SELECT * FROM relationship r WHERE r.party_id = p.party_id AND NOT r.forward OFFSET 0) r
    WHERE p.golden_id = ANY(${[...new Set(organisations)]}::uuid[]) AND r.kind = ${OWNER}
      AND (r.end_date IS NULL OR r.end_date >= ${today}::date)
    GROUP BY p.golden_id`);
  return new Map(found.map(({ id, share }) => [id, share]));
}
