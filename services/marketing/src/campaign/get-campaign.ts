import type { Call } from '@rapport/kit/rpc';
import type { GetCampaignRequest, GetCampaignResponse } from '@rapport/proto/marketing/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { findCampaign, toCampaign } from './campaign.js';

export async function getCampaign({ db }: Deps, request: GetCampaignRequest, call: Call): Promise<GetCampaignResponse> {
  const scope = call.scope;
  const row = await findCampaign(db.scoped(scope), scope, request.name);
  if (!row) throw fail('CAMPAIGN_NOT_FOUND', { metadata: { campaign: request.name } });
  return { campaign: toCampaign(row) };
}
