import { sql } from '@rapport/kit/db';
import { type Call, decodePage, encodePage, pageSize } from '@rapport/kit/rpc';
import type { Fact, ListFactsRequest, ListFactsResponse } from '@rapport/proto/performance/v1';
import { aboutStaff, below } from '../access/access.js';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { dayMessage, isoDay } from '../plan/plan.js';
import { unitName } from '../unit/unit.js';
import { factColumns, type FactRow } from './fact.js';

/** Lists facts, those recorded last first. */
export async function listFacts(deps: Deps, request: ListFactsRequest, call: Call): Promise<ListFactsResponse> {
  const size = pageSize(request);
  const after = decodePage(call, request, 'date', 'uuid');
  const wanted = [aboutStaff(call.scope, 'fact')];
  if (request.staff !== '') wanted.push(sql`fact.staff = ${request.staff}`);
  if (request.kind !== 0) wanted.push(sql`fact.kind = ${request.kind}`);
  if (request.organisationPath !== '') wanted.push(below(sql.raw('fact.organisation_path'), request.organisationPath));
  const [start, end] = [day(request, 'startDate', 'start_date'), day(request, 'endDate', 'end_date')];
  if (start !== undefined) wanted.push(sql`fact.occur_date >= ${start}::date`);
  if (end !== undefined) wanted.push(sql`fact.occur_date <= ${end}::date`);
  if (request.asOf) wanted.push(sql`fact.record_time <= ${request.asOf}`);
  if (after) wanted.push(sql`(fact.record_time, fact.fact_id) < (${after[0]}, ${after[1]}::uuid)`);
  const rows = await deps.db.scoped(call.scope).rows<FactRow>(sql`
    SELECT ${factColumns} FROM fact WHERE ${sql.join(wanted, ' AND ')}
    ORDER BY fact.record_time DESC, fact.fact_id DESC LIMIT ${size + 1}`);
  const shown = rows.slice(0, size);
  await deps.reads.record(
    call,
    [...new Set(shown.map((row) => row.staff))].map((staff) => `${staff}/facts`),
  );
  const last = shown.at(-1);
  return {
    facts: shown.map(factMessage),
    nextPageToken: last && rows.length > size ? encodePage(call, request, [last.recordTime, last.factId]) : '',
  };
}

function day(request: ListFactsRequest, key: 'startDate' | 'endDate', field: string): string | undefined {
  const given = request[key];
  if (!given) return undefined;
  const iso = isoDay(given);
  if (iso === undefined) {
    throw fail('FIELD_INVALID', { violations: [{ field, description: 'is no day of the calendar' }] });
  }
  return iso;
}

function factMessage(row: FactRow): Fact {
  return {
    name: `facts/${row.factId}`,
    kind: row.kind,
    staff: row.staff,
    unit: unitName(row.unitId),
    organisationPath: row.organisationPath,
    valueThousandths: row.value,
    occurDate: dayMessage(row.occurDate),
    recordTime: row.recordTime,
    eventType: row.eventType,
    eventId: row.eventId,
  };
}
