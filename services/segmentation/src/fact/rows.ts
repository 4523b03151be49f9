import {
  type BehaviourChanged,
  BehaviourKind,
  type BehaviourRecorded,
  type ConsentChanged,
  ConsentState,
  EducationLevel,
  GoalKind,
  type GoalReached,
  type GoalSet,
  GoalState,
  HoldingKind,
  type HoldingOpened,
  HoldingRole,
  type HoldingUpdated,
  HouseholdKind,
  HouseholdRole,
  type HouseholdChanged,
  InteractionDirection,
  type InteractionRecorded,
  LifeEventCertainty,
  LifeEventKind,
  type LifeEventRecorded,
  type LifeEventRetracted,
  MeasureKind,
  type PartyCreated,
  PartyKind,
  PartyState,
  type PartyUpdated,
  Sex,
  TagSource,
  type TagRemoved,
  type TagSet,
  type TransactionBooked,
  TransactionChannel,
  TransactionDirection,
  TransactionOperation,
} from '@rapport/proto/customer/v1';
import { Channel } from '@rapport/proto/type/v1';
import { industrySections, occupationGroups } from './livelihood.js';
import { day, idOf, partyOf, wholeUnits, word } from './values.js';

/** The party as it is now. */
export function partyRow(event: PartyCreated | PartyUpdated, version: bigint): object {
  return {
    party: idOf(event.party),
    organisation_path: event.organisationPath,
    // As the subject of that employee's tokens.
    manager: event.relationshipManager,
    kind: word(PartyKind, event.kind, 'PARTY_KIND_'),
    sex: word(Sex, event.sex, 'SEX_'),
    birth_date: day(event.birthDate),
    region: event.region,
    district: event.district,
    branch: event.branch,
    source: event.source,
    state: word(PartyState, event.state, 'PARTY_STATE_'),
    language: event.language,
    occupation: occupationGroups[event.occupation.charAt(0)] ?? '',
    occupation_code: event.occupation,
    industry: industrySections[event.industry.charAt(0)] ?? '',
    industry_code: event.industry,
    education: word(EducationLevel, event.education, 'EDUCATION_LEVEL_'),
    income: event.income ? wholeUnits(event.income) : null,
    version,
  };
}

/** One row for each who has it; whoever has it no longer keeps a row that says so. */
export function holdingRows(event: HoldingOpened | HoldingUpdated, version: bigint): object[] {
  const former = 'formerOwners' in event ? event.formerOwners : [];
  const common = {
    holding: idOf(event.holding),
    organisation_path: event.organisationPath,
    kind: word(HoldingKind, event.kind, 'HOLDING_KIND_'),
    opened_date: day(event.openedDate),
    closed_date: 'closedDate' in event ? day(event.closedDate) : 0,
    amount: event.amount ? wholeUnits(event.amount) : null,
    card_type: event.cardType,
    version,
  };
  return [
    ...event.owners.map(({ party, role }) => ({
      party: idOf(party),
      owner: role === HoldingRole.HOLDING_ROLE_OWNER,
      ...common,
    })),
    ...former.map((party) => ({ party: idOf(party), owner: false, ...common })),
  ];
}

/** One row for each owner. A transaction without an owner is kept under the party of its name, owned by nobody. */
export function transactionRows(event: TransactionBooked, version: bigint): object[] {
  const owned = event.parties.length > 0;
  const parties = owned ? event.parties.map(idOf) : [partyOf(event.transaction)];
  const common = {
    booking_date: day(event.bookingDate),
    transaction: idOf(event.transaction),
    holding: idOf(event.holding),
    organisation_path: event.organisationPath,
    holding_kind: word(HoldingKind, event.holdingKind, 'HOLDING_KIND_'),
    owner: owned,
    sequence: event.sequence,
    direction: word(TransactionDirection, event.direction, 'TRANSACTION_DIRECTION_'),
    operation: word(TransactionOperation, event.operation, 'TRANSACTION_OPERATION_'),
    amount: event.amount ? wholeUnits(event.amount) : '0',
    category: event.category,
    channel: word(TransactionChannel, event.channel, 'TRANSACTION_CHANNEL_'),
    merchant_category: event.merchantCategory,
    purpose: event.purpose,
    counterparty: event.counterpartyToken,
    balance_after: event.balanceAfter ? wholeUnits(event.balanceAfter) : null,
    version,
  };
  return parties.map((party) => ({ party, ...common }));
}

/** What holds from a time on. */
export function consentRow(event: ConsentChanged, version: bigint, occurred: Date): object {
  return {
    party: idOf(event.party),
    purpose: event.purpose,
    channel: word(Channel, event.channel, 'CHANNEL_'),
    effective_time: event.effectiveTime ?? occurred,
    consent: idOf(event.consent),
    organisation_path: event.organisationPath,
    granted: event.state === ConsentState.CONSENT_STATE_GRANTED,
    version,
  };
}

/** The place of a party in a household from a time on. */
export function householdMemberRow(event: HouseholdChanged, version: bigint, occurred: Date): object {
  return {
    party: idOf(event.party),
    member: idOf(event.party),
    household: idOf(event.household),
    change_time: event.changeTime ?? occurred,
    kind: word(HouseholdKind, event.kind, 'HOUSEHOLD_KIND_'),
    role: word(HouseholdRole, event.role, 'HOUSEHOLD_ROLE_'),
    version,
  };
}

/** How many members a household has from a time on. */
export function householdRow(event: HouseholdChanged, version: bigint, occurred: Date): object {
  return {
    household: idOf(event.household),
    change_time: event.changeTime ?? occurred,
    members: event.members,
    version,
  };
}

/** Later than any day a rule asks for. */
const FOR_GOOD = new Date('2299-12-31T00:00:00Z');
const ENDED = new Date(0);

/** A ground of a tag, and until when it holds. */
export function tagRow(event: TagSet | TagRemoved, version: bigint, occurred: Date): object {
  const removed = 'stillHeld' in event;
  return {
    party: idOf(event.party),
    member: idOf(event.party),
    definition: idOf(event.definition),
    source: word(TagSource, event.source, 'TAG_SOURCE_'),
    reference: event.reference,
    time: (removed ? event.removeTime : event.setTime) ?? occurred,
    held_until: removed ? ENDED : (event.expireTime ?? FOR_GOOD),
    version,
  };
}

/** Class C3: no segment is made of them. */
const SPARED: readonly LifeEventKind[] = [
  LifeEventKind.LIFE_EVENT_KIND_DIVORCE,
  LifeEventKind.LIFE_EVENT_KIND_BEREAVEMENT,
  LifeEventKind.LIFE_EVENT_KIND_INHERITANCE,
];

/** What happened in the life of a party; without a kind when it was taken back or is of class C3. */
export function lifeEventRow(event: LifeEventRecorded | LifeEventRetracted, version: bigint): object {
  const row = { party: idOf(event.party), life_event: idOf(event.lifeEvent), version };
  if (!('kind' in event) || SPARED.includes(event.kind)) return { ...row, kind: '', certainty: '', start_date: 0 };
  const other = event.kind === LifeEventKind.LIFE_EVENT_KIND_OTHER && event.otherKind !== '';
  return {
    ...row,
    kind: other ? event.otherKind : word(LifeEventKind, event.kind, 'LIFE_EVENT_KIND_'),
    certainty: word(LifeEventCertainty, event.certainty, 'LIFE_EVENT_CERTAINTY_'),
    start_date: day(event.startDate),
  };
}

/** A contact between the bank and a party. */
export function interactionRow(event: InteractionRecorded, version: bigint, occurred: Date): object {
  return {
    party: idOf(event.party),
    time: event.time ?? occurred,
    interaction: idOf(event.interaction),
    channel: word(Channel, event.channel, 'CHANNEL_'),
    direction: word(InteractionDirection, event.direction, 'INTERACTION_DIRECTION_'),
    kind: event.kind,
    version,
  };
}

/** What a party did in the app or on the web, a row for each. */
export function behaviourRows(event: BehaviourRecorded, version: bigint, occurred: Date): object[] {
  return event.events.map(({ id, time, kind, channel, topic }) => ({
    party: idOf(event.party),
    time: time ?? occurred,
    event: id,
    kind: word(BehaviourKind, kind, 'BEHAVIOUR_KIND_'),
    channel: word(Channel, channel, 'CHANNEL_'),
    topic,
    version,
  }));
}

/** What a party saves for from a time on. */
export function goalRow(event: GoalSet | GoalReached, version: bigint, occurred: Date): object {
  const set = 'state' in event ? event : undefined;
  return {
    party: idOf(event.party),
    goal: idOf(event.goal),
    time: ('state' in event ? event.setTime : event.reachTime) ?? occurred,
    kind: word(GoalKind, event.kind, 'GOAL_KIND_'),
    state: set ? word(GoalState, set.state, 'GOAL_STATE_') : 'reached',
    target: event.target ? wholeUnits(event.target) : '0',
    target_date: day(set?.targetDate),
    reached: set === undefined,
    version,
  };
}

/** A departure from what was usual for a party. */
export function behaviourChangeRow(event: BehaviourChanged, version: bigint): object {
  return {
    party: idOf(event.party),
    behaviour_change: idOf(event.behaviourChange),
    measure: word(MeasureKind, event.measure?.kind ?? 0, 'MEASURE_KIND_'),
    code: event.measure?.code ?? '',
    direction: event.deviations < 0 ? 'less' : 'more',
    notice_date: day(event.noticeDate),
    version,
  };
}
