import { type Sql, scopeFilter, sql } from '@rapport/kit/db';
import { type Call, decodePage, encodePage, pageSize, scopeFor } from '@rapport/kit/rpc';
import {
  type ListMatchCandidatesRequest,
  type ListMatchCandidatesResponse,
  MatchBand,
  MatchCandidateState,
} from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';
import { partyIdIn } from '../party/party.js';
import type { Bands } from './bands.js';
import { candidateColumns, candidateMessage, candidateName, type CandidateRow } from './candidates.js';
import { currentModel } from './current-model.js';

/** Lists what a steward is to decide, or what was decided, the surest first. */
export async function listMatchCandidates(
  deps: Deps,
  request: ListMatchCandidatesRequest,
  call: Call,
): Promise<ListMatchCandidatesResponse> {
  const size = pageSize(request);
  const after = decodePage(call, request, 'string', 'uuid');
  const scope = scopeFor(call, 'C2');
  const state = request.state || MatchCandidateState.MATCH_CANDIDATE_STATE_OPEN;
  const wanted = [sql`c.state = ${state}`, scopeFilter(scope, { path: 'c.organisation_path' })];
  if (after && Number.isFinite(Number(after[0]))) {
    const weight = Number(after[0]);
    wanted.push(sql`(c.weight < ${weight}::real OR (c.weight = ${weight}::real AND c.candidate_id > ${after[1]}))`);
  }
  if (request.organisationPath !== '') {
    wanted.push(scopeFilter({ kind: 'rows', subtree: request.organisationPath }, { path: 'c.organisation_path' }));
  }
  if (request.party !== '') {
    const party = partyIdIn(request.party);
    wanted.push(sql`(c.party_id = ${party} OR c.other_party_id = ${party})`);
  }
  if (request.minWeight !== undefined) wanted.push(sql`c.weight >= ${request.minWeight}::real`);
  if (request.maxWeight !== undefined) wanted.push(sql`c.weight <= ${request.maxWeight}::real`);
  if (request.band !== MatchBand.MATCH_BAND_UNSPECIFIED) {
    wanted.push(inBand(request.band, (await currentModel(deps)).bands));
  }
  const rows = await deps.db.scoped(scope).rows<CandidateRow>(sql`
    SELECT ${candidateColumns} FROM match_candidate c WHERE ${sql.join(wanted, ' AND ')}
    ORDER BY c.weight DESC, c.candidate_id LIMIT ${size + 1}`);
  const shown = rows.slice(0, size);
  await deps.reads.record(
    call,
    shown.map((row) => candidateName(row.candidateId)),
  );
  const last = shown.at(-1);
  return {
    matchCandidates: shown.map(candidateMessage),
    nextPageToken: last && rows.length > size ? encodePage(call, request, [String(last.weight), last.candidateId]) : '',
  };
}

/** The weights of a band, as the index of candidates by state and weight finds them. */
function inBand(band: MatchBand, { auto, review }: Bands): Sql {
  if (band === MatchBand.MATCH_BAND_AUTO) return sql`c.weight >= ${auto}::real`;
  if (band === MatchBand.MATCH_BAND_NONE) return sql`c.weight < ${review}::real`;
  return sql`c.weight >= ${review}::real AND c.weight < ${auto}::real`;
}
