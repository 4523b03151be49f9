import { type Queryable, type Sql, sql } from '@rapport/kit/db';
import { uuidv7 } from '@rapport/kit/runtime';
import { type MatchCandidate, MatchCandidateState } from '@rapport/proto/customer/v1';
import { partyName } from '../party/party.js';
import { chanceOf } from './bands.js';

/** A candidate as it is stored, in the names of the Prisma model. */
export interface CandidateRow {
  candidateId: string;
  partyId: string;
  otherPartyId: string;
  state: MatchCandidateState;
  weight: number;
  modelVersion: number;
  decidedBy: string;
  reason: string;
  decideTime: Date | null;
  mergedPartyId: string | null;
  version: number;
  createTime: Date;
  organisationPath: string;
}

/** The columns of a `CandidateRow`, of the table under the name c. */
export const candidateColumns: Sql = sql.raw(`c.candidate_id AS "candidateId", c.party_id AS "partyId",
  c.other_party_id AS "otherPartyId", c.state, c.weight, c.model_version AS "modelVersion",
  c.decided_by AS "decidedBy", c.reason, c.decide_time AS "decideTime", c.merged_party_id AS "mergedPartyId",
  c.version, c.create_time AS "createTime", c.organisation_path AS "organisationPath"`);

/** `matchCandidates/{uuid}`. */
export function candidateName(id: string): string {
  return `matchCandidates/${id}`;
}

/** The etag of a version. */
export function candidateEtag(row: { version: number }): string {
  return `"${row.version}"`;
}

/** The message of a row. */
export function candidateMessage(row: CandidateRow): MatchCandidate {
  return {
    name: candidateName(row.candidateId),
    parties: [partyName(row.partyId), partyName(row.otherPartyId)],
    weight: row.weight,
    probability: chanceOf(row.weight),
    state: row.state,
    model: `matchModels/${row.modelVersion}`,
    organisationPath: row.organisationPath,
    decidedBy: row.decidedBy,
    reason: row.reason,
    decideTime: row.decideTime ?? undefined,
    createTime: row.createTime,
    etag: candidateEtag(row),
  };
}

/** The lowest place that has both below it. */
export function commonPlace(a: string, b: string): string {
  const [one, other] = [a.split('/'), b.split('/')];
  const differing = one.findIndex((part, at) => part !== other[at]);
  return (differing === -1 ? one : one.slice(0, differing)).join('/') || '/';
}

/** Two golden records that a matching found. */
export interface Found {
  a: string;
  b: string;
  weight: number;
  auto: boolean;
  organisationPath: string;
}

const { MATCH_CANDIDATE_STATE_OPEN: OPEN, MATCH_CANDIDATE_STATE_MERGING: MERGING } = MatchCandidateState;
const { MATCH_CANDIDATE_STATE_LAPSED: LAPSED, MATCH_CANDIDATE_STATE_DIFFERENT: DIFFERENT } = MatchCandidateState;
const { MATCH_CANDIDATE_STATE_NEVER: NEVER } = MatchCandidateState;

/** Keeps what was found. What somebody has decided stays as it is, whatever a later matching says. */
export async function keepFound(
  tx: Queryable,
  found: readonly Found[],
  modelVersion: number,
  now: Date,
): Promise<void> {
  if (found.length === 0) return;
  const ordered = found.map((one) => (one.a < one.b ? one : { ...one, a: one.b, b: one.a }));
  await tx.run(sql`
    INSERT INTO match_candidate AS c (candidate_id, party_id, other_party_id, state, weight, model_version, create_time,
      organisation_path)
    SELECT DISTINCT ON (a, b) id, a, b, CASE WHEN auto THEN ${MERGING}::smallint ELSE ${OPEN}::smallint END, weight,
      ${modelVersion}, ${now}, path
    FROM unnest(${ordered.map(() => uuidv7())}::uuid[], ${ordered.map(({ a }) => a)}::uuid[],
      ${ordered.map(({ b }) => b)}::uuid[], ${ordered.map(({ auto }) => auto)}::boolean[],
      ${ordered.map(({ weight }) => weight)}::real[], ${ordered.map(({ organisationPath }) => organisationPath)}::text[])
      AS f (id, a, b, auto, weight, path)
    ORDER BY a, b
    ON CONFLICT (party_id, other_party_id) DO UPDATE SET state = excluded.state, weight = excluded.weight,
      model_version = excluded.model_version, organisation_path = excluded.organisation_path, version = c.version + 1
    WHERE c.state IN (${OPEN}, ${MERGING}, ${LAPSED})
      AND (c.state, c.weight, c.model_version, c.organisation_path)
        IS DISTINCT FROM (excluded.state, excluded.weight, excluded.model_version, excluded.organisation_path)`);
}

/** Lets candidates of parties lapse that a matching no longer found; `kept` are those that it found, as `a b`. */
export async function lapse(tx: Queryable, ids: readonly string[], found: readonly Found[]): Promise<void> {
  const ordered = found.map(({ a, b }) => (a < b ? [a, b] : [b, a]) as [string, string]);
  await tx.run(sql`
    UPDATE match_candidate AS c SET state = ${LAPSED}, version = version + 1
    WHERE c.state IN (${OPEN}, ${MERGING})
      AND (c.party_id = ANY(${ids}::uuid[]) OR c.other_party_id = ANY(${ids}::uuid[]))
      AND NOT EXISTS (SELECT FROM unnest(${ordered.map(([a]) => a)}::uuid[], ${ordered.map(([, b]) => b)}::uuid[])
        AS f (a, b) WHERE f.a = c.party_id AND f.b = c.other_party_id)`);
}

/** What people have said about two parties: `different` keeps them from merging by themselves, `never` from being asked about. */
export type Said = (a: readonly string[], b: readonly string[]) => 'different' | 'never' | undefined;

/**
 * The decisions among parties: those of stewards, and merges that were taken back. They hold for whatever the two are
 * merged into later.
 */
export async function decisionsAmong(on: Queryable, ids: readonly string[]): Promise<Said> {
  const rows = await on.rows<{ a: string; b: string; state: number }>(sql`
    SELECT c.party_id AS a, c.other_party_id AS b, c.state FROM match_candidate c
    WHERE c.state IN (${DIFFERENT}, ${NEVER}) AND c.party_id = ANY(${ids}::uuid[])
      AND c.other_party_id = ANY(${ids}::uuid[])
    UNION ALL
    SELECT m.survivor_id, m.merged_id, ${DIFFERENT}::smallint FROM party_merge m
    WHERE m.unmerge_time IS NOT NULL AND m.party_id = ANY(${ids}::uuid[])
      AND m.survivor_id = ANY(${ids}::uuid[]) AND m.merged_id = ANY(${ids}::uuid[])`);
  return saidBy(rows);
}

/** As `decisionsAmong`, of decisions that were read. */
export function saidBy(rows: readonly { a: string; b: string; state: number }[]): Said {
  const key = (a: string, b: string): string => (a < b ? `${a} ${b}` : `${b} ${a}`);
  const said = new Map<string, 'different' | 'never'>();
  for (const { a, b, state } of rows) {
    if (state === NEVER || !said.has(key(a, b))) said.set(key(a, b), state === NEVER ? 'never' : 'different');
  }
  return (left, right) => {
    if (said.size === 0) return undefined;
    let found: 'different' | undefined;
    for (const a of left) {
      for (const b of right) {
        const one = said.get(key(a, b));
        if (one === 'never') return 'never';
        if (one) found = one;
      }
    }
    return found;
  };
}
