import { type TestDatabase, testDatabase } from '@rapport/test/kit';
import type { Running } from '../runtime/index.js';
import { openDatabase } from './database.js';
import { type Lease, leased } from './lease.js';
import { sql } from './sql.js';
import type { Database } from './types.js';

let test: TestDatabase;
let db: Database;

beforeAll(async () => {
  test = await testDatabase('kit');
  db = openDatabase({ url: test.url, application: 'kit-lease' });
});

afterAll(async () => {
  await db?.close();
  await test?.drop();
});

const TTL = 600;

interface Process extends Running {
  held: Map<string, Lease>;
}

/** One process of a group; `held` is what it works on now. */
function start(group: string, names: string[]): Process {
  const held = new Map<string, Lease>();
  const running = leased({
    db,
    group,
    names,
    ttlMs: TTL,
    work: async (lease) => {
      held.set(lease.name, lease);
      await new Promise<void>((resolve) => lease.signal.addEventListener('abort', () => resolve()));
      held.delete(lease.name);
    },
  });
  return { stop: running.stop, held };
}

async function until(check: () => boolean, ms = 5000): Promise<void> {
  const end = Date.now() + ms;
  while (!check()) {
    if (Date.now() > end) throw new Error('it did not come to pass in time');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

it('gives every name to one process, evenly, and all of them to the one that stays', async () => {
  const names = ['a/0', 'a/1', 'a/2', 'a/3'];
  const first = start('a', names);
  await until(() => first.held.size === 4);
  const second = start('a', names);
  await until(() => first.held.size === 2 && second.held.size === 2);
  expect([...first.held.keys(), ...second.held.keys()].sort()).toEqual(names);
  await first.stop();
  expect(first.held.size).toBe(0);
  await until(() => second.held.size === 4);
  await second.stop();
});

it('stops a holder whose lease was taken, and grows the epoch', async () => {
  const one = start('b', ['b/0']);
  await until(() => one.held.size === 1);
  const lease = one.held.get('b/0') as Lease;
  await db.system.run(sql`UPDATE kit.lease SET holder = 'other', epoch = epoch + 1, expires_at = now() + '300 ms'::interval
    WHERE name = 'b/0'`);
  await until(() => lease.signal.aborted, TTL);
  await until(() => one.held.size === 1);
  expect((one.held.get('b/0') as Lease).epoch).toBe(lease.epoch + 2n);
  await one.stop();
});

it('stops by itself when it cannot renew in time', async () => {
  const cut = openDatabase({ url: test.url, application: 'kit-cut' });
  let lease: Lease | undefined;
  const running = leased({
    db: cut,
    group: 'c',
    names: ['c/0'],
    ttlMs: TTL,
    work: async (given) => {
      lease = given;
      await new Promise<void>((resolve) => given.signal.addEventListener('abort', () => resolve()));
    },
  });
  await until(() => lease !== undefined);
  await cut.close();
  await until(() => lease?.signal.aborted === true, TTL + 200);
  await running.stop();
});

it('starts work again that failed', async () => {
  let attempts = 0;
  const running = leased({
    db,
    group: 'd',
    names: ['d/0'],
    ttlMs: TTL,
    work: async (lease) => {
      attempts += 1;
      if (attempts === 1) throw new Error('once');
      await new Promise<void>((resolve) => lease.signal.addEventListener('abort', () => resolve()));
    },
  });
  await until(() => attempts === 2);
  await running.stop();
});
