import type { Analytics } from '@rapport/kit/analytics';
import { type Database, everything, openDatabase } from '@rapport/kit/db';
import { connectBus, type EventCodec, type Nats, publishAll, startRelay } from '@rapport/kit/events';
import type { Running as Started } from '@rapport/kit/runtime';
import { CaseOpened } from '@rapport/proto/cases/v1';
import { TransactionBooked } from '@rapport/proto/customer/v1';
import { type TestBus, type TestDatabase, testBus, testDatabase } from '@rapport/test/kit';
import { analyst, as, booking, type Running, startReporting } from '../reporting.testkit.js';
import { follow } from '../server.js';

let running: Running;
let bus: TestBus;
let nats: Nats;
let consumer: Started[];
/** Rows that the consumer has written, repeats included. */
let inserted = 0;
const others: { database: TestDatabase; db: Database; relay: Started }[] = [];
const operator = as({ sub: 'staff/olga', roles: ['operator'], orgPath: '/' });

/** A service that publishes, with a database of its own. */
async function other(domain: string): Promise<Database> {
  const database = await testDatabase('kit');
  const db = openDatabase({ url: database.url, application: domain });
  others.push({ database, db, relay: startRelay({ db, nats, domain }) });
  return db;
}

async function send<T>(db: Database, codec: EventCodec<T>, messages: T[]): Promise<void> {
  await db.transaction(everything, (tx) =>
    publishAll(
      tx,
      codec,
      messages.map((message, index) => ({ message, options: { aggregate: `a${index % 100}` } })),
    ),
  );
}

async function countOf(fact: string): Promise<number> {
  const { counts } = await running.reporting.getFactCounts({ organisationPath: '/berka' }, analyst());
  return Number(counts.find((one) => one.fact === fact)?.count);
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await condition()); tries += 1) {
    if (tries > 250) throw new Error('it did not happen');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function lag() {
  const { consumers, busReachable } = await running.operations.getEventLag({ name: 'services/reporting' }, operator);
  expect(busReachable).toBe(true);
  expect(consumers.map((one) => one.consumer).sort()).toEqual(['reporting-erasures', 'reporting-facts']);
  return consumers.find((one) => one.consumer === 'reporting-facts');
}

beforeAll(async () => {
  running = await startReporting();
  bus = await testBus();
  nats = await connectBus({ url: bus.url, name: 'reporting-test' });
  const analytics: Analytics = {
    ...running.analytics,
    insert: async (table, rows) => {
      await running.analytics.insert(table, rows);
      inserted += rows.length;
    },
  };
  consumer = follow({ ...running.deps, analytics }, nats);
});
afterAll(async () => {
  for (const one of consumer) await one.stop();
  for (const { database, db, relay } of others) {
    await relay.stop();
    await db.close();
    await database.drop();
  }
  await nats.close();
  await bus.close();
  await running.stop();
});

test('facts follow the events of all services, each once, also when the broker delivers them all again', async () => {
  const customer = await other('customer');
  const cases = await other('cases');
  const total = 4000;
  await send(
    customer,
    TransactionBooked,
    Array.from({ length: total }, (_, index) => booking({ day: '1994-03-31', cents: BigInt(index) })),
  );
  await send(cases, CaseOpened, [CaseOpened.fromPartial({ organisationPath: '/berka', type: 'caseTypes/complaint' })]);
  await until(async () => (await countOf('transactions')) === total && (await countOf('cases_opened')) === 1);

  // The broker loses everything, and is filled again from the outboxes.
  await bus.kill();
  bus.wipe();
  await bus.start();
  await send(cases, CaseOpened, [CaseOpened.fromPartial({ organisationPath: '/berka', type: 'caseTypes/request' })]);
  await until(async () => (await countOf('cases_opened')) === 2);
  await until(async () => inserted >= 2 * total + 3);
  await until(async () => (await lag())?.pending === 0n);
  expect(await countOf('transactions')).toBe(total);
  expect(await countOf('cases_opened')).toBe(2);
  const volume = await running.reporting.queryMetric(
    {
      metrics: ['metrics/transaction-volume'],
      dimensions: [],
      grain: 0,
      startDate: undefined,
      endDate: undefined,
      filters: [],
      organisationPath: '/berka',
    },
    analyst(),
  );
  expect(volume.rows[0]?.values).toEqual([{ value: (total * (total - 1)) / 2 }]);
  expect(await lag()).toMatchObject({ pending: 0n, deadLetters: 0n });
}, 60_000);

test('the operations service answers for this service', async () => {
  const parent = 'services/reporting';
  const letters = await running.operations.listDeadLetters(
    { parent, filter: undefined, pageSize: 0, pageToken: '' },
    operator,
  );
  expect(letters.deadLetters).toEqual([]);
  const audit = await running.operations.verifyAudit({ name: parent, fromSequence: 0n, maxRecords: 0n }, operator);
  expect(audit.broken).toBeUndefined();
});
