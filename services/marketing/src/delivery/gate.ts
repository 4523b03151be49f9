import { covers } from '@rapport/kit/db';
import { createHash } from 'node:crypto';
import { type Contactability, type ContactWindow, ConsentState, PartyState } from '@rapport/proto/customer/v1';
import type { DayOfWeek } from '@rapport/proto/google/type';
import {
  DeliveryDecision,
  DeliveryReason,
  type FrequencyCap,
  type GateCheck,
  GateCheckKind,
  type GateFinding,
  GateFindingCode as Code,
} from '@rapport/proto/marketing/v1';
import type { Channel } from '@rapport/proto/type/v1';
import { DateTime } from 'luxon';
import { found, inWords } from './finding.js';

/** The hours in which nothing is sent, "HH:MM" by the clock where the party is. They may span midnight. */
export interface Quiet {
  start: string;
  end: string;
}

/** What the gate is told about one message. Whatever is absent counts as not known, and then nothing is sent. */
export interface GateFacts {
  now: Date;
  channel: Channel;
  purpose: string;
  /** The campaign's organisation path; only parties under it may be written to. */
  organisationPath: string;
  /** Whether the campaign is paused. */
  paused: boolean;
  /** Whether the customer has this campaign's message already, or is about to, under another name of the golden record. */
  duplicate: boolean;
  /** Whether chance put the party into the holdout. */
  holdout: boolean;
  /** Whether a suppression forbids the message. */
  suppressed: boolean;
  /** What customer said about the party; 'unavailable' when it could not be asked, undefined when it knows no such. */
  contact: Contactability | 'unavailable' | undefined;
  /** The contact policy where the party belongs. */
  policy: { caps: readonly FrequencyCap[]; quiet: Quiet | undefined } | undefined;
  /** The messages that the party got or is about to get, without this one. */
  messages: readonly { purpose: string; time: Date }[];
  /** How often this message was looked at before; waits grow with it. */
  attempts: number;
}

/** What the gate decides: SENT means that it may go out now. */
export interface Verdict {
  decision: DeliveryDecision;
  reason: DeliveryReason;
  checks: GateCheck[];
  /** When it is looked at again; set for what is held. */
  retryTime?: Date;
}

const DAY_MS = 86_400_000;

/** Whether chance puts a party into a campaign's holdout; the same answer each time. */
export function inHoldout(campaignId: string, partyId: string, percent: number): boolean {
  const digest = createHash('sha256').update(`${campaignId}/${partyId}`).digest();
  return digest.readUInt32BE(0) % 10_000 < percent * 100;
}

/** The wait before the next look after so many looks: `first` milliseconds, then four times as long each, up to `most`. */
export function backOff(attempts: number, first: number, most: number): number {
  return Math.min(first * 4 ** Math.min(attempts, 20), most);
}

function minutesOf(clock: string): number {
  const [hours = 0, minutes = 0] = clock.split(':').map(Number);
  return hours * 60 + minutes;
}

/**
 * The end of the quiet hours that `now` lies in by the clock of the zone; undefined when it lies in none, and 'unknown'
 * when there is no such zone.
 */
export function quietUntil(now: Date, quiet: Quiet, timeZone: string): Date | 'unknown' | undefined {
  const local = DateTime.fromJSDate(now, { zone: timeZone });
  if (timeZone === '' || !local.isValid) return 'unknown';
  const minute = local.hour * 60 + local.minute;
  const start = minutesOf(quiet.start);
  const end = minutesOf(quiet.end);
  const inside = start < end ? minute >= start && minute < end : minute >= start || minute < end;
  if (!inside) return undefined;
  const [hour, minutes] = [Math.floor(end / 60), end % 60];
  const until = local.set({ hour, minute: minutes, second: 0, millisecond: 0 });
  // Set the clock of the day after, not 24 hours later: a day may have 23 or 25.
  return (
    until > local ? until : local.plus({ days: 1 }).set({ hour, minute: minutes, second: 0, millisecond: 0 })
  ).toJSDate();
}

/** Sunday is 7 and Monday 1, for luxon as for google.type.DayOfWeek. */
function opensOn(local: DateTime, { days }: ContactWindow): boolean {
  return days.length === 0 || days.includes(local.weekday as DayOfWeek);
}

/**
 * The next moment in which a party likes to hear from the bank by the clock of its zone; undefined when it does now, and
 * 'unknown' when there is no such zone. Without windows it always does.
 */
export function opensAt(now: Date, windows: readonly ContactWindow[], timeZone: string): Date | 'unknown' | undefined {
  if (windows.length === 0) return undefined;
  const local = DateTime.fromJSDate(now, { zone: timeZone });
  if (timeZone === '' || !local.isValid) return 'unknown';
  const minute = local.hour * 60 + local.minute;
  const inside = (window: ContactWindow) =>
    opensOn(local, window) && minute >= minutesOf(window.start) && minute < minutesOf(window.end);
  if (windows.some(inside)) return undefined;
  const openings = windows.flatMap((window) =>
    Array.from({ length: 8 }, (_none, ahead) => local.plus({ days: ahead }))
      .filter((day) => opensOn(day, window))
      .map((day) => {
        const start = minutesOf(window.start);
        return day.set({ hour: Math.floor(start / 60), minute: start % 60, second: 0, millisecond: 0 }).toMillis();
      }),
  );
  return new Date(Math.min(...openings.filter((opening) => opening > now.getTime())));
}

/** When a cap allows the next message; undefined when it does now. Also how many messages count against it. */
export function capUntil(
  cap: FrequencyCap,
  messages: readonly { purpose: string; time: Date }[],
  now: Date,
): { counted: number; until: Date | undefined } {
  const since = now.getTime() - cap.days * DAY_MS;
  const times = messages
    .filter(({ purpose, time }) => (cap.purpose === '' || cap.purpose === purpose) && time.getTime() > since)
    .map(({ time }) => time.getTime())
    .sort((a, b) => a - b);
  const blocking = times[times.length - cap.messages];
  if (times.length < cap.messages || blocking === undefined) return { counted: times.length, until: undefined };
  return { counted: times.length, until: new Date(blocking + cap.days * DAY_MS) };
}

/**
 * The contact gate: suppression → frequency cap → quiet hours → consent → reachability, and at the first check that is
 * not passed it ends. Pure; fails closed. What the customer has already, campaign pause and holdout come before the checks,
 * because they say nothing about the party. A party whose processing is restricted ends it before its messages or consents are looked at.
 */
export function decide(facts: GateFacts): Verdict {
  const { now } = facts;
  const checks: GateCheck[] = [];
  const after = (ms: number): Date => new Date(now.getTime() + ms);

  function check(kind: GateCheckKind, passed: boolean, findings: GateFinding[]): void {
    checks.push({ kind, passed, finding: inWords(findings), findings });
  }
  function pass(kind: GateCheckKind, ...findings: GateFinding[]): void {
    check(kind, true, findings);
  }
  function held(reason: DeliveryReason, retryTime: Date, kind?: GateCheckKind, ...findings: GateFinding[]): Verdict {
    if (kind !== undefined) check(kind, false, findings);
    return { decision: DeliveryDecision.DELIVERY_DECISION_HELD, reason, checks, retryTime };
  }
  function suppressed(reason: DeliveryReason, kind: GateCheckKind, code: Code): Verdict {
    check(kind, false, [found(code)]);
    return { decision: DeliveryDecision.DELIVERY_DECISION_SUPPRESSED, reason, checks };
  }

  // First of all: what was sent stays sent, whatever becomes of the campaign.
  if (facts.duplicate) {
    const { DELIVERY_DECISION_SUPPRESSED: decision } = DeliveryDecision;
    return { decision, reason: DeliveryReason.DELIVERY_REASON_SAME_CUSTOMER, checks };
  }
  if (facts.paused) return held(DeliveryReason.DELIVERY_REASON_CAMPAIGN_PAUSED, after(DAY_MS));
  if (facts.holdout) {
    const { DELIVERY_DECISION_HOLDOUT: decision } = DeliveryDecision;
    return { decision, reason: DeliveryReason.DELIVERY_REASON_HOLDOUT, checks };
  }

  const suppression = GateCheckKind.GATE_CHECK_KIND_SUPPRESSION;
  if (facts.suppressed) {
    return suppressed(
      DeliveryReason.DELIVERY_REASON_ON_SUPPRESSION_LIST,
      suppression,
      Code.GATE_FINDING_CODE_ON_SUPPRESSION_LIST,
    );
  }
  pass(suppression, found(Code.GATE_FINDING_CODE_NOT_SUPPRESSED));

  const reachability = GateCheckKind.GATE_CHECK_KIND_REACHABILITY;
  const { contact } = facts;
  if (contact === 'unavailable') {
    const retry = after(backOff(facts.attempts, 2000, 300_000));
    const silent = found(Code.GATE_FINDING_CODE_CUSTOMER_UNAVAILABLE);
    return held(DeliveryReason.DELIVERY_REASON_CUSTOMER_UNAVAILABLE, retry, reachability, silent);
  }
  const { organisationPath: path } = facts;
  if (!contact || !covers(path, contact.organisationPath)) {
    const finding = contact ? Code.GATE_FINDING_CODE_OTHER_PART_OF_BANK : Code.GATE_FINDING_CODE_PARTY_UNKNOWN;
    return suppressed(DeliveryReason.DELIVERY_REASON_PARTY_NOT_FOUND, reachability, finding);
  }
  if (contact.state === PartyState.PARTY_STATE_RESTRICTED) {
    return suppressed(DeliveryReason.DELIVERY_REASON_PARTY_RESTRICTED, reachability, Code.GATE_FINDING_CODE_RESTRICTED);
  }

  const frequency = GateCheckKind.GATE_CHECK_KIND_FREQUENCY_CAP;
  if (!facts.policy) {
    const finding = found(Code.GATE_FINDING_CODE_NO_CONTACT_POLICY);
    return held(DeliveryReason.DELIVERY_REASON_NO_CONTACT_POLICY, after(15 * 60_000), frequency, finding);
  }
  const { caps, quiet } = facts.policy;
  const findings: GateFinding[] = [];
  const blocked: Date[] = [];
  for (const cap of caps.filter(({ purpose }) => purpose === '' || purpose === facts.purpose)) {
    const { counted, until } = capUntil(cap, facts.messages, now);
    const counts = { messages: counted, messagesAllowed: cap.messages, days: cap.days };
    findings.push(found(Code.GATE_FINDING_CODE_MESSAGES_COUNTED, counts));
    if (until) blocked.push(until);
  }
  if (findings.length === 0) findings.push(found(Code.GATE_FINDING_CODE_NO_CAP));
  if (blocked.length > 0) {
    const until = new Date(Math.max(...blocked.map(Number)));
    return held(DeliveryReason.DELIVERY_REASON_FREQUENCY_CAP, until, frequency, ...findings);
  }
  pass(frequency, ...findings);

  const hours = GateCheckKind.GATE_CHECK_KIND_QUIET_HOURS;
  const span = { startTime: quiet?.start ?? '', endTime: quiet?.end ?? '' };
  if (quiet) {
    const until = quietUntil(now, quiet, contact.timeZone);
    if (until === 'unknown') {
      const unknown = found(Code.GATE_FINDING_CODE_TIME_ZONE_UNKNOWN);
      return held(DeliveryReason.DELIVERY_REASON_QUIET_HOURS, after(3_600_000), hours, unknown);
    }
    if (until) {
      const inside = found(Code.GATE_FINDING_CODE_INSIDE_QUIET_HOURS, span);
      return held(DeliveryReason.DELIVERY_REASON_QUIET_HOURS, until, hours, inside);
    }
  }
  const opening = opensAt(now, contact.contactWindows, contact.timeZone);
  if (opening !== undefined) {
    const retry = opening === 'unknown' ? after(3_600_000) : opening;
    const outside = found(Code.GATE_FINDING_CODE_OUTSIDE_CONTACT_HOURS);
    return held(DeliveryReason.DELIVERY_REASON_CONTACT_HOURS, retry, hours, outside);
  }
  pass(
    hours,
    quiet ? found(Code.GATE_FINDING_CODE_OUTSIDE_QUIET_HOURS, span) : found(Code.GATE_FINDING_CODE_NO_QUIET_HOURS),
  );

  const consent = GateCheckKind.GATE_CHECK_KIND_CONSENT;
  if (contact.consentState === ConsentState.CONSENT_STATE_WITHDRAWN) {
    return suppressed(
      DeliveryReason.DELIVERY_REASON_CONSENT_WITHDRAWN,
      consent,
      Code.GATE_FINDING_CODE_CONSENT_WITHDRAWN,
    );
  }
  if (contact.consentState === ConsentState.CONSENT_STATE_EXPIRED) {
    return suppressed(DeliveryReason.DELIVERY_REASON_CONSENT_EXPIRED, consent, Code.GATE_FINDING_CODE_CONSENT_EXPIRED);
  }
  if (contact.consentState !== ConsentState.CONSENT_STATE_GRANTED) {
    return suppressed(DeliveryReason.DELIVERY_REASON_NO_CONSENT, consent, Code.GATE_FINDING_CODE_CONSENT_NEVER_GIVEN);
  }
  pass(consent, found(Code.GATE_FINDING_CODE_CONSENT_GIVEN));

  if (contact.state !== PartyState.PARTY_STATE_ACTIVE) {
    return suppressed(
      DeliveryReason.DELIVERY_REASON_PARTY_NOT_ACTIVE,
      reachability,
      Code.GATE_FINDING_CODE_PARTY_CLOSED,
    );
  }
  if (contact.address === '') {
    return suppressed(DeliveryReason.DELIVERY_REASON_NO_ADDRESS, reachability, Code.GATE_FINDING_CODE_NO_ADDRESS);
  }
  pass(reachability, found(Code.GATE_FINDING_CODE_REACHABLE));
  return {
    decision: DeliveryDecision.DELIVERY_DECISION_SENT,
    reason: DeliveryReason.DELIVERY_REASON_ALL_CHECKS_PASSED,
    checks,
  };
}
