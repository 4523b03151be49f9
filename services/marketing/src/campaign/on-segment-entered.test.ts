import { connectBus, type Nats, publish, startConsumer, startRelay } from '@rapport/kit/events';
import { type Database, openDatabase, sql } from '@rapport/kit/db';
import type { Running } from '@rapport/kit/runtime';
import { MembershipReason, SegmentEntered } from '@rapport/proto/segmentation/v1';
import { type TestBus, type TestDatabase, testBus, testDatabase } from '@rapport/test/kit';
import { CampaignState, DeliveryReason } from '@rapport/proto/marketing/v1';
import { openSuite, request, type Suite } from '../marketing.testkit.js';
import { handlers } from '../server.js';

let suite: Suite;
let bus: TestBus;
let nats: Nats;
let segmentation: TestDatabase;
let outbox: Database;
let running: Running[];

beforeAll(async () => {
  [suite, bus, segmentation] = await Promise.all([openSuite(), testBus(), testDatabase('kit')]);
  nats = await connectBus({ url: bus.url, name: 'marketing-test' });
  outbox = openDatabase({ url: segmentation.url, application: 'segmentation-test' });
  running = [
    startRelay({ db: outbox, nats, domain: 'segmentation' }),
    startConsumer({ db: suite.db, nats, name: 'marketing-audience', handlers: handlers(suite.deps) }),
  ];
  await suite.policy();
  suite.startWorkers();
});

afterAll(async () => {
  await Promise.all(running.map((one) => one.stop()));
  await suite.close();
  await outbox.close();
  await nats.close();
  await bus.close();
  await segmentation.drop();
});

/** Segmentation tells that a party came in; `traceparent` is the trace in which it found out. */
function enters(segmentVersion: string, party: string, traceparent?: string): Promise<void> {
  const [segment = '', version] = segmentVersion.split('@');
  const message: SegmentEntered = {
    segment,
    version: Number(version),
    party,
    organisationPath: '/demo/prague/1',
    asOf: undefined,
    reason: MembershipReason.MEMBERSHIP_REASON_EVENT,
    enterTime: new Date(),
  };
  return outbox.transaction({ kind: 'everything' }, async (tx) => {
    await publish(tx, SegmentEntered, message, { aggregate: party.slice(8) });
    if (traceparent)
      await tx.run(sql`UPDATE kit.outbox SET traceparent = ${traceparent} WHERE xid = pg_current_xact_id()`);
  });
}

it('writes to a party that enters, once, in the trace of what made it enter', async () => {
  const segment = suite.segment([]);
  const name = await suite.launched(segment, { onEnter: true });
  const party = suite.customer.party();
  const traceId = '0af7651916cd43dd8448eb211c80319c';
  await enters(segment, party, `00-${traceId}-b7ad6b7169203331-01`);
  await suite.until(name, ({ sent }) => sent === 1n);
  await enters(segment, party);
  const other = suite.customer.party();
  await enters(segment, other);
  const summary = await suite.until(name, ({ sent }) => sent === 2n);
  expect(summary).toMatchObject({ audience: 2n, state: CampaignState.CAMPAIGN_STATE_RUNNING });
  const { delivery } = await suite.marketer.explainDelivery({ campaign: name, party });
  expect(delivery?.traceId).toBe(traceId);
});

it('takes in nobody of another version, another part of the bank, or after its end', async () => {
  const segment = suite.segment([suite.customer.party()]);
  const once = await suite.launched(segment, { onEnter: false });
  const local = await suite.launched(segment, { onEnter: true, organisationPath: '/demo/brno' });
  const all = await suite.launched(segment, { onEnter: true });
  await suite.until(all, ({ sent }) => sent === 1n);
  await enters(segment.replace('@1', '@2'), suite.customer.party());
  const party = suite.customer.party();
  await enters(segment, party);
  await suite.until(all, ({ sent }) => sent === 2n);
  expect(await suite.marketer.getCampaignSummary({ name: once })).toMatchObject({
    audience: 1n,
    state: CampaignState.CAMPAIGN_STATE_COMPLETED,
  });
  const outside = await suite.marketer.getCampaignSummary({ name: local });
  expect(outside.audience).toBe(1n);
});

it('takes in whoever enters a paused campaign, and holds the message', async () => {
  const segment = suite.segment([]);
  const name = await suite.launched(segment, { onEnter: true });
  await suite.marketer.pauseCampaign({ name, etag: '', requestId: request() });
  await enters(segment, suite.customer.party());
  await suite.until(name, ({ held }) => held.length === 1);
  await suite.marketer.launchCampaign({ name, etag: '', requestId: request() });
  expect(await suite.until(name, ({ sent }) => sent === 1n)).toMatchObject({ audience: 1n, held: [] });
});

it('reads an audience of several pages, also when segmentation is away at first', async () => {
  const parties = Array.from({ length: 2300 }, () => suite.customer.party({ consentState: 0 }));
  const segment = suite.segment(parties);
  const name = await suite.campaign(segment);
  await suite.marketer.submitCampaign({ name, etag: '', requestId: request() });
  await suite.approver.approveCampaign({ name, etag: '', requestId: request() });
  await suite.marketer.launchCampaign({ name, etag: '', requestId: request() });
  suite.segmentation.broken = true;
  setTimeout(() => {
    suite.segmentation.broken = false;
    suite.clock.at = new Date(suite.clock.at.getTime() + 10_000);
  }, 300);
  const summary = await suite.until(name, ({ audience, pending }) => audience === 2300n && pending === 0n);
  expect(summary.suppressed).toEqual([{ reason: DeliveryReason.DELIVERY_REASON_NO_CONSENT, count: 2300n }]);
});
