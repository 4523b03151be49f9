import { type Database, everything } from '@rapport/kit/db';
import type { Contactability } from '@rapport/proto/customer/v1';
import { type CampaignRow, findCampaign, toCampaign } from '../campaign/campaign.js';
import { findOfferAt } from '../offer/offer.js';
import { loadVersion, readValues, type Rendered, renderMessage, type Values } from '../template/template.js';

/** What a campaign's messages are made of. None of it changes after the campaign was handed in. */
export interface Material {
  campaign: CampaignRow;
  render(contact: Contactability): Rendered;
}

const MAX_KEPT = 200;

/** Loads the materials of campaigns, each once. */
export function createMaterials(db: Database): (campaignId: string) => Promise<Material> {
  const kept = new Map<string, Promise<Material>>();
  return (campaignId) => {
    const known = kept.get(campaignId);
    if (known) return known;
    if (kept.size >= MAX_KEPT) kept.clear();
    const loading = load(db, campaignId);
    kept.set(campaignId, loading);
    loading.catch(() => kept.delete(campaignId));
    return loading;
  };
}

async function load(db: Database, campaignId: string): Promise<Material> {
  const campaign = await findCampaign(db.system, everything, `campaigns/${campaignId}`);
  if (!campaign) throw new Error(`there is no campaign ${campaignId}`);
  const version = await loadVersion(db.system, campaign.templateId, campaign.templateVersion);
  if (!version) throw new Error(`campaign ${campaignId} has no template`);
  const { offer: offerName } = toCampaign(campaign);
  const offer = offerName === '' ? undefined : await findOfferAt(db.system, campaign.organisationPath, offerName);
  const values: Values = {
    ...readValues(version.variables, campaign.values, 'values'),
    'offer.title': offer?.title ?? '',
    'offer.terms': offer?.terms ?? '',
    'product.title': offer?.productTitle ?? '',
  };
  return {
    campaign,
    render: (contact) =>
      renderMessage(version.variants, contact.language, {
        ...values,
        'party.display_name': contact.displayName,
        'party.salutation': contact.salutation,
        'party.given_name': contact.givenName,
        'party.family_name': contact.familyName,
      }),
  };
}
