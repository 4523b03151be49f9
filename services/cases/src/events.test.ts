import { setTimeout as sleep } from 'node:timers/promises';
import { openDatabase } from '@rapport/kit/db';
import { connectBus, type EventMeta, on, startConsumer, startRelay } from '@rapport/kit/events';
import { client } from '@rapport/kit/rpc';
import { uuidv7 } from '@rapport/kit/runtime';
import { CaseClosed, CaseOpened, SurveyAnswered } from '@rapport/proto/cases/v1';
import { OperationsServiceClient } from '@rapport/proto/operations/v1';
import { testBus, testDatabase } from '@rapport/test/kit';
import { agent, as, failure, open, operator, type RunningCases, startCases } from './cases.testkit.js';

let running: RunningCases;
beforeAll(async () => {
  running = await startCases();
});
afterAll(() => running.stop());

test('what happens to a case reaches a consumer over the bus, in order and once', async () => {
  const bus = await testBus();
  const elsewhere = await testDatabase('kit');
  const db = openDatabase({ url: elsewhere.url, application: 'consumer' });
  const nats = await connectBus({ url: bus.url, name: 'cases-test' });
  const heard: [string, EventMeta][] = [];
  const relay = startRelay({ db: running.db, nats, domain: 'cases' });
  const note = async (_tx: unknown, event: { case: string }, meta: EventMeta): Promise<void> => {
    heard.push([`${meta.type.split('.').at(-1)} ${event.case}`, meta]);
  };
  const consumer = startConsumer({
    db,
    nats,
    name: 'probe',
    handlers: [on(CaseOpened, note), on(CaseClosed, note), on(SurveyAnswered, note)],
  });
  const { name } = await open(running, { type: 'caseTypes/enquiry', assignee: 'staff/anna' });
  const base = () => ({ requestId: uuidv7(), name, etag: '', occurTime: undefined });
  await running.cases.resolveCase({ ...base(), resolution: 'Done' }, operator());
  await running.cases.closeCase(base(), operator());
  await running.cases.requestSurvey(base(), operator());
  const answer = { ...base(), score: 5, comment: '' };
  await running.cases.answerSurvey(answer, operator());
  await running.cases.answerSurvey(answer, operator());
  for (let tries = 0; tries < 200 && heard.length < 3; tries += 1) await sleep(50);
  await sleep(200);
  expect(heard.map(([what]) => what)).toEqual([`CaseOpened ${name}`, `CaseClosed ${name}`, `SurveyAnswered ${name}`]);
  expect(heard[0]?.[1]).toMatchObject({ aggregate: name.slice('cases/'.length), organisationPath: '/berka/prague/1' });
  await consumer.stop();
  await relay.stop();
  await nats.close();
  await db.close();
  await elsewhere.drop();
  await bus.close();
});

test('operations are served to the operator only, and the audit chain can be verified by an auditor', async () => {
  const operations = client(OperationsServiceClient, `127.0.0.1:${running.port}`);
  const name = 'services/cases';
  const auditor = as({ sub: 'staff/otto', roles: ['auditor'], orgPath: '/berka' });
  const verdict = await operations.verifyAudit({ name, fromSequence: 0n, maxRecords: 0n }, auditor);
  expect(verdict.broken).toBeUndefined();
  expect((await failure(operations.verifyAudit({ name, fromSequence: 0n, maxRecords: 0n }, agent()))).kind).toBe(
    'denied',
  );
  expect((await failure(operations.getEventLag({ name }, agent()))).kind).toBe('denied');
  expect((await failure(operations.getEventLag({ name }, operator()))).kind).toBe('ok');
  operations.close();
});
