import { type BatchedEvent, erasedAmong } from '@rapport/kit/events';
import { SegmentEntered, SegmentExited } from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { changes, eraseFacts, versionOf } from '../fact/fact.js';

/** The events that tell who came and left. */
export const changeEvents: readonly [typeof SegmentEntered, typeof SegmentExited] = [SegmentEntered, SegmentExited];

/**
 * Keeps who came into which version and left it, in ClickHouse: what flows are counted from. From our own events, so that
 * whoever changes memberships writes nothing twice. The same events again make the same rows.
 */
export function keepChanges({ db, analytics }: Pick<Deps, 'db' | 'analytics'>) {
  return async (events: readonly BatchedEvent<(typeof changeEvents)[number]>[]): Promise<void> => {
    const rows = events.map(({ type, event, meta }) => ({
      party: event.party.slice('parties/'.length),
      segment: event.segment.slice('segments/'.length),
      segment_version: event.version,
      organisation_path: event.organisationPath,
      time: (type === SegmentEntered.$type ? event.enterTime : event.exitTime) ?? meta.occurred,
      entered: type === SegmentEntered.$type,
      version: versionOf(meta.id),
    }));
    await analytics.insert(changes.name, rows);
    // Asked afterwards: an erasure that this does not see yet removes the rows itself.
    const gone = await erasedAmong(db.system, [...new Set(rows.map(({ party }) => party))]);
    if (gone.length > 0) await eraseFacts(analytics, gone);
  };
}
