import { setTimeout as sleep } from 'node:timers/promises';
import { everything } from '@rapport/kit/db';
import { claimEvents, type EventMeta } from '@rapport/kit/events';
import {
  type HoldingOpened,
  HoldingRole,
  type HoldingUpdated,
  type PartyCreated,
  type PartyMerged,
  type PartyUnmerged,
  type PartyUpdated,
  type TransactionBooked,
} from '@rapport/proto/customer/v1';
import type { SegmentEntered, SegmentExited } from '@rapport/proto/segmentation/v1';
import { firstMeasuredDay, measureParties } from '../behaviour/behaviour.js';
import { dayAt, isoDay } from '../calendar/calendar.js';
import type { Deps } from '../deps.js';
import { followGoals } from '../goal/goal.js';
import { idsIn } from '../party/party.js';
import { applyRules, ruledDefinitions } from './apply-rules.js';
import { followSegments, segmentDefinitions, type SegmentMove } from './follow-segments.js';

type Event<T extends string, M> = { type: `rapport.${T}`; event: M; meta: EventMeta };

/** What the portrait of a party follows. */
export type PortraitEvent =
  | Event<'customer.v1.PartyCreated', PartyCreated>
  | Event<'customer.v1.PartyUpdated', PartyUpdated>
  | Event<'customer.v1.PartyMerged', PartyMerged>
  | Event<'customer.v1.PartyUnmerged', PartyUnmerged>
  | Event<'customer.v1.HoldingOpened', HoldingOpened>
  | Event<'customer.v1.HoldingUpdated', HoldingUpdated>
  | Event<'customer.v1.TransactionBooked', TransactionBooked>
  | Event<'segmentation.v1.SegmentEntered', SegmentEntered>
  | Event<'segmentation.v1.SegmentExited', SegmentExited>;

/** The consumer's name; it names its inbox. */
export const PORTRAIT = 'customer-portrait';

const BEHIND_MS = 10_000;
const REST_MS = 2_000;

/** The parties that an event of this service is about. */
function partiesOf(one: PortraitEvent): string[] {
  switch (one.type) {
    case 'rapport.customer.v1.PartyCreated':
    case 'rapport.customer.v1.PartyUpdated':
      return [one.event.party];
    case 'rapport.customer.v1.PartyMerged':
      return [one.event.survivor];
    case 'rapport.customer.v1.PartyUnmerged':
      return [one.event.party, one.event.survivor];
    case 'rapport.customer.v1.HoldingOpened':
    case 'rapport.customer.v1.HoldingUpdated':
      return one.event.owners.filter(({ role }) => role === HoldingRole.HOLDING_ROLE_OWNER).map(({ party }) => party);
    case 'rapport.customer.v1.TransactionBooked':
      return one.event.parties;
    default:
      return [];
  }
}

function moveOf(one: PortraitEvent): SegmentMove[] {
  const entered = one.type === 'rapport.segmentation.v1.SegmentEntered';
  if (!entered && one.type !== 'rapport.segmentation.v1.SegmentExited') return [];
  const { segment, party } = one.event;
  const time = entered ? one.event.enterTime : one.event.exitTime;
  const partyId = idsIn(party)?.[0];
  return partyId === undefined ? [] : [{ entered, segment, partyId, time: time ?? one.meta.occurred }];
}

/** The first day on which each party's behaviour is to be measured anew; a merge or its undoing touches all days. */
function touchedBy(events: readonly PortraitEvent[], today: string): Map<string, string> {
  const touched = new Map<string, string>();
  for (const one of events) {
    const merged = one.type === 'rapport.customer.v1.PartyMerged' || one.type === 'rapport.customer.v1.PartyUnmerged';
    if (one.type !== 'rapport.customer.v1.TransactionBooked' && !merged) continue;
    const booked = merged ? firstMeasuredDay(today) : one.event.bookingDate && isoDay(one.event.bookingDate);
    for (const name of partiesOf(one)) {
      const id = idsIn(name)?.[0];
      const before = id && touched.get(id);
      if (id && booked && (!before || booked < before)) touched.set(id, booked);
    }
  }
  return touched;
}

/**
 * Applies a batch of events to the portraits of their parties in one transaction, each event once. A party is looked at
 * once for all of its events in the batch. While the events lie behind, as after an import, it rests four times as long
 * as it works, so that importing goes first.
 */
export function followEvents(deps: Deps): (events: PortraitEvent[]) => Promise<void> {
  return async (events) => {
    const started = performance.now();
    await deps.db.plain.transaction(everything, async (tx) => {
      const claimed = await claimEvents(
        tx,
        PORTRAIT,
        events.map(({ meta }) => meta.id),
      );
      const fresh = events.filter(({ meta }) => claimed.has(meta.id));
      if (fresh.length === 0) return;
      const partyIds = [...new Set(fresh.flatMap(partiesOf))].flatMap((name) => idsIn(name)?.[0] ?? []);
      await applyRules(deps, tx, partyIds, await ruledDefinitions(tx));
      await measureParties(deps, tx, touchedBy(fresh, dayAt(deps.clock.now(), deps.bank.timeZone)));
      await followGoals(deps, tx, partyIds);
      const moves = fresh.flatMap(moveOf);
      if (moves.length > 0) await followSegments(deps, tx, moves, await segmentDefinitions(tx));
    });
    const newest = Math.max(...events.map(({ meta }) => meta.occurred.getTime()));
    if (Date.now() - newest > BEHIND_MS) await sleep(Math.min(4 * (performance.now() - started), REST_MS));
  };
}
