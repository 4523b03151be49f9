import { audit } from '@rapport/kit/crypto';
import { sql } from '@rapport/kit/db';
import { publish } from '@rapport/kit/events';
import { type Call, idempotent } from '@rapport/kit/rpc';
import {
  CampaignPaused,
  CampaignState,
  type PauseCampaignRequest,
  PauseCampaignResponse,
} from '@rapport/proto/marketing/v1';
import type { Deps } from '../deps.js';
import { type CampaignRow, campaignColumns, lockCampaign, toCampaign } from './campaign.js';

export async function pauseCampaign(
  { db, clock }: Deps,
  request: PauseCampaignRequest,
  call: Call,
): Promise<PauseCampaignResponse> {
  const scope = call.scope;
  return idempotent(
    db,
    call,
    request,
    PauseCampaignResponse,
    async (tx) => {
      // Workers hold the campaign's row while they decide, so that what is decided after this knows of the pause.
      const { campaignId } = await lockCampaign(tx, scope, request, CampaignState.CAMPAIGN_STATE_RUNNING);
      const row = await tx.one<CampaignRow>(sql`
        UPDATE campaign SET state = ${CampaignState.CAMPAIGN_STATE_PAUSED}, version = version + 1
        WHERE campaign_id = ${campaignId}::uuid RETURNING ${campaignColumns}`);
      const campaign = toCampaign(row);
      const { organisationPath, segmentVersion } = campaign;
      const message = {
        campaign: campaign.name,
        organisationPath,
        segmentVersion,
        pausedBy: call.principal.subject,
        pauseTime: clock.now(),
      };
      await publish(tx, CampaignPaused, message, { aggregate: campaignId, subject: campaign.name });
      await audit(tx, call, { resource: request.name, change: { state: CampaignState[row.state] } });
      return { campaign };
    },
    { scope },
  );
}
