import { setTimeout as sleep } from 'node:timers/promises';
import { everything, type Lease, leased, sql } from '@rapport/kit/db';
import { Failure } from '@rapport/kit/rpc';
import { logger, type Running } from '@rapport/kit/runtime';
import { SchemeKind, SchemeRunKind, SchemeRunState } from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import type { Progress } from '../scan/scan.js';
import { dateText, dayOf, today } from '../segment/segment.js';
import { assign } from './assign.js';
import { fit } from './fit.js';
import { isComputed } from './plan.js';
import { putIntoUse } from './put-into-use.js';
import { askRun, runColumns, type RunRow } from './run.js';
import { findSchemeVersion, planOf, type SchemeRow, schemeRows, schemeVersionName } from './scheme.js';
import { restoreTiers } from '../tier/tier.js';
import { soundPlan } from './sound.js';

/** How soon a run is begun that another process was asked for; also how late the day's own runs are. */
const POLL_MS = 500;
/** Runs that fail for a reason of the machine are tried so often. */
const ATTEMPTS = 5;

/** Asks for the day's run of every computed scheme in use that has not been assigned for today. Gives how many. */
async function askDue(deps: Deps): Promise<number> {
  const day = today(deps);
  const due = await deps.db.system.rows<SchemeRow>(sql`${schemeRows}
    WHERE v.state = 3 AND s.kind <> ${SchemeKind.SCHEME_KIND_PARTITION}
      AND (v.assigned_day IS NULL OR v.assigned_day < ${dateText(day)}::date)
      AND NOT EXISTS (SELECT FROM scheme_run r WHERE r.scheme_id = v.scheme_id AND r.version = v.version
        AND r.kind = 3 AND r.as_of = ${dateText(day)}::date)
    ORDER BY s.scheme_id`);
  for (const row of due) {
    await deps.db.transaction(everything, (tx) =>
      askRun(tx, row, {
        kind: SchemeRunKind.SCHEME_RUN_KIND_ASSIGN,
        day,
        by: 'service:segmentation',
        at: deps.clock.now(),
      }),
    );
  }
  return due.length;
}

/**
 * Mends what ClickHouse has lost of the schemes in use: tiers come back from Postgres, the others are assigned anew. Gives
 * how many schemes it mended.
 */
async function mendLost(deps: Deps, signal: AbortSignal): Promise<number> {
  const used = await deps.db.system.rows<SchemeRow>(sql`${schemeRows}
    WHERE v.state = 3 AND s.kind <> ${SchemeKind.SCHEME_KIND_PARTITION} AND v.assigned_day IS NOT NULL
    ORDER BY s.scheme_id`);
  const there = await deps.analytics.query<{ scheme: string }>('SELECT DISTINCT scheme FROM assigned');
  const known = new Set(there.map(({ scheme }) => scheme));
  let mended = 0;
  for (const row of used) {
    const tiers = planOf(row).kind?.$case === 'tiers';
    if (tiers ? (await restoreTiers(deps, row, { signal })) === 0 : known.has(row.scheme_id)) continue;
    const kind = SchemeRunKind.SCHEME_RUN_KIND_ASSIGN;
    const at = deps.clock.now();
    await deps.db.transaction(everything, (tx) =>
      askRun(tx, row, { kind, day: today(deps), by: 'service:segmentation', at }),
    );
    logger.warn({ scheme: schemeVersionName(row) }, 'the groups of a scheme were lost and are mended');
    mended += 1;
  }
  return mended;
}

async function takeRun({ db, clock }: Deps): Promise<RunRow | undefined> {
  return db.system.maybe<RunRow>(sql`
    UPDATE scheme_run r SET state = 2, attempts = attempts + 1, start_time = coalesce(start_time, ${clock.now()})
    WHERE run_id = (SELECT run_id FROM scheme_run WHERE state <= 2 ORDER BY attempts, create_time, run_id LIMIT 1)
    RETURNING ${runColumns}`);
}

/** What a version waits for in a run, step by step. */
async function work(deps: Deps, run: RunRow, signal: AbortSignal): Promise<void> {
  const { db, clock } = deps;
  const row = await findSchemeVersion(db.system, everything, schemeVersionName(run));
  const day = dayOf(run.as_of) ?? today(deps);
  const publishing = run.kind === SchemeRunKind.SCHEME_RUN_KIND_PUBLISH;
  let done = 0;
  await db.system.run(sql`
    UPDATE scheme_run SET steps_total = ${publishing ? 3 : 2}, steps_done = 0 WHERE run_id = ${run.run_id}::uuid`);
  const progress: Progress = async (step) => {
    if (signal.aborted) throw new Error('the lease of the runs is lost');
    await db.system.run(sql`
      UPDATE scheme_run SET step = ${step}, steps_done = ${done} WHERE run_id = ${run.run_id}::uuid AND state = 2`);
    done += 1;
  };
  if (run.kind === SchemeRunKind.SCHEME_RUN_KIND_FIT) {
    await fit(deps, row, { day, progress, signal });
  } else {
    if (isComputed(planOf(row))) {
      const backfill = run.kind === SchemeRunKind.SCHEME_RUN_KIND_BACKFILL;
      const changed = await assign(deps, row, { day, progress, signal, backfill });
      await db.system.run(sql`UPDATE scheme_run SET changed = ${changed} WHERE run_id = ${run.run_id}::uuid`);
    } else {
      await progress('READING');
      // The parties may have changed since it was approved.
      const call = { scope: everything, signal };
      await soundPlan(
        deps,
        { schemeId: row.scheme_id, organisationPath: row.organisation_path, plan: planOf(row) },
        call,
      );
    }
    if (publishing) {
      await progress('PUBLISHING');
      await putIntoUse(deps, row, run, signal);
    }
  }
  await db.system.run(sql`
    UPDATE scheme_run SET state = 3, steps_done = steps_total, finish_time = ${clock.now()}
    WHERE run_id = ${run.run_id}::uuid AND state = 2`);
}

/** Carries out the oldest run that waits or was left behind. Gives whether there was one. Safe to repeat and to kill. */
export async function runOnce(deps: Deps, signal: AbortSignal): Promise<boolean> {
  const run = await takeRun(deps);
  if (!run) return false;
  try {
    await work(deps, run, signal);
  } catch (error) {
    if (signal.aborted) return true;
    const told = error instanceof Failure;
    const final = told || run.attempts >= ATTEMPTS;
    logger.error({ err: error, run: run.run_id, scheme: schemeVersionName(run) }, 'a run of a scheme failed');
    if (final) {
      await deps.db.system.run(sql`
        UPDATE scheme_run SET state = ${SchemeRunState.SCHEME_RUN_STATE_FAILED}, finish_time = ${deps.clock.now()},
          reason = ${told ? error.reason : 'INTERNAL'}, message = ${told ? messageOf(error) : 'The run failed five times; the log says why. Ask for it again when that is mended.'}
        WHERE run_id = ${run.run_id}::uuid AND state = 2`);
    } else {
      await sleep(POLL_MS, undefined, { signal }).catch(() => undefined);
    }
  }
  return true;
}

/** The failure in words, with what it says of the fields. */
function messageOf(failure: Failure): string {
  return [failure.message, ...failure.violations.map(({ description }) => description)].join(' ');
}

/** Carries out runs, and asks for those of a new day. Leased: one process at a time, the next one within seconds. */
export function runSchemes(deps: Deps): Running {
  return leased({
    db: deps.db,
    group: 'schemes',
    names: ['schemes'],
    work: async ({ signal }: Lease) => {
      await mendLost(deps, signal);
      while (!signal.aborted) {
        await askDue(deps);
        if (!(await runOnce(deps, signal))) await sleep(POLL_MS, undefined, { signal }).catch(() => undefined);
      }
    },
  });
}
