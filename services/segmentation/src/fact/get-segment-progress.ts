import { sql } from '@rapport/kit/db';
import { consumerLag } from '@rapport/kit/events';
import type { Call } from '@rapport/kit/rpc';
import type { GetSegmentProgressRequest, GetSegmentProgressResponse } from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { anyUnsent } from '../list/list.js';
import { factFilter, lastEventTime } from './fact.js';

/** Gives how many facts events have told, and how many events and parties wait. */
export async function getSegmentProgress(
  { db, analytics, clock }: Deps,
  request: GetSegmentProgressRequest,
  call: Call,
): Promise<GetSegmentProgressResponse> {
  const { text, parameters } = factFilter(call.scope, request.organisationPath);
  const counting = `SELECT
    (SELECT count() FROM party FINAL WHERE ${text}) AS parties,
    (SELECT uniqExact(holding) FROM holding WHERE ${text}) AS holdings,
    (SELECT uniqExact(transaction) FROM booked_transaction WHERE ${text}) AS transactions,
    (SELECT count() FROM (SELECT 1 FROM consent WHERE ${text} GROUP BY party, purpose, channel)) AS consents`;
  // What waits is asked first: a fact that arrives meanwhile is counted as waiting, never as missing.
  const lags = await consumerLag(db);
  // Entries of lists first: once they are sent, their parties wait.
  const unsent = await anyUnsent(db);
  const { waiting } = await db.system.one<{ waiting: bigint }>(sql`
    SELECT count(*) AS waiting FROM changed_party WHERE pending`);
  // A version that came into use and has not got all of its members yet.
  const { filling } = await db.system.one<{ filling: boolean }>(sql`
    SELECT EXISTS (SELECT FROM segment_version WHERE state = 3 AND pass IS NULL AND running_pass IS NOT NULL) AS filling`);
  const [facts] = await analytics.query<Record<'parties' | 'holdings' | 'transactions' | 'consents', number>>(
    counting,
    parameters,
    { signal: call.signal },
  );
  // What is kept for flows changes neither facts nor memberships.
  const ours = lags.filter(({ consumer }) => !consumer.startsWith('segmentation-history'));
  const pendingEvents = ours.reduce((sum, lag) => sum + BigInt(lag.pending), 0n);
  return {
    facts: {
      parties: BigInt(facts?.parties ?? 0),
      holdings: BigInt(facts?.holdings ?? 0),
      transactions: BigInt(facts?.transactions ?? 0),
      consents: BigInt(facts?.consents ?? 0),
    },
    lastEventTime: await lastEventTime(db),
    pendingEvents,
    pendingParties: waiting,
    caughtUp: pendingEvents === 0n && waiting === 0n && !filling && !unsent,
    asOf: clock.now(),
  };
}
