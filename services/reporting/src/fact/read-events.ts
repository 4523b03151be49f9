import type { EventMeta, EventReader } from '@rapport/kit/events';
import {
  CaseAssigned,
  CaseClosed,
  CaseOpened,
  CasePriority,
  CaseReopened,
  CaseResolved,
  ComplaintStep,
  ComplaintStepReached,
  SurveyAnswered,
} from '@rapport/proto/cases/v1';
import {
  ConsentChanged,
  ConsentState,
  HoldingKind,
  HoldingOpened,
  HoldingUpdated,
  InteractionDirection,
  InteractionRecorded,
  PartyCreated,
  PartyKind,
  PartyMerged,
  PartyUnmerged,
  PartyUpdated,
  TransactionBooked,
  TransactionDirection,
  TransactionOperation,
} from '@rapport/proto/customer/v1';
import {
  CampaignCompleted,
  CampaignLaunched,
  CampaignPaused,
  CampaignResumed,
  DeliveryDecision,
  DeliveryReason,
  MessageHeld,
  MessageSent,
  MessageSuppressed,
  ReferralAccepted,
  ReferralLost,
  ReferralMade,
  ReferralWon,
} from '@rapport/proto/marketing/v1';
import { ScoresComputed, StaffChanged, UnitChanged } from '@rapport/proto/performance/v1';
import { MembershipReason, SegmentEntered, SegmentExited } from '@rapport/proto/segmentation/v1';
import { Channel, type Money } from '@rapport/proto/type/v1';
import { type DateParts, dayOf } from './day.js';
import type { FactKind, FactRow } from './fact.js';

/** What an event says beside where and when it was published. */
type Content = Omit<FactRow, 'fact' | 'event_id' | 'occurred_date' | 'recorded_time' | 'organisation_path'>;

/** An event as it came: its message, and what is known of it beside. */
export interface FactEvent {
  type: string;
  event: unknown;
  meta: Pick<EventMeta, 'id' | 'occurred' | 'organisationPath'>;
}

interface Reader {
  codec: EventReader;
  fact: FactKind;
  /** When it happened, and the content of its row. */
  read(event: unknown): { at: Date | DateParts | undefined; path: string; content: Content };
}

function reading<T extends { organisationPath: string }>(
  codec: { readonly $type: string; decode(bytes: Uint8Array): T },
  fact: FactKind,
  at: (event: T) => Date | DateParts | undefined,
  content: (event: T) => Content = () => ({}),
  path: (event: T) => string = (event) => event.organisationPath,
): Reader {
  return {
    codec,
    fact,
    read: (given) => {
      const event = given as T;
      return { at: at(event), path: path(event), content: content(event) };
    },
  };
}

/** The word of an enum value: `HOLDING_KIND_STANDING_ORDER` is `standing_order`; an unspecified or unknown one is ''. */
function word(names: Readonly<Record<number, string>>, value: number, prefix: string): string {
  const name = names[value];
  if (value === 0 || !name?.startsWith(prefix)) return '';
  return name.slice(prefix.length).toLowerCase();
}

/** The id at the end of a resource name. */
function idOf(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1);
}

function money(amount: Money | undefined): Content {
  return amount ? { amount_minor: amount.minorUnits, currency: amount.currencyCode } : {};
}

function secondsBetween(from: Date | undefined, to: Date | undefined): Content {
  return from && to ? { seconds: Math.round((to.getTime() - from.getTime()) / 1000) } : {};
}

const channel = (value: Channel) => word(Channel, value, 'CHANNEL_');
const holdingKind = (value: HoldingKind) => word(HoldingKind, value, 'HOLDING_KIND_');

const ofParty = (event: PartyCreated | PartyUpdated): Content => ({
  party_kind: word(PartyKind, event.kind, 'PARTY_KIND_'),
  region: event.region,
  district: event.district,
  branch: event.branch,
  source: event.source,
});

const ofHolding = (event: HoldingOpened | HoldingUpdated): Content => ({ holding_kind: holdingKind(event.kind) });

const ofDelivery = (event: MessageSent | MessageHeld | MessageSuppressed): Content => ({
  campaign: idOf(event.campaign),
  channel: channel(event.channel),
  purpose: event.purpose,
});

const ofCampaign = (event: CampaignPaused | CampaignResumed | CampaignCompleted): Content => ({
  campaign: idOf(event.campaign),
});

const because = (reason: DeliveryReason): Content => ({ reason: word(DeliveryReason, reason, 'DELIVERY_REASON_') });

const ofMembership = (event: SegmentEntered | SegmentExited): Content => ({
  segment: idOf(event.segment),
  reason: word(MembershipReason, event.reason, 'MEMBERSHIP_REASON_'),
});

const ofReferral = (event: ReferralMade | ReferralAccepted | ReferralWon | ReferralLost): Content => ({
  product: idOf(event.product),
  unit: idOf(event.fromUnit),
});

type CaseEvent =
  | CaseOpened
  | CaseAssigned
  | ComplaintStepReached
  | CaseResolved
  | CaseClosed
  | CaseReopened
  | SurveyAnswered;

const ofCase = (event: CaseEvent): Content => ({
  case_type: idOf(event.type),
  complaint: String(event.isComplaint),
  unit: idOf(event.branch),
  channel: channel(event.channel),
  priority: word(CasePriority, event.priority, 'CASE_PRIORITY_'),
  source: event.source,
});

/** Which event makes which fact. Birth dates, sexes, amounts held and names of people are left behind. */
const readers: readonly Reader[] = [
  reading(PartyCreated, 'parties', (event) => event.createTime, ofParty),
  reading(PartyUpdated, 'party_updates', (event) => event.updateTime, ofParty),
  // Each takes away, or gives back, one golden record, where the merged party belongs by itself.
  reading(
    PartyMerged,
    'merges',
    (event) => event.mergeTime,
    () => ({}),
    (event) => event.mergedOrganisationPath || event.organisationPath,
  ),
  reading(PartyUnmerged, 'unmerges', (event) => event.unmergeTime),
  reading(
    HoldingOpened,
    'holdings',
    (event) => event.openedDate,
    (event) => ({ ...ofHolding(event), source: event.source }),
  ),
  reading(HoldingUpdated, 'holding_updates', (event) => event.updateTime, ofHolding),
  reading(
    TransactionBooked,
    'transactions',
    (event) => event.bookingDate,
    (event) => ({
      holding_kind: holdingKind(event.holdingKind),
      direction: word(TransactionDirection, event.direction, 'TRANSACTION_DIRECTION_'),
      operation: word(TransactionOperation, event.operation, 'TRANSACTION_OPERATION_'),
      source: event.source,
      ...money(event.amount),
    }),
  ),
  reading(
    InteractionRecorded,
    'interactions',
    (event) => event.time,
    (event) => ({
      channel: channel(event.channel),
      direction: word(InteractionDirection, event.direction, 'INTERACTION_DIRECTION_'),
    }),
  ),
  reading(
    ConsentChanged,
    'consents',
    (event) => event.effectiveTime,
    (event) => ({
      purpose: event.purpose,
      channel: channel(event.channel),
      consent_state: word(ConsentState, event.state, 'CONSENT_STATE_'),
    }),
  ),
  reading(SegmentEntered, 'segment_entries', (event) => event.enterTime, ofMembership),
  reading(SegmentExited, 'segment_exits', (event) => event.exitTime, ofMembership),
  reading(
    CampaignLaunched,
    'campaign_launches',
    (event) => event.launchTime,
    (event) => ({ campaign: idOf(event.campaign), channel: channel(event.channel), purpose: event.purpose }),
  ),
  reading(CampaignPaused, 'campaign_pauses', (event) => event.pauseTime, ofCampaign),
  reading(CampaignResumed, 'campaign_resumptions', (event) => event.resumeTime, ofCampaign),
  reading(CampaignCompleted, 'campaign_completions', (event) => event.completeTime, ofCampaign),
  reading(MessageSent, 'sends', (event) => event.sendTime, ofDelivery),
  reading(
    MessageHeld,
    'holds',
    (event) => event.decideTime,
    (event) => ({ ...ofDelivery(event), ...because(event.reason) }),
  ),
  reading(
    MessageSuppressed,
    'suppressions',
    (event) => event.decideTime,
    (event) => ({
      ...ofDelivery(event),
      ...because(event.reason),
      decision: word(DeliveryDecision, event.decision, 'DELIVERY_DECISION_'),
    }),
  ),
  reading(ReferralMade, 'referrals', (event) => event.createTime, ofReferral),
  reading(ReferralAccepted, 'referrals_accepted', (event) => event.acceptTime, ofReferral),
  reading(
    ReferralWon,
    'referrals_won',
    (event) => event.closeTime,
    (event) => ({ ...ofReferral(event), ...money(event.amount) }),
  ),
  reading(
    ReferralLost,
    'referrals_lost',
    (event) => event.closeTime,
    (event) => ({ ...ofReferral(event), reason: event.reason }),
  ),
  reading(CaseOpened, 'cases_opened', (event) => event.receiveTime, ofCase),
  reading(CaseAssigned, 'case_assignments', (event) => event.assignTime, ofCase),
  reading(
    ComplaintStepReached,
    'complaint_steps',
    (event) => event.occurTime,
    (event) => ({ ...ofCase(event), step: word(ComplaintStep, event.step, 'COMPLAINT_STEP_') }),
  ),
  reading(
    CaseResolved,
    'cases_resolved',
    (event) => event.resolveTime,
    (event) => ({
      ...ofCase(event),
      in_time: String(event.resolvedInTime),
      ...secondsBetween(event.receiveTime, event.resolveTime),
    }),
  ),
  reading(
    CaseClosed,
    'cases_closed',
    (event) => event.closeTime,
    (event) => ({
      ...ofCase(event),
      in_time: String(event.resolvedInTime),
      ...secondsBetween(event.receiveTime, event.closeTime),
    }),
  ),
  reading(CaseReopened, 'cases_reopened', (event) => event.reopenTime, ofCase),
  reading(
    SurveyAnswered,
    'surveys',
    (event) => event.answerTime,
    (event) => ({ ...ofCase(event), score: event.score }),
  ),
  reading(
    ScoresComputed,
    'scores',
    (event) => event.computeTime,
    (event) => ({ plan: idOf(event.plan) }),
  ),
  reading(
    StaffChanged,
    'staff_changes',
    (event) => event.changeTime,
    (event) => ({ unit: idOf(event.unit) }),
  ),
  reading(
    UnitChanged,
    'unit_changes',
    (event) => event.changeTime,
    (event) => ({ unit: idOf(event.unit) }),
  ),
];

const byType = new Map(readers.map((reader) => [reader.codec.$type, reader]));

/** The events that become facts. */
export const factEvents: readonly EventReader[] = readers.map((reader) => reader.codec);

/**
 * The row of an event. Pure: the same event in the same time zone gives the same row. An event that does not say when it
 * happened counts for the day on which it was published.
 */
export function factOf({ type, event, meta }: FactEvent, zone: string): FactRow {
  const reader = byType.get(type);
  if (!reader) throw new Error(`no fact is made of ${type}`);
  const { at, path, content } = reader.read(event);
  return {
    fact: reader.fact,
    event_id: meta.id,
    occurred_date: dayOf(at, zone) ?? (dayOf(meta.occurred, zone) as string),
    recorded_time: meta.occurred,
    organisation_path: path || meta.organisationPath || '',
    ...content,
  };
}
