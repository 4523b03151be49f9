import { setTimeout as sleep } from 'node:timers/promises';
import { everything, leased, sql } from '@rapport/kit/db';
import { logger, type Running } from '@rapport/kit/runtime';
import { MembershipReason, SegmentState } from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { dateText, findVersion, today, type VersionRow, versionName, versionRows } from '../segment/segment.js';
import { applyCandidates, collectCandidates } from './evaluate.js';
import { forgetFollowed } from './follow-changes.js';

const LOOK_MS = 60_000;

/** Evaluates every published version without a fixed day that was not yet evaluated today. Gives how many. */
export async function evaluateDue(deps: Deps): Promise<number> {
  const due = await deps.db.system.rows<VersionRow>(sql`${versionRows}
    WHERE v.state = 3 AND v.as_of IS NULL AND (v.evaluated_day IS NULL OR v.evaluated_day < ${dateText(today(deps))}::date)
    ORDER BY v.segment_id`);
  for (const row of due) {
    const name = versionName(row.segment_id, row.version);
    try {
      const candidates = await collectCandidates(deps, row);
      await deps.db.transaction(everything, async (tx) => {
        const now = await findVersion(tx, everything, name);
        if (now.state !== SegmentState.SEGMENT_STATE_PUBLISHED) return;
        const reason = MembershipReason.MEMBERSHIP_REASON_EVALUATED;
        await applyCandidates(tx, now, candidates, reason, deps.clock.now());
      });
    } catch (error) {
      // One that cannot be evaluated stops no other; it is due again at the next look.
      logger.error({ err: error, segment: name }, 'a segment was not evaluated for the new day');
    }
  }
  return due.length;
}

/** Waits, but not after the signal, which may have come before. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}

/** Keeps what depends on the day right: ages grow and windows move without any event. Leased: one process at a time. */
export function followCalendar(deps: Deps): Running {
  return leased({
    db: deps.db,
    group: 'calendar',
    names: ['calendar'],
    work: async ({ signal }) => {
      while (!signal.aborted) {
        await evaluateDue(deps);
        await forgetFollowed(deps.db);
        await pause(LOOK_MS, signal);
      }
    },
  });
}
