import { setTimeout as sleep } from 'node:timers/promises';
import { audit, systemCaller } from '@rapport/kit/crypto';
import { everything, leased, sql } from '@rapport/kit/db';
import { Failure } from '@rapport/kit/rpc';
import { logger, type Running } from '@rapport/kit/runtime';
import { MatchCandidateState, MergeDecision } from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';
import { loadTrees, mergeTrees, treeOf } from '../golden/golden.js';
import { membersOf, partyName, type PartyRecord } from '../party/party.js';
import {
  candidateColumns,
  type CandidateRow,
  commonPlace,
  decisionsAmong,
  type Found,
  keepFound,
  lapse,
  type Said,
} from './candidates.js';
import { findMatches, type Matched } from './find-matches.js';

const caller = systemCaller('customer', 'MatchParties');
/** Parties matched at a time. */
const BATCH = 100;
/** Merges that were found sure, made at a time. */
const MERGES = 50;

/**
 * Matches the parties that were made or changed: what is sure is noted to be merged, what is doubtful for a steward.
 * Gives how many it looked at. Safe to repeat: a party that changed meanwhile stays in the queue.
 */
export async function matchQueued(deps: Deps, limit = BATCH): Promise<number> {
  const queued = await deps.db.unprotected.rows<{ partyId: string; change: bigint }>(sql`
    SELECT party_id AS "partyId", change FROM match_queue ORDER BY change LIMIT ${limit}`);
  if (queued.length === 0) return 0;
  const ids = queued.map(({ partyId }) => partyId);
  const { matched, model } = await findMatches(deps, deps.db.system, ids);
  const rows = matched.flatMap(({ subject, matches }) => [subject, ...matches.map(({ other }) => other)]);
  const said = await decisionsAmong(deps.db.system, [...new Set(rows.flatMap(membersOf))]);
  const found = matched.flatMap((one) => foundOf(one, said));
  await deps.db.plain.transaction(everything, async (tx) => {
    await lapse(tx, ids, found);
    await keepFound(tx, found, model.version, deps.clock.now());
    await tx.run(sql`
      DELETE FROM match_queue USING unnest(${ids}::uuid[], ${queued.map(({ change }) => change)}::bigint[])
        AS done (party_id, change)
      WHERE match_queue.party_id = done.party_id AND match_queue.change = done.change`);
  });
  return queued.length;
}

function foundOf({ subject, matches }: Matched, said: Said): Found[] {
  return matches.flatMap(({ other, weight, band }) => {
    const decided = said(membersOf(subject), membersOf(other));
    if (decided === 'never') return [];
    return [
      {
        a: subject.partyId,
        b: other.partyId,
        weight,
        auto: band === 'auto' && decided === undefined,
        organisationPath: commonPlace(subject.organisationPath, other.organisationPath),
      },
    ];
  });
}

/** Merges some of what was found sure, each in a transaction of its own; gives how many it looked at. */
export async function mergeSure(deps: Deps, limit = MERGES): Promise<number> {
  const sure = await deps.db.system.rows<CandidateRow>(sql`
    SELECT ${candidateColumns} FROM match_candidate c
    WHERE c.state = ${MatchCandidateState.MATCH_CANDIDATE_STATE_MERGING}
    ORDER BY c.weight DESC, c.candidate_id LIMIT ${limit}`);
  for (const candidate of sure) await mergeOne(deps, candidate);
  return sure.length;
}

/** Which of two golden records goes on: the one with more merged into it, else the older one. */
export function survivorFirst<T extends PartyRecord>(a: T, b: T): [T, T] {
  if (a.aliases.length !== b.aliases.length) return a.aliases.length > b.aliases.length ? [a, b] : [b, a];
  return a.partyId < b.partyId ? [a, b] : [b, a];
}

async function mergeOne(deps: Deps, candidate: CandidateRow): Promise<void> {
  const { candidateId, partyId, otherPartyId, weight } = candidate;
  const settle = (state: MatchCandidateState) => sql`
    UPDATE match_candidate SET state = ${state}, version = version + 1
    WHERE candidate_id = ${candidateId} AND state = ${MatchCandidateState.MATCH_CANDIDATE_STATE_MERGING}`;
  try {
    await deps.db.plain.transaction(everything, async (tx) => {
      const trees = await loadTrees(tx, deps, [partyId, otherPartyId], { lock: true });
      // Whoever decides about the two waits here until this is done, and the other way round.
      const held = await tx.run(settle(MatchCandidateState.MATCH_CANDIDATE_STATE_LAPSED));
      const [a, b] = [treeOf(trees, partyId), treeOf(trees, otherPartyId)];
      if (held === 0 || a === b) return;
      const said = await decisionsAmong(tx, [...membersOf(a.root), ...membersOf(b.root)]);
      if (said(membersOf(a.root), membersOf(b.root)) !== undefined) return;
      const [survivor] = survivorFirst(a.root, b.root);
      const [into, from] = survivor === a.root ? [a, b] : [b, a];
      const by = caller.principal.subject;
      const reason = `${weight.toFixed(1)} bits`;
      const merging = { decision: MergeDecision.MERGE_DECISION_AUTOMATIC, reason, by, score: weight };
      const unknown = { identifiersMayDiffer: false, legalHoldKnown: false };
      await mergeTrees(tx, deps, into, from, { ...merging, ...unknown }, deps.clock.now());
      const change = { merged: partyName(from.root.partyId), bits: Number(weight.toFixed(1)) };
      await audit(tx, caller, { resource: partyName(into.root.partyId), change });
    });
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    // A rule of merging forbids it, such as another identifier, a restriction or a legal hold: a steward may look at it.
    await deps.db.system.run(settle(MatchCandidateState.MATCH_CANDIDATE_STATE_OPEN));
    logger.info({ reason: error.reason }, 'a sure match is left to a steward');
  }
}

/** Matches and merges what comes in, in one process of all replicas at a time. */
export function startMatching(deps: Deps, everyMs = 500): Running {
  return leased({
    db: deps.db,
    group: 'matching',
    names: ['matching'],
    work: async ({ signal }) => {
      while (!signal.aborted) {
        const looked = await matchQueued(deps);
        const merged = await mergeSure(deps);
        if (looked < BATCH && merged < MERGES) await sleep(everyMs, undefined, { signal }).catch(() => undefined);
      }
    },
  });
}
