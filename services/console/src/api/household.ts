import type { Balance } from './customer.js';
import { get, nameOf, write } from './client.js';
import type { CalendarDate, Paged } from './types.js';

export interface Household {
  /** `households/{uuid}`. */
  name: string;
  kind: string;
  members: { party: string; role: string; joinTime: string; leaveTime?: string }[];
  /** What the members own together; what several of them own counts once. */
  balances: Balance[];
  /** There are members that the caller may not see. */
  partial: boolean;
}

export interface Relationship {
  name: string;
  fromParty: string;
  toParty: string;
  kind: string;
  /** Hundredths of a percent; 0 when not known. */
  share: number;
  startDate?: CalendarDate;
  endDate?: CalendarDate;
  etag: string;
}

export interface Assignment {
  relationshipManager: string;
  organisationPath: string;
  branch: string;
  startTime?: string;
  endTime?: string;
  reason: string;
}

export interface ContactWindow {
  days: string[];
  /** `HH:MM` in the customer's time zone. */
  start: string;
  end: string;
}

export interface Preferences {
  channel: string;
  contactWindows: ContactWindow[];
  topics: string[];
  updateTime?: string;
  etag: string;
}

export function listHouseholds(id: string, signal?: AbortSignal) {
  return get<{ households: Household[] }>(`${nameOf('parties', id)}/households`, {}, signal);
}

export interface HouseholdSuggestion {
  party: string;
  displayName: string;
  evidence: string[];
}

export function suggestHouseholdMembers(id: string, signal?: AbortSignal) {
  return get<{ suggestions: HouseholdSuggestion[] }>(`${nameOf('parties', id)}/householdSuggestions`, {}, signal);
}

export function createHousehold(kind: string, members: { party: string; role: string }[]) {
  return write<{ household: Household }>('households', { household: { kind, members } });
}

export function addHouseholdMember(name: string, member: { party: string; role: string }) {
  return write<{ household: Household }>(`${name}:addMember`, { member });
}

export function removeHouseholdMember(name: string, party: string) {
  return write<{ household: Household }>(`${name}:removeMember`, { party });
}

export function listRelationships(id: string, history: boolean, pageToken: string, signal?: AbortSignal) {
  const query = { history, pageSize: 20, pageToken };
  return get<{ relationships: Relationship[] } & Paged>(`${nameOf('parties', id)}/relationships`, query, signal);
}

export function listAssignments(id: string, pageToken: string, signal?: AbortSignal) {
  const query = { pageSize: 10, pageToken };
  return get<{ assignments: Assignment[] } & Paged>(`${nameOf('parties', id)}/assignments`, query, signal);
}

export function getPreferences(id: string, signal?: AbortSignal) {
  return get<{ preferences: Preferences }>(`${nameOf('parties', id)}/preferences`, {}, signal);
}

export function setPreferences(id: string, preferences: Omit<Preferences, 'updateTime'>) {
  return write<{ preferences: Preferences }>(`${nameOf('parties', id)}/preferences`, { preferences }, 'PUT');
}
