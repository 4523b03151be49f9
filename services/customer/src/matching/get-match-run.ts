import { scopeFilter, sql } from '@rapport/kit/db';
import type { Call } from '@rapport/kit/rpc';
import type { GetMatchRunRequest, GetMatchRunResponse } from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { idsIn } from '../party/party.js';
import { runColumns, runMessage, type RunRow } from './runs.js';

/** Gives one run. */
export async function getMatchRun(deps: Deps, request: GetMatchRunRequest, call: Call): Promise<GetMatchRunResponse> {
  const id = idsIn(request.name)?.[0];
  const row =
    id === undefined
      ? undefined
      : await deps.db.scoped(call.scope).maybe<RunRow>(sql`
          SELECT ${runColumns} FROM match_run
          WHERE run_id = ${id} AND ${scopeFilter(call.scope, { path: 'organisation_path' })}`);
  if (!row) throw fail('MATCH_RUN_NOT_FOUND', { metadata: { run: request.name } });
  return { matchRun: runMessage(row) };
}
