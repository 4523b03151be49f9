import { scopeFilter, sql } from '@rapport/kit/db';
import { type Call, pageSize } from '@rapport/kit/rpc';
import { DeliveryDecision, type ListDeliveriesRequest, type ListDeliveriesResponse } from '@rapport/proto/marketing/v1';
import { idBefore, pageOf, uuidOf } from '../access/access.js';
import type { Deps } from '../deps.js';
import { membersOf } from '../merge/merge.js';
import { type DeliveryRow, deliveryColumns, SENDING, toDelivery } from './delivery.js';

export async function listDeliveries(
  { db, reads }: Deps,
  request: ListDeliveriesRequest,
  call: Call,
): Promise<ListDeliveriesResponse> {
  const scope = call.scope;
  const { campaign, party, decision, reason } = request;
  const states = decision === DeliveryDecision.DELIVERY_DECISION_PENDING ? [decision, SENDING] : [decision];
  const rows = await db.scoped(scope).rows<DeliveryRow>(sql`
    SELECT ${deliveryColumns} FROM delivery
    WHERE delivery_id < ${idBefore(call, request)}::uuid
      AND ${scopeFilter(scope, { path: 'organisation_path', manager: 'manager' })}
      ${campaign === '' ? sql.empty : sql`AND campaign_id = ${uuidOf(campaign) ?? null}::uuid`}
      ${party === '' ? sql.empty : sql`AND party_id = ANY(${membersOf(uuidOf(party) ?? null)})`}
      ${decision === 0 ? sql.empty : sql`AND state = ANY(${states}::smallint[])`}
      ${reason === 0 ? sql.empty : sql`AND reason = ${reason}`}
    ORDER BY delivery_id DESC LIMIT ${pageSize(request) + 1}`);
  const { page, nextPageToken } = pageOf(call, request, rows, (row) => row.deliveryId);
  const deliveries = page.map(toDelivery);
  await reads.record(call, [...new Set(deliveries.map((delivery) => delivery.party))]);
  return { deliveries, nextPageToken };
}
