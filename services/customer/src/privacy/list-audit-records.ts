import { type Sql, sql } from '@rapport/kit/db';
import { type Call, decodePage, encodePage, pageSize } from '@rapport/kit/rpc';
import type { AuditRecord, ListAuditRecordsRequest, ListAuditRecordsResponse } from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';
import { assertParty, membersOf, partyName } from '../party/party.js';

interface Row {
  id: string;
  time: Date;
  actor: string;
  roles: string[];
  action: string;
  resource: string;
  purpose: string;
  detail: { fields?: string[]; reason?: string };
  traceId: string | null;
  sequence: bigint | null;
}

/**
 * Lists who read or wrote a party and what belongs to it. The audit knows no organisation path: who may see the party may
 * see what was done with it.
 */
export async function listAuditRecords(
  deps: Deps,
  request: ListAuditRecordsRequest,
  call: Call,
): Promise<ListAuditRecordsResponse> {
  const size = pageSize(request);
  const after = decodePage(call, request, 'date', 'uuid');
  const party = await assertParty(deps.db.scoped(call.scope), request.parent, call.scope);
  const names = membersOf(party).map(partyName);
  const { actor, startTime, endTime } = request;
  // Pages are cut at milliseconds, which is what a page token keeps; ids of one millisecond are in their order.
  const rows = await deps.db.unprotected.rows<Row>(sql`
    SELECT id, date_trunc('milliseconds', at) AS time, actor, roles, action, resource, purpose, detail,
      trace_id AS "traceId", chain_seq AS sequence
    FROM kit.audit
    WHERE (${sql.join(names.map(below), ' OR ')})
      ${actor === '' ? sql.empty : sql`AND actor = ${actor}`}
      ${startTime ? sql`AND at >= ${startTime}` : sql.empty} ${endTime ? sql`AND at < ${endTime}` : sql.empty}
      ${after ? sql`AND (date_trunc('milliseconds', at), id) < (${after[0]}, ${after[1]}::uuid)` : sql.empty}
    ORDER BY time DESC, id DESC LIMIT ${size + 1}`);
  await deps.reads.record(call, `${request.parent}/auditRecords`);
  const last = rows.at(size - 1);
  return {
    auditRecords: rows.slice(0, size).map(recordOf),
    nextPageToken: last && rows.length > size ? encodePage(call, request, [last.time, last.id]) : '',
  };
}

/** The party and what its name with a slash begins; in the order of bytes 0 comes next after the slash. */
function below(name: string): Sql {
  return sql`resource = ${name} OR (resource ~>=~ ${`${name}/`} AND resource ~<~ ${`${name}0`})`;
}

function recordOf({ detail, traceId, sequence, ...row }: Row): AuditRecord {
  const { fields = [], reason = '' } = detail;
  return { ...row, fields, reason, traceId: traceId ?? '', sequence: sequence ?? 0n };
}
