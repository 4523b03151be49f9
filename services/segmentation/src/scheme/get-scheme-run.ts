import type { Call } from '@rapport/kit/rpc';
import type { GetSchemeRunRequest, GetSchemeRunResponse } from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { findRun, runMessage } from './run.js';
import { findSchemeVersions } from './scheme.js';

/** Gives how far a run is. Throws SCHEME_RUN_NOT_FOUND. */
export async function getSchemeRun(
  { db }: Deps,
  request: GetSchemeRunRequest,
  call: Call,
): Promise<GetSchemeRunResponse> {
  const on = db.scoped(call.scope);
  const run = await findRun(on, request.name.slice('schemeRuns/'.length));
  // Who may see the scheme may see its runs.
  const seen = run && (await findSchemeVersions(on, call.scope, run.scheme_id).catch(() => undefined));
  if (!run || !seen) throw fail('SCHEME_RUN_NOT_FOUND', { metadata: { run: request.name } });
  return { schemeRun: runMessage(run) };
}
