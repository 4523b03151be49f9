import { setTimeout as sleep } from 'node:timers/promises';
import { everything, sql } from '@rapport/kit/db';
import { uuidv7 } from '@rapport/kit/runtime';
import {
  type ComputeScoresResponse,
  FactKind,
  Aggregation,
  ScoresComputed,
  type ScoringRun,
} from '@rapport/proto/performance/v1';
import { storeFacts } from '../fact/fact.js';
import {
  achievement,
  approvedPlan,
  as,
  failureOf,
  kpi,
  newPlan,
  newStaff,
  newUnit,
  operator,
  person,
  populate,
  type Started,
  startPerformance,
  store,
  traces,
} from '../performance.testkit.js';

let started: Started;

beforeAll(async () => {
  started = await startPerformance();
  await populate(started);
});
afterAll(() => started.stop());

const compute = (plan: string, caller = operator(), asOf?: Date): Promise<ComputeScoresResponse> =>
  started.performance.computeScores({ requestId: uuidv7(), plan, asOf }, caller);
const run = async (plan: string): Promise<ScoringRun> => (await compute(plan)).run as ScoringRun;
const scoreOf = async (staff: string, which: ScoringRun) =>
  (await started.performance.getScore({ staff: `staff/${staff}`, plan: '', run: which.name }, operator())).score;

test('scores the staff of the unit, KPI by KPI, by the formula of the contract', async () => {
  const plan = await approvedPlan(started, 'formula', 'berka', {
    kpis: [
      kpi('count', FactKind.FACT_KIND_HOLDING_OPENED, Aggregation.AGGREGATION_COUNT, 3_333, 3_000n, 100),
      kpi('sum', FactKind.FACT_KIND_REFERRAL_WON, Aggregation.AGGREGATION_SUM, 3_333, 700n, 150),
      kpi('average', FactKind.FACT_KIND_SURVEY_SCORE, Aggregation.AGGREGATION_AVERAGE, 3_334, 4_500n, 150),
    ],
  });
  const referral = { kind: FactKind.FACT_KIND_REFERRAL_WON, value: 333n };
  const survey = (value: bigint) => achievement('a1', { kind: FactKind.FACT_KIND_SURVEY_SCORE, value });
  await store(
    started,
    achievement('a1'),
    achievement('a1'),
    achievement('a1', { occurred: { year: 1993, month: 12, day: 31 } }),
    achievement('a1', { occurred: { year: 1995, month: 1, day: 1 } }),
    achievement('a1', { kind: FactKind.FACT_KIND_CASE_CLOSED }),
    achievement('a1', referral),
    survey(5_000n),
    survey(4_000n),
    survey(4_000n),
    achievement('nobody-yet'),
  );
  const made = await run(plan);
  expect(made).toMatchObject({
    plan,
    staffCount: 6,
    factCount: 6n,
    organisationPath: '/berka',
    author: 'staff/operator',
  });
  const score = await scoreOf('a1', made);
  expect(score).toMatchObject({ staff: 'staff/a1', plan, run: made.name, organisationPath: '/berka/prague/1' });
  // 2/3 of the count; 333/700 of the sum; 13000/3 = 4333 of 4500 on average
  expect(score?.kpis).toMatchObject([
    {
      kpi: 'count',
      factCount: 2n,
      actualThousandths: 2_000n,
      attainmentMillionths: 666_666n,
      pointsMillionths: 222_199n,
    },
    { kpi: 'sum', factCount: 1n, actualThousandths: 333n, attainmentMillionths: 475_714n, pointsMillionths: 158_555n },
    {
      kpi: 'average',
      factCount: 3n,
      actualThousandths: 4_333n,
      attainmentMillionths: 962_888n,
      pointsMillionths: 321_026n,
    },
  ]);
  expect(score?.totalMillionths).toBe(222_199n + 158_555n + 321_026n);
  const [event] = await started.db.system.rows<{ payload: Buffer }>(sql`
    SELECT payload FROM kit.outbox WHERE type = ${ScoresComputed.$type} ORDER BY occurred_at DESC LIMIT 1`);
  expect(ScoresComputed.decode(event?.payload ?? Buffer.alloc(0))).toMatchObject({
    run: made.name,
    fingerprint: made.fingerprint,
    averageTotalMillionths: (222_199n + 158_555n + 321_026n) / 6n,
  });
});

test('caps what is rewarded, not what is shown', async () => {
  const plan = await approvedPlan(started, 'cap', 'brno');
  await store(started, ...Array.from({ length: 5 }, () => achievement('b3')));
  const score = await scoreOf('b3', await run(plan));
  expect(score?.kpis[0]).toMatchObject({ attainmentMillionths: 2_500_000n, pointsMillionths: 1_500_000n });
  expect(score?.totalMillionths).toBe(1_500_000n);
});

test('late facts, later staff and later moves change no past run; a new run has them', async () => {
  const { performance } = started;
  await performance.createUnit(newUnit('late', 2, 'berka'), operator());
  await performance.createUnit(newUnit('late-1', 3, 'late', '9'), operator());
  await performance.batchCreateStaff({ requestId: uuidv7(), staff: [newStaff('late-a', 'late-1')] }, operator());
  const plan = await approvedPlan(started, 'late', 'late');
  await store(started, achievement('late-a'), achievement('late-b'));
  const first = await run(plan);
  const before = await scoreOf('late-a', first);

  await store(started, achievement('late-a'));
  await performance.batchCreateStaff({ requestId: uuidv7(), staff: [newStaff('late-b', 'late-1')] }, operator());
  const parent = 'organisationUnits/prague';
  await performance.moveUnit({ requestId: uuidv7(), name: 'organisationUnits/late-1', parent, etag: '' }, operator());

  expect(await scoreOf('late-a', first)).toEqual(before);
  const again = await performance.recomputeScore({ staff: 'staff/late-a', run: first.name }, operator());
  expect(again).toMatchObject({ stored: before, recomputed: before, matches: true, fingerprint: first.fingerprint });
  expect(again.fingerprintMatches).toBe(true);

  // The same moment again is the same run;.
  expect(await compute(plan, operator(), first.asOf)).toEqual({ run: first, existing: true });
  const second = await run(plan);
  expect(second).toMatchObject({ staffCount: 0, factCount: 0n });
  await performance.moveUnit(
    { requestId: uuidv7(), name: 'organisationUnits/late-1', parent: 'organisationUnits/late', etag: '' },
    operator(),
  );
  const third = await run(plan);
  // The fact of somebody unknown counts once the person is known.
  expect(third).toMatchObject({ staffCount: 2, factCount: 3n });
  expect((await scoreOf('late-b', third))?.totalMillionths).toBe(500_000n);
  expect((await scoreOf('late-a', third))?.totalMillionths).toBe(1_000_000n);
});

test('a run waits for what is being written before its moment', async () => {
  const plan = await approvedPlan(started, 'wait', 'other');
  const { promise: written, resolve: wrote } = Promise.withResolvers<void>();
  const slow = started.db.transaction(everything, async (tx) => {
    await storeFacts(tx, [achievement('x1')], 'Europe/Prague');
    wrote();
    await sleep(300);
  });
  await written;
  const made = await run(plan);
  await slow;
  expect(made.factCount).toBe(1n);
  const again = await started.performance.recomputeScore({ staff: 'staff/x1', run: made.name }, operator());
  expect(again).toMatchObject({ matches: true, fingerprintMatches: true });
});

test('a fact that is being written while a run is computed is in it or comes after it, never between', async () => {
  const plan = await approvedPlan(started, 'race', 'other');
  const runs: ScoringRun[] = [];
  let writing = true;
  const writer = (async () => {
    for (let count = 0; count < 60; count += 1) await store(started, achievement('x1'));
    writing = false;
  })();
  while (writing) runs.push(await run(plan));
  await writer;
  expect(runs.length).toBeGreaterThan(1);
  for (const one of runs) {
    const again = await started.performance.recomputeScore({ staff: 'staff/x1', run: one.name }, operator());
    expect(again).toMatchObject({ matches: true, fingerprintMatches: true });
  }
});

test('repeating the request answers the stored run and stores nothing', async () => {
  const plan = await approvedPlan(started, 'replay');
  const request = { requestId: uuidv7(), plan };
  const first = await started.performance.computeScores(request, operator());
  const before = await traces(started);
  expect(await started.performance.computeScores(request, operator())).toEqual(first);
  expect(await traces(started)).toEqual(before);
});

test('counts facts outside of the view of who asks for the run', async () => {
  const plan = await approvedPlan(started, 'border', 'prague');
  await store(started, achievement('a2', { organisationPath: '/berka/brno/3' }));
  const { run: made } = await compute(plan, person('administrator', '/berka/prague'));
  expect((await scoreOf('a2', made as ScoringRun))?.kpis[0]?.factCount).toBe(1n);
});

test('refuses what cannot be scored, and changes nothing', async () => {
  const { plan: draft } = await started.performance.createPlan(newPlan('draft'), operator());
  const approved = await approvedPlan(started, 'refusals');
  const before = await traces(started);
  const refused = async (plan: string, caller = operator(), asOf?: Date) => {
    const { reason, kind } = await failureOf(compute(plan, caller, asOf));
    return [reason, kind];
  };
  expect(await refused(draft?.name ?? '')).toEqual(['PLAN_NOT_APPROVED', 'precondition']);
  expect(await refused('kpiPlans/nothing@1')).toEqual(['PLAN_NOT_FOUND', 'not_found']);
  expect(await refused(approved, operator(), new Date(Date.now() + 60_000))).toEqual(['AS_OF_IN_FUTURE', 'invalid']);
  // A plan of the whole bank may be read in the region, not scored from there.
  expect(await refused(approved, person('administrator', '/berka/prague'))).toEqual(['PLAN_NOT_FOUND', 'not_found']);
  expect(await refused(approved, person('administrator', '/other'))).toEqual(['PLAN_NOT_FOUND', 'not_found']);
  for (const plan of ['', 'kpiPlans/formula', 'kpiPlans/UPPER@1', `kpiPlans/${'x'.repeat(70)}@1`]) {
    const failure = await failureOf(compute(plan));
    expect(failure.kind).toBe('invalid');
    expect(failure.violations.map(({ field }) => field)).toEqual(['plan']);
  }
  const bad = await failureOf(started.performance.computeScores({ requestId: 'no uuid', plan: approved }, operator()));
  expect(bad.violations.map(({ field }) => field)).toEqual(['request_id']);
  expect(await traces(started)).toEqual(before);
});

test('only administrators and operators score', async () => {
  const plan = await approvedPlan(started, 'who');
  for (const role of ['relationship_manager', 'branch_manager', 'auditor', 'analyst', 'marketer']) {
    expect((await failureOf(compute(plan, person(role)))).kind).toBe('denied');
  }
  const service = as({ sub: 'service:marketing', roles: ['service'], typ: 'service', signedBy: 'marketing' });
  expect((await failureOf(compute(plan, service))).kind).toBe('denied');
});

test('what was computed cannot be altered, not even by the service itself', async () => {
  await run(await approvedPlan(started, 'kept'));
  for (const statement of [
    sql`UPDATE score SET total = total + 1`,
    sql`DELETE FROM run`,
    sql`UPDATE fact SET value = 0`,
    sql`TRUNCATE staff_history`,
    sql`UPDATE plan SET title = 'x'`,
    sql`UPDATE plan SET approver = 'staff/x' WHERE state = 2`,
  ]) {
    const change = started.db.transaction(everything, (tx) => tx.run(statement));
    await expect(change).rejects.toMatchObject({ code: '42501' });
  }
});
