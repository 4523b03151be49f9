import { get, nameOf } from './client.js';
import type { Balance, Consent, Holding, Party } from './customer.js';
import type { GoldenRecord } from './golden.js';
import type { Household } from './household.js';
import type { BehaviourChange, Goal, LifeEvent, Tag } from './portrait.js';

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
}

/** Read together with the view, for whom they are permitted. */
const parts = ['CUSTOMER_VIEW_PART_GOLDEN_RECORD', 'CUSTOMER_VIEW_PART_HOUSEHOLDS'];

/** Everything that the page of a customer begins with. */
export function getCustomerView(id: string, signal?: AbortSignal) {
  return get<{ view: CustomerView }>(`${nameOf('parties', id)}:view`, { timelineSize: 1, parts }, signal);
}
