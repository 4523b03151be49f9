import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from '@rapport/kit/db';
import { on, startConsumer } from '@rapport/kit/events';
import { type Running, uuidv7 } from '@rapport/kit/runtime';
import { HoldingKind } from '@rapport/proto/customer/v1';
import { SegmentEntered, type SchemePlan, SchemeRunState, TierMatch } from '@rapport/proto/segmentation/v1';
import { openReplicas, type Replicas, until } from '../replicas.testkit.js';
import type { Suite } from '../segmentation.testkit.js';
import { create, title } from './scheme.testkit.js';

const parties: string[] = [];
/** What the bus told, by segment and party; the consumer takes an event that comes twice once. */
const heard: string[] = [];
let replicas: Replicas;
let suite: Suite;
let listener: Running;

beforeAll(async () => {
  replicas = await openReplicas();
  ({ suite } = replicas);
  for (let n = 0; n < 60; n += 1) {
    const party = await suite.customer.person({});
    const account = await suite.customer.holding(party, HoldingKind.HOLDING_KIND_ACCOUNT);
    await suite.customer.booking(account, {
      parties: [party],
      day: 20260301,
      cents: 1n,
      balance: n % 2 === 0 ? 0n : 900_000n,
    });
    parties.push(party);
  }
  await suite.settled();
  listener = startConsumer({
    db: suite.customer.db,
    nats: suite.nats,
    name: 'listener',
    handlers: [
      on(SegmentEntered, async (tx, { segment, party }) => tx.afterCommit(() => heard.push(`${segment} ${party}`))),
    ],
  });
  // From now on only the replicas work.
  await suite.pause();
}, 240_000);

afterAll(async () => {
  await listener?.stop();
  await replicas?.close();
}, 60_000);

const tier = (id: string, enterAssets?: number) => ({
  group: title(id),
  enterAssets,
  keepAssets: enterAssets,
  enterProfit: undefined,
  keepProfit: undefined,
  privileges: [],
});
const plan: SchemePlan = {
  kind: {
    $case: 'tiers',
    value: {
      assets: 'holdings.balance',
      profit: '',
      match: TierMatch.TIER_MATCH_ANY,
      graceDays: 10,
      tiers: [tier('low'), tier('high', 5000)],
    },
  },
};

test('a run that is killed at any step is finished by another process, once', async () => {
  const marketer = suite.schemes(['marketer']);
  const approver = suite.schemes(['marketing_approver'], '/demo', 'staff/adam');
  let replica = await replicas.start();
  const steps = ['READING', 'ASSIGNING', 'PUBLISHING'];
  for (const index of steps.keys()) {
    const id = `wealth-${index}`;
    const name = `schemes/${id}@1`;
    await marketer.createScheme(create(id, plan));
    await approver.approveScheme({ name, requestId: uuidv7() });
    const { schemeRun } = await marketer.publishScheme({ name, requestId: uuidv7() });
    const run = schemeRun?.name.slice('schemeRuns/'.length) ?? '';
    const standing = () =>
      suite.deps.db.system.one<{ state: SchemeRunState; step: string; attempts: number }>(sql`
        SELECT state, step, attempts FROM scheme_run WHERE run_id = ${run}::uuid`);
    // A step lasts milliseconds. Under load it may be over before it is seen: then the process dies in the next one.
    await until(async () => steps.indexOf((await standing()).step) >= index, 60_000, 5);
    const ended = once(replica, 'exit');
    replica.kill('SIGKILL');
    await ended;
    const killed = await standing();
    // Two that come up together race for what the dead one left.
    const [one, other] = await Promise.all([replicas.start(), replicas.start()]);
    await until(async () => (await standing()).state >= SchemeRunState.SCHEME_RUN_STATE_SUCCEEDED, 60_000);
    const now = await standing();
    expect(now.state).toBe(SchemeRunState.SCHEME_RUN_STATE_SUCCEEDED);
    if (killed.state === SchemeRunState.SCHEME_RUN_STATE_RUNNING) expect(now.attempts).toBe(killed.attempts + 1);
    const gone = once(other, 'exit');
    other.kill('SIGKILL');
    await gone;
    replica = one;
  }
  const wanted = steps
    .flatMap((_, index) =>
      parties.map((party, n) => `segments/wealth-${index}-${n % 2 === 0 ? 'low' : 'high'} ${party}`),
    )
    .sort();
  await until(() => heard.length >= wanted.length, 120_000);
  // What would come twice would come about now.
  await sleep(1000);
  expect(heard.toSorted()).toEqual(wanted);
  const { db } = suite.deps;
  const published = await db.system.rows<{ resource: string; n: bigint }>(sql`
    SELECT resource, count(*) AS n FROM kit.audit
    WHERE actor = 'service:segmentation' AND action = 'PublishScheme' AND resource LIKE 'schemes/%'
    GROUP BY resource ORDER BY resource`);
  expect(published).toEqual(steps.map((_, index) => ({ resource: `schemes/wealth-${index}@1`, n: 1n })));
  const kept = await db.system.rows<{ scheme: string; n: bigint }>(sql`
    SELECT scheme_id AS scheme, count(*) AS n FROM tier_change GROUP BY scheme_id ORDER BY scheme_id`);
  expect(kept).toEqual(steps.map((_, index) => ({ scheme: `wealth-${index}`, n: BigInt(parties.length) })));
}, 400_000);
