import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from '@rapport/kit/db';
import { on, startConsumer } from '@rapport/kit/events';
import { type Running, uuidv7 } from '@rapport/kit/runtime';
import { SegmentEntered, SegmentExited } from '@rapport/proto/segmentation/v1';
import { openReplicas, type Replicas, until } from '../replicas.testkit.js';
import type { Suite } from '../segmentation.testkit.js';

let replicas: Replicas;
let suite: Suite;
let listener: Running;
/** What the bus told, by segment and party; the consumer takes an event that comes twice once. */
const heard: string[] = [];

beforeAll(async () => {
  replicas = await openReplicas();
  ({ suite } = replicas);
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
  await listener?.stop();
  await replicas?.close();
});

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
  let [kept, killed] = await Promise.all([replicas.start(), replicas.start()]);
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
    if (round === 1) [kept, killed] = [await replicas.start(), kept];
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
