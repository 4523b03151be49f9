import { sql } from '@rapport/kit/db';
import { uuidv7 } from '@rapport/kit/runtime';
import type { GetRankingRequest } from '@rapport/proto/performance/v1';
import {
  achievement,
  approvedPlan,
  failureOf,
  newStaff,
  operator,
  person,
  populate,
  type Started,
  startPerformance,
  store,
} from '../performance.testkit.js';

let started: Started;
let plan: string;
let run: string;

beforeAll(async () => {
  started = await startPerformance();
  await populate(started);
  plan = await approvedPlan(started, 'plan');
  const won = ['a1', 'a1', 'b1', 'a2', 'a3', 'a3', 'a3'];
  await store(started, ...won.map((staff) => achievement(staff)));
  const made = await started.performance.computeScores({ requestId: uuidv7(), plan }, operator());
  run = made.run?.name ?? '';
});
afterAll(() => started.stop());

const ranking = (over: Partial<GetRankingRequest> = {}, by = operator()) =>
  started.performance.getRanking({ plan, run: '', unit: '', pageSize: 0, pageToken: '', ...over }, by);
const places = async (over: Partial<GetRankingRequest> = {}, by = operator()) =>
  (await ranking(over, by)).rows.map((row) => `${row.rank} ${row.staff.slice('staff/'.length)} ${row.totalMillionths}`);

test('the best comes first; equal totals share a place, in the order of their names', async () => {
  const answer = await ranking();
  expect(answer).toMatchObject({
    totalSize: 6,
    nextPageToken: '',
    run: { name: run, plan, staffCount: 6, factCount: 7n },
  });
  expect(answer.rows[0]).toEqual({
    rank: 1,
    staff: 'staff/a3',
    displayName: 'Name of a3',
    unit: 'organisationUnits/b3',
    totalMillionths: 1_500_000n,
  });
  expect(await places()).toEqual(['1 a3 1500000', '2 a1 1000000', '3 a2 500000', '3 b1 500000', '5 b2 0', '5 b3 0']);
});

test('pages do not change the places', async () => {
  const seen: string[] = [];
  let pageToken = '';
  do {
    const page = await ranking({ pageSize: 2, pageToken });
    expect(page.totalSize).toBe(6);
    seen.push(...page.rows.map((row) => `${row.rank} ${row.staff.slice('staff/'.length)} ${row.totalMillionths}`));
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
  expect(seen).toEqual(await places());
});

test('places are counted among those of the unit, or those whom the caller may see', async () => {
  const prague = ['1 a1 1000000', '2 a2 500000', '2 b1 500000', '4 b2 0'];
  expect(await places({ unit: 'organisationUnits/prague' })).toEqual(prague);
  const manager = person('branch_manager', '/berka/prague');
  expect(await places({}, manager)).toEqual(prague);
  expect(await places({ run }, manager)).toEqual(prague);
  expect((await ranking({ unit: 'organisationUnits/p2' }, manager)).totalSize).toBe(2);
});

test('units, plans and runs out of sight are not there', async () => {
  const reason = async (over: Partial<GetRankingRequest>, by = operator()) =>
    (await failureOf(ranking(over, by))).reason;
  const manager = person('branch_manager', '/berka/prague');
  expect(await reason({ unit: 'organisationUnits/brno' }, manager)).toBe('UNIT_NOT_FOUND');
  expect(await reason({}, person('branch_manager', '/other'))).toBe('SCORING_RUN_NOT_FOUND');
  expect(await reason({ plan: 'kpiPlans/nothing@1' })).toBe('SCORING_RUN_NOT_FOUND');
  expect(await reason({ run: `scoringRuns/${uuidv7()}` })).toBe('SCORING_RUN_NOT_FOUND');
  const other = await approvedPlan(started, 'other');
  expect(await reason({ plan: other, run })).toBe('SCORING_RUN_NOT_FOUND');
});

test('people see their own score and its computation, managers those of their people, and it is recorded', async () => {
  const { performance } = started;
  const own = person('relationship_manager', '/berka/prague/1', 'a1');
  const mine = await performance.getScore({ staff: 'staff/a1', plan, run: '' }, own);
  expect(mine).toMatchObject({ score: { totalMillionths: 1_000_000n, run }, run: { name: run } });
  const again = await performance.recomputeScore({ staff: 'staff/a1', run }, own);
  expect(again).toMatchObject({ matches: true, fingerprintMatches: true, stored: mine.score, recomputed: mine.score });
  const manager = person('branch_manager', '/berka/prague', 'boss');
  expect((await performance.getScore({ staff: 'staff/b2', plan, run }, manager)).score?.staff).toBe('staff/b2');
  for (const [staff, by] of [
    ['staff/b1', own],
    ['staff/a3', manager],
    ['staff/x1', operator()],
    ['staff/nobody', operator()],
  ] as const) {
    const failures = [
      await failureOf(performance.getScore({ staff, plan, run: '' }, by)),
      await failureOf(performance.recomputeScore({ staff, run }, by)),
    ];
    expect(failures.map((failure) => [failure.kind, failure.reason])).toEqual([
      ['not_found', 'SCORE_NOT_FOUND'],
      ['not_found', 'SCORE_NOT_FOUND'],
    ]);
  }
  const read = await started.db.system.rows(sql`SELECT resource FROM kit.audit WHERE actor = 'staff/boss'`);
  expect(read).toEqual([{ resource: 'staff/b2/score' }]);
});

test('the newest run is the one with the latest knowledge', async () => {
  await store(started, achievement('b2'), achievement('b2'), achievement('b2'), achievement('b2'));
  await started.performance.createStaff({ requestId: uuidv7(), ...newStaff('c1', 'p1') }, operator());
  const next = await started.performance.computeScores({ requestId: uuidv7(), plan }, operator());
  expect((await ranking()).run).toEqual(next.run);
  expect((await places()).slice(0, 2)).toEqual(['1 a3 1500000', '1 b2 1500000']);
  expect((await ranking()).totalSize).toBe(7);
  expect((await ranking({ run })).totalSize).toBe(6);
});
