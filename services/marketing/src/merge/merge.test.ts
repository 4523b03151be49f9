import { everything, sql } from '@rapport/kit/db';
import type { EventMeta } from '@rapport/kit/events';
import { uuidv7 } from '@rapport/kit/runtime';
import { PartyMerged, PartyUnmerged } from '@rapport/proto/customer/v1';
import { DeliveryDecision, DeliveryReason, Referral } from '@rapport/proto/marketing/v1';
import { idOf } from '../access/access.js';
import { SENDING } from '../delivery/delivery.js';
import { inHoldout } from '../delivery/gate.js';
import { NOON, openSuite, request, type Suite } from '../marketing.testkit.js';
import { onPartyMerged, onPartyUnmerged } from './merge.js';

let suite: Suite;
let minute = 0;
beforeAll(async () => {
  suite = await openSuite();
});
afterAll(() => suite.close());
beforeEach(() => {
  suite.clock.at = NOON;
});
afterEach(() => suite.stopWorkers());

const later = () => new Date(Date.UTC(2026, 2, 15, 10, (minute += 1)));
const meta = { occurred: NOON } as EventMeta;
const merge = async (survivor: string, merged: string[], mergeTime = later(), place: object = {}) => {
  const event = PartyMerged.fromPartial({ survivor, merged, mergeTime, ...place });
  await suite.db.transaction(everything, (tx) => onPartyMerged(tx, event, meta));
  return mergeTime;
};
const unmerge = (survivor: string, party: string, place: object = {}) => {
  const event = PartyUnmerged.fromPartial({ survivor, party, restored: [party], unmergeTime: later(), ...place });
  return suite.db.transaction(everything, (tx) => onPartyUnmerged(tx, event, meta));
};
const all = { campaign: '', party: '', decision: 0, reason: 0, pageSize: 1000, pageToken: '' };
const deliveriesOf = async (party: string) =>
  (await suite.marketer.listDeliveries({ ...all, party })).deliveries.map(({ party: name }) => name).sort();
/** Waits until so many deliveries to a customer are decided for a reason; ten seconds at most. */
const decided = async (party: string, reason: DeliveryReason, count: number) => {
  for (const end = Date.now() + 10_000; ; ) {
    const { deliveries } = await suite.marketer.listDeliveries({ ...all, party, reason });
    if (deliveries.length === count) return;
    if (Date.now() > end) throw new Error(`${deliveries.length} deliveries are decided so, not ${count}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};
const explain = async (campaign: string, party: string) =>
  (await suite.marketer.explainDelivery({ campaign, party })).reason;
const {
  DELIVERY_REASON_ALL_CHECKS_PASSED: passed,
  DELIVERY_REASON_SAME_CUSTOMER: same,
  DELIVERY_REASON_FREQUENCY_CAP: capped,
  DELIVERY_REASON_ON_SUPPRESSION_LIST: suppressed,
  DELIVERY_REASON_HOLDOUT: heldOut,
} = DeliveryReason;

it('writes once to a customer found to be two parties of the audience while one message waited', async () => {
  await suite.policy({ quiet: { start: '19:00', end: '21:00' } });
  suite.startWorkers();
  const [jana, second] = [suite.customer.party(), suite.customer.party({ timeZone: 'Asia/Tokyo' })];
  const name = await suite.launched(suite.segment([jana, second]));
  await suite.until(name, ({ sent, held }) => sent === 1n && held.length === 1);
  const mails = suite.mailbox.received.length;
  const told = await merge(jana, [second]);
  suite.clock.at = new Date('2026-03-16T12:00:00Z');
  const summary = await suite.until(name, ({ held, pending }) => held.length === 0 && pending === 0n);
  // One customer, who got it; the second delivery is decided for good, and counts for nobody.
  expect(summary).toMatchObject({ audience: 1n, sent: 1n, suppressed: [] });
  await decided(second, same, 1);
  expect(suite.mailbox.received).toHaveLength(mails);
  for (const party of [jana, second]) {
    expect(await explain(name, party)).toBe(passed);
    expect(await deliveriesOf(party)).toEqual([jana, second].sort());
  }
  await unmerge(jana, second);
  await merge(jana, [second], told);
  expect(await explain(name, second)).toBe(same);
  expect(await deliveriesOf(second)).toEqual([second]);
  expect(await deliveriesOf(jana)).toEqual([jana]);
});

it('writes once to each customer whose parties come up together, with several workers', async () => {
  await suite.policy();
  const pairs = await Promise.all(
    Array.from({ length: 30 }, async () => {
      const [golden, other] = [suite.customer.party(), suite.customer.party()];
      await merge(golden, [other]);
      return [golden, other];
    }),
  );
  const mails = suite.mailbox.received.length;
  suite.startWorkers({ batch: 7 });
  suite.startWorkers({ batch: 7 });
  const name = await suite.launched(suite.segment(pairs.flat()));
  const summary = await suite.until(name, ({ audience, pending }) => audience === 30n && pending === 0n);
  expect(summary).toMatchObject({ sent: 30n, suppressed: [], held: [], failed: [] });
  expect(suite.mailbox.received).toHaveLength(mails + 30);
  for (const pair of pairs.slice(0, 3)) for (const party of pair) expect(await explain(name, party)).toBe(passed);
});

it('repeats one message of two that were on their way to a customer when a worker died', async () => {
  await suite.policy();
  const [jana, second] = [suite.customer.party(), suite.customer.party()];
  const name = await suite.launched(suite.segment([]), { onEnter: true });
  const [older, newer] = [uuidv7(), uuidv7()];
  await suite.rows(sql`
    INSERT INTO delivery (party_id, campaign_id, delivery_id, organisation_path, due_time, state, send_attempts)
    SELECT party, ${idOf(name)}::uuid, id, '/demo', ${NOON}, ${SENDING}, 1
    FROM unnest(${[idOf(jana), idOf(second)]}::uuid[], ${[newer, older]}::uuid[]) AS d (party, id)`);
  await merge(jana, [second]);
  suite.startWorkers();
  const summary = await suite.until(name, ({ audience, pending }) => audience === 1n && pending === 0n);
  expect(summary).toMatchObject({ sent: 1n, suppressed: [] });
  const { deliveries } = await suite.marketer.listDeliveries({ ...all, party: jana, reason: passed });
  expect(deliveries.map((one) => one.name.split('/').pop())).toEqual([older]);
});

it('counts what all parties of a customer got under the caps, and each its own after an unmerge', async () => {
  await suite.policy({ messages: 1, days: 7 });
  suite.startWorkers();
  const [jana, second] = [suite.customer.party(), suite.customer.party()];
  const first = await suite.launched(suite.segment([jana]));
  await suite.until(first, ({ sent }) => sent === 1n);
  await merge(jana, [second]);
  const next = await suite.launched(suite.segment([second]));
  await suite.until(next, ({ held }) => held.length === 1);
  expect(await explain(next, second)).toBe(capped);
  await unmerge(jana, second);
  const last = await suite.launched(suite.segment([second]));
  await suite.until(last, ({ sent }) => sent === 1n);
  expect(await explain(last, jana)).toBe(DeliveryReason.DELIVERY_REASON_NOT_A_MEMBER);
});

it('writes to no party of a customer of whom one is suppressed, and suppresses the golden record', async () => {
  await suite.policy();
  suite.startWorkers();
  const [jana, second, third] = [suite.customer.party(), suite.customer.party(), suite.customer.party()];
  const suppress = async (party: string) => {
    const common = { name: '', purpose: '', organisationPath: '/demo', expireTime: undefined, createdBy: '' };
    const wish = { ...common, party, channel: 0, reason: 'objection', createTime: undefined };
    const { suppression } = await suite.marketer.addSuppression({ suppression: wish, requestId: uuidv7() });
    return suppression?.party;
  };
  const listed = async (party: string) => {
    const { suppressions } = await suite
      .as(['marketer'])
      .listSuppressions({ organisationPath: '', party, pageSize: 0, pageToken: '' });
    return suppressions.map((one) => one.party).sort();
  };
  expect(await suppress(second)).toBe(second);
  await merge(jana, [second]);
  await merge(jana, [third]);
  for (const party of [jana, third]) expect(await listed(party)).toEqual([second]);
  const name = await suite.launched(suite.segment([jana]));
  await suite.until(name, ({ pending, audience }) => audience === 1n && pending === 0n);
  expect(await explain(name, jana)).toBe(suppressed);
  await unmerge(jana, second);
  expect(await listed(jana)).toEqual([]);
  const after = await suite.launched(suite.segment([jana]));
  await suite.until(after, ({ sent }) => sent === 1n);
  expect(await suppress(third)).toBe(jana);
  expect(await listed(third)).toEqual([jana]);
});

it('keeps the whole customer in the holdout of a campaign that held a party of it out', async () => {
  await suite.policy();
  const segment = suite.segment([]);
  const name = await suite.campaign(segment, { holdoutPercent: 50, onEnter: true });
  const drawn = (held: boolean): string => {
    for (;;) {
      const party = suite.customer.party();
      if (inHoldout(idOf(name), idOf(party), 50) === held) return party;
    }
  };
  // By the draw of the golden record; and by an earlier decision about a party that came into it since.
  const [out, member] = [drawn(true), drawn(false)];
  const [golden, earlier] = [drawn(false), drawn(true)];
  await merge(out, [member]);
  suite.segmentation.segments.get(segment)?.members.push(member, earlier);
  await suite.marketer.submitCampaign({ name, etag: '', requestId: request() });
  await suite.approver.approveCampaign({ name, etag: '', requestId: request() });
  suite.startWorkers();
  await suite.marketer.launchCampaign({ name, etag: '', requestId: request() });
  await suite.until(name, ({ holdout }) => holdout === 2n);
  expect(await explain(name, out)).toBe(heldOut);
  await merge(golden, [earlier]);
  await suite.rows(sql`
    INSERT INTO delivery (party_id, campaign_id, delivery_id, organisation_path, due_time)
    VALUES (${idOf(golden)}, ${idOf(name)}, ${uuidv7()}, '/demo', ${NOON})`);
  await decided(golden, heldOut, 2);
  expect(await suite.marketer.getCampaignSummary({ name })).toMatchObject({ audience: 2n, holdout: 2n });
  const { deliveries } = await suite.marketer.listDeliveries({ ...all, campaign: name });
  expect(new Set(deliveries.map(({ decision }) => decision))).toEqual(
    new Set([DeliveryDecision.DELIVERY_DECISION_HOLDOUT]),
  );
});

it('lists referrals of a customer under all names', async () => {
  const [jana, second] = [suite.customer.party(), suite.customer.party()];
  await merge(jana, [second]);
  const anna = suite.as(['relationship_manager'], '/demo', 'staff/anna');
  const productId = `p${uuidv7()}`;
  const product = { name: '', title: 'A loan', description: '', category: 'loan', organisationPath: '/demo' };
  await suite.marketer.createProduct({
    productId,
    product: { ...product, createTime: undefined },
    requestId: uuidv7(),
  });
  const refer = async (party: string) =>
    (
      await anna.createReferral({
        referral: Referral.fromPartial({
          party,
          product: `products/${productId}`,
          fromStaff: 'staff/anna',
          fromUnit: 'organisationUnits/a',
          toStaff: 'staff/bert',
          toUnit: 'organisationUnits/b',
          creditSplitBasisPoints: 5000,
          organisationPath: '/demo',
        }),
        requestId: uuidv7(),
      })
    ).referral?.party;
  const listed = async (party: string) => {
    const page = { organisationPath: '', fromStaff: '', toStaff: '', state: 0, pageSize: 0, pageToken: '' };
    return (await anna.listReferrals({ ...page, party })).referrals.map((one) => one.party);
  };
  expect(await refer(second)).toBe(jana);
  await unmerge(jana, second);
  expect(await refer(second)).toBe(second);
  expect([await listed(jana), await listed(second)]).toEqual([[jana], [second]]);
  await merge(jana, [second]);
  expect(await listed(second)).toEqual([second, jana]);
});

it('counts a customer once who got a message under each of two names, before they were found to be one', async () => {
  await suite.policy();
  suite.startWorkers();
  const [jana, second, other] = [suite.customer.party(), suite.customer.party(), suite.customer.party()];
  const name = await suite.launched(suite.segment([jana, second, other]));
  await suite.until(name, ({ sent }) => sent === 3n);
  await merge(jana, [second]);
  const counted = async () => {
    const { audience, sent } = await suite.marketer.getCampaignSummary({ name });
    return { audience, sent };
  };
  expect(await counted()).toEqual({ audience: 2n, sent: 2n });
  expect(await deliveriesOf(jana)).toHaveLength(2);
  await merge(other, [jana, second]);
  expect(await counted()).toEqual({ audience: 1n, sent: 1n });
  await unmerge(other, jana);
  await unmerge(other, second);
  expect(await counted()).toEqual({ audience: 3n, sent: 3n });
});

it('shows the sends of a merged party to who sees the survivor, and to nobody else until it is taken back', async () => {
  await suite.policy();
  suite.startWorkers();
  const [jana, second] = [suite.customer.party(), suite.customer.party()];
  const name = await suite.launched(suite.segment([jana, second]));
  await suite.until(name, ({ sent }) => sent === 2n);
  const from = (path: string) => suite.as(['call_centre_agent'], path, `staff/agent${path.length}`);
  const seen = async (path: string) =>
    (await from(path).listDeliveries({ ...all, party: second })).deliveries.map(({ party }) => party).sort();
  const [north, south] = [
    { organisationPath: '/demo/north', relationshipManager: 'staff/nora' },
    { organisationPath: '/demo/south/2', relationshipManager: 'staff/sven' },
  ];
  await suite.rows(
    sql`UPDATE delivery SET organisation_path = '/demo/south/2', manager = 'staff/sven' WHERE party_id = ${idOf(second)}`,
  );
  await suite.rows(
    sql`UPDATE delivery SET organisation_path = '/demo/north', manager = 'staff/nora' WHERE party_id = ${idOf(jana)}`,
  );
  expect([await seen('/demo/north'), await seen('/demo/south/2')]).toEqual([[], [second]]);
  const told = await merge(jana, [second], later(), north);
  expect([await seen('/demo/north'), await seen('/demo/south/2')]).toEqual([[jana, second].sort(), []]);
  const nora = suite.as(['relationship_manager'], '/demo/north/9', 'staff/nora');
  expect((await nora.listDeliveries({ ...all, party: jana })).deliveries).toHaveLength(2);
  const rows = await suite.rows<{ path: string }>(sql`
    SELECT organisation_path AS path FROM message_slot WHERE party_id = ${idOf(second)}`);
  expect(rows).toEqual([{ path: '/demo/north' }]);
  await unmerge(jana, second, south);
  // An old event that comes late moves nothing.
  await merge(jana, [second], told, north);
  expect([await seen('/demo/north'), await seen('/demo/south/2')]).toEqual([[], [second]]);
});
