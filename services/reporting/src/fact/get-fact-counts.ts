import type { Call } from '@rapport/kit/rpc';
import type { GetFactCountsRequest, GetFactCountsResponse } from '@rapport/proto/reporting/v1';
import type { Deps } from '../deps.js';
import { factKinds, newestOf, readSettings, visible } from './fact.js';

/** Counts the stored facts by kind, each event once. */
export async function getFactCounts(
  deps: Deps,
  request: GetFactCountsRequest,
  call: Call,
): Promise<GetFactCountsResponse> {
  const { text, parameters } = visible(call.scope, request.organisationPath);
  const rows = await deps.analytics.query<{ fact: string; count: string; newest: number }>(
    `SELECT fact, toString(count()) AS count, toUnixTimestamp64Milli(max(recorded_time)) AS newest
     FROM fact FINAL WHERE ${text} GROUP BY fact ${readSettings}`,
    parameters,
    { signal: call.signal },
  );
  const counts = new Map(rows.map((row) => [row.fact, BigInt(row.count)]));
  return {
    counts: factKinds.map((fact) => ({ fact, count: counts.get(fact) ?? 0n })),
    asOf: newestOf(rows),
  };
}
