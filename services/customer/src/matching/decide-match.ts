import { audit } from '@rapport/kit/crypto';
import { type Sql, sql, type Tx } from '@rapport/kit/db';
import { type Call, checkEtag, idempotent, scopeFor } from '@rapport/kit/rpc';
import {
  type DecideMatchRequest,
  DecideMatchResponse,
  MatchCandidateState,
  MatchVerdict,
  MergeDecision,
} from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { loadTrees, mergeTrees, treeOf, unmergeTree } from '../golden/golden.js';
import { assertParty, partyName } from '../party/party.js';
import { candidateColumns, candidateEtag, candidateMessage, type CandidateRow } from './candidates.js';
import { readCandidate } from './get-match-candidate.js';
import { survivorFirst } from './live.js';

const {
  MATCH_CANDIDATE_STATE_OPEN: OPEN,
  MATCH_CANDIDATE_STATE_SAME: SAME,
  MATCH_CANDIDATE_STATE_DIFFERENT: DIFFERENT,
  MATCH_CANDIDATE_STATE_NEVER: NEVER,
} = MatchCandidateState;

const stateAfter = {
  [MatchVerdict.MATCH_VERDICT_SAME]: SAME,
  [MatchVerdict.MATCH_VERDICT_DIFFERENT]: DIFFERENT,
  [MatchVerdict.MATCH_VERDICT_NEVER]: NEVER,
  [MatchVerdict.MATCH_VERDICT_UNDO]: OPEN,
} as const;

/** Keeps what a steward says of two golden records; merges them, or takes that back. */
export async function decideMatch(deps: Deps, request: DecideMatchRequest, call: Call): Promise<DecideMatchResponse> {
  const scope = scopeFor(call, 'C2');
  return idempotent(
    deps.db,
    call,
    request,
    DecideMatchResponse,
    async (tx) => {
      const candidate = await readCandidate(tx, request.name, scope, sql`FOR UPDATE`);
      checkEtag(request.etag, candidateEtag(candidate));
      const { partyId, otherPartyId } = candidate;
      for (const id of [partyId, otherPartyId]) await assertParty(tx, partyName(id), scope);
      const { verdict } = request;
      const undo = verdict === MatchVerdict.MATCH_VERDICT_UNDO;
      const decided = [SAME, DIFFERENT, NEVER].includes(candidate.state as typeof SAME);
      if (undo !== decided) throw fail('MATCH_VERDICT_UNSUITABLE', { metadata: { candidate: request.name } });
      let merged: string | null = null;
      if (verdict === MatchVerdict.MATCH_VERDICT_SAME) merged = await merge(deps, tx, candidate, request, call);
      if (undo && candidate.mergedPartyId) await unmerge(deps, tx, candidate, request, call);
      const after = stateAfter[verdict as keyof typeof stateAfter];
      const who: Sql = undo
        ? sql`decided_by = '', reason = '', decide_time = NULL`
        : sql`decided_by = ${call.principal.subject}, reason = ${request.reason}, decide_time = ${deps.clock.now()}`;
      const { identifiersMayDiffer, legalHoldKnown } = request;
      const overruled = merged === null ? {} : { identifiersMayDiffer, legalHoldKnown };
      const row = await tx.one<CandidateRow>(sql`
        UPDATE match_candidate AS c SET state = ${after}, merged_party_id = ${merged}, version = c.version + 1, ${who}
        WHERE c.candidate_id = ${candidate.candidateId} RETURNING ${candidateColumns}`);
      const resource = [request.name, partyName(partyId), partyName(otherPartyId)];
      await audit(tx, call, { resource, change: { from: candidate.state, to: after, ...overruled } });
      return { matchCandidate: candidateMessage(row) };
    },
    { scope },
  );
}

/** Merges the golden records that the two answer as; gives the one that was merged, or null when they were one. */
async function merge(
  deps: Deps,
  tx: Tx,
  { partyId, otherPartyId, weight }: CandidateRow,
  { reason, identifiersMayDiffer, legalHoldKnown }: DecideMatchRequest,
  call: Call,
): Promise<string | null> {
  const trees = await loadTrees(tx, deps, [partyId, otherPartyId], { lock: true });
  const [a, b] = [treeOf(trees, partyId), treeOf(trees, otherPartyId)];
  if (a === b) return null;
  const [survivor] = survivorFirst(a.root, b.root);
  const [into, from] = survivor === a.root ? [a, b] : [b, a];
  const by = call.principal.subject;
  const known = { identifiersMayDiffer, legalHoldKnown };
  const merging = { decision: MergeDecision.MERGE_DECISION_STEWARD, reason, by, score: weight, ...known };
  await mergeTrees(tx, deps, into, from, merging, deps.clock.now());
  return from.root.partyId;
}

async function unmerge(
  deps: Deps,
  tx: Tx,
  { mergedPartyId }: CandidateRow,
  { reason }: DecideMatchRequest,
  call: Call,
): Promise<void> {
  const id = mergedPartyId as string;
  const tree = treeOf(await loadTrees(tx, deps, [id], { lock: true }), id);
  const member = tree.members.find(({ partyId }) => partyId === id);
  // Somebody unmerged it meanwhile: nothing is left to take back.
  if (!member || member.mergedInto === null) return;
  await unmergeTree(tx, deps, tree, member, { by: call.principal.subject, reason }, deps.clock.now());
}
