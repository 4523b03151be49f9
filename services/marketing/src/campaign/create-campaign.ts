import { audit } from '@rapport/kit/crypto';
import { type Call, idempotent } from '@rapport/kit/rpc';
import { uuidv7 } from '@rapport/kit/runtime';
import { CampaignState, type CreateCampaignRequest, CreateCampaignResponse } from '@rapport/proto/marketing/v1';
import { Channel } from '@rapport/proto/type/v1';
import { assertInside, idOf } from '../access/access.js';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { findOfferAt } from '../offer/offer.js';
import { findTemplateAt, readValues, toTemplateVersion } from '../template/template.js';
import { checkSegment, toCampaign } from './campaign.js';

export async function createCampaign(
  { db, clock, segmentation }: Deps,
  request: CreateCampaignRequest,
  call: Call,
): Promise<CreateCampaignResponse> {
  const { campaign } = request;
  if (!campaign) throw new TypeError('validation lets no request without a campaign pass');
  const { title, channel, purpose, organisationPath, onEnter, holdoutPercent, values } = campaign;
  const scope = call.scope;
  assertInside(scope, organisationPath);
  if (channel !== Channel.CHANNEL_EMAIL) {
    throw fail('CHANNEL_UNSUPPORTED', {
      violations: [{ field: 'campaign.channel', description: 'must be CHANNEL_EMAIL' }],
    });
  }
  // Asked outside of the transaction and told inside, so that a repeated request gets its stored answer either way.
  const segment = await outcome(checkSegment(segmentation, call, campaign.segmentVersion));
  const [segmentId = '', segmentVersion] = idOf(campaign.segmentVersion).split('@');
  return idempotent(
    db,
    call,
    request,
    CreateCampaignResponse,
    async (tx) => {
      const template = await findTemplateAt(tx, organisationPath, campaign.templateVersion);
      if (!template) throw fail('TEMPLATE_NOT_FOUND', { metadata: { template: campaign.templateVersion } });
      readValues(toTemplateVersion(template).variables, values, 'campaign.values');
      const offer = campaign.offer === '' ? undefined : await findOfferAt(tx, organisationPath, campaign.offer);
      if (campaign.offer !== '' && !offer) throw fail('OFFER_NOT_FOUND', { metadata: { offer: campaign.offer } });
      if (segment !== undefined) throw segment;
      const row = {
        campaignId: uuidv7(),
        title,
        segmentId,
        segmentVersion: Number(segmentVersion),
        templateId: template.templateId,
        templateVersion: template.version,
        offerId: offer?.offerId ?? null,
        channel,
        purpose,
        organisationPath,
        onEnter,
        holdoutPercent,
        values,
        state: CampaignState.CAMPAIGN_STATE_DRAFT,
        createdBy: call.principal.subject,
        createTime: clock.now(),
      };
      await tx.prisma.campaign.create({ data: row });
      await audit(tx, call, {
        resource: `campaigns/${row.campaignId}`,
        change: { segment_version: campaign.segmentVersion, template_version: campaign.templateVersion, purpose },
      });
      const fresh = { approvedBy: '', approveTime: null, launchTime: null, completeTime: null, version: 1 };
      return { campaign: toCampaign({ ...row, ...fresh, traceparent: '' }) };
    },
    { scope },
  );
}

async function outcome(check: Promise<void>): Promise<Error | undefined> {
  try {
    await check;
    return undefined;
  } catch (error) {
    return error as Error;
  }
}
