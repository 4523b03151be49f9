import { everything, sql, type Tx } from '@rapport/kit/db';
import { uuidv7 } from '@rapport/kit/runtime';
import { MembershipReason } from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { factFilter } from '../fact/fact.js';
import { anyMerged } from '../merge/merge.js';
import { compileRules, type DayNumber } from '../rule/rule.js';
import { dateMessage, dateText, dayOf, today, type VersionRow, soundRuleInUse } from '../segment/segment.js';
import { type Change, publishChanges } from './changes.js';

/** What a rule took, waiting in Postgres to become the membership of its version. */
export interface Candidates {
  evaluationId: string;
  asOf: DayNumber;
  /** The database's time before the facts were read. */
  since: Date;
  sqlMs: number;
}

/** What changed. */
export interface Outcome {
  members: bigint;
  entered: number;
  exited: number;
}

interface Match {
  party: string;
  path: string;
  manager: string;
}

/** The lock under which the versions in use change, and which looks at single parties share. */
export const IN_USE = 72_707_380;

/** Parties that are brought over at once; bounds the memory of an evaluation. */
const BUCKET = 200_000;
const CHUNK = 10_000;

async function store({ db }: Deps, evaluationId: string, matches: readonly Match[]): Promise<void> {
  for (let start = 0; start < matches.length; start += CHUNK) {
    const part = matches.slice(start, start + CHUNK);
    await db.system.run(sql`
      INSERT INTO candidate (evaluation_id, party_id, organisation_path, manager)
      SELECT ${evaluationId}::uuid, party, path, manager
      FROM unnest(${part.map(({ party }) => party)}::uuid[], ${part.map(({ path }) => path)}::text[],
        ${part.map(({ manager }) => manager)}::text[]) AS found (party, path, manager)
      ON CONFLICT DO NOTHING`);
  }
}

/** Runs the rule of a version over all parties of its segment. Changes no membership. */
export async function collectCandidates(deps: Deps, row: VersionRow, signal?: AbortSignal): Promise<Candidates> {
  const { rule, segments } = await soundRuleInUse(deps.db.system, row.rule, row.segment_id);
  const asOf = dayOf(row.as_of) ?? today(deps);
  const evaluationId = uuidv7();
  // What an evaluation that was killed has left behind goes first.
  await deps.db.system.run(sql`DELETE FROM candidate WHERE evaluation_id < kit.uuid_at(now() - '1 hour'::interval)`);
  const { since } = await deps.db.system.one<{ since: Date }>(sql`SELECT clock_timestamp() AS since`);
  const [counted] = await deps.analytics.query<{ n: number }>('SELECT count() AS n FROM party');
  const buckets = Math.max(1, Math.ceil((counted?.n ?? 0) / BUCKET));
  const merged = await anyMerged(deps.db.system);
  const under = factFilter(everything, row.organisation_path);
  let sqlMs = 0;
  for (let bucket = 0; bucket < buckets; bucket += 1) {
    const where = {
      text: `${under.text} AND sipHash64(party) % {buckets:UInt32} = {bucket:UInt32}`,
      parameters: { ...under.parameters, buckets, bucket },
    };
    const { from, conditions, parameters } = compileRules([{ rule, asOf }], deps.zone, { where, merged, segments });
    const started = performance.now();
    const matches = await deps.analytics.query<Match>(
      `SELECT toString(p.party) AS party, p.organisation_path AS path, p.manager AS manager
        FROM ${from} WHERE ${conditions[0]}`,
      parameters,
      signal ? { signal } : {},
    );
    sqlMs += performance.now() - started;
    await store(deps, evaluationId, matches);
  }
  return { evaluationId, asOf, since, sqlMs };
}

/**
 * Makes the candidates the members of the version: one statement for who comes in, one for who leaves, and an event for
 * each. Takes the lock of the version, under which alone memberships change.
 */
export async function applyCandidates(
  tx: Tx,
  row: VersionRow,
  candidates: Candidates,
  reason: MembershipReason,
  at: Date,
): Promise<Outcome> {
  const { segment_id: segmentId, version } = row;
  const { evaluationId, asOf, since } = candidates;
  await tx.run(sql`SELECT FROM segment_version WHERE segment_id = ${segmentId} AND version = ${version} FOR UPDATE`);
  const entered = await tx.rows<Change>(sql`
    INSERT INTO membership AS m (party_id, segment_id, version, organisation_path, manager, enter_time)
    SELECT c.party_id, ${segmentId}, ${version}, c.organisation_path, c.manager, ${at}
    FROM candidate c WHERE c.evaluation_id = ${evaluationId}::uuid AND NOT EXISTS (
      SELECT FROM membership o WHERE o.party_id = c.party_id AND o.segment_id = ${segmentId} AND o.version = ${version})
    RETURNING party_id, organisation_path, segment_id, version`);
  await tx.run(sql`
    UPDATE membership m SET organisation_path = c.organisation_path, manager = c.manager FROM candidate c
    WHERE c.evaluation_id = ${evaluationId}::uuid AND m.party_id = c.party_id AND m.segment_id = ${segmentId}
      AND m.version = ${version} AND (m.organisation_path, m.manager) <> (c.organisation_path, c.manager)`);
  const exited = await tx.rows<Change>(sql`
    DELETE FROM membership m WHERE m.segment_id = ${segmentId} AND m.version = ${version} AND NOT EXISTS (
      SELECT FROM candidate c WHERE c.evaluation_id = ${evaluationId}::uuid AND c.party_id = m.party_id)
    RETURNING party_id, organisation_path, segment_id, version`);
  await tx.run(sql`DELETE FROM candidate WHERE evaluation_id = ${evaluationId}::uuid`);
  const { members } = await tx.one<{ members: bigint }>(sql`
    UPDATE segment_version SET evaluate_time = ${at}, evaluated_day = ${dateText(asOf)}::date, members = (
      SELECT count(*) FROM membership m WHERE m.segment_id = ${segmentId} AND m.version = ${version})
    WHERE segment_id = ${segmentId} AND version = ${version} RETURNING members`);
  // Whoever was looked at since the facts were read here may have been seen with newer ones: once more. The lock waits
  // for the looks under way, which may not know this version, and keeps others from ending until it is in use.
  await tx.run(sql`SELECT pg_advisory_xact_lock(${IN_USE})`);
  await tx.run(sql`
    UPDATE changed_party SET pending = true, change = change + 1 WHERE NOT pending AND evaluate_time >= ${since}`);
  await publishChanges(tx, entered, exited, { reason, at, asOf: () => dateMessage(asOf) });
  return { members, entered: entered.length, exited: exited.length };
}

/** Ends the membership of everybody in a version, with an event for each. */
export async function dismissMembers(tx: Tx, row: VersionRow, asOf: DayNumber, at: Date): Promise<number> {
  const exited = await tx.rows<Change>(sql`
    DELETE FROM membership WHERE segment_id = ${row.segment_id} AND version = ${row.version}
    RETURNING party_id, organisation_path, segment_id, version`);
  await tx.run(sql`
    UPDATE segment_version SET members = 0 WHERE segment_id = ${row.segment_id} AND version = ${row.version}`);
  await publishChanges(tx, [], exited, {
    reason: MembershipReason.MEMBERSHIP_REASON_RETIRED,
    at,
    asOf: () => dateMessage(asOf),
  });
  return exited.length;
}
