import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { sql } from '@rapport/kit/db';
import { on, startConsumer } from '@rapport/kit/events';
import { type Running, uuidv7 } from '@rapport/kit/runtime';
import { HoldingKind } from '@rapport/proto/customer/v1';
import { SegmentEntered, type SchemePlan, SchemeRunState, TierMatch } from '@rapport/proto/segmentation/v1';
import { testAuth, testRun } from '@rapport/test/kit';
import { openSuite, type Suite } from '../segmentation.testkit.js';
import { create, title } from './scheme.testkit.js';

const { root } = testRun();
const children: ChildProcess[] = [];
const parties: string[] = [];
/** What the bus told, by segment and party; the consumer takes an event that comes twice once. */
const heard: string[] = [];
let folder: string;
let url: string;
let suite: Suite;
let listener: Running;

async function start(
  args: string[],
  env: NodeJS.ProcessEnv,
  ready: string,
): Promise<{ child: ChildProcess; line: string }> {
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  if (!child.stdout) throw new Error('no output to read');
  for await (const line of createInterface(child.stdout)) {
    if (!line.includes(ready)) continue;
    child.stdout.resume();
    return { child, line };
  }
  throw new Error('the process ended before it was ready');
}

/** A replica of the service as production runs it. */
async function startReplica(): Promise<ChildProcess> {
  const env = {
    PATH: process.env['PATH'],
    DATABASE_URL: suite.deps.db.pool.options.connectionString,
    NATS_URL: suite.bus.url,
    CLICKHOUSE_URL: url,
    // Only lists ask there.
    CUSTOMER_ADDRESS: '127.0.0.1:9',
    GRPC_ADDRESS: '127.0.0.1:0',
    OPS_ADDRESS: '127.0.0.1:0',
    AUTH_JWKS_FILE: testAuth().jwksFile,
    SERVICE_KEY_FILE: testAuth().keyFile('segmentation'),
    BANK_TIME_ZONE: 'Europe/Prague',
    DRAIN_MS: '0',
  };
  return (await start([join(root, 'services/segmentation/dist/main.js')], env, 'segmentation is ready')).child;
}

async function until(check: () => Promise<boolean> | boolean, limitMs: number): Promise<void> {
  const end = performance.now() + limitMs;
  while (!(await check())) {
    if (performance.now() > end) throw new Error(`it did not come to pass within ${limitMs} ms`);
    await sleep(5);
  }
}

beforeAll(async () => {
  // A process that can be killed runs what is built.
  const compiler = join(root, 'node_modules/typescript/bin/tsc');
  await promisify(execFile)(process.execPath, [compiler, '-b', join(root, 'services/segmentation')]);
  folder = mkdtempSync(join(tmpdir(), 'clickhouse-'));
  const { line } = await start([join(root, 'test/kit/clickhouse-http.mjs'), '--path', folder], process.env, '"url"');
  ({ url } = JSON.parse(line) as { url: string });
  // Days as the replicas' clocks have them.
  suite = await openSuite(new Date(), url);
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
  for (const child of children.slice(1)) child.kill('SIGKILL');
  await suite?.close();
  children[0]?.kill('SIGTERM');
  if (folder) rmSync(folder, { recursive: true, force: true });
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
  let replica = await startReplica();
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
    await until(async () => {
      const now = await standing();
      // Under load a step may be over before it is seen: then the next one, or the end, is where the process dies.
      return steps.indexOf(now.step) >= index;
    }, 60_000);
    const ended = once(replica, 'exit');
    replica.kill('SIGKILL');
    await ended;
    const killed = await standing();
    // Two that come up together race for what the dead one left.
    const [one, other] = await Promise.all([startReplica(), startReplica()]);
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
