import { scopeFilter, sql } from '@rapport/kit/db';
import { type Call, decodePage, encodePage, pageSize } from '@rapport/kit/rpc';
import type { ListUnitsRequest, ListUnitsResponse } from '@rapport/proto/performance/v1';
import { below } from '../access/access.js';
import type { Deps } from '../deps.js';
import { findUnit, unitColumns, unitIdIn, unitMessage, type UnitRow } from './unit.js';

/** Lists a unit and what lies below it, or all that the caller may see. An unknown root has nothing below it. */
export async function listUnits(deps: Deps, request: ListUnitsRequest, call: Call): Promise<ListUnitsResponse> {
  const on = deps.db.scoped(call.scope);
  const size = pageSize(request);
  const after = decodePage(call, request, 'string')?.[0];
  const root = request.root === '' ? undefined : await findUnit(on, unitIdIn(request.root), call.scope);
  if (request.root !== '' && !root) return { organisationUnits: [], nextPageToken: '' };
  const wanted = [scopeFilter(call.scope, { path: 'unit.organisation_path' })];
  if (root) wanted.push(below(sql.raw('unit.organisation_path'), root.organisationPath));
  if (request.kind !== 0) wanted.push(sql`unit.kind = ${request.kind}`);
  if (after !== undefined) wanted.push(sql`unit.organisation_path > ${after}`);
  const rows = await on.rows<UnitRow>(sql`
    SELECT ${unitColumns} FROM unit WHERE ${sql.join(wanted, ' AND ')}
    ORDER BY unit.organisation_path LIMIT ${size + 1}`);
  const shown = rows.slice(0, size);
  const last = shown.at(-1);
  return {
    organisationUnits: shown.map(unitMessage),
    nextPageToken: last && rows.length > size ? encodePage(call, request, [last.organisationPath]) : '',
  };
}
