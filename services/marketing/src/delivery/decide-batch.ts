import { type Database, everything, sql, type Tx } from '@rapport/kit/db';
import { Failure } from '@rapport/kit/rpc';
import { logger } from '@rapport/kit/runtime';
import { continueTrace } from '@rapport/kit/telemetry';
import type { Contactability } from '@rapport/proto/customer/v1';
import { CampaignState, DeliveryDecision, DeliveryReason, GateCheck } from '@rapport/proto/marketing/v1';
import { findPolicies } from '../contact-policy/contact-policy.js';
import type { Deps } from '../deps.js';
import { goldensOf } from '../merge/merge.js';
import { forbids, suppressionsOf } from '../suppression/suppression.js';
import type { Batch, Claimed } from './claim.js';
import { SENDING } from './delivery.js';
import { decide, inHoldout, type Verdict } from './gate.js';
import type { Material } from './material.js';
import { type Recorded, record } from './record.js';

/** A claimed delivery with what its campaign sends and what customer said about its party. */
export interface Prepared {
  row: Claimed;
  material: Material;
  contact: Contactability | 'unavailable' | undefined;
}

/** A message that passed the gate and whose row says that it is on its way. */
export interface Cleared extends Prepared {
  contact: Contactability;
  verdict: Verdict;
}

/**
 * Asks customer about all parties of a batch, in one call for each channel and purpose (a batch has one, as a rule).
 * A customer service that does not answer is an answer, too: 'unavailable'.
 */
export async function prepare(
  customer: Deps['customer'],
  rows: readonly { row: Claimed; material: Material }[],
): Promise<Prepared[]> {
  const groups = Map.groupBy(rows, ({ material: { campaign } }) => `${campaign.channel} ${campaign.purpose}`);
  const prepared = [...groups.values()].map(async (group) => {
    const [first] = group;
    if (!first) return [];
    const { channel, purpose } = first.material.campaign;
    const parties = [...new Set(group.map(({ row }) => `parties/${row.partyId}`))];
    const traces = new Set(group.map(({ row }) => row.traceparent));
    const parent = traces.size === 1 ? first.row.traceparent : '';
    try {
      const answer = await continueTrace(parent || undefined, () =>
        customer.batchGetContactability({ parties, channel, purpose }, { purpose: 'marketing', timeoutMs: 10_000 }),
      );
      const known = new Map(answer.contactabilities.map((contact) => [contact.party, contact]));
      return group.map((one) => ({ ...one, contact: known.get(`parties/${one.row.partyId}`) }));
    } catch (error) {
      const reason = error instanceof Failure ? error.reason : 'UNKNOWN';
      logger.warn({ reason, parties: parties.length }, 'customer could not be asked, messages are held');
      return group.map((one) => ({ ...one, contact: 'unavailable' as const }));
    }
  });
  return (await Promise.all(prepared)).flat();
}

const { DELIVERY_DECISION_HOLDOUT: HOLDOUT } = DeliveryDecision;

interface Slot {
  partyId: string;
  deliveryId: string;
  purpose: string;
  time: Date;
}

/** Everything the gate has to know, read in the transaction that decides. */
async function readFacts(tx: Tx, now: Date, batch: Batch, prepared: readonly Prepared[]) {
  const partyIds = [...new Set(prepared.map(({ row }) => row.partyId))].sort();
  const campaignIds = [...new Set(prepared.map(({ row }) => row.campaignId))].sort();
  // A pause or a launch waits for the decision in progress and is known to the next.
  const campaigns = await tx.rows<{ id: string; state: number }>(sql`
    SELECT campaign_id AS id, state FROM campaign WHERE campaign_id = ANY(${campaignIds}::uuid[])
    ORDER BY campaign_id FOR SHARE`);
  const goldens = await goldensOf(tx, partyIds);
  const memberIds = [...new Set([...goldens.values()].flatMap(({ members }) => members))].sort();
  // One decision about a customer at a time, whichever worker makes it, for whichever campaign and under whichever name:
  // the caps are counted under this lock. Taken in one order, so that two workers never wait for each other.
  await tx.rows(sql`
    SELECT pg_advisory_xact_lock(hashtextextended(party, 7266778))
    FROM unnest(${memberIds}::text[]) WITH ORDINALITY AS p (party, position) ORDER BY position`);
  const mine = await tx.rows<{ id: string }>(sql`
    SELECT delivery_id AS id FROM delivery
    WHERE party_id = ANY(${partyIds}::uuid[]) AND campaign_id = ANY(${campaignIds}::uuid[])
      AND lease = ${batch.lease}::uuid FOR UPDATE`);
  const slots = await tx.rows<Slot>(sql`
    SELECT party_id AS "partyId", delivery_id AS "deliveryId", purpose, time FROM message_slot
    WHERE party_id = ANY(${memberIds}::uuid[]) AND time > ${now}::timestamptz - interval '366 days'`);
  const merged = [...goldens.values()].flatMap(({ members }) => (members.length > 1 ? members : []));
  const others =
    merged.length === 0
      ? []
      : await tx.rows<Other>(sql`
          SELECT party_id AS "partyId", campaign_id AS "campaignId", delivery_id AS "deliveryId", state FROM delivery
          WHERE party_id = ANY(${merged}::uuid[]) AND campaign_id = ANY(${campaignIds}::uuid[])
            AND state IN (${DeliveryDecision.DELIVERY_DECISION_SENT}, ${HOLDOUT}, ${SENDING})`);
  const paths = prepared.flatMap(({ contact }) =>
    contact && contact !== 'unavailable' ? [contact.organisationPath] : [],
  );
  return {
    states: new Map(campaigns.map(({ id, state }) => [id, state])),
    mine: new Set(mine.map(({ id }) => id)),
    goldens,
    slots: Map.groupBy(slots, (slot) => slot.partyId),
    others: Map.groupBy(others, (other) => other.partyId),
    suppressions: await suppressionsOf(tx, memberIds, now),
    policies: await findPolicies(tx, paths),
  };
}

type Known = Awaited<ReturnType<typeof readFacts>>;

/** Another delivery of the campaign to the same customer that it got, is about to get, or is held out of. */
interface Other {
  partyId: string;
  campaignId: string;
  deliveryId: string;
  state: number;
}

/** Whether the customer has the message under another name. Of two that were on their way at once the older goes on. */
function isDuplicate({ campaignId, deliveryId, state }: Claimed, others: readonly Other[]): boolean {
  return others.some(
    (other) =>
      other.campaignId === campaignId &&
      other.deliveryId !== deliveryId &&
      (other.state === DeliveryDecision.DELIVERY_DECISION_SENT ||
        (other.state === SENDING && (state !== SENDING || other.deliveryId < deliveryId))),
  );
}

/** Puts the facts of a delivery before the gate: those of the customer, under all names of its golden record. */
function judge(known: Known, now: Date, { row, material: { campaign }, contact }: Prepared): Verdict {
  const { golden, members } = known.goldens.get(row.partyId) ?? { golden: row.partyId, members: [row.partyId] };
  const others = members.flatMap((member) => known.others.get(member) ?? []);
  const policy = contact && contact !== 'unavailable' ? known.policies.get(contact.organisationPath) : undefined;
  return decide({
    now,
    channel: campaign.channel,
    purpose: campaign.purpose,
    organisationPath: campaign.organisationPath,
    paused: known.states.get(row.campaignId) !== CampaignState.CAMPAIGN_STATE_RUNNING,
    duplicate: isDuplicate(row, others),
    holdout:
      inHoldout(row.campaignId, golden, campaign.holdoutPercent) ||
      others.some(({ campaignId, state }) => campaignId === row.campaignId && state === HOLDOUT),
    suppressed: members
      .flatMap((member) => known.suppressions.get(member) ?? [])
      .some((one) => forbids(one, campaign.channel, campaign.purpose)),
    contact,
    policy: policy && {
      caps: policy.frequencyCaps,
      quiet: policy.quietStart === '' ? undefined : { start: policy.quietStart, end: policy.quietEnd },
    },
    // Its own slot is left out: a message that is repeated after a crash does not stand in its own way.
    messages: members
      .flatMap((member) => known.slots.get(member) ?? [])
      .filter((slot) => slot.deliveryId !== row.deliveryId),
    attempts: row.attempts,
  });
}

function settled({ row, material, contact }: Prepared, verdict: Verdict): Recorded {
  const asked = contact && contact !== 'unavailable' ? contact : undefined;
  const outside = verdict.reason === DeliveryReason.DELIVERY_REASON_PARTY_NOT_FOUND;
  return {
    row,
    campaign: material.campaign,
    verdict,
    // A party of another part of the bank stays unseen there: the row keeps the campaign's path.
    organisationPath: asked && !outside ? asked.organisationPath : row.organisationPath,
    manager: asked && !outside ? asked.relationshipManager : row.manager,
  };
}

/** Notes in the transaction that the messages are on their way, and takes their slots. */
async function clear(tx: Tx, now: Date, until: Date, cleared: readonly Cleared[]): Promise<void> {
  if (cleared.length === 0) return;
  const json = JSON.stringify(
    cleared.map(({ row, material, contact, verdict }) => ({
      party_id: row.partyId,
      campaign_id: row.campaignId,
      delivery_id: row.deliveryId,
      channel: material.campaign.channel,
      purpose: material.campaign.purpose,
      checks: verdict.checks.map((check) => GateCheck.toJSON(check)),
      organisation_path: contact.organisationPath,
      manager: contact.relationshipManager,
    })),
  );
  const columns = sql.raw(`r (party_id uuid, campaign_id uuid, delivery_id uuid, channel smallint, purpose text,
    checks jsonb, organisation_path text, manager text)`);
  await tx.run(sql`
    UPDATE delivery d SET state = ${SENDING}, reason = ${DeliveryReason.DELIVERY_REASON_QUEUED}, checks = r.checks,
      send_attempts = send_attempts + 1, due_time = ${until}, retry_time = NULL,
      organisation_path = r.organisation_path, manager = r.manager
    FROM jsonb_to_recordset(${json}::jsonb) AS ${columns}
    WHERE d.party_id = r.party_id AND d.campaign_id = r.campaign_id`);
  await tx.run(sql`
    INSERT INTO message_slot (party_id, delivery_id, channel, purpose, time, organisation_path, manager)
    SELECT party_id, delivery_id, channel, purpose, ${now}, organisation_path, manager
    FROM jsonb_to_recordset(${json}::jsonb) AS ${columns}
    ON CONFLICT (party_id, delivery_id) DO NOTHING`);
}

/**
 * Puts a batch through the contact gate in one transaction: what is not sent is decided and logged, what is sent is
 * marked as on its way with its slot under the caps taken, and given back. Rows lost to another worker are left alone.
 */
export async function decideBatch(
  db: Database,
  now: Date,
  batch: Batch,
  prepared: readonly Prepared[],
): Promise<Cleared[]> {
  if (prepared.length === 0) return [];
  return db.transaction(everything, async (tx) => {
    const known = await readFacts(tx, now, batch, prepared);
    const decided: Recorded[] = [];
    const cleared: Cleared[] = [];
    for (const one of prepared) {
      const { row, material, contact } = one;
      if (!known.mine.has(row.deliveryId)) continue;
      const verdict = judge(known, now, one);
      if (verdict.decision !== DeliveryDecision.DELIVERY_DECISION_SENT || !contact || contact === 'unavailable') {
        decided.push(settled(one, verdict));
        continue;
      }
      cleared.push({ row, material, contact, verdict });
      const slot = { partyId: row.partyId, deliveryId: row.deliveryId, purpose: material.campaign.purpose, time: now };
      const others = (known.slots.get(row.partyId) ?? []).filter(({ deliveryId }) => deliveryId !== row.deliveryId);
      known.slots.set(row.partyId, [...others, slot]);
      const { partyId, campaignId, deliveryId } = row;
      const gone = { partyId, campaignId, deliveryId, state: SENDING };
      known.others.set(partyId, [...(known.others.get(partyId) ?? []), gone]);
    }
    await record(tx, now, decided);
    await releaseSlots(tx, decided);
    await clear(tx, now, batch.until, cleared);
    return cleared;
  });
}

/** What will not be sent gives its slot back; what is only held by the mail server keeps it. */
export async function releaseSlots(tx: Tx, decided: readonly Recorded[]): Promise<void> {
  const ended = decided.filter(({ verdict, row }) => verdict.retryTime === undefined && row.sendAttempts > 0);
  if (ended.length === 0) return;
  await tx.run(sql`
    DELETE FROM message_slot s
    USING unnest(${ended.map(({ row }) => row.partyId)}::uuid[], ${ended.map(({ row }) => row.deliveryId)}::uuid[])
      AS gone (party_id, delivery_id)
    WHERE s.party_id = gone.party_id AND s.delivery_id = gone.delivery_id`);
}
