import { get, nameOf } from './client.js';
import {
  type Balance,
  type Consent,
  type Holding,
  type Party,
  type Quality,
  TIMELINE_PAGE,
  type TimelineEntry,
} from './customer.js';
import type { GoldenRecord, Merge } from './golden.js';
import type { Assignment, Household, Preferences, Relationship } from './household.js';
import type { BehaviourChange, Goal, LifeEvent, Tag } from './portrait.js';
import type { DataSubjectRequest } from './privacy.js';
import type { Spending } from './spending.js';
import type { CalendarDate } from './types.js';

/** The 360: each part with the moment that it is true of. */
export interface CustomerView {
  party?: { party: Party; asOf: string };
  holdings?: { holdings: Holding[]; total: number; asOf: string };
  balances?: { balances: Balance[]; asOf: string };
  consents?: { consents: Consent[]; asOf: string };
  portrait?: { tags: Tag[]; asOf: string };
  lifeEvents?: { lifeEvents: LifeEvent[]; asOf: string };
  goals?: { goals: Goal[]; asOf: string };
  behaviourChanges?: { behaviourChanges: BehaviourChange[]; asOf: string };
  /** Only for whom it is permitted. */
  goldenRecord?: { goldenRecord: GoldenRecord; asOf: string };
  /** As above. */
  households?: { households: Household[]; asOf: string };
  /** As above. */
  preferences?: { preferences: Preferences; asOf: string };
  /** As above; the first page. */
  relationships?: { relationships: Relationship[]; more: boolean; asOf: string };
  /** As above. */
  spending?: { spending: Spending[]; startDate: CalendarDate; endDate: CalendarDate; asOf: string };
  /** As above; the first page. */
  assignments?: { assignments: Assignment[]; more: boolean; asOf: string };
  /** As above. */
  quality?: { quality: Quality; asOf: string };
  /** As above; the first page. */
  merges?: { merges: Merge[]; more: boolean; asOf: string };
  /** As above; the first page. */
  dataSubjectRequests?: { dataSubjectRequests: DataSubjectRequest[]; more: boolean; asOf: string };
  partyNames?: { labels: { party: string; displayName: string }[]; asOf: string };
  timeline?: { entries: TimelineEntry[]; nextPageToken: string; asOf: string };
}

/** Read together with the view, for whom they are permitted. */
const parts = [
  ...['GOLDEN_RECORD', 'HOUSEHOLDS', 'PREFERENCES', 'RELATIONSHIPS', 'SPENDING', 'ASSIGNMENTS', 'QUALITY', 'MERGES'],
  ...['DATA_SUBJECT_REQUESTS', 'SENSITIVE', 'PARTY_NAMES'],
].map((part) => `CUSTOMER_VIEW_PART_${part}`);

/** Everything that the page of a customer begins with. */
export function getCustomerView(id: string, signal?: AbortSignal) {
  return get<{ view: CustomerView }>(`${nameOf('parties', id)}:view`, { timelineSize: TIMELINE_PAGE, parts }, signal);
}
