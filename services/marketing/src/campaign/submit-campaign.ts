import { audit } from '@rapport/kit/crypto';
import { sql } from '@rapport/kit/db';
import { type Call, idempotent } from '@rapport/kit/rpc';
import { CampaignState, type SubmitCampaignRequest, SubmitCampaignResponse } from '@rapport/proto/marketing/v1';
import type { Deps } from '../deps.js';
import { type CampaignRow, campaignColumns, lockCampaign, toCampaign } from './campaign.js';

export async function submitCampaign(
  { db }: Deps,
  request: SubmitCampaignRequest,
  call: Call,
): Promise<SubmitCampaignResponse> {
  const scope = call.scope;
  return idempotent(
    db,
    call,
    request,
    SubmitCampaignResponse,
    async (tx) => {
      const { campaignId } = await lockCampaign(tx, scope, request, CampaignState.CAMPAIGN_STATE_DRAFT);
      const row = await tx.one<CampaignRow>(sql`
        UPDATE campaign SET state = ${CampaignState.CAMPAIGN_STATE_SUBMITTED}, version = version + 1
        WHERE campaign_id = ${campaignId}::uuid RETURNING ${campaignColumns}`);
      await audit(tx, call, { resource: request.name, change: { state: CampaignState[row.state] } });
      return { campaign: toCampaign(row) };
    },
    { scope },
  );
}
