import { scopeFilter, sql } from '@rapport/kit/db';
import { type Call, pageSize } from '@rapport/kit/rpc';
import type { ListCampaignsRequest, ListCampaignsResponse } from '@rapport/proto/marketing/v1';
import { idBefore, pageOf, underPath } from '../access/access.js';
import type { Deps } from '../deps.js';
import { type CampaignRow, campaignColumns, toCampaign } from './campaign.js';

export async function listCampaigns(
  { db }: Deps,
  request: ListCampaignsRequest,
  call: Call,
): Promise<ListCampaignsResponse> {
  const scope = call.scope;
  const inState = request.state === 0 ? sql.empty : sql`AND state = ${request.state}`;
  const rows = await db.scoped(scope).rows<CampaignRow>(sql`
    SELECT ${campaignColumns} FROM campaign
    WHERE campaign_id < ${idBefore(call, request)}::uuid AND ${scopeFilter(scope, { path: 'organisation_path' })}
      AND ${underPath(request.organisationPath)} ${inState}
    ORDER BY campaign_id DESC LIMIT ${pageSize(request) + 1}`);
  const { page, nextPageToken } = pageOf(call, request, rows, (row) => row.campaignId);
  return { campaigns: page.map(toCampaign), nextPageToken };
}
