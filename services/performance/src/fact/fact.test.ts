import { sql } from '@rapport/kit/db';
import { uuidv7 } from '@rapport/kit/runtime';
import { FactKind, type ListFactsRequest } from '@rapport/proto/performance/v1';
import {
  achievement,
  newStaff,
  operator,
  person,
  populate,
  type Started,
  startPerformance,
  store,
} from '../performance.testkit.js';

let started: Started;

beforeEach(async () => {
  started = await startPerformance();
  await populate(started);
});
afterEach(() => started.stop());

const all: ListFactsRequest = { staff: '', kind: 0, organisationPath: '', pageSize: 0, pageToken: '' };
const list = async (over: Partial<ListFactsRequest> = {}, by = operator()) =>
  (await started.performance.listFacts({ ...all, ...over }, by)).facts;

test('the same events again store nothing, in whichever batches they come', async () => {
  const facts = Array.from({ length: 20 }, (_, index) => achievement(index % 2 ? 'a1' : 'a2'));
  expect(await store(started, ...facts)).toBe(20);
  expect(await store(started, ...facts)).toBe(0);
  expect(await store(started, ...facts.slice(5), achievement('a1'), ...facts)).toBe(1);
  const [twice] = [achievement('a1')];
  expect(await store(started, twice, twice)).toBe(1);
  expect(await list()).toHaveLength(22);
});

test('one event may give facts of two people and two kinds', async () => {
  const eventId = uuidv7();
  const kind = FactKind.FACT_KIND_CASE_CLOSED_IN_TIME;
  expect(
    await store(
      started,
      achievement('a1', { eventId }),
      achievement('a2', { eventId }),
      achievement('a1', { eventId, kind }),
    ),
  ).toBe(3);
});

test('a case counts by its first event, also when that comes again or another person closes it later', async () => {
  const closed = (staff: string, over = {}) =>
    achievement(staff, { kind: FactKind.FACT_KIND_CASE_CLOSED, onceFor: 'cases/1', ...over });
  const first = closed('a1');
  const inTime = closed('a1', { eventId: first.eventId, kind: FactKind.FACT_KIND_CASE_CLOSED_IN_TIME });
  expect(await store(started, first, inTime, closed('a1'))).toBe(2);
  expect(await store(started, closed('a2'), first, inTime)).toBe(0);
  expect((await list()).map((fact) => fact.staff)).toEqual(['staff/a1', 'staff/a1']);
});

test('the day of a moment is that of the bank', async () => {
  await store(started, achievement('a1', { occurred: new Date('1994-03-31T22:30:00Z') }));
  expect((await list())[0]?.occurDate).toEqual({ year: 1994, month: 4, day: 1 });
});

test('facts keep the unit of who was known, and wait for who was not', async () => {
  await store(started, achievement('a1'), achievement('later'));
  await started.performance.createStaff({ requestId: uuidv7(), ...newStaff('later', 'p1') }, operator());
  const units = (await list()).map((fact) => [fact.staff, fact.unit]).sort();
  expect(units).toEqual([
    ['staff/a1', 'organisationUnits/p1'],
    ['staff/later', ''],
  ]);
});

test('lists what was recorded last first, page by page, by every filter', async () => {
  for (let day = 1; day <= 5; day += 1)
    await store(started, achievement('a1', { occurred: { year: 1994, month: 3, day } }));
  await store(started, achievement('a3', { organisationPath: '/berka/brno/3', kind: FactKind.FACT_KIND_SURVEY_SCORE }));
  const days: (number | undefined)[] = [];
  let pageToken = '';
  do {
    const page = await started.performance.listFacts({ ...all, staff: 'staff/a1', pageSize: 2, pageToken }, operator());
    days.push(...page.facts.map((fact) => fact.occurDate?.day));
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
  expect(days).toEqual([5, 4, 3, 2, 1]);
  const [last] = await list({ kind: FactKind.FACT_KIND_SURVEY_SCORE });
  expect(last).toMatchObject({
    staff: 'staff/a3',
    valueThousandths: 1_000n,
    eventType: 'rapport.customer.v1.HoldingOpened',
  });
  expect(await list({ organisationPath: '/berka/brno' })).toEqual([last]);
  const between = await list({
    startDate: { year: 1994, month: 3, day: 2 },
    endDate: { year: 1994, month: 3, day: 4 },
  });
  expect(between.map((fact) => fact.occurDate?.day)).toEqual([4, 3, 2]);
  const before = new Date((last?.recordTime?.getTime() ?? 0) - 1);
  expect(await list({ asOf: before, kind: FactKind.FACT_KIND_SURVEY_SCORE })).toEqual([]);
  expect(await list({ asOf: last?.recordTime, kind: FactKind.FACT_KIND_SURVEY_SCORE })).toEqual([last]);
});

test('shows the own facts, or those of the place that one leads, and records whose', async () => {
  await store(
    started,
    achievement('a1'),
    achievement('a1', { organisationPath: '/berka/brno/3' }),
    achievement('b1'),
    achievement('a3', { organisationPath: '/berka/brno/3' }),
    achievement('x1', { organisationPath: '/other/1' }),
  );
  const seen = async (by: { token: string }, over: Partial<ListFactsRequest> = {}) =>
    (await list(over, by)).map((fact) => `${fact.staff} ${fact.organisationPath}`).sort();
  const own = person('relationship_manager', '/berka/prague/1', 'a1');
  expect(await seen(own)).toEqual(['staff/a1 /berka/brno/3', 'staff/a1 /berka/prague/1']);
  expect(await seen(own, { staff: 'staff/b1' })).toEqual([]);
  expect(await seen(person('branch_manager', '/berka/prague', 'boss'))).toEqual([
    'staff/a1 /berka/prague/1',
    'staff/b1 /berka/prague/1',
  ]);
  expect(await seen(person('auditor'), { organisationPath: '/other' })).toEqual([]);
  expect(await seen(operator())).toHaveLength(5);
  const read = await started.db.system.rows(sql`
    SELECT DISTINCT resource FROM kit.audit WHERE actor = 'staff/boss' ORDER BY resource`);
  expect(read).toEqual([{ resource: 'staff/a1/facts' }, { resource: 'staff/b1/facts' }]);
});
