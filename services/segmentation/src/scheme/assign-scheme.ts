import { audit } from '@rapport/kit/crypto';
import { everything, sql, type Tx } from '@rapport/kit/db';
import { type Call, idempotent } from '@rapport/kit/rpc';
import {
  type AssignSchemeRequest,
  AssignSchemeResponse,
  SchemeRunKind,
  SchemeRunState,
  SegmentState,
} from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import type { DayNumber } from '../rule/rule.js';
import { dayOf, requestedDay, today } from '../segment/segment.js';
import { isComputed } from './plan.js';
import { askRun, runMessage } from './run.js';
import { assertState, findSchemeVersion, planOf, type SchemeRow } from './scheme.js';

const { SCHEME_RUN_KIND_PUBLISH: publishing, SCHEME_RUN_KIND_BACKFILL: backfilling } = SchemeRunKind;
const { SCHEME_RUN_STATE_SUCCEEDED: succeeded } = SchemeRunState;

/**
 * Refuses a day of which something is decided already: what was in force is never rewritten, and days are filled in from
 * the earliest on, because tiers follow from those before. Throws SCHEME_DAY_DECIDED.
 */
async function assertUndecided(tx: Tx, { scheme_id: schemeId }: SchemeRow, day: DayNumber): Promise<void> {
  const { first, last } = await tx.one<{ first: string | null; last: string | null }>(sql`
    SELECT min(as_of) FILTER (WHERE kind = ${publishing} AND state = ${succeeded}) AS first,
      max(as_of) FILTER (WHERE kind = ${backfilling} AND state <= ${succeeded}) AS last
    FROM scheme_run WHERE scheme_id = ${schemeId}`);
  const description = (() => {
    if (first !== null && day >= (dayOf(first) ?? 0))
      return `the scheme is in use since ${first}: fill in a day before; a dry run shows any day`;
    if (last !== null && day < (dayOf(last) ?? 0)) return `${last} is filled in already: go on with a later day`;
    return undefined;
  })();
  if (description === undefined) return;
  throw fail('SCHEME_DAY_DECIDED', {
    metadata: { scheme: `schemes/${schemeId}` },
    violations: [{ field: 'as_of', description }],
  });
}

/**
 * Starts the run that assigns every party for today, or fills in the history of a day before the scheme came into use.
 * Throws SCHEME_NOT_FOUND, SCHEME_STATE, SCHEME_NOT_COMPUTED, SCHEME_DAY_DECIDED, DATE_INVALID.
 */
export async function assignScheme(
  deps: Deps,
  request: AssignSchemeRequest,
  call: Call,
): Promise<AssignSchemeResponse> {
  const day = requestedDay(request.asOf) ?? today(deps);
  const asked = await findSchemeVersion(deps.db.scoped(call.scope), call.scope, request.name);
  return idempotent(deps.db, call, request, AssignSchemeResponse, async (tx) => {
    await tx.run(sql`SELECT FROM scheme WHERE scheme_id = ${asked.scheme_id} FOR UPDATE`);
    const row = await findSchemeVersion(tx, everything, request.name);
    assertState(row, SegmentState.SEGMENT_STATE_PUBLISHED);
    if (!isComputed(planOf(row))) throw fail('SCHEME_NOT_COMPUTED', { metadata: { version: request.name } });
    const by = call.principal.subject;
    const past = day !== today(deps);
    if (past) await assertUndecided(tx, row, day);
    const kind = past ? backfilling : SchemeRunKind.SCHEME_RUN_KIND_ASSIGN;
    const run = await askRun(tx, row, { kind, day, by, at: deps.clock.now() });
    await audit(tx, call, { resource: [request.name, `schemeRuns/${run.run_id}`] });
    return { schemeRun: runMessage(run) };
  });
}
