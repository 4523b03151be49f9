import { get, nameOf, write } from './client.js';
import type { Paged } from './types.js';

export interface Campaign {
  /** `campaigns/{uuid}`. */
  name: string;
  title: string;
  segmentVersion: string;
  templateVersion: string;
  offer: string;
  channel: string;
  purpose: string;
  organisationPath: string;
  onEnter: boolean;
  holdoutPercent: number;
  values: Record<string, string>;
  state: string;
  createdBy: string;
  approvedBy: string;
  createTime: string;
  approveTime?: string;
  launchTime?: string;
  completeTime?: string;
  etag: string;
}

export interface ReasonCount {
  reason: string;
  count: string;
}

export interface CampaignSummary {
  state: string;
  audience: string;
  pending: string;
  sent: string;
  held: ReasonCount[];
  suppressed: ReasonCount[];
  holdout: string;
  failed: ReasonCount[];
  asOf: string;
}

/** What a check of the contact gate found, for the sentence in the language of the reader. */
export interface GateFinding {
  code: string;
  messages: number;
  messagesAllowed: number;
  days: number;
  startTime: string;
  endTime: string;
}

export interface Delivery {
  name: string;
  campaign: string;
  party: string;
  decision: string;
  reason: string;
  checks: { kind: string; passed: boolean; finding: string; findings: GateFinding[] }[];
  attempts: number;
  decideTime?: string;
  retryTime?: string;
  traceId: string;
  createTime: string;
}

export interface Template {
  name: string;
  title: string;
  latestVersion?: {
    name: string;
    variables: { key: string; required: boolean; description: string; example: string }[];
    variants: { language: string; subject: string; textBody: string }[];
  };
}

export interface Offer {
  name: string;
  title: string;
}

export const listCampaigns = (state: string, pageToken: string, signal?: AbortSignal) =>
  get<{ campaigns: Campaign[] } & Paged>('campaigns', { pageSize: 20, pageToken, state }, signal);

export const getCampaign = (id: string, signal?: AbortSignal) =>
  get<{ campaign: Campaign }>(nameOf('campaigns', id), {}, signal);

export const getCampaignSummary = (id: string, signal?: AbortSignal) =>
  get<CampaignSummary>(`${nameOf('campaigns', id)}:summary`, {}, signal);

export type CampaignStep = 'submit' | 'approve' | 'launch' | 'pause';

export const moveCampaign = (campaign: Campaign, step: CampaignStep) =>
  write<{ campaign: Campaign }>(`${campaign.name}:${step}`, { etag: campaign.etag });

export type NewCampaign = Pick<
  Campaign,
  | 'title'
  | 'segmentVersion'
  | 'templateVersion'
  | 'offer'
  | 'channel'
  | 'purpose'
  | 'organisationPath'
  | 'onEnter'
  | 'holdoutPercent'
  | 'values'
>;

export const createCampaign = (campaign: NewCampaign) => write<{ campaign: Campaign }>('campaigns', { campaign });

export const listDeliveries = (
  filter: { campaign?: string; party?: string; decision?: string; reason?: string },
  pageToken: string,
  signal?: AbortSignal,
) => get<{ deliveries: Delivery[] } & Paged>('deliveries', { ...filter, pageSize: 20, pageToken }, signal);

export const explainDelivery = (campaignId: string, party: string, signal?: AbortSignal) =>
  get<{ decision: string; reason: string; explanation: string; delivery?: Delivery }>(
    `${nameOf('campaigns', campaignId)}:explainDelivery`,
    { party },
    signal,
  );

export const listTemplates = (signal?: AbortSignal) =>
  get<{ templates: Template[] } & Paged>('templates', { pageSize: 1000 }, signal);

export const listOffers = (signal?: AbortSignal) =>
  get<{ offers: Offer[] } & Paged>('offers', { pageSize: 1000 }, signal);
