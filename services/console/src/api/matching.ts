import type { Party } from './customer.js';
import { get, nameOf, write } from './client.js';
import type { Paged } from './types.js';

/** Two golden records that may be one customer. */
export interface MatchCandidate {
  /** `matchCandidates/{uuid}`. */
  name: string;
  parties: string[];
  /** Bits: log2 of the odds that they are one. */
  weight: number;
  /** The same as a chance, 0 to 1. */
  probability: number;
  state: string;
  model: string;
  organisationPath: string;
  decidedBy: string;
  reason: string;
  decideTime?: string;
  createTime?: string;
  etag: string;
}

/** What one field says about two parties, in bits. */
export interface MatchEvidence {
  field: string;
  level: string;
  weight: number;
  rarity: number;
}

export type ComparedParty = Party & { createTime?: string };

export interface Comparison {
  matchCandidate: MatchCandidate;
  parties: ComparedParty[];
  evidence: MatchEvidence[];
  weight: number;
  probability: number;
  prior: number;
  household: number;
  /** Which of the two goes on when they are merged. */
  survivor: string;
}

export interface MatchRun {
  /** `matchRuns/{uuid}`. */
  name: string;
  organisationPath: string;
  state: string;
  progress?: { stage: string; done: string; total: string };
  records: string;
  comparedPairs: string;
  autoPairs: string;
  reviewPairs: string;
  skippedBlocks: string;
  model: string;
  createTime?: string;
  completeTime?: string;
}

export const candidateStates = [
  'MATCH_CANDIDATE_STATE_OPEN',
  'MATCH_CANDIDATE_STATE_MERGING',
  'MATCH_CANDIDATE_STATE_SAME',
  'MATCH_CANDIDATE_STATE_DIFFERENT',
  'MATCH_CANDIDATE_STATE_NEVER',
  'MATCH_CANDIDATE_STATE_LAPSED',
] as const;

export type Verdict = 'SAME' | 'DIFFERENT' | 'NEVER' | 'UNDO';

export const bands = ['MATCH_BAND_AUTO', 'MATCH_BAND_REVIEW', 'MATCH_BAND_NONE'] as const;

export interface CandidateFilter {
  state: string;
  party: string;
  organisationPath: string;
  /** One of `bands`, or empty for all. */
  band: string;
  /** Bits as they were typed; empty for no bound. */
  minWeight: string;
  maxWeight: string;
}

/** Candidates in a state, the surest first. */
export function listMatchCandidates(
  { minWeight, maxWeight, ...filter }: CandidateFilter,
  pageToken: string,
  signal?: AbortSignal,
) {
  const weights = { ...(minWeight && { minWeight }), ...(maxWeight && { maxWeight }) };
  const query = { ...filter, ...weights, pageSize: 20, pageToken };
  return get<{ matchCandidates: MatchCandidate[] } & Paged>('matchCandidates', query, signal);
}

export const getMatchCandidate = (name: string, signal?: AbortSignal) => get<Comparison>(name, {}, signal);

export interface Decision {
  candidate: MatchCandidate;
  verdict: Verdict;
  reason: string;
  identifiersMayDiffer?: boolean;
  legalHoldKnown?: boolean;
}

/** Keeps what a steward says; refused when the candidate was changed meanwhile. */
export function decideMatch({ candidate, verdict, reason, ...known }: Decision) {
  return write<{ matchCandidate: MatchCandidate }>(`${candidate.name}:decide`, {
    etag: candidate.etag,
    verdict: `MATCH_VERDICT_${verdict}`,
    reason,
    identifiersMayDiffer: known.identifiersMayDiffer ?? false,
    legalHoldKnown: known.legalHoldKnown ?? false,
  });
}

export const startMatchRun = (organisationPath: string) =>
  write<{ matchRun: MatchRun }>('matchRuns', { organisationPath });

export const getMatchRun = (id: string, signal?: AbortSignal) =>
  get<{ matchRun: MatchRun }>(nameOf('matchRuns', id), {}, signal);

/** The matchings of whole banks, the newest first. */
export const listMatchRuns = (pageToken: string, signal?: AbortSignal) =>
  get<{ matchRuns: MatchRun[] } & Paged>('matchRuns', { pageSize: 10, pageToken }, signal);
