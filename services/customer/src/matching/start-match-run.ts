import { audit } from '@rapport/kit/crypto';
import { sql } from '@rapport/kit/db';
import { type Call, idempotent, scopeFor } from '@rapport/kit/rpc';
import { uuidv7 } from '@rapport/kit/runtime';
import { type StartMatchRunRequest, StartMatchRunResponse } from '@rapport/proto/customer/v1';
import { assertInside } from '../access/access.js';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { runColumns, runMessage, runName, type RunRow } from './runs.js';

/** Notes a run; the process that holds the lease of runs works on it. */
export async function startMatchRun(
  deps: Deps,
  request: StartMatchRunRequest,
  call: Call,
): Promise<StartMatchRunResponse> {
  const { organisationPath } = request;
  const scope = scopeFor(call, 'C2');
  assertInside(scope, { organisationPath, manager: '' });
  return idempotent(
    deps.db,
    call,
    request,
    StartMatchRunResponse,
    async (tx) => {
      const row = await tx.maybe<RunRow>(sql`
        INSERT INTO match_run (run_id, organisation_path, started_by, create_time)
        VALUES (${uuidv7()}, ${organisationPath}, ${call.principal.subject}, ${deps.clock.now()})
        ON CONFLICT (organisation_path) WHERE state = 1 DO NOTHING RETURNING ${runColumns}`);
      if (!row) throw fail('MATCH_RUN_IN_PROGRESS', { metadata: { organisation_path: organisationPath } });
      await audit(tx, call, { resource: runName(row.runId), change: { started: true } });
      return { matchRun: runMessage(row) };
    },
    { scope },
  );
}
