import { audit, systemCaller } from '@rapport/kit/crypto';
import { type Database, everything, sql } from '@rapport/kit/db';
import { type Clock, logger } from '@rapport/kit/runtime';
import { span } from '@rapport/kit/telemetry';
import { DeliveryDecision, DeliveryReason } from '@rapport/proto/marketing/v1';
import { Channel } from '@rapport/proto/type/v1';
import type { Mailer, Outcome } from '../mail/mail.js';
import { putSuppression } from '../suppression/suppression.js';
import type { Rendered } from '../template/template.js';
import type { Batch, Claimed } from './claim.js';
import { type Cleared, releaseSlots } from './decide-batch.js';
import { backOff, type Verdict } from './gate.js';
import { sendDuration } from './metrics.js';
import { type Recorded, record } from './record.js';

/** What a send needs beside the messages. */
export interface Sending {
  db: Database;
  clock: Clock;
  mailer: Mailer;
  /** Messages under way at once. */
  concurrency: number;
}

interface Attempted {
  cleared: Cleared;
  outcome: Outcome | 'template_failed';
  language: string;
}

/** The longest that one message may take at the mail server, with a margin; none is begun later before the lease ends. */
const SEND_MS = 25_000;
/** After so many messages in a row that the server did not take, the rest of a batch is not tried. */
const GIVE_UP_AFTER = 5;

/** Hands one message to the mail server, in a span that carries on the trace of the delivery's cause. */
function attempt(mailer: Mailer, cleared: Cleared): Promise<Attempted> {
  const { row, material, contact } = cleared;
  return span(
    'send message',
    {
      'rapport.campaign': row.campaignId,
      'rapport.delivery': row.deliveryId,
      'rapport.delivery.channel': 'email',
      'rapport.delivery.attempt': row.sendAttempts + 1,
    },
    async (active) => {
      let message: Rendered;
      try {
        message = material.render(contact);
      } catch (error) {
        logger.warn({ delivery: row.deliveryId, reason: (error as { reason?: string }).reason }, 'a text was not made');
        active.setAttribute('rapport.delivery.outcome', 'template_failed');
        return { cleared, outcome: 'template_failed', language: '' };
      }
      const outcome = await sendDuration.time({}, () =>
        mailer.send({
          deliveryId: row.deliveryId,
          campaign: `campaigns/${row.campaignId}`,
          to: contact.address,
          ...message,
        }),
      );
      active.setAttribute('rapport.delivery.outcome', outcome);
      return { cleared, outcome, language: message.language };
    },
    { kind: 'client', ...(row.traceparent !== '' && { parent: row.traceparent }) },
  );
}

function verdictOf({ cleared, outcome }: Attempted, now: Date): Verdict {
  const { checks } = cleared.verdict;
  const { DELIVERY_DECISION_FAILED: failed } = DeliveryDecision;
  switch (outcome) {
    case 'accepted':
      return cleared.verdict;
    case 'put_off': {
      const wait = backOff(cleared.row.sendAttempts, 5000, 900_000);
      return {
        decision: DeliveryDecision.DELIVERY_DECISION_HELD,
        reason: DeliveryReason.DELIVERY_REASON_MAIL_SERVER_UNAVAILABLE,
        checks,
        retryTime: new Date(now.getTime() + wait),
      };
    }
    case 'address_refused':
      return { decision: failed, reason: DeliveryReason.DELIVERY_REASON_ADDRESS_REFUSED, checks };
    case 'message_refused':
      return { decision: failed, reason: DeliveryReason.DELIVERY_REASON_MESSAGE_REFUSED, checks };
    case 'template_failed':
      return { decision: failed, reason: DeliveryReason.DELIVERY_REASON_TEMPLATE_FAILED, checks };
  }
}

/**
 * Notes what the mail server said, in one transaction for several messages. A row that another worker has by now is left
 * to it: it repeats the message under the same Message-ID.
 */
async function finish({ db, clock }: Sending, { lease }: Batch, attempted: readonly Attempted[]): Promise<void> {
  const now = clock.now();
  await db.transaction(everything, async (tx) => {
    const rows = attempted.map(({ cleared }) => cleared.row);
    const mine = await tx.rows<{ id: string }>(sql`
      SELECT delivery_id AS id FROM delivery
      WHERE party_id = ANY(${rows.map((row) => row.partyId)}::uuid[])
        AND campaign_id = ANY(${rows.map((row) => row.campaignId)}::uuid[]) AND lease = ${lease}::uuid
      FOR UPDATE`);
    const held = new Set(mine.map(({ id }) => id));
    const kept = attempted.filter(({ cleared }) => held.has(cleared.row.deliveryId));
    const decided = kept.map((one): Recorded => {
      const { row, material, contact } = one.cleared;
      return {
        row: { ...row, sendAttempts: row.sendAttempts + 1 },
        campaign: material.campaign,
        verdict: verdictOf(one, now),
        organisationPath: contact.organisationPath,
        manager: contact.relationshipManager,
        language: one.outcome === 'accepted' ? one.language : '',
      };
    });
    await record(tx, now, decided);
    const failed = decided.filter(({ verdict }) => verdict.decision === DeliveryDecision.DELIVERY_DECISION_FAILED);
    await releaseSlots(tx, failed);
    for (const { row, organisationPath, verdict } of failed) {
      if (verdict.reason !== DeliveryReason.DELIVERY_REASON_ADDRESS_REFUSED) continue;
      await putSuppression(tx, {
        partyId: row.partyId,
        channel: Channel.CHANNEL_EMAIL,
        purpose: '',
        reason: 'bounced',
        organisationPath,
        expireTime: null,
        createdBy: 'service:marketing',
        createTime: now,
      });
      await audit(tx, systemCaller('marketing', 'deliver'), {
        action: 'suppress',
        resource: `parties/${row.partyId}`,
        change: { reason: 'bounced' },
      });
    }
  });
}

/**
 * Sends what the gate let pass, several at once, and notes each outcome before it takes the next; outcomes that come
 * while the database is busy are noted together.
 * Gives back what was not begun: when the worker stops, when the lease would end under it, or when the mail server takes
 * nothing. A failure of the database leaves rows on their way; they are repeated when the lease is over.
 */
export async function sendBatch(
  sending: Sending,
  batch: Batch,
  cleared: readonly Cleared[],
  stopping: AbortSignal,
): Promise<Claimed[]> {
  const line = [...cleared];
  const done: Attempted[] = [];
  let inRow = 0;
  let writing: Promise<void> | undefined;
  let failure: Error | undefined;

  async function write(): Promise<void> {
    while (done.length > 0) await finish(sending, batch, done.splice(0, 100));
  }
  /** While one transaction is under way, the outcomes of others gather for the next. */
  function flush(): Promise<void> {
    writing ??= write().finally(() => {
      writing = undefined;
    });
    return writing;
  }
  /** Resolves once the outcome is committed, or cannot be. */
  async function note(one: Attempted): Promise<void> {
    done.push(one);
    await flush().catch((error: Error) => {
      failure ??= error;
    });
  }
  async function work(): Promise<void> {
    while (
      failure === undefined &&
      !stopping.aborted &&
      sending.clock.now().getTime() + SEND_MS < batch.until.getTime()
    ) {
      const next = line.shift();
      if (!next) return;
      if (inRow >= GIVE_UP_AFTER) {
        await note({ cleared: next, outcome: 'put_off', language: '' });
        continue;
      }
      const one = await attempt(sending.mailer, next);
      inRow = one.outcome === 'put_off' ? inRow + 1 : 0;
      // No message before the last one's outcome is safe: a crash then leaves one per connection whose fate is unknown.
      await note(one);
    }
  }
  await Promise.all(Array.from({ length: sending.concurrency }, work));
  while (failure === undefined && (writing !== undefined || done.length > 0)) await flush();
  if (failure !== undefined) throw failure;
  return line.map(({ row }) => row);
}
