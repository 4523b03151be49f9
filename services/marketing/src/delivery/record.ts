import { sql, type Tx } from '@rapport/kit/db';
import { publishAll } from '@rapport/kit/events';
import { uuidv7 } from '@rapport/kit/runtime';
import { continueTrace } from '@rapport/kit/telemetry';
import {
  DeliveryDecision,
  DeliveryReason,
  GateCheck,
  MessageHeld,
  MessageSent,
  MessageSuppressed,
} from '@rapport/proto/marketing/v1';
import type { CampaignRow } from '../campaign/campaign.js';
import type { Claimed } from './claim.js';
import { traceIdOf } from './delivery.js';
import type { Verdict } from './gate.js';
import { deliveryCounter } from './metrics.js';

/** What became of a claimed delivery for now or for good. */
export interface Recorded {
  row: Claimed;
  campaign: CampaignRow;
  verdict: Verdict;
  /** Where the party belongs and who looks after it, as customer said; as the row says where it could not be asked. */
  organisationPath: string;
  manager: string;
  /** The language of the message that was sent. */
  language?: string;
}

/** Stores decisions, their log and their events in the transaction, and ends the claim on their rows. */
export async function record(tx: Tx, now: Date, decided: readonly Recorded[]): Promise<void> {
  if (decided.length === 0) return;
  const rows = decided.map(({ row, verdict, organisationPath, manager, language }) => ({
    party_id: row.partyId,
    campaign_id: row.campaignId,
    delivery_id: row.deliveryId,
    decision_id: uuidv7(),
    decision: verdict.decision,
    reason: verdict.reason,
    checks: verdict.checks.map((check) => GateCheck.toJSON(check)),
    attempt: row.attempts + 1,
    retry_time: verdict.retryTime ?? null,
    organisation_path: organisationPath,
    manager,
    language: language ?? '',
    trace_id: traceIdOf(row.traceparent),
  }));
  const columns = sql.raw(`r (party_id uuid, campaign_id uuid, delivery_id uuid, decision_id uuid, decision smallint,
    reason smallint, checks jsonb, attempt integer, retry_time timestamptz, organisation_path text, manager text,
    language text, trace_id text)`);
  const json = JSON.stringify(rows);
  await tx.run(sql`
    UPDATE delivery d SET state = r.decision, reason = r.reason, checks = r.checks, attempts = r.attempt,
      due_time = r.retry_time, retry_time = r.retry_time, lease = NULL, decide_time = ${now}, language = r.language,
      organisation_path = r.organisation_path, manager = r.manager
    FROM jsonb_to_recordset(${json}::jsonb) AS ${columns}
    WHERE d.party_id = r.party_id AND d.campaign_id = r.campaign_id`);
  await tx.run(sql`
    INSERT INTO delivery_decision (party_id, delivery_id, decision_id, campaign_id, decision, reason, checks, attempt,
      trace_id, organisation_path, manager, decide_time)
    SELECT party_id, delivery_id, decision_id, campaign_id, decision, reason, checks, attempt, trace_id,
      organisation_path, manager, ${now}
    FROM jsonb_to_recordset(${json}::jsonb) AS ${columns}`);
  await publishDecisions(tx, now, decided);
  tx.afterCommit(() => {
    for (const { verdict } of decided) {
      deliveryCounter.add(1, {
        'rapport.delivery.decision': word(DeliveryDecision[verdict.decision]),
        'rapport.delivery.reason': word(DeliveryReason[verdict.reason]),
      });
    }
  });
}

/** The last part of an enum's name, in lower case: `frequency_cap` of DELIVERY_REASON_FREQUENCY_CAP. */
function word(name = ''): string {
  return name.replace(/^DELIVERY_(DECISION|REASON)_/, '').toLowerCase();
}

/** Each event carries on the trace of what brought the party into the audience. */
async function publishDecisions(tx: Tx, now: Date, decided: readonly Recorded[]): Promise<void> {
  const byTrace = Map.groupBy(decided, ({ row }) => row.traceparent);
  for (const [traceparent, some] of byTrace) {
    await continueTrace(traceparent || undefined, async () => {
      await publishAll(
        tx,
        MessageSent,
        some.filter(isSent).map((one) => addressed(one, sent(one, now))),
      );
      await publishAll(
        tx,
        MessageHeld,
        some.filter(isNewlyHeld).map((one) => addressed(one, held(one, now))),
      );
      await publishAll(
        tx,
        MessageSuppressed,
        some.filter(isEnded).map((one) => addressed(one, ended(one, now))),
      );
    });
  }
}

function addressed<T>(one: Recorded, message: T) {
  return { message, options: { aggregate: one.row.partyId, subject: `parties/${one.row.partyId}` } };
}

function isSent({ verdict }: Recorded): boolean {
  return verdict.decision === DeliveryDecision.DELIVERY_DECISION_SENT;
}

function isNewlyHeld({ verdict, row }: Recorded): boolean {
  const same = row.state === verdict.decision && row.reason === verdict.reason;
  return verdict.decision === DeliveryDecision.DELIVERY_DECISION_HELD && !same;
}

function isEnded({ verdict }: Recorded): boolean {
  const { DELIVERY_DECISION_SENT: sent, DELIVERY_DECISION_HELD: held } = DeliveryDecision;
  return verdict.decision !== sent && verdict.decision !== held;
}

function common({ row, campaign, organisationPath }: Recorded) {
  return {
    delivery: `campaigns/${row.campaignId}/deliveries/${row.deliveryId}`,
    campaign: `campaigns/${row.campaignId}`,
    party: `parties/${row.partyId}`,
    organisationPath,
    channel: campaign.channel,
    purpose: campaign.purpose,
  };
}

function sent(one: Recorded, now: Date): MessageSent {
  const { templateId, templateVersion, offerId } = one.campaign;
  return {
    ...common(one),
    templateVersion: `templates/${templateId}@${templateVersion}`,
    language: one.language ?? '',
    offer: offerId === null ? '' : `offers/${offerId}`,
    sendTime: now,
  };
}

function held(one: Recorded, now: Date): MessageHeld {
  const { reason, retryTime } = one.verdict;
  return { ...common(one), reason, retryTime, decideTime: now };
}

function ended(one: Recorded, now: Date): MessageSuppressed {
  const { decision, reason } = one.verdict;
  return { ...common(one), decision, reason, decideTime: now };
}
