import { audit } from '@rapport/kit/crypto';
import { sql } from '@rapport/kit/db';
import { type Call, idempotent } from '@rapport/kit/rpc';
import { CampaignState, type ApproveCampaignRequest, ApproveCampaignResponse } from '@rapport/proto/marketing/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { type CampaignRow, campaignColumns, lockCampaign, toCampaign } from './campaign.js';

export async function approveCampaign(
  { db, clock }: Deps,
  request: ApproveCampaignRequest,
  call: Call,
): Promise<ApproveCampaignResponse> {
  const scope = call.scope;
  return idempotent(
    db,
    call,
    request,
    ApproveCampaignResponse,
    async (tx) => {
      const { campaignId, createdBy } = await lockCampaign(tx, scope, request, CampaignState.CAMPAIGN_STATE_SUBMITTED);
      const approver = call.principal.subject;
      if (createdBy === approver) throw fail('FOUR_EYES', { metadata: { campaign: request.name } });
      const row = await tx.one<CampaignRow>(sql`
        UPDATE campaign SET state = ${CampaignState.CAMPAIGN_STATE_APPROVED}, version = version + 1,
          approved_by = ${approver}, approve_time = ${clock.now()}
        WHERE campaign_id = ${campaignId}::uuid RETURNING ${campaignColumns}`);
      await audit(tx, call, { resource: request.name, change: { state: CampaignState[row.state] } });
      return { campaign: toCampaign(row) };
    },
    { scope },
  );
}
