import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { openAnalytics } from '@rapport/kit/analytics';
import { openDatabase, sql } from '@rapport/kit/db';
import { type Running, uuidv7 } from '@rapport/kit/runtime';
import { testRun } from '@rapport/test/kit';
import { PrismaClient } from '../gen/prisma/client.js';
import { openSuite, type Suite } from '../segmentation.testkit.js';
import { follow } from '../server.js';
import { createChanges } from './follow-changes.js';

let engine: ChildProcess;
let folder: string;
let url: string;
let suite: Suite;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'clickhouse-'));
  engine = spawn(process.execPath, [join(testRun().root, 'test/kit/clickhouse-http.mjs'), '--path', folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (!engine.stdout) throw new Error('no output to read the address from');
  const [line] = (await once(createInterface(engine.stdout), 'line')) as [string];
  ({ url } = JSON.parse(line) as { url: string });
  suite = await openSuite(undefined, url);
}, 60_000);

afterAll(async () => {
  await suite.close();
  engine.kill('SIGTERM');
  await once(engine, 'exit');
  rmSync(folder, { recursive: true, force: true });
});

test('two replicas share the work on a ClickHouse server; one leaves, and each party enters once', async () => {
  const { deps, customer } = suite;
  const marketer = suite.as(['marketer'], '/');
  await marketer.createSegment({
    segmentId: 'all',
    title: 'all',
    organisationPath: '/demo',
    rule: 'party.age > 18',
    asOf: undefined,
    requestId: uuidv7(),
  });
  await suite.publish('segments/all@1');

  const db = openDatabase({
    url: deps.db.pool.options.connectionString ?? '',
    application: 'second',
    prisma: (adapter) => new PrismaClient({ adapter }),
  });
  const analytics = openAnalytics({ url });
  const second: Running[] = follow({ ...deps, db, analytics }, suite.nats, createChanges());
  const held = async () => {
    const rows = await deps.db.system.rows<{ holders: bigint }>(sql`
      SELECT count(DISTINCT holder) AS holders FROM kit.lease
      WHERE starts_with(name, 'consumer/segmentation-facts/') AND expires_at > now()`);
    return rows[0]?.holders;
  };
  for (let tries = 0; (await held()) !== 2n; tries += 1) {
    if (tries > 200) throw new Error('the second replica got no share');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const first = await Promise.all(Array.from({ length: 60 }, () => customer.person({})));
  for (const one of second) await one.stop();
  const later = await Promise.all(Array.from({ length: 60 }, () => customer.person({})));
  await suite.settled();

  // Many events of one commit share a row of the outbox: `events` tells how many.
  const [published] = await deps.db.system.rows<{ entered: bigint; others: bigint }>(sql`
    SELECT sum(events) FILTER (WHERE type LIKE '%.SegmentEntered') AS entered,
      count(*) FILTER (WHERE type NOT LIKE '%.SegmentEntered') AS others FROM kit.outbox`);
  const members = await deps.db.system.rows<{ party_id: string }>(
    sql`SELECT party_id FROM membership ORDER BY party_id`,
  );
  const wanted = [...first, ...later].map((party) => party.slice('parties/'.length)).sort();
  expect(members.map((row) => row.party_id)).toEqual(wanted);
  expect(published).toEqual({ entered: 120n, others: 0n });
  expect((await marketer.getSegment({ name: 'segments/all' })).version?.members).toBe(120n);
  await analytics.close();
  await db.close();
}, 60_000);
