import { sql, type Tx } from '@rapport/kit/db';

/**
 * Has parties looked at again, each in the trace of what changed it last, if that is known. The rows are written in one
 * order everywhere, so that no two transactions wait for each other. A party noted twice is looked at twice.
 */
export async function noteChanged(tx: Tx, changed: ReadonlyMap<string, string | undefined>): Promise<void> {
  const parties = [...changed].sort(([a], [b]) => (a < b ? -1 : 1));
  await tx.run(sql`
    INSERT INTO changed_party AS c (party_id, shard, traceparent)
    SELECT party, shard, traceparent FROM unnest(${parties.map(([party]) => party)}::uuid[],
      ${parties.map(([party]) => Number.parseInt(party.at(-1) ?? '0', 16))}::smallint[],
      ${parties.map(([, traceparent]) => traceparent ?? null)}::text[]) AS touched (party, shard, traceparent)
    ON CONFLICT (party_id) DO UPDATE
      SET change = c.change + 1, pending = true, traceparent = excluded.traceparent, change_time = excluded.change_time`);
}
