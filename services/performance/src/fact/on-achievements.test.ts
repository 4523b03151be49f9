import { setTimeout as sleep } from 'node:timers/promises';
import { type Database, everything, openDatabase, sql } from '@rapport/kit/db';
import { type EventCodec, publishAll, startRelay } from '@rapport/kit/events';
import { type Running, uuidv7 } from '@rapport/kit/runtime';
import { CaseClosed, SurveyAnswered } from '@rapport/proto/cases/v1';
import { HoldingOpened } from '@rapport/proto/customer/v1';
import { ReferralWon } from '@rapport/proto/marketing/v1';
import { FactKind } from '@rapport/proto/performance/v1';
import { type TestBus, type TestDatabase, testBus, testDatabase } from '@rapport/test/kit';
import { operator, populate, type Started, startPerformance } from '../performance.testkit.js';
import { consumers } from '../server.js';

/** A service that publishes: an outbox of its own and the relay that empties it. */
interface Publisher {
  database: TestDatabase;
  db: Database;
  relay: Running;
}

let started: Started;
let bus: TestBus;
let publishers: Record<string, Publisher>;
let hearing: Running[];

async function openPublisher(domain: string): Promise<Publisher> {
  const database = await testDatabase('kit');
  const db = openDatabase({ url: database.url, application: `${domain}-test` });
  return { database, db, relay: startRelay({ db, nats: bus.nats, domain }) };
}

beforeAll(async () => {
  [started, bus] = await Promise.all([startPerformance(), testBus()]);
  await populate(started);
  publishers = {
    customer: await openPublisher('customer'),
    cases: await openPublisher('cases'),
    marketing: await openPublisher('marketing'),
  };
  hearing = consumers(started.deps, bus.nats);
});

afterAll(async () => {
  for (const running of hearing) await running.stop();
  for (const { relay, db, database } of Object.values(publishers)) {
    await relay.stop();
    await db.close();
    await database.drop();
  }
  await started.stop();
  await bus.close();
});

async function tell<T>(domain: string, codec: EventCodec<T>, messages: T[]): Promise<void> {
  const { db } = publishers[domain] as Publisher;
  const events = messages.map((message) => ({ message, options: { aggregate: uuidv7() } }));
  await db.transaction(everything, (tx) => publishAll(tx, codec, events));
}

async function facts(): Promise<number> {
  return (await started.db.system.one<{ count: number }>(sql`SELECT count(*)::int AS count FROM fact`)).count;
}

async function until(count: number, waitMs = 20_000): Promise<void> {
  const end = Date.now() + waitMs;
  while ((await facts()) < count && Date.now() < end) await sleep(50);
  await sleep(100);
  expect(await facts()).toBe(count);
}

const holding = (over: object = {}) =>
  HoldingOpened.fromPartial({
    holding: `parties/${uuidv7()}/holdings/${uuidv7()}`,
    organisationPath: '/berka/prague/1',
    openedDate: { year: 1994, month: 3, day: 1 },
    relationshipManager: 'staff/a1',
    ...over,
  });

test('what the staff achieved becomes facts, each with its event and its day', async () => {
  const place = { organisationPath: '/berka/prague/1' };
  const worked = { ...place, case: 'cases/1', assignee: 'staff/b1' };
  await tell('customer', HoldingOpened, [
    holding(),
    holding({ openedDate: undefined }),
    holding({ relationshipManager: '' }),
  ]);
  await tell('cases', CaseClosed, [
    CaseClosed.fromPartial({ ...worked, resolvedInTime: true, closeTime: new Date('1994-03-31T22:30:00Z') }),
  ]);
  await tell('cases', SurveyAnswered, [SurveyAnswered.fromPartial({ ...worked, score: 5, answerTime: new Date(0) })]);
  await tell('marketing', ReferralWon, [
    ReferralWon.fromPartial({ ...place, fromStaff: 'staff/a1', toStaff: 'staff/a2', creditSplitBasisPoints: 2_500 }),
  ]);
  await until(6);
  const all = { staff: '', kind: 0, organisationPath: '', pageSize: 0, pageToken: '' };
  const { facts: listed } = await started.performance.listFacts(all, operator());
  const told = listed.map((fact) => [fact.staff, FactKind[fact.kind], fact.valueThousandths]);
  expect(told.sort()).toEqual([
    ['staff/a1', 'FACT_KIND_HOLDING_OPENED', 1_000n],
    ['staff/a1', 'FACT_KIND_REFERRAL_WON', 250n],
    ['staff/a2', 'FACT_KIND_REFERRAL_WON', 750n],
    ['staff/b1', 'FACT_KIND_CASE_CLOSED', 1_000n],
    ['staff/b1', 'FACT_KIND_CASE_CLOSED_IN_TIME', 1_000n],
    ['staff/b1', 'FACT_KIND_SURVEY_SCORE', 5_000n],
  ]);
  const case1 = listed.find((fact) => fact.kind === FactKind.FACT_KIND_CASE_CLOSED);
  expect(case1?.occurDate).toEqual({ year: 1994, month: 4, day: 1 });
  expect(case1?.eventType).toBe('rapport.cases.v1.CaseClosed');
});

test('an import of twelve thousand holdings is counted once, over a crash of the broker that sends it all again', async () => {
  const before = await facts();
  for (let batch = 0; batch < 12; batch += 1) {
    await tell(
      'customer',
      HoldingOpened,
      Array.from({ length: 1_000 }, (_, index) => holding({ relationshipManager: `staff/m${index % 200}` })),
    );
    if (batch === 6) {
      await bus.kill();
      bus.wipe();
      await bus.start();
    }
  }
  await until(before + 12_000, 60_000);
}, 90_000);
