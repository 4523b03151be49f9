import { ask, get, nameOf, write } from './client.js';
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
  person?: { givenName: string; familyName: string; sex: string; birthDate?: CalendarDate; salutation: string };
  organisation?: { legalName: string; legalForm: string; registrationNumber: string };
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
  synthetic: boolean;
  state: string;
  /** The names that were merged into this one. */
  aliases?: string[];
}

export interface Holding {
  name: string;
  kind: string;
  loan?: { amount?: Money; durationMonths: number; payment?: Money; status: string };
  card?: { type: string };
  standingOrder?: { amount?: Money; purpose: string };
  owners: { party: string; role: string }[];
  sourceKey: string;
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

export interface TimelineEntry {
  time: string;
  transaction?: Transaction;
  interaction?: Interaction;
}

export interface Consent {
  name: string;
  purpose: string;
  channel: string;
  state: string;
  textVersion: string;
  effectiveTime: string;
  recordedBy: string;
}

/** The 360: each part with the moment that it is true of. */
export interface CustomerView {
  party?: { party: Party; asOf: string };
  holdings?: { holdings: Holding[]; total: number; asOf: string };
  balances?: { balances: { kind: string; holdings: number; balance?: Money }[]; asOf: string };
  consents?: { consents: Consent[]; asOf: string };
}

export type SearchBy = 'name' | 'email' | 'phone';

/** Parties by part of their name, or by an exact e-mail or phone. */
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

export function getCustomerView(id: string, signal?: AbortSignal) {
  return get<{ view: CustomerView }>(`${nameOf('parties', id)}:view`, { timelineSize: 1 }, signal);
}

export function listTimeline(id: string, kind: string, pageToken: string, signal?: AbortSignal) {
  const query = { pageSize: 30, pageToken, kind };
  return get<{ entries: TimelineEntry[] } & Paged>(`${nameOf('parties', id)}/timeline`, query, signal);
}

export interface NewConsent {
  purpose: string;
  channel: string;
  state: string;
  textVersion: string;
  proof: string;
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
