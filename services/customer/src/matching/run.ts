import { setTimeout as sleep } from 'node:timers/promises';
import { audit, systemCaller } from '@rapport/kit/crypto';
import { everything, leased, scopeFilter, sql } from '@rapport/kit/db';
import { logger, type Running } from '@rapport/kit/runtime';
import { MatchCandidateState, MatchRunState, MatchStage } from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';
import { openParty, type PartyRecord } from '../party/party.js';
import type { Blocks } from './blocks.js';
import { commonPlace, type Found, keepFound, saidBy } from './candidates.js';
import { checkpointOf } from './checkpoint.js';
import { countTerms, forgetModel, storeModel } from './current-model.js';
import { judge, type Judgement } from './engine.js';
import { field } from './fields.js';
import { collectKeys, type KeyBlocks } from './key-blocks.js';
import { blockingKeys } from './keys.js';
import { apart, isMatched, type Matchable, storeMatchKeys, partyProfile } from './matching.js';
import { collectPopulation, column, type Population, WIDTH } from './population.js';
import { runName } from './runs.js';

const caller = systemCaller('customer', 'MatchRun');
/** Parties read at a time: few enough that the service answers in between. */
const PAGE = 1_000;
const FOUND = 5_000;
const TOLD_MS = 1_000;

/** The golden records of a bank in memory. Row n of the population is `ids[n]`. */
interface Bank {
  population: Population;
  ids: string[];
  paths: string[];
  aliases: Map<number, string[]>;
}

interface Run {
  runId: string;
  organisationPath: string;
}

type Tell = (stage: MatchStage, done: number, total: number) => Promise<void>;

/**
 * Works on the oldest run that is under way; gives whether there was one. One that was cut off reads the bank again, for
 * that is in memory, and goes on with what it had learned and with the slices of blocks that it had not compared.
 */
export async function workOnRun(deps: Deps, signal: AbortSignal): Promise<boolean> {
  const run = await deps.db.system.maybe<Run>(sql`
    SELECT run_id AS "runId", organisation_path AS "organisationPath" FROM match_run
    WHERE state = ${MatchRunState.MATCH_RUN_STATE_RUNNING} ORDER BY create_time LIMIT 1`);
  if (!run) return false;
  let told = 0;
  const tell: Tell = async (stage, done, total) => {
    signal.throwIfAborted();
    if (Date.now() - told < TOLD_MS && done !== 0) return;
    told = Date.now();
    await deps.db.system.run(sql`
      UPDATE match_run SET stage = ${stage}, done = ${done}, total = ${total} WHERE run_id = ${run.runId}`);
  };
  const { keys, ...bank } = await readBank(deps, run, tell);
  await tell(MatchStage.MATCH_STAGE_BLOCKING, 0, bank.ids.length);
  const blocks = keys.blocks(bank.ids.length);
  const decided = await decisionsIn(deps, bank);
  const stages = {
    sampling: MatchStage.MATCH_STAGE_SAMPLING,
    learning: MatchStage.MATCH_STAGE_LEARNING,
    scoring: MatchStage.MATCH_STAGE_SCORING,
    clustering: MatchStage.MATCH_STAGE_CLUSTERING,
  } as const;
  const ground = { population: bank.population, blocks, attributes: [], across: false };
  const judgement = await judge(
    ground,
    signal,
    (stage, done, total) => void tell(stages[stage], done, total).catch(() => undefined),
    (a, b) => decided(a, b) !== undefined,
    await checkpointOf(deps.db.system, run.runId, blocks, bank.ids),
  );
  const found = foundBy(bank, judgement, decided);
  await keep(deps, run, bank, judgement, found, blocks);
  return true;
}

/** What a run reads of a party: not all of it, for it reads everybody. */
type Row = Matchable & Pick<PartyRecord, 'wrappedKey' | 'sealed' | 'aliases'>;

async function readBank(deps: Deps, { organisationPath }: Run, tell: Tell): Promise<Bank & { keys: KeyBlocks }> {
  const collected = collectPopulation();
  const keys = collectKeys();
  const bank: Omit<Bank, 'population'> = { ids: [], paths: [], aliases: new Map() };
  const places = new Map<string, string>();
  for (let after = '00000000-0000-0000-0000-000000000000'; ; ) {
    const rows = await deps.db.system.rows<Row>(sql`
      SELECT party_id AS "partyId", kind, given_name AS "givenName", family_name AS "familyName",
        legal_name AS "legalName", sex, birth_date AS "birthDate", wrapped_key AS "wrappedKey", sealed,
        organisation_path AS "organisationPath", synthetic, state, aliases
      FROM party WHERE party_id > ${after} AND merged_into IS NULL
        AND ${scopeFilter({ kind: 'rows', subtree: organisationPath }, { path: 'organisation_path' })}
      ORDER BY party_id LIMIT ${PAGE}`);
    const keyed = await deps.db.system.rows<{ partyId: string }>(sql`
      SELECT party_id AS "partyId" FROM match_profile WHERE party_id = ANY(${rows.map(({ partyId }) => partyId)}::uuid[])`);
    const known = new Set(keyed.map(({ partyId }) => partyId));
    const opened = rows.map((row) => ({ row, secrets: openParty(deps.cipher, row) }));
    // Parties from before there was a matcher get their keys now.
    const bare = opened.filter(({ row }) => !known.has(row.partyId));
    if (bare.length > 0) {
      await deps.db.plain.transaction(everything, (tx) => storeMatchKeys(tx, deps.cipher, bare));
    }
    for (const { row, secrets } of opened) {
      const profile = partyProfile(row, secrets);
      const number = collected.add(profile);
      if (isMatched(row))
        keys.add(
          number,
          blockingKeys(profile).map((key) => apart(row) + key),
        );
      bank.ids.push(row.partyId);
      // One text for each place, not one for each party.
      const place = places.get(row.organisationPath) ?? row.organisationPath;
      places.set(place, place);
      bank.paths.push(place);
      if (row.aliases.length > 0) bank.aliases.set(number, row.aliases);
    }
    await tell(MatchStage.MATCH_STAGE_READING, bank.ids.length, 0);
    const last = rows.at(-1);
    if (!last || rows.length < PAGE) break;
    after = last.partyId;
  }
  return { ...bank, keys, population: collected.done() };
}

type Decided = (a: number, b: number) => 'different' | 'never' | undefined;

/** What people have said about the records of a bank. */
async function decisionsIn(deps: Deps, { ids, aliases }: Bank): Promise<Decided> {
  const rows = await deps.db.system.rows<{ a: string; b: string; state: number }>(sql`
    SELECT party_id AS a, other_party_id AS b, state FROM match_candidate
    WHERE state IN (${MatchCandidateState.MATCH_CANDIDATE_STATE_DIFFERENT},
      ${MatchCandidateState.MATCH_CANDIDATE_STATE_NEVER})
    UNION ALL
    SELECT survivor_id, merged_id, ${MatchCandidateState.MATCH_CANDIDATE_STATE_DIFFERENT}::smallint FROM party_merge
    WHERE unmerge_time IS NOT NULL`);
  const said = saidBy(rows);
  const concerned = new Set(rows.flatMap(({ a, b }) => [a, b]));
  const members = (record: number): string[] => [ids[record] as string, ...(aliases.get(record) ?? [])];
  const asked = (record: number): boolean => members(record).some((id) => concerned.has(id));
  return (a, b) => (concerned.size > 0 && asked(a) && asked(b) ? said(members(a), members(b)) : undefined);
}

/** The pairs that connect the clusters, to be merged, and those that a steward should see. */
function foundBy({ ids, paths }: Bank, { bands, clusters, pairs }: Judgement, decided: Decided): Found[] {
  const found: Found[] = [];
  const add = (pair: number, auto: boolean): void => {
    const [a, b] = [pairs.a[pair] as number, pairs.b[pair] as number];
    if (clusters.of[a] === clusters.of[b] && !auto) return;
    if (decided(a, b) === 'never') return;
    const organisationPath = commonPlace(paths[a] as string, paths[b] as string);
    found.push({
      a: ids[a] as string,
      b: ids[b] as string,
      weight: pairs.weight[pair] as number,
      auto,
      organisationPath,
    });
  };
  for (const pair of clusters.joined) add(pair, true);
  for (const pair of clusters.refused) add(pair, false);
  pairs.weight.forEach((weight, pair) => {
    if (weight < bands.auto && weight >= bands.review) add(pair, false);
  });
  return found;
}

async function keep(
  deps: Deps,
  { runId, organisationPath }: Run,
  { population, ids }: Bank,
  judgement: Judgement,
  found: readonly Found[],
  blocks: Blocks,
): Promise<void> {
  const columns: Readonly<Record<number, number>> = {
    [field.given]: column.given,
    [field.family]: column.family,
  };
  const terms = countTerms(deps.cipher, population, (record, at) => {
    const cell = (offset: number): number => population.columns[record * WIDTH + offset] as number;
    const own = columns[at];
    return own === undefined ? cell(column.postal) || cell(column.locality) : cell(own);
  });
  const version = await storeModel(deps.db.system, judgement, judgement.bands, terms, ids.length);
  const now = deps.clock.now();
  for (let at = 0; at < found.length; at += FOUND) {
    await keepFound(deps.db.system, found.slice(at, at + FOUND), version, now);
  }
  const auto = found.filter((one) => one.auto).length;
  await deps.db.plain.transaction(everything, async (tx) => {
    // What an earlier matching found and this one did not.
    await tx.run(sql`
      UPDATE match_candidate AS c SET state = ${MatchCandidateState.MATCH_CANDIDATE_STATE_LAPSED}, version = version + 1
      WHERE c.state = ${MatchCandidateState.MATCH_CANDIDATE_STATE_OPEN} AND c.model_version < ${version}
        AND ${scopeFilter({ kind: 'rows', subtree: organisationPath }, { path: 'c.organisation_path' })}`);
    await tx.run(sql`
      UPDATE match_run SET state = ${MatchRunState.MATCH_RUN_STATE_COMPLETED}, complete_time = ${deps.clock.now()},
        records = ${ids.length}, compared_pairs = ${judgement.compared}, auto_pairs = ${auto},
        review_pairs = ${found.length - auto}, skipped_blocks = ${blocks.skipped.blocks}, model_version = ${version},
        learned = NULL
      WHERE run_id = ${runId}`);
    await tx.run(sql`DELETE FROM match_run_slice WHERE run_id = ${runId}`);
    await audit(tx, caller, { resource: runName(runId), change: { records: ids.length, auto, model: version } });
  });
  forgetModel(deps);
}

/** Works on runs, in one process of all replicas at a time. */
export function startRuns(deps: Deps, everyMs = 1_000): Running {
  return leased({
    db: deps.db,
    group: 'match runs',
    names: ['match runs'],
    work: async ({ signal }) => {
      while (!signal.aborted) {
        const worked = await workOnRun(deps, signal).catch((error: unknown) => {
          if (!signal.aborted) logger.error({ err: error }, 'a match run broke and is taken up again');
          return false;
        });
        if (!worked) await sleep(everyMs, undefined, { signal }).catch(() => undefined);
      }
    },
  });
}
