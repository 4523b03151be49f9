import { type EventHandler, on, operations } from '@rapport/kit/events';
import { type Route, route } from '@rapport/kit/rpc';
import { PartyErasureRequested, PartyMerged, PartyUnmerged } from '@rapport/proto/customer/v1';
import { MarketingServiceService } from '@rapport/proto/marketing/v1';
import { SegmentEntered } from '@rapport/proto/segmentation/v1';
import { approveCampaign } from './campaign/approve-campaign.js';
import { createCampaign } from './campaign/create-campaign.js';
import { getCampaign } from './campaign/get-campaign.js';
import { getCampaignSummary } from './campaign/get-campaign-summary.js';
import { launchCampaign } from './campaign/launch-campaign.js';
import { listCampaigns } from './campaign/list-campaigns.js';
import { onSegmentEntered } from './campaign/on-segment-entered.js';
import { pauseCampaign } from './campaign/pause-campaign.js';
import { submitCampaign } from './campaign/submit-campaign.js';
import { getContactPolicy } from './contact-policy/get-contact-policy.js';
import { setContactPolicy } from './contact-policy/set-contact-policy.js';
import { explainDelivery } from './delivery/explain-delivery.js';
import { listDeliveries } from './delivery/list-deliveries.js';
import type { Deps } from './deps.js';
import { onPartyMerged, onPartyUnmerged } from './merge/merge.js';
import { createOffer } from './offer/create-offer.js';
import { getOffer } from './offer/get-offer.js';
import { listOffers } from './offer/list-offers.js';
import { createProduct } from './product/create-product.js';
import { getProduct } from './product/get-product.js';
import { listProducts } from './product/list-products.js';
import { acceptReferral } from './referral/accept-referral.js';
import { createReferral } from './referral/create-referral.js';
import { getReferral } from './referral/get-referral.js';
import { listReferrals } from './referral/list-referrals.js';
import { loseReferral } from './referral/lose-referral.js';
import { winReferral } from './referral/win-referral.js';
import { addSuppression } from './suppression/add-suppression.js';
import { listSuppressions } from './suppression/list-suppressions.js';
import { removeSuppression } from './suppression/remove-suppression.js';
import { createTemplate } from './template/create-template.js';
import { createTemplateVersion } from './template/create-template-version.js';
import { getTemplate } from './template/get-template.js';
import { listTemplates } from './template/list-templates.js';
import { renderTemplate } from './template/render-template.js';

import { onPartyErasureRequested } from './privacy/erase-party.js';
import { personalData } from './privacy/personal-data.js';

/** The routing table: one line per RPC. */
export function routes(deps: Deps): Route[] {
  return [
    route(MarketingServiceService, {
      createProduct: (request, call) => createProduct(deps, request, call),
      getProduct: (request, call) => getProduct(deps, request, call),
      listProducts: (request, call) => listProducts(deps, request, call),
      createOffer: (request, call) => createOffer(deps, request, call),
      getOffer: (request, call) => getOffer(deps, request, call),
      listOffers: (request, call) => listOffers(deps, request, call),
      createTemplate: (request, call) => createTemplate(deps, request, call),
      createTemplateVersion: (request, call) => createTemplateVersion(deps, request, call),
      getTemplate: (request, call) => getTemplate(deps, request, call),
      listTemplates: (request, call) => listTemplates(deps, request, call),
      renderTemplate: (request, call) => renderTemplate(deps, request, call),
      createCampaign: (request, call) => createCampaign(deps, request, call),
      submitCampaign: (request, call) => submitCampaign(deps, request, call),
      approveCampaign: (request, call) => approveCampaign(deps, request, call),
      launchCampaign: (request, call) => launchCampaign(deps, request, call),
      pauseCampaign: (request, call) => pauseCampaign(deps, request, call),
      getCampaign: (request, call) => getCampaign(deps, request, call),
      listCampaigns: (request, call) => listCampaigns(deps, request, call),
      getCampaignSummary: (request, call) => getCampaignSummary(deps, request, call),
      listDeliveries: (request, call) => listDeliveries(deps, request, call),
      explainDelivery: (request, call) => explainDelivery(deps, request, call),
      getContactPolicy: (request, call) => getContactPolicy(deps, request, call),
      setContactPolicy: (request, call) => setContactPolicy(deps, request, call),
      addSuppression: (request, call) => addSuppression(deps, request, call),
      removeSuppression: (request, call) => removeSuppression(deps, request, call),
      listSuppressions: (request, call) => listSuppressions(deps, request, call),
      createReferral: (request, call) => createReferral(deps, request, call),
      acceptReferral: (request, call) => acceptReferral(deps, request, call),
      winReferral: (request, call) => winReferral(deps, request, call),
      loseReferral: (request, call) => loseReferral(deps, request, call),
      getReferral: (request, call) => getReferral(deps, request, call),
      listReferrals: (request, call) => listReferrals(deps, request, call),
    }),
    operations({
      service: 'marketing',
      db: deps.db,
      verifyAudit: deps.verifyAudit,
      personalData: personalData(deps),
    }),
  ];
}

/** The events this service hears: one line each. */
export function handlers(deps: Deps): EventHandler[] {
  return [
    on(SegmentEntered, onSegmentEntered(deps)),
    on(PartyMerged, onPartyMerged),
    on(PartyUnmerged, onPartyUnmerged),
  ];
}

/** Erasures, in a consumer of their own: they must not wait behind an event of the party that nobody could take. */
export const erasures: EventHandler[] = [on(PartyErasureRequested, onPartyErasureRequested)];
