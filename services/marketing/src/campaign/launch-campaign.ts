import { audit } from '@rapport/kit/crypto';
import { sql } from '@rapport/kit/db';
import { publish } from '@rapport/kit/events';
import { type Call, idempotent } from '@rapport/kit/rpc';
import { inject } from '@rapport/kit/telemetry';
import {
  CampaignLaunched,
  CampaignResumed,
  CampaignState,
  DeliveryReason,
  type LaunchCampaignRequest,
  LaunchCampaignResponse,
} from '@rapport/proto/marketing/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import {
  type CampaignRow,
  campaignColumns,
  findCampaign,
  lockCampaign,
  reserveSegment,
  toCampaign,
} from './campaign.js';

/**
 * Starts a campaign or goes on with a paused one. The audience is read afterwards by `fillAudiences`, the messages are
 * sent by the delivery workers; both carry on the trace of this call.
 */
export async function launchCampaign(
  { db, clock, segmentation, wake }: Deps,
  request: LaunchCampaignRequest,
  call: Call,
): Promise<LaunchCampaignResponse> {
  const scope = call.scope;
  const found = await findCampaign(db.scoped(scope), scope, request.name);
  if (!found) throw fail('CAMPAIGN_NOT_FOUND', { metadata: { campaign: request.name } });
  const { segmentVersion } = toCampaign(found);
  const { CAMPAIGN_STATE_APPROVED: approved, CAMPAIGN_STATE_PAUSED: paused } = CampaignState;
  // Asked outside of the transaction and told inside, so that a repeated request gets its stored answer either way. What
  // cannot start reserves nothing; one that was brought where it can just now is refused once more.
  let segment: Error | undefined;
  if (![approved, paused].includes(found.state)) {
    segment = fail('CAMPAIGN_STATE', { metadata: { campaign: request.name, state: CampaignState[found.state] ?? '' } });
  } else {
    try {
      await reserveSegment(segmentation, call, toCampaign(found));
    } catch (error) {
      segment = error as Error;
    }
  }
  return idempotent(
    db,
    call,
    request,
    LaunchCampaignResponse,
    async (tx) => {
      const before = await lockCampaign(tx, scope, request, approved, paused);
      if (segment) throw segment;
      const now = clock.now();
      const first = before.state === approved;
      const row = await tx.one<CampaignRow>(sql`
        UPDATE campaign SET state = ${CampaignState.CAMPAIGN_STATE_RUNNING}, version = version + 1,
          launch_time = coalesce(launch_time, ${now}),
          traceparent = CASE WHEN ${first} THEN ${inject() ?? ''} ELSE traceparent END
        WHERE campaign_id = ${before.campaignId}::uuid RETURNING ${campaignColumns}`);
      // What a pause has held is looked at again. A worker that saw the pause has committed by now: it locks the campaign.
      await tx.run(sql`
        UPDATE delivery SET due_time = ${now}, retry_time = ${now}
        WHERE campaign_id = ${before.campaignId}::uuid AND state = 3
          AND reason = ${DeliveryReason.DELIVERY_REASON_CAMPAIGN_PAUSED}`);
      const { name, organisationPath } = toCampaign(row);
      const options = { aggregate: row.campaignId, subject: name };
      const by = call.principal.subject;
      if (!first) {
        const message = { campaign: name, organisationPath, segmentVersion, resumedBy: by, resumeTime: now };
        await publish(tx, CampaignResumed, message, options);
      } else {
        const { templateVersion, channel, purpose, onEnter, holdoutPercent } = toCampaign(row);
        const message = {
          campaign: name,
          organisationPath,
          segmentVersion,
          templateVersion,
          channel,
          purpose,
          onEnter,
          holdoutPercent,
          launchedBy: by,
          launchTime: now,
        };
        await publish(tx, CampaignLaunched, message, options);
      }
      await audit(tx, call, { resource: request.name, change: { state: CampaignState[row.state] } });
      tx.afterCommit(wake);
      return { campaign: toCampaign(row) };
    },
    { scope },
  );
}
