import { sql } from '@rapport/kit/db';
import { type Delivery, DeliveryDecision, DeliveryReason, GateCheck } from '@rapport/proto/marketing/v1';

/** The state of a delivery that is on its way to the mail server; the others are DeliveryDecisions. */
export const SENDING = 8;

/** Which of several deliveries to the names of one golden record is told of: what the customer got, or will get, first. */
export const telling: readonly number[] = [
  DeliveryDecision.DELIVERY_DECISION_SENT,
  SENDING,
  DeliveryDecision.DELIVERY_DECISION_HELD,
  DeliveryDecision.DELIVERY_DECISION_PENDING,
  DeliveryDecision.DELIVERY_DECISION_HOLDOUT,
  DeliveryDecision.DELIVERY_DECISION_FAILED,
  DeliveryDecision.DELIVERY_DECISION_SUPPRESSED,
];

export interface DeliveryRow {
  partyId: string;
  campaignId: string;
  deliveryId: string;
  organisationPath: string;
  state: number;
  reason: number;
  checks: unknown[];
  attempts: number;
  decideTime: Date | null;
  retryTime: Date | null;
  language: string;
  traceparent: string;
  createTime: Date;
}

export const deliveryColumns = sql.raw(`party_id AS "partyId", campaign_id AS "campaignId", delivery_id AS "deliveryId",
  organisation_path AS "organisationPath", state, reason, checks, attempts, decide_time AS "decideTime",
  retry_time AS "retryTime", language, traceparent, create_time AS "createTime"`);

/** The trace id in a traceparent; empty without one. */
export function traceIdOf(traceparent: string): string {
  return traceparent.split('-')[1] ?? '';
}

export function toDelivery(row: DeliveryRow): Delivery {
  const decision = row.state === SENDING ? DeliveryDecision.DELIVERY_DECISION_PENDING : row.state;
  const held = decision === DeliveryDecision.DELIVERY_DECISION_HELD;
  return {
    name: `campaigns/${row.campaignId}/deliveries/${row.deliveryId}`,
    campaign: `campaigns/${row.campaignId}`,
    party: `parties/${row.partyId}`,
    organisationPath: row.organisationPath,
    decision,
    reason: row.reason,
    checks: row.checks.map((check) => GateCheck.fromJSON(check)),
    attempts: row.attempts,
    decideTime: row.decideTime ?? undefined,
    retryTime: held ? (row.retryTime ?? undefined) : undefined,
    language: row.language,
    traceId: traceIdOf(row.traceparent),
    createTime: row.createTime,
  };
}

const words: Readonly<Partial<Record<DeliveryReason, string>>> = {
  [DeliveryReason.DELIVERY_REASON_ALL_CHECKS_PASSED]: 'It was sent: every check was passed.',
  [DeliveryReason.DELIVERY_REASON_QUEUED]: 'It waits for its turn.',
  [DeliveryReason.DELIVERY_REASON_ON_SUPPRESSION_LIST]: 'It was not sent: the party is on the suppression list.',
  [DeliveryReason.DELIVERY_REASON_FREQUENCY_CAP]:
    'It waits: the party has had as many messages as the contact policy allows.',
  [DeliveryReason.DELIVERY_REASON_QUIET_HOURS]: 'It waits: these are quiet hours where the party is.',
  [DeliveryReason.DELIVERY_REASON_CONTACT_HOURS]: 'It waits: the party likes to hear from the bank at other hours.',
  [DeliveryReason.DELIVERY_REASON_NO_CONSENT]:
    'It was not sent: the party never consented to this purpose by this way.',
  [DeliveryReason.DELIVERY_REASON_CONSENT_WITHDRAWN]: 'It was not sent: the party refused, or took its consent back.',
  [DeliveryReason.DELIVERY_REASON_NO_ADDRESS]: 'It was not sent: the party has no address for this way.',
  [DeliveryReason.DELIVERY_REASON_PARTY_NOT_ACTIVE]: 'It was not sent: the party is closed.',
  [DeliveryReason.DELIVERY_REASON_PARTY_RESTRICTED]: 'It was not sent: processing of the party is restricted.',
  [DeliveryReason.DELIVERY_REASON_CONSENT_EXPIRED]: 'It was not sent: the consent has ended.',
  [DeliveryReason.DELIVERY_REASON_PARTY_NOT_FOUND]:
    'It was not sent: the party is not known, or does not belong to the part of the bank that the campaign is for.',
  [DeliveryReason.DELIVERY_REASON_CUSTOMER_UNAVAILABLE]:
    'It waits: the customer service does not answer, and without its answer nothing is sent.',
  [DeliveryReason.DELIVERY_REASON_MAIL_SERVER_UNAVAILABLE]: 'It waits: the mail server did not answer or put it off.',
  [DeliveryReason.DELIVERY_REASON_ADDRESS_REFUSED]: 'It could not be sent: the mail server refused the address.',
  [DeliveryReason.DELIVERY_REASON_MESSAGE_REFUSED]: 'It could not be sent: the mail server refused the message.',
  [DeliveryReason.DELIVERY_REASON_TEMPLATE_FAILED]: 'It could not be sent: the text could not be made.',
  [DeliveryReason.DELIVERY_REASON_HOLDOUT]: 'It was not sent: the party is in the holdout.',
  [DeliveryReason.DELIVERY_REASON_CAMPAIGN_PAUSED]: 'It waits: the campaign is paused.',
  [DeliveryReason.DELIVERY_REASON_NO_CONTACT_POLICY]:
    'It waits: no contact policy is set for the part of the bank that the party belongs to.',
  [DeliveryReason.DELIVERY_REASON_SAME_CUSTOMER]:
    'It was not sent: the same customer got the message under another name, before the two were found to be one.',
  [DeliveryReason.DELIVERY_REASON_NOT_A_MEMBER]: 'The party is not in the audience of the campaign.',
};

/** A reason in words. */
export function explain(reason: DeliveryReason): string {
  return words[reason] ?? 'Nothing is known of it.';
}
