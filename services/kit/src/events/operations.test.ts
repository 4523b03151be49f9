import type { OperationsServiceService } from '@rapport/proto/operations/v1';
import { everything } from '../db/index.js';
import type { Call, Handlers } from '../rpc/index.js';
import type { Running } from '../runtime/index.js';
import { startConsumer } from './consumer.js';
import { on } from './event.js';
import { createEffects, effects, Happened, happen, note, openStage, type Stage, until } from './events.testkit.js';
import { carryOutErasures } from './erasure.js';
import { operations } from './operations.js';
import { startRelay } from './relay.js';

let stage: Stage;
let running: Running[] = [];
let cured = false;

beforeAll(async () => {
  stage = await openStage();
  await createEffects(stage.db);
  running = [
    startRelay({ db: stage.db, nats: stage.nats, domain: 'test' }),
    startConsumer({
      db: stage.db,
      nats: stage.nats,
      name: 'listed',
      maxAttempts: 1,
      handlers: [
        on(Happened, async (tx, event, meta) => {
          if (event.poisoned && !cured) throw new Error('bad');
          await note('listed')(tx, event, meta);
        }),
      ],
    }),
  ];
});

afterAll(async () => {
  await Promise.all(running.map((one) => one.stop()));
  await stage.close();
});

const call = {
  principal: { subject: 'operator', roles: ['operator'], orgPath: '/', type: 'staff' },
  scope: everything,
  method: 'rapport.operations.v1.OperationsService/Any',
  purpose: 'service',
  signal: new AbortController().signal,
} as unknown as Call;

function service(): Handlers<typeof OperationsServiceService> {
  const { handlers } = operations({
    service: 'test',
    db: stage.db,
    personalData: async function* (ids) {
      for (const id of ids) yield { collection: 'things', row: { id, amount: 5n }, dataClass: 'C2' };
    },
    verifyAudit: async (_signal, part) => ({
      records: 7n,
      roots: 2,
      unsealed: 1n,
      first: part?.from ?? 1n,
      last: 9n,
      broken: { seq: 3n, reason: 'changed' },
    }),
  });
  return handlers as unknown as Handlers<typeof OperationsServiceService>;
}

const parent = 'services/test';

it('lists dead letters in pages, redrives them once, and tells the lag', async () => {
  for (const aggregate of ['a', 'b', 'c']) await happen(stage.db, aggregate, 1, 1, true);
  const list = (pageSize: number, pageToken = '') =>
    service().listDeadLetters({ parent, filter: undefined, pageSize, pageToken }, call);
  await until(async () => (await list(10)).deadLetters.length === 3);
  const first = await list(2);
  const second = await list(2, first.nextPageToken);
  expect([first.deadLetters.length, second.deadLetters.length, second.nextPageToken]).toEqual([2, 1, '']);
  expect(new Set([...first.deadLetters, ...second.deadLetters].map((letter) => letter.name)).size).toBe(3);
  expect(first.deadLetters[0]).toMatchObject({ consumer: 'listed', reason: 'INTERNAL', attempts: 1 });

  const lag = await service().getEventLag({ name: parent }, call);
  expect(lag).toMatchObject({ busReachable: true, outbox: { pending: 0n } });
  expect(lag.consumers).toMatchObject([{ consumer: 'listed', pending: 0n, deadLetters: 3n }]);

  cured = true;
  const request = {
    parent,
    selection: {
      $case: 'deadLetters' as const,
      value: {
        names: [first.deadLetters[0]?.name ?? '', 'services/test/deadLetters/00000000-0000-7000-8000-000000000000'],
      },
    },
    requestId: '6f9619ff-8b86-4d01-b42d-00cf4fc964ff',
  };
  const answer = await service().redriveDeadLetters(request, call);
  expect(answer).toEqual({ redriven: 1, missing: ['services/test/deadLetters/00000000-0000-7000-8000-000000000000'] });
  expect(await service().redriveDeadLetters(request, call)).toEqual(answer);
  expect(await effects(stage.db, 'listed')).toHaveLength(1);
  const all = {
    parent,
    selection: { $case: 'filter' as const, value: { consumer: 'listed', eventType: '', reason: '' } },
  };
  expect(
    await service().redriveDeadLetters({ ...all, requestId: '6f9619ff-8b86-4d01-b42d-00cf4fc964fe' }, call),
  ).toEqual({ redriven: 2, missing: [] });
  expect(await effects(stage.db, 'listed')).toHaveLength(3);
});

it('tells how old the oldest waiting event is', async () => {
  running.push(
    startConsumer({
      db: stage.db,
      nats: stage.nats,
      name: 'slow',
      handlers: [on(Happened, () => new Promise((resolve) => setTimeout(resolve, 3000)))],
    }),
  );
  await happen(stage.db, 'z', 1);
  await until(async () => {
    const { consumers } = await service().getEventLag({ name: parent }, call);
    const slow = consumers.find((one) => one.consumer === 'slow');
    return (slow?.pending ?? 0n) > 0n && (slow?.oldestAge?.nanos ?? 0) > 0;
  });
});

it('names the first broken audit record, and answers for its own service only', async () => {
  expect(await service().verifyAudit({ name: parent, fromSequence: 0n, maxRecords: 0n }, call)).toMatchObject({
    records: 7n,
    unsealed: 1n,
    firstSequence: 0n,
    lastSequence: 9n,
    nextSequence: 0n,
    broken: { sequence: 3n, reason: 'HASH_MISMATCH' },
  });
  expect(await service().verifyAudit({ name: parent, fromSequence: 3n, maxRecords: 5n }, call)).toMatchObject({
    firstSequence: 3n,
  });
  const foreign = service().verifyAudit({ name: 'services/other', fromSequence: 0n, maxRecords: 0n }, call);
  await expect(foreign).rejects.toMatchObject({ reason: 'SERVICE_NOT_FOUND' });
});

it('lists erasures in pages and notes them anew, for its eraser to carry them out once more', async () => {
  const ids = [1, 2, 3].map((at) => `00000000-0000-7000-8000-00000000000${at}`);
  const erasures = ids.map((id) => ({
    subject: `parties/${id}`,
    request: 'dataSubjectRequests/00000000-0000-7000-8000-0000000000aa',
    organisationPath: '/bank',
    eraseTime: undefined,
    answerTime: undefined,
  }));
  const list = (pageToken: string, since?: Date, openOnly = false) =>
    service().listErasures({ parent, since, openOnly, pageSize: 2, pageToken }, call);
  const replay = (some: typeof erasures, requestId: string) =>
    service().replayErasures({ parent, erasures: some, requestId }, call);
  const one = '6f9619ff-8b86-4d01-b42d-00cf4fc96401';
  expect(await replay(erasures.slice(0, 1), one)).toEqual({ known: 0, unknown: 1 });
  expect(await replay(erasures.slice(0, 1), one)).toEqual({ known: 0, unknown: 1 });
  const carriedOut: string[] = [];
  const carryOut = () =>
    carryOutErasures({
      db: stage.db,
      service: 'test',
      erase: async (_tx, { aggregate }) => {
        carriedOut.push(aggregate);
        return { counts: {} };
      },
      answer: async () => undefined,
    });
  await until(async () => (await carryOut()) === 1);
  expect((await list('')).erasures).toMatchObject([{ subject: erasures[0]?.subject, answerTime: expect.any(Date) }]);
  expect(await replay(erasures, '6f9619ff-8b86-4d01-b42d-00cf4fc96402')).toEqual({ known: 1, unknown: 2 });
  expect((await list('')).erasures[0]?.answerTime).toBeUndefined();
  expect((await list('', undefined, true)).erasures).toHaveLength(2);
  await until(async () => {
    await carryOut();
    return carriedOut.length === 4;
  });
  expect(carriedOut.slice(1).sort()).toEqual(ids);
  const first = await list('');
  const second = await list(first.nextPageToken);
  expect([...first.erasures, ...second.erasures].map(({ subject }) => subject)).toEqual(
    erasures.map(({ subject }) => subject),
  );
  expect(second.nextPageToken).toBe('');
  expect((await list('', new Date(Date.now() + 60_000))).erasures).toEqual([]);
  expect((await list('', undefined, true)).erasures).toEqual([]);
});

it('says so when the bus does not answer', async () => {
  await stage.bus.kill();
  const lag = await service().getEventLag({ name: parent }, call);
  expect(lag.busReachable).toBe(false);
  expect(lag.consumers.map((one) => one.consumer)).toEqual(['listed', 'slow']);
  await stage.bus.start();
});
