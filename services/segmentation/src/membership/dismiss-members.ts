import { everything, sql } from '@rapport/kit/db';
import { MembershipReason } from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { dateMessage, dayOf, today } from '../segment/segment.js';
import { type Change, publishChanges } from './changes.js';

/** Members that leave in one transaction. */
const MEMBERS = 10_000;

/**
 * Ends the membership of everybody in a version that was retired, with an event for each, some thousand at a time. Killed
 * in between, the next call goes on. Does nothing while the version is in use.
 */
export async function dismissMembers(
  deps: Deps,
  { segment_id: segmentId, version, as_of: asOf }: { segment_id: string; version: number; as_of: string | null },
): Promise<void> {
  const day = today(deps);
  const looked = dateMessage(dayOf(asOf) ?? day);
  for (let left = MEMBERS; left === MEMBERS; ) {
    left = await deps.db.transaction(everything, async (tx) => {
      const retired = await tx.maybe(sql`
        SELECT segment_id FROM segment_version
        WHERE segment_id = ${segmentId} AND version = ${version} AND state = 4 FOR UPDATE`);
      if (!retired) return 0;
      const exited = await tx.rows<Change>(sql`
        DELETE FROM membership m USING (
          SELECT party_id FROM membership WHERE segment_id = ${segmentId} AND version = ${version}
          ORDER BY party_id LIMIT ${MEMBERS}) AS next
        WHERE m.party_id = next.party_id AND m.segment_id = ${segmentId} AND m.version = ${version}
        RETURNING m.party_id, m.organisation_path, m.segment_id, m.version`);
      await tx.run(sql`
        UPDATE segment_version SET members = CASE WHEN ${exited.length < MEMBERS} THEN 0 ELSE members - ${exited.length} END
        WHERE segment_id = ${segmentId} AND version = ${version}`);
      await publishChanges(tx, [], exited, {
        reason: MembershipReason.MEMBERSHIP_REASON_RETIRED,
        at: deps.clock.now(),
        day,
        asOf: () => looked,
      });
      return exited.length;
    });
  }
}

/** The same for every version whose members were left behind by a process that ended. */
export async function dismissLeft(deps: Deps): Promise<void> {
  const rows = await deps.db.system.rows<{ segment_id: string; version: number; as_of: string | null }>(sql`
    SELECT segment_id, version, as_of FROM segment_version WHERE state = 4 AND members > 0`);
  for (const row of rows) await dismissMembers(deps, row);
}
