import { type Queryable, sql, within } from '@rapport/kit/db';
import { type Call, decodePage, encodePage, pageSize, scopeFor } from '@rapport/kit/rpc';
import type { GetRankingRequest, GetRankingResponse } from '@rapport/proto/performance/v1';
import { aboutStaff, below } from '../access/access.js';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { findUnit, unitIdIn, unitName } from '../unit/unit.js';
import { findRun, runMessage, type RunRow } from './score.js';

interface Place {
  rank: bigint;
  staff: string;
  displayName: string | null;
  unitId: string;
  organisationPath: string;
  total: bigint;
}

/** Lists who was scored in a run, the best first; equal totals share a place and leave those after them free. */
export async function getRanking(deps: Deps, request: GetRankingRequest, call: Call): Promise<GetRankingResponse> {
  const scope = scopeFor(call, 'C2');
  const on = deps.db.scoped(scope);
  const size = pageSize(request);
  const after = decodePage(call, request, 'bigint', 'string');
  const run = await findRun(on, request, scope);
  if (!run) throw fail('SCORING_RUN_NOT_FOUND', { metadata: { plan: request.plan } });
  const wanted = [sql`score.run_id = ${run.runId}`, aboutStaff(scope, 'score')];
  if (request.unit !== '')
    wanted.push(below(sql.raw('score.organisation_path'), await pathThen(on, request, run, call)));
  const listed = sql.join(wanted, ' AND ');
  const behind = after ? sql`WHERE total < ${after[0]} OR (total = ${after[0]} AND staff > ${after[1]})` : sql.empty;
  const rows = await on.rows<Place>(sql`
    WITH placed AS (
      SELECT rank() OVER (ORDER BY score.total DESC) AS rank, score.staff, score.unit_id, score.organisation_path, score.total
      FROM score WHERE ${listed}
    ), page AS (
      SELECT * FROM placed ${behind} ORDER BY total DESC, staff LIMIT ${size + 1}
    )
    SELECT page.rank, page.staff, staff.display_name AS "displayName", page.unit_id AS "unitId",
      page.organisation_path AS "organisationPath", page.total
    FROM page LEFT JOIN staff ON staff.staff = page.staff ORDER BY page.total DESC, page.staff`);
  const { people } = await on.one<{ people: bigint }>(sql`SELECT count(*) AS people FROM score WHERE ${listed}`);
  const shown = rows.slice(0, size);
  await deps.reads.record(
    call,
    shown.map((row) => `${row.staff}/score`),
  );
  const last = shown.at(-1);
  return {
    rows: shown.map((row) => ({
      rank: Number(row.rank),
      staff: row.staff,
      displayName: within(scope, row.organisationPath, row.staff) ? (row.displayName ?? '') : '',
      unit: unitName(row.unitId),
      totalMillionths: row.total,
    })),
    nextPageToken: last && rows.length > size ? encodePage(call, request, [last.total, last.staff]) : '',
    run: runMessage(run),
    totalSize: Number(people),
  };
}

/** Where the unit stood at the run's moment; one that came later had nobody then. */
async function pathThen(on: Queryable, request: GetRankingRequest, run: RunRow, call: Call): Promise<string> {
  const unit = await findUnit(on, unitIdIn(request.unit), call.scope);
  if (!unit) throw fail('UNIT_NOT_FOUND', { metadata: { unit: request.unit } });
  const then = await on.maybe<{ path: string }>(sql`
    SELECT organisation_path AS path FROM unit_history
    WHERE unit_id = ${unit.unitId} AND record_time <= ${run.asOf} ORDER BY version DESC LIMIT 1`);
  return then?.path ?? unit.organisationPath;
}
