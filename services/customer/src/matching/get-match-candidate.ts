import { type Queryable, type Scope, type Sql, scopeFilter, sql } from '@rapport/kit/db';
import { type Call, scopeFor } from '@rapport/kit/rpc';
import type { GetMatchCandidateRequest, GetMatchCandidateResponse } from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { idsIn, partyColumns, partyMessage, partyName, type PartyRecord } from '../party/party.js';
import { candidateColumns, candidateMessage, type CandidateRow } from './candidates.js';
import { currentModel } from './current-model.js';
import { explained } from './find-matches.js';
import { survivorFirst } from './live.js';

/** The candidate of that name inside the scope; throws when it is not there for the caller. */
export async function readCandidate(
  on: Queryable,
  name: string,
  scope: Scope,
  lock: Sql = sql.empty,
): Promise<CandidateRow> {
  const id = idsIn(name)?.[0];
  const row =
    id === undefined
      ? undefined
      : await on.maybe<CandidateRow>(sql`
          SELECT ${candidateColumns} FROM match_candidate c
          WHERE c.candidate_id = ${id} AND ${scopeFilter(scope, { path: 'c.organisation_path' })} ${lock}`);
  if (!row) throw fail('MATCH_CANDIDATE_NOT_FOUND', { metadata: { candidate: name } });
  return row;
}

/** Opens a candidate: both parties side by side and what each field says. */
export async function getMatchCandidate(
  deps: Deps,
  request: GetMatchCandidateRequest,
  call: Call,
): Promise<GetMatchCandidateResponse> {
  const scope = scopeFor(call, 'C2');
  const on = deps.db.scoped(scope);
  const candidate = await readCandidate(on, request.name, scope);
  const ids = [candidate.partyId, candidate.otherPartyId];
  const rows = await on.rows<PartyRecord>(sql`
    SELECT ${partyColumns} FROM party WHERE party_id = ANY(${ids}::uuid[])
      AND ${scopeFilter(scope, { path: 'organisation_path', manager: 'manager' })}`);
  const [one, other] = ids.map((id) => rows.find(({ partyId }) => partyId === id));
  if (!one || !other) {
    throw fail('PARTY_NOT_FOUND', { metadata: { party: partyName((one ? ids[1] : ids[0]) as string) } });
  }
  await deps.reads.record(call, [request.name, ...ids.map(partyName)]);
  const score = explained(deps, await currentModel(deps), one, other);
  return {
    matchCandidate: candidateMessage(candidate),
    parties: [one, other].map((row) => partyMessage(deps, row, scope)),
    ...score,
    survivor: partyName(survivorFirst(one, other)[0].partyId),
  };
}
