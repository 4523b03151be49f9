import { setTimeout as sleep } from 'node:timers/promises';
import { leased, sql } from '@rapport/kit/db';
import type { Running } from '@rapport/kit/runtime';
import type { Deps } from '../deps.js';
import { isDated, readRule } from '../rule/rule.js';
import { dateText, today, type VersionRow, versionName, versionRows } from '../segment/segment.js';
import { dismissLeft } from './dismiss-members.js';
import { forgetFollowed } from './follow-changes.js';
import { forgetPasses, runPass } from './pass.js';

const LOOK_MS = 5_000;
/** Between two rounds of tidying up. */
const TIDY_MS = 300_000;

/** Versions that no live pass holds. */
const free = sql`v.state = 3 AND (v.running_pass IS NOT DISTINCT FROM v.pass OR v.running_until < clock_timestamp())`;

/**
 * The versions whose day has gone and whose rules have time in them. Rules without are right for the new day as they
 * stand; that is noted, so that they are not asked again.
 */
async function outdated(deps: Deps): Promise<VersionRow[]> {
  const day = dateText(today(deps));
  const rows = await deps.db.system.rows<VersionRow>(sql`${versionRows}
    WHERE ${free} AND v.as_of IS NULL AND v.evaluated_day < ${day}::date ORDER BY v.segment_id`);
  const dated = rows.filter((row) => {
    const read = readRule(row.rule);
    return 'problem' in read || isDated(read.rule);
  });
  const timeless = rows.filter((row) => !dated.includes(row));
  if (timeless.length > 0) {
    await deps.db.system.run(sql`
      UPDATE segment_version v SET evaluated_day = ${day}::date
      FROM unnest(${timeless.map((row) => row.segment_id)}::text[], ${timeless.map(({ version }) => version)}::int[])
        AS timeless (segment_id, version)
      WHERE v.segment_id = timeless.segment_id AND v.version = timeless.version`);
  }
  return dated;
}

/**
 * Looks at all parties for every version in use that needs it, all in one pass: whose rule has time in it and was not
 * evaluated today, whose pass was interrupted, or for which somebody asked. Gives how many.
 */
export async function evaluateDue(deps: Deps, signal?: AbortSignal): Promise<number> {
  const day = dateText(today(deps));
  const asked = await deps.db.system.rows<VersionRow>(sql`${versionRows}
    WHERE ${free} AND (v.running_pass IS DISTINCT FROM v.pass OR v.pass_asked > v.pass_since
      OR (v.pass IS NULL AND (v.evaluated_day IS NULL OR v.evaluated_day < ${day}::date)))
    ORDER BY v.segment_id`);
  const due = new Map(
    [...(await outdated(deps)), ...asked].map((row) => [versionName(row.segment_id, row.version), row]),
  );
  if (due.size > 0) await runPass(deps, [...due.values()], { signal });
  return due.size;
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
      let tidied = -TIDY_MS;
      while (!signal.aborted) {
        await evaluateDue(deps, signal);
        await dismissLeft(deps);
        if (performance.now() - tidied > TIDY_MS) {
          await forgetFollowed(deps.db);
          await forgetPasses(deps);
          tidied = performance.now();
        }
        await pause(LOOK_MS, signal);
      }
    },
  });
}
