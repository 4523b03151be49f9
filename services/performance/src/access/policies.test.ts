import { uuidv7 } from '@rapport/kit/runtime';
import { Aggregation, FactKind, PerformanceServiceService, UnitKind } from '@rapport/proto/performance/v1';
import {
  allRoles,
  approvedPlan,
  as,
  failureOf,
  inRole,
  kpi,
  newPlan,
  newStaff,
  newUnit,
  operator,
  populate,
  type Started,
  startPerformance,
  traces,
} from '../performance.testkit.js';

type Rpc = keyof typeof PerformanceServiceService;
type Role = (typeof allRoles)[number];
type Attempt = (options: { token: string }) => Promise<unknown>;

let started: Started;
let run = '';

beforeAll(async () => {
  started = await startPerformance();
  await populate(started);
  const plan = await approvedPlan(started, 'plan');
  const scored = await started.performance.computeScores({ requestId: uuidv7(), plan }, operator());
  run = scored.run?.name ?? '';
});
afterAll(() => started.stop());

const page = { pageSize: 0, pageToken: '' };
const facts = { kind: 0, organisationPath: '' };

/** A call of each RPC that is valid but for who makes it, with what it may be refused for then. */
function attempts(): Record<Rpc, Attempt> {
  const { performance } = started;
  const { staff } = newStaff('new', 'p1');
  return {
    createUnit: (by) => performance.createUnit(newUnit(`unit-${uuidv7()}`, UnitKind.UNIT_KIND_TEAM, 'p1'), by),
    getUnit: (by) => performance.getUnit({ name: 'organisationUnits/p1' }, by),
    listUnits: (by) => performance.listUnits({ root: '', kind: 0, ...page }, by),
    moveUnit: (by) =>
      performance.moveUnit(
        { requestId: uuidv7(), name: 'organisationUnits/p1', parent: 'organisationUnits/prague', etag: '' },
        by,
      ),
    createStaff: (by) => performance.createStaff({ requestId: uuidv7(), staffId: uuidv7(), staff }, by),
    batchCreateStaff: (by) =>
      performance.batchCreateStaff({ requestId: uuidv7(), staff: [newStaff(uuidv7(), 'p1')] }, by),
    getStaff: (by) => performance.getStaff({ name: 'staff/a1' }, by),
    listStaff: (by) => performance.listStaff({ unit: '', role: '', state: 0, ...page }, by),
    createPlan: (by) => performance.createPlan(newPlan(`plan-${uuidv7()}`), by),
    approvePlan: (by) => performance.approvePlan({ requestId: uuidv7(), name: 'kpiPlans/plan@1', etag: '' }, by),
    getPlan: (by) => performance.getPlan({ name: 'kpiPlans/plan' }, by),
    listPlans: (by) => performance.listPlans({ organisationPath: '', state: 0, ...page }, by),
    listFacts: (by) => performance.listFacts({ staff: '', ...facts, ...page }, by),
    computeScores: (by) => performance.computeScores({ requestId: uuidv7(), plan: 'kpiPlans/plan@1' }, by),
    getScore: (by) => performance.getScore({ staff: 'staff/a1', plan: '', run }, by),
    recomputeScore: (by) => performance.recomputeScore({ staff: 'staff/a1', run }, by),
    getRanking: (by) => performance.getRanking({ plan: 'kpiPlans/plan@1', run: '', unit: '', ...page }, by),
  };
}

const bankers: Role[] = [
  'relationship_manager',
  'call_centre_agent',
  'marketer',
  'marketing_approver',
  'branch_manager',
];
const shapers: Role[] = ['administrator', 'operator'];
const everybody: Role[] = [...bankers, 'auditor', ...shapers];

/** Who may call what, as a bank would have it; the policies must say the same. */
const may: Record<Rpc, Role[]> = {
  createUnit: shapers,
  getUnit: [...everybody, 'analyst', 'service'],
  listUnits: [...everybody, 'analyst', 'service'],
  moveUnit: shapers,
  createStaff: shapers,
  batchCreateStaff: shapers,
  getStaff: [...everybody, 'service'],
  listStaff: [...everybody, 'service'],
  createPlan: shapers,
  approvePlan: shapers,
  getPlan: [...everybody, 'analyst'],
  listPlans: [...everybody, 'analyst'],
  listFacts: everybody,
  computeScores: shapers,
  getScore: everybody,
  recomputeScore: everybody,
  getRanking: ['branch_manager', 'auditor', ...shapers],
};

/** Whether the call was refused for who made it. What the caller's rows lack is another matter. */
async function admitted(call: Promise<unknown>): Promise<boolean> {
  const error: unknown = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return !(error instanceof Error && 'kind' in error && error.kind === 'denied');
}

describe.each(Object.keys(PerformanceServiceService) as Rpc[])('%s', (rpc) => {
  it('admits exactly the roles that it is for', async () => {
    const admittedRoles: Role[] = [];
    for (const role of allRoles) if (await admitted(attempts()[rpc](inRole(role)))) admittedRoles.push(role);
    expect(admittedRoles.sort()).toEqual([...may[rpc]].sort());
  });

  it('refuses who brings no token, or has no role, and changes nothing', async () => {
    const before = await traces(started);
    const { [rpc]: attempt } = attempts();
    const none = await failureOf(attempt({ token: 'none' }));
    expect(none.kind).toBe('unauthenticated');
    const idle = await failureOf(attempt(as({ sub: 'staff/a1', roles: [], orgPath: '/' })));
    expect(idle.kind).toBe('denied');
    expect(await traces(started)).toEqual(before);
  });
});

const aKpi = (over: object) => ({
  ...kpi('a', FactKind.FACT_KIND_HOLDING_OPENED, Aggregation.AGGREGATION_COUNT, 10_000, 1_000n),
  ...over,
});
const big = 'x'.repeat(5_000);
const id = () => uuidv7();
const unit = (over: object) => ({ ...newUnit('n', UnitKind.UNIT_KIND_BANK).organisationUnit, ...over });
const someone = (over: Parameters<typeof newStaff>[2]) => newStaff('n', 'p1', over).staff;

/** For each RPC, requests that break a rule of the contract, with the fields that the answer must name. */
const broken: Record<Rpc, [request: object, ...fields: string[]][]> = {
  createUnit: [
    [{ requestId: 'x', organisationUnitId: 'n', organisationUnit: unit({}) }, 'request_id'],
    [{ requestId: id(), organisationUnitId: '', organisationUnit: unit({}) }, 'organisation_unit_id'],
    [{ requestId: id(), organisationUnitId: 'N', organisationUnit: unit({}) }, 'organisation_unit_id'],
    [{ requestId: id(), organisationUnitId: 'n' }, 'organisation_unit'],
    [{ requestId: id(), organisationUnitId: 'n', organisationUnit: unit({ title: '' }) }, 'organisation_unit.title'],
    [{ requestId: id(), organisationUnitId: 'n', organisationUnit: unit({ title: big }) }, 'organisation_unit.title'],
    [{ requestId: id(), organisationUnitId: 'n', organisationUnit: unit({ kind: 0 }) }, 'organisation_unit.kind'],
    [{ requestId: id(), organisationUnitId: 'n', organisationUnit: unit({ kind: 9 }) }, 'organisation_unit.kind'],
    [
      { requestId: id(), organisationUnitId: 'n', organisationUnit: unit({ parent: 'p1' }) },
      'organisation_unit.parent',
    ],
    [
      { requestId: id(), organisationUnitId: 'n', organisationUnit: unit({ segment: 'a/b' }) },
      'organisation_unit.segment',
    ],
    [{ requestId: id(), organisationUnitId: 'n'.repeat(41), organisationUnit: unit({}) }, 'organisation_unit.segment'],
  ],
  getUnit: [
    [{ name: '' }, 'name'],
    [{ name: `organisationUnits/${big}` }, 'name', 'name'],
  ],
  listUnits: [
    [{ root: 'x', kind: 0, ...page }, 'root'],
    [{ root: '', kind: 7, ...page }, 'kind'],
    [{ root: '', kind: 0, pageSize: -1, pageToken: '' }, 'page_size'],
    [{ root: '', kind: 0, pageSize: 1_001, pageToken: '' }, 'page_size'],
    [{ root: '', kind: 0, pageSize: 0, pageToken: 'bad' }, 'page_token'],
    [{ root: '', kind: 0, pageSize: 0, pageToken: big }, 'page_token'],
  ],
  moveUnit: [
    [{ requestId: '', name: 'organisationUnits/p1', parent: 'organisationUnits/brno', etag: '' }, 'request_id'],
    [{ requestId: id(), name: '', parent: 'organisationUnits/brno', etag: '' }, 'name'],
    [{ requestId: id(), name: 'organisationUnits/p1', parent: '', etag: '' }, 'parent'],
    [{ requestId: id(), name: 'organisationUnits/p1', parent: 'organisationUnits/brno', etag: big }, 'etag'],
  ],
  createStaff: [
    [{ requestId: '', staffId: 'n', staff: someone({}) }, 'request_id'],
    [{ requestId: id(), staffId: 'staff/n', staff: someone({}) }, 'staff_id'],
    [{ requestId: id(), staffId: 'n' }, 'staff'],
    [{ requestId: id(), staffId: 'n', staff: someone({ displayName: '' }) }, 'staff.display_name'],
    [{ requestId: id(), staffId: 'n', staff: someone({ displayName: big }) }, 'staff.display_name'],
    [{ requestId: id(), staffId: 'n', staff: someone({ unit: '' }) }, 'staff.unit'],
    [{ requestId: id(), staffId: 'n', staff: someone({ unit: 'organisationUnits/nowhere' }) }, 'staff.unit'],
    [{ requestId: id(), staffId: 'n', staff: someone({ roles: ['A B'] }) }, 'staff.roles[0]'],
    [{ requestId: id(), staffId: 'n', staff: someone({ roles: ['a', 'a'] }) }, 'staff.roles'],
    [{ requestId: id(), staffId: 'n', staff: someone({ state: 9 as never }) }, 'staff.state'],
  ],
  batchCreateStaff: [
    [{ requestId: '', staff: [newStaff('n', 'p1')] }, 'request_id'],
    [{ requestId: id(), staff: [] }, 'staff'],
    [{ requestId: id(), staff: Array.from({ length: 1_001 }, (_, index) => newStaff(`n${index}`, 'p1')) }, 'staff'],
    [{ requestId: id(), staff: [newStaff('n', 'p1'), newStaff('n', 'p1')] }, 'staff[1].staff_id'],
    [{ requestId: id(), staff: [newStaff('n', 'p1'), newStaff('m', 'nowhere')] }, 'staff[1].staff.unit'],
    [{ requestId: id(), staff: [{ staffId: 'n' }] }, 'staff[0].staff'],
  ],
  getStaff: [[{ name: 'a1' }, 'name']],
  listStaff: [
    [{ unit: 'x', role: '', state: 0, ...page }, 'unit'],
    [{ unit: '', role: 'A', state: 0, ...page }, 'role'],
    [{ unit: '', role: '', state: 9, ...page }, 'state'],
    [{ unit: '', role: '', state: 0, pageSize: 0, pageToken: 'bad' }, 'page_token'],
  ],
  createPlan: [
    [{ ...newPlan('n'), requestId: '' }, 'request_id'],
    [newPlan('N'), 'plan_id'],
    [{ requestId: id(), planId: 'n' }, 'plan'],
    [newPlan('n', 'berka', { title: '' }), 'plan.title'],
    [newPlan('n', 'nowhere'), 'plan.unit'],
    [newPlan('n', 'berka', { startDate: undefined }), 'plan.start_date'],
    [newPlan('n', 'berka', { startDate: { year: 1994, month: 13, day: 1 } }), 'plan.start_date'],
    [newPlan('n', 'berka', { endDate: { year: 1994, month: 2, day: 30 } }), 'plan.end_date'],
    [newPlan('n', 'berka', { endDate: { year: 1993, month: 1, day: 1 } }), 'plan.end_date'],
    [newPlan('n', 'berka', { kpis: [] }), 'plan.kpis'],
    [newPlan('n', 'berka', { kpis: [aKpi({ weightBasisPoints: 9_999 })] }), 'plan.kpis'],
    [newPlan('n', 'berka', { kpis: [aKpi({ weightBasisPoints: 0 })] }), 'plan.kpis[0].weight_basis_points'],
    [newPlan('n', 'berka', { kpis: [aKpi({ targetThousandths: 0n })] }), 'plan.kpis[0].target_thousandths'],
    [newPlan('n', 'berka', { kpis: [aKpi({ targetThousandths: 10n ** 13n })] }), 'plan.kpis[0].target_thousandths'],
    [newPlan('n', 'berka', { kpis: [aKpi({ capPercent: 1_001 })] }), 'plan.kpis[0].cap_percent'],
    [newPlan('n', 'berka', { kpis: [aKpi({ factKind: 0 })] }), 'plan.kpis[0].fact_kind'],
    [newPlan('n', 'berka', { kpis: [aKpi({ aggregation: 9 })] }), 'plan.kpis[0].aggregation'],
    [newPlan('n', 'berka', { kpis: [aKpi({ weightBasisPoints: 5_000 }), aKpi({ weightBasisPoints: 5_000 })] }), 'plan'],
  ],
  approvePlan: [
    [{ requestId: '', name: 'kpiPlans/plan@1', etag: '' }, 'request_id'],
    [{ requestId: id(), name: 'kpiPlans/plan', etag: '' }, 'name'],
    [{ requestId: id(), name: 'kpiPlans/plan@0', etag: '' }, 'name'],
  ],
  getPlan: [
    [{ name: 'plan' }, 'name'],
    [{ name: 'kpiPlans/plan@x' }, 'name'],
  ],
  listPlans: [
    [{ organisationPath: 'berka', state: 0, ...page }, 'organisation_path'],
    [{ organisationPath: '', state: 5, ...page }, 'state'],
    [{ organisationPath: '', state: 0, pageSize: 0, pageToken: 'bad' }, 'page_token'],
  ],
  listFacts: [
    [{ staff: 'a1', ...facts, ...page }, 'staff'],
    [{ staff: '', kind: 9, organisationPath: '', ...page }, 'kind'],
    [{ staff: '', kind: 0, organisationPath: '//', ...page }, 'organisation_path'],
    [{ staff: '', ...facts, ...page, startDate: { year: 0, month: 1, day: 1 } }, 'start_date'],
    [{ staff: '', ...facts, ...page, startDate: { year: 1994, month: 2, day: 31 } }, 'start_date'],
    [{ staff: '', ...facts, ...page, endDate: { year: 1994, month: 2, day: 31 } }, 'end_date'],
    [{ staff: '', ...facts, pageSize: 0, pageToken: 'bad' }, 'page_token'],
  ],
  computeScores: [
    [{ requestId: '', plan: 'kpiPlans/plan@1' }, 'request_id'],
    [{ requestId: id(), plan: 'kpiPlans/plan' }, 'plan'],
    [{ requestId: id(), plan: 'kpiPlans/plan@1', asOf: new Date('2300-01-01') }, 'as_of'],
  ],
  getScore: [
    [{ staff: 'a1', plan: 'kpiPlans/plan@1', run: '' }, 'staff'],
    [{ staff: 'staff/a1', plan: 'kpiPlans/plan', run: '' }, 'plan'],
    [{ staff: 'staff/a1', plan: '', run: 'scoringRuns/1' }, 'run'],
  ],
  recomputeScore: [
    [{ staff: '', run: `scoringRuns/${id()}` }, 'staff'],
    [{ staff: 'staff/a1', run: '' }, 'run'],
  ],
  getRanking: [
    [{ plan: '', run: '', unit: '', ...page }, 'plan'],
    [{ plan: 'kpiPlans/plan@1', run: 'x', unit: '', ...page }, 'run'],
    [{ plan: 'kpiPlans/plan@1', run: '', unit: 'x', ...page }, 'unit'],
    [{ plan: 'kpiPlans/plan@1', run: '', unit: '', pageSize: 0, pageToken: 'bad' }, 'page_token'],
  ],
};

test.each(Object.keys(PerformanceServiceService) as Rpc[])(
  '%s names the fields that break a rule, and changes nothing',
  async (rpc) => {
    const before = await traces(started);
    const call = started.performance[rpc] as (request: object, options: object) => Promise<unknown>;
    for (const [request, ...fields] of broken[rpc]) {
      const failure = await failureOf(call(request, operator()));
      expect({ request, kind: failure.kind, fields: failure.violations.map(({ field }) => field) }).toEqual({
        request,
        kind: 'invalid',
        fields,
      });
    }
    expect(await traces(started)).toEqual(before);
  },
);

test('a request that is larger than the server takes is refused', async () => {
  const staff = [newStaff('n', 'p1', { displayName: 'x'.repeat(5 * 1024 * 1024) })];
  const before = await traces(started);
  const failure = await failureOf(started.performance.batchCreateStaff({ requestId: id(), staff }, operator()));
  expect(failure.kind).toBe('exhausted');
  expect(await traces(started)).toEqual(before);
});

test('getScore wants a plan or a run', async () => {
  const failure = await failureOf(started.performance.getScore({ staff: 'staff/a1', plan: '', run: '' }, operator()));
  expect(failure.kind).toBe('invalid');
});
