import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from '@rapport/kit/db';
import { uuidv7 } from '@rapport/kit/runtime';
import { type Case, ComplaintStep } from '@rapport/proto/cases/v1';
import { open, operator, type RunningCases, startCases } from '../cases.testkit.js';
import { startSweeper, sweepBreaches } from './sweep-breaches.js';

let running: RunningCases;
beforeEach(async () => {
  running = await startCases();
});
afterEach(() => running.stop());

const old = new Date('2016-05-02T08:00:00Z');
const get = async (name: string) => (await running.cases.getCase({ name }, operator())).case as Case;
const marks = () =>
  running.db.system.rows<{ resource: string; detail: { change: { breached: string } } }>(
    sql`SELECT resource, detail FROM kit.audit WHERE action = 'SweepBreaches' ORDER BY id`,
  );
const base = (name: string, occurTime?: Date) => ({ requestId: uuidv7(), name, etag: '', occurTime });

test('marks what is late once, with one record each, and leaves alone what is not', async () => {
  const late = await open(running, { receiveTime: old, assignee: 'staff/anna' });
  const fresh = await open(running);
  const held = await open(running, { receiveTime: old });
  await running.cases.pauseCase(base(held.name, new Date('2016-05-02T09:00:00Z')), operator());
  const done = await open(running, { receiveTime: old, type: 'caseTypes/enquiry', assignee: 'staff/anna' });
  await running.cases.resolveCase(
    { ...base(done.name, new Date('2016-05-02T09:00:00Z')), resolution: 'x' },
    operator(),
  );

  expect(await sweepBreaches(running.db, new Date())).toBe(2);
  expect(await sweepBreaches(running.db, new Date())).toBe(0);
  expect((await marks()).map(({ resource, detail }) => [resource, detail.change.breached])).toEqual([
    [late.name, 'resolution'],
    [late.name, 'response'],
  ]);
  expect((await get(late.name)).breached).toBe(true);
  for (const one of [fresh, held, done]) expect((await get(one.name)).breached).toBe(false);
});

test('a mark stays when the case is done, unless work done in time is entered later', async () => {
  const late = await open(running, { receiveTime: old, type: 'caseTypes/enquiry', assignee: 'staff/anna' });
  const kept = await open(running, { receiveTime: old, assignee: 'staff/anna' });
  await sweepBreaches(running.db, new Date());
  await running.cases.resolveCase({ ...base(late.name), resolution: 'x' }, operator());
  expect((await get(late.name)).breached).toBe(true);
  const inTime = (hour: number) => new Date(old.getTime() + hour * 3_600_000);
  for (const step of [ComplaintStep.COMPLAINT_STEP_RECORDED, ComplaintStep.COMPLAINT_STEP_RESPONDED]) {
    await running.cases.advanceComplaint({ ...base(kept.name, inTime(step)), step }, operator());
  }
  await running.cases.resolveCase({ ...base(kept.name, inTime(5)), resolution: 'x' }, operator());
  expect((await get(kept.name)).breached).toBe(false);
});

test('a case is told as late from the moment its time passes, before any sweep', async () => {
  const { name } = await open(running, { receiveTime: old });
  expect((await get(name)).breached).toBe(true);
  expect(await marks()).toEqual([]);
});

test('takes many in portions and two sweepers at once mark each case once', async () => {
  for (let index = 0; index < 12; index += 1) await open(running, { receiveTime: old });
  expect(await sweepBreaches(running.db, new Date(), 5)).toBe(10);
  const [one, two] = await Promise.all([sweepBreaches(running.db, new Date()), sweepBreaches(running.db, new Date())]);
  expect(one + two).toBe(14);
  const resources = (await marks()).map(({ resource, detail }) => `${resource} ${detail.change.breached}`);
  expect(resources).toHaveLength(24);
  expect(new Set(resources).size).toBe(24);
});

test('the sweeper works by itself until it is stopped', async () => {
  const { name } = await open(running, { receiveTime: old });
  const sweepers = [0, 1].map(() => startSweeper({ db: running.db, clock: running.deps.clock, everyMs: 50 }));
  for (let tries = 0; tries < 100 && (await marks()).length < 2; tries += 1) await sleep(50);
  await Promise.all(sweepers.map((sweeper) => sweeper.stop()));
  expect((await marks()).map(({ resource }) => resource)).toEqual([name, name]);
});
