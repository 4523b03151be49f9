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
import { SegmentEntered, SegmentExited } from '@rapport/proto/segmentation/v1';
import { testAuth, testRun } from '@rapport/test/kit';
import { openSuite, type Suite } from '../segmentation.testkit.js';

const { root } = testRun();
const children: ChildProcess[] = [];
let folder: string;
let url: string;
let suite: Suite;
let listener: Running;
/** What the bus told, by segment and party; the consumer takes an event that comes twice once. */
const heard: string[] = [];

/** Starts a program and reads what it says up to a line that fits. */
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
    GRPC_ADDRESS: '127.0.0.1:0',
    OPS_ADDRESS: '127.0.0.1:0',
    AUTH_JWKS_FILE: testAuth().jwksFile,
    SERVICE_KEY_FILE: testAuth().keyFile('segmentation'),
    BANK_TIME_ZONE: 'Europe/Prague',
    CUSTOMER_ADDRESS: '127.0.0.1:1',
    DRAIN_MS: '0',
  };
  return (await start([join(root, 'services/segmentation/dist/main.js')], env, 'segmentation is ready')).child;
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
  listener = startConsumer({
    db: suite.customer.db,
    nats: suite.nats,
    name: 'listener',
    handlers: [
      on(SegmentEntered, async (tx, { segment, party }) => tx.afterCommit(() => heard.push(`${segment} + ${party}`))),
      on(SegmentExited, async (tx, { segment, party }) => tx.afterCommit(() => heard.push(`${segment} - ${party}`))),
    ],
  });
  // From now on only the replicas work.
  await suite.pause();
}, 180_000);

afterAll(async () => {
  await listener.stop();
  for (const child of children.slice(1)) child.kill('SIGKILL');
  await suite.close();
  children[0]?.kill('SIGTERM');
  rmSync(folder, { recursive: true, force: true });
});

async function until(check: () => Promise<boolean> | boolean, limitMs: number): Promise<void> {
  const end = performance.now() + limitMs;
  while (!(await check())) {
    if (performance.now() > end) throw new Error(`it did not come to pass within ${limitMs} ms`);
    await sleep(50);
  }
}

/** A version in use that nobody has evaluated yet: the replicas see to it by themselves. */
async function putIntoUse(segmentId: string, rule: string): Promise<void> {
  const common = { organisationPath: '/demo', title: segmentId, asOf: undefined, requestId: uuidv7() };
  await suite.as(['marketer'], '/').createSegment({ ...common, segmentId, rule });
  await suite.deps.db.system.run(sql`
    UPDATE segment_version SET state = 3, approved_by = 'staff/approver' WHERE segment_id = ${segmentId}`);
}

/** Until when each share of the work is held, by its name. */
async function leases(): Promise<Map<string, Date>> {
  const rows = await suite.deps.db.system.rows<{ name: string; expires_at: Date }>(sql`
    SELECT name, expires_at FROM kit.lease
    WHERE name LIKE 'consumer/segmentation-facts/%' OR name LIKE 'follow/%of%' OR name = 'calendar'`);
  return new Map(rows.map((row) => [row.name, row.expires_at]));
}

/** How many processes hear customer events. */
async function listeners(): Promise<bigint> {
  const { holders } = await suite.deps.db.system.one<{ holders: bigint }>(sql`
    SELECT count(DISTINCT holder) AS holders FROM kit.lease
    WHERE name LIKE 'consumer/segmentation-facts/%' AND expires_at > now()`);
  return holders;
}

test('killed by turns, two replicas miss nobody, let nobody in twice, and take over within 15 s', async () => {
  const { customer, deps } = suite;
  const people: string[] = [];
  const stop = new AbortController();
  const arrivals = (async () => {
    while (!stop.signal.aborted) {
      people.push(...(await Promise.all(Array.from({ length: 10 }, () => customer.person({})))));
      await sleep(100);
    }
  })();
  await putIntoUse('grown-up', 'party.age > 18');
  let [kept, killed] = await Promise.all([startReplica(), startReplica()]);
  const takeovers: number[] = [];
  for (const round of [1, 2]) {
    await until(async () => (await listeners()) === 2n, 60_000);
    await putIntoUse(`women-${round}`, 'party.sex == "female"');
    await until(() => heard.length > 0, 30_000);
    const ended = once(killed, 'exit');
    killed.kill('SIGKILL');
    await ended;
    const died = performance.now();
    const before = await leases();
    // Only the living renew: when every lease was renewed, the share of the dead is in other hands.
    await until(async () => {
      const now = await leases();
      return [...before].every(([name, expires]) => (now.get(name)?.getTime() ?? 0) > expires.getTime());
    }, 30_000);
    takeovers.push(performance.now() - died);
    if (round === 1) [kept, killed] = [await startReplica(), kept];
  }
  stop.abort();
  await arrivals;

  const segments = ['grown-up', 'women-1', 'women-2'];
  const wanted = segments.flatMap((segment) => people.map((party) => `segments/${segment} + ${party}`)).sort();
  await until(() => heard.length >= wanted.length, 60_000);
  // What would come twice would come about now.
  await sleep(1000);
  expect(heard.toSorted()).toEqual(wanted);
  const { members } = await deps.db.system.one<{ members: bigint }>(sql`SELECT count(*) AS members FROM membership`);
  expect(members).toBe(BigInt(wanted.length));
  for (const ms of takeovers) expect(ms).toBeLessThan(15_000);
}, 240_000);
