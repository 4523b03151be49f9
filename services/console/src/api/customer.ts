import { ask, get, nameOf, write } from './client.js';
import type { BehaviourEvent, LifeEvent } from './portrait.js';
import type { CalendarDate, Money, Paged } from './types.js';

export interface ContactPoint {
  email?: string;
  phone?: string;
  postalAddress?: { lines: string[]; locality: string; region: string; postalCode: string; countryCode: string };
  preferred: boolean;
}

export interface Party {
  /** `parties/{uuid}`. */
  name: string;
  kind: string;
  person?: {
    givenName: string;
    familyName: string;
    sex: string;
    birthDate?: CalendarDate;
    salutation: string;
    /** ISCO-08. */
    occupation: string;
    /** ISIC Rev. 4, of the employer. */
    industry: string;
    education: string;
    income?: { perYear?: Money; asOf?: CalendarDate };
  };
  organisation?: { legalName: string; legalForm: string; registrationNumber: string; industry: string };
  displayName: string;
  source: string;
  sourceKey: string;
  organisationPath: string;
  relationshipManager: string;
  region: string;
  district: string;
  branch: string;
  timeZone: string;
  language: string;
  contactPoints: ContactPoint[];
  identifiers: { kind: string; value: string; countryCode: string }[];
  synthetic: boolean;
  state: string;
  etag: string;
  /** The paths that the caller may not see, with commas between; empty in this answer. */
  masked?: string;
  /** The names that were merged into this one. */
  aliases?: string[];
}

export interface Holding {
  name: string;
  kind: string;
  loan?: { amount?: Money; durationMonths: number; payment?: Money; status: string };
  card?: { type: string };
  standingOrder?: { amount?: Money; purpose: string };
  deposit?: { termMonths: number; maturityDate?: CalendarDate; interestRateBasisPoints: number };
  /** Units in millionths. */
  fund?: { isin: string; unitsMicro: string };
  insurance?: { type: string; sumInsured?: Money; premium?: Money; endDate?: CalendarDate };
  overdraft?: { limit?: Money };
  owners: { party: string; role: string }[];
  sourceKey: string;
  /** Letters and digits alone; empty where it has none. */
  iban: string;
  openedDate?: CalendarDate;
  balance?: Money;
  balanceTime?: string;
  status: string;
}

export interface Transaction {
  name: string;
  direction: string;
  amount?: Money;
  balanceAfter?: Money;
  operation: string;
  bookingDate?: CalendarDate;
  purpose: string;
  kind: string;
  channel: string;
  category: string;
  counterparty?: { account: string; bank: string; name: string };
  valueDate?: CalendarDate;
}

export interface Interaction {
  name: string;
  channel: string;
  direction: string;
  kind: string;
  subject: string;
  note: string;
  staff: string;
  time: string;
}

/** What became of a message of a campaign. */
export interface CampaignStep {
  campaign: string;
  delivery: string;
  channel: string;
  purpose: string;
  decision: string;
  reason: string;
}

/** A step of a case. */
export interface CaseStep {
  caseName: string;
  type: string;
  step: string;
  channel: string;
  isComplaint: boolean;
}

export interface TimelineEntry {
  time: string;
  transaction?: Transaction;
  interaction?: Interaction;
  behaviour?: BehaviourEvent;
  campaign?: CampaignStep;
  caseStep?: CaseStep;
  lifeEvent?: LifeEvent;
}

export interface Consent {
  name: string;
  purpose: string;
  channel: string;
  state: string;
  textVersion: string;
  proof: string;
  effectiveTime: string;
  /** When it ends by itself. */
  expireTime?: string;
  recordedBy: string;
}

export interface Balance {
  kind: string;
  holdings: number;
  balance?: Money;
}

export const searchWays = ['text', 'name', 'email', 'phone', 'identifier', 'account', 'sourceKey'] as const;
export type SearchBy = (typeof searchWays)[number];

/** Parties by whatever was typed, or by one thing that they have. */
export function searchParties(by: SearchBy, text: string, pageToken: string, signal?: AbortSignal) {
  return ask<{ parties: Party[] } & Paged>('parties:search', { [by]: text, pageSize: 20, pageToken }, signal);
}

/** The parties that the caller may see. */
export function listParties(pageToken: string, signal?: AbortSignal) {
  return get<{ parties: Party[] } & Paged>('parties', { pageSize: 20, pageToken }, signal);
}

/** Several parties at once; those that the caller may not see are missing. At most 100. */
export function batchGetParties(names: readonly string[], signal?: AbortSignal) {
  return ask<{ parties: Party[]; missing: string[] }>('parties:batchGet', { names }, signal);
}

/** Which entries of a timeline; empty lists and texts mean all. */
export interface TimelineFilter {
  kinds: readonly string[];
  channels: readonly string[];
  startTime: string;
  endTime: string;
}

/** How many entries a page of a timeline has. */
export const TIMELINE_PAGE = 30;
/** All that happened. */
export const wholeTimeline: TimelineFilter = { kinds: [], channels: [], startTime: '', endTime: '' };

export function listTimeline(id: string, filter: TimelineFilter, pageToken: string, signal?: AbortSignal) {
  const query = { ...filter, pageSize: TIMELINE_PAGE, pageToken };
  return get<{ entries: TimelineEntry[] } & Paged>(`${nameOf('parties', id)}/timeline`, query, signal);
}

/** Everything that the party ever said about consents, the newest first. */
export function listConsentHistory(id: string, pageToken: string, signal?: AbortSignal) {
  const query = { history: true, pageSize: 20, pageToken };
  return get<{ consents: Consent[] } & Paged>(`${nameOf('parties', id)}/consents`, query, signal);
}

export interface Quality {
  /** 0 to 100. */
  score: number;
  parts: { element: string; weight: number; points: number }[];
  issues: { field: string; code: string; severity: string }[];
}

export function getPartyQuality(id: string, signal?: AbortSignal) {
  return get<{ quality: Quality }>(`${nameOf('parties', id)}:quality`, {}, signal);
}

/** Changes the named fields of a party as it was read; the paths are those of the contract. */
export function updateParty({ name, etag }: Party, fields: object, paths: readonly string[]) {
  // In JSON a mask has its paths in camel case.
  const updateMask = paths
    .map((path) => path.replaceAll(/_([a-z])/g, (_all, letter: string) => letter.toUpperCase()))
    .join(',');
  return write<{ party: Party }>(name, { party: { name, etag, ...fields }, updateMask }, 'PATCH');
}

export interface NewConsent {
  purpose: string;
  channel: string;
  state: string;
  textVersion: string;
  proof: string;
  expireTime?: string;
}

export function setConsent(id: string, consent: NewConsent) {
  const parent = nameOf('parties', id);
  return write<{ consent: Consent }>(`${parent}/consents`, { consent });
}

export function recordInteraction(
  id: string,
  interaction: { channel: string; direction: string; kind: string; subject: string; note: string },
) {
  return write<{ interaction: Interaction }>(`${nameOf('parties', id)}/interactions`, {
    interaction: { ...interaction, time: new Date().toISOString() },
  });
}
