import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { sql } from '@rapport/kit/db';
import { type TestBus, testAuth, testBus } from '@rapport/test/kit';
import { openSuite, type Suite } from '../marketing.testkit.js';

const root = join(__dirname, '../../../..');

let suite: Suite;
let bus: TestBus;
const children: ChildProcess[] = [];

beforeAll(async () => {
  [suite, bus] = await Promise.all([openSuite(), testBus()]);
  suite.clock.at = new Date();
  // A process that can be killed runs what is built.
  await promisify(execFile)(process.execPath, [
    join(root, 'node_modules/typescript/bin/tsc'),
    '-b',
    join(root, 'services/marketing'),
  ]);
}, 120_000);

afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await suite.close();
  await bus.close();
});

/** Starts the service as a process of its own, as production does; resolves when it is ready. */
async function startProcess(): Promise<ChildProcess> {
  const child = spawn(process.execPath, [join(root, 'services/marketing/dist/main.js')], {
    env: {
      PATH: process.env['PATH'],
      DATABASE_URL: suite.database.url,
      NATS_URL: bus.url,
      GRPC_ADDRESS: '127.0.0.1:0',
      OPS_ADDRESS: '127.0.0.1:0',
      AUTH_JWKS_FILE: testAuth().jwksFile,
      SERVICE_KEY_FILE: testAuth().keyFile('marketing'),
      CUSTOMER_ADDRESS: suite.customer.address,
      SEGMENTATION_ADDRESS: suite.segmentation.address,
      SMTP_URL: suite.mailbox.url,
      MAIL_FROM: 'no-reply@bank.example',
      DELIVERY_POLL_MS: '50',
      DRAIN_MS: '0',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  if (!child.stdout) throw new Error('no output to read');
  for await (const line of createInterface(child.stdout)) {
    if (line.includes('marketing is ready')) {
      child.stdout.resume();
      return child;
    }
  }
  throw new Error('the service ended before it was ready');
}

/** The lease of whatever a dead process had is over. */
async function endLeases(): Promise<void> {
  await suite.db.system.run(sql`UPDATE delivery SET due_time = now() WHERE lease IS NOT NULL`);
}

async function sent(campaign: string): Promise<{ state: number; attempts: number; times: number }[]> {
  return suite.rows(sql`
    SELECT state, send_attempts AS attempts, (SELECT count(*)::integer FROM delivery_decision o
      WHERE o.delivery_id = d.delivery_id AND o.decision = 2) AS times
    FROM delivery d WHERE campaign_id = ${campaign.slice(10)}::uuid`);
}

async function reaches(campaign: string, state: number): Promise<void> {
  for (let tries = 0; (await sent(campaign)).some((row) => row.state !== state); tries += 1) {
    if (tries > 400) throw new Error(`not in state ${state}: ${JSON.stringify(await sent(campaign))}`);
    await sleep(25);
  }
}

/** Messages that were sent as events; each one counts for the customer and for reports. */
function events(): Promise<unknown> {
  return suite.rows(sql`
    SELECT count(*)::integer AS count FROM kit.outbox WHERE type = 'rapport.marketing.v1.MessageSent'`);
}

it('killed after the mail server took the mail and before its answer came: one mail, and it says sent', async () => {
  await suite.policy();
  const name = await suite.launched(suite.segment([suite.customer.party()]));
  const first = await startProcess();
  const gone = once(first, 'exit');
  suite.mailbox.accepted = async () => {
    suite.mailbox.accepted = () => undefined;
    first.kill('SIGKILL');
    await gone;
  };
  await gone;
  expect(suite.mailbox.received).toHaveLength(1);
  expect(await sent(name)).toEqual([{ state: 8, attempts: 1, times: 0 }]);
  await endLeases();
  const second = await startProcess();
  await reaches(name, 2);
  expect(await sent(name)).toEqual([{ state: 2, attempts: 2, times: 1 }]);
  // Repeated under the same id, so that a mail system keeps one.
  expect(suite.mailbox.received).toHaveLength(2);
  expect(suite.mailbox.kept()).toHaveLength(1);
  expect(await events()).toEqual([{ count: 1 }]);
  second.kill('SIGTERM');
  expect(await once(second, 'exit')).toEqual([0, null]);
}, 60_000);

it('killed between the answer of the mail server and the commit: one mail, and it says sent', async () => {
  const name = await suite.launched(suite.segment([suite.customer.party()]));
  const before = suite.mailbox.kept().length;
  const first = await startProcess();
  const gone = once(first, 'exit');
  let taken: (() => void) | undefined;
  const accepted = new Promise<void>((resolve) => {
    taken = resolve;
  });
  // Whoever holds the row keeps the worker from its commit.
  const held = suite.db.transaction({ kind: 'everything' }, async (tx) => {
    await accepted;
    await tx.run(sql`SELECT FROM delivery WHERE campaign_id = ${name.slice(10)}::uuid FOR UPDATE`);
    suite.mailbox.accepted = () => undefined;
    answer?.();
    await sleep(500);
    first.kill('SIGKILL');
    await gone;
  });
  let answer: (() => void) | undefined;
  suite.mailbox.accepted = () => {
    taken?.();
    return new Promise<void>((resolve) => {
      answer = resolve;
    });
  };
  await held;
  expect(await sent(name)).toEqual([{ state: 8, attempts: 1, times: 0 }]);
  await endLeases();
  const second = await startProcess();
  await reaches(name, 2);
  expect(suite.mailbox.kept()).toHaveLength(before + 1);
  expect(await events()).toEqual([{ count: 2 }]);
  second.kill('SIGTERM');
  await once(second, 'exit');
}, 60_000);
