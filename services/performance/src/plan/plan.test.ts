import { sql } from '@rapport/kit/db';
import { uuidv7 } from '@rapport/kit/runtime';
import { type KpiPlan, PlanState } from '@rapport/proto/performance/v1';
import {
  failureOf,
  newPlan,
  operator,
  person,
  populate,
  type Started,
  startPerformance,
  traces,
} from '../performance.testkit.js';

let started: Started;

beforeEach(async () => {
  started = await startPerformance();
  await populate(started);
});
afterEach(() => started.stop());

const planner = person('administrator', '/berka', 'planner');
const controller = person('administrator', '/berka', 'controller');
const approval = (name: string, etag = '') => ({ requestId: uuidv7(), name, etag });
const all = { organisationPath: '', state: 0, pageSize: 0, pageToken: '' };

describe('CreatePlan', () => {
  it('writes a draft, and the next version of the same id, each as given', async () => {
    const request = newPlan('plan');
    const { plan } = await started.performance.createPlan(request, planner);
    expect(plan).toMatchObject({
      name: 'kpiPlans/plan@1',
      version: 1,
      state: PlanState.PLAN_STATE_DRAFT,
      author: 'staff/planner',
      approver: '',
      approveTime: undefined,
      organisationPath: '/berka',
      startDate: { year: 1994, month: 1, day: 1 },
      kpis: request.plan.kpis,
    });
    expect(await started.performance.getPlan({ name: 'kpiPlans/plan@1' }, planner)).toEqual({ plan });
    const next = await started.performance.createPlan(newPlan('plan', 'prague', { title: 'Next' }), planner);
    expect(next.plan).toMatchObject({ name: 'kpiPlans/plan@2', title: 'Next', organisationPath: '/berka/prague' });
    expect((await started.performance.getPlan({ name: 'kpiPlans/plan' }, planner)).plan?.version).toBe(2);
    const audits = await started.db.system.rows(sql`SELECT FROM kit.audit WHERE resource LIKE 'kpiPlans/plan@%'`);
    expect(audits).toHaveLength(2);
  });

  it('answers the same request the same and writes no other version', async () => {
    const request = newPlan('again');
    const first = await started.performance.createPlan(request, planner);
    const before = await traces(started);
    expect(await started.performance.createPlan(request, planner)).toEqual(first);
    expect(await traces(started)).toEqual(before);
  });

  it('gives versions one by one when several are written at once', async () => {
    const made = await Promise.all(
      Array.from({ length: 5 }, () => started.performance.createPlan(newPlan('crowd'), planner)),
    );
    expect(made.map(({ plan }) => plan?.version).sort()).toEqual([1, 2, 3, 4, 5]);
  });

  it('takes no id of a plan elsewhere, and no unit out of sight', async () => {
    await started.performance.createPlan(newPlan('theirs', 'other'), operator());
    const before = await traces(started);
    const taken = await failureOf(started.performance.createPlan(newPlan('theirs'), planner));
    expect(taken).toMatchObject({ kind: 'already_exists', reason: 'PLAN_ID_TAKEN' });
    const unknown = await failureOf(started.performance.createPlan(newPlan('mine', 'other'), planner));
    expect(unknown.reason).toBe('UNIT_UNKNOWN');
    expect(await traces(started)).toEqual(before);
  });
});

describe('ApprovePlan', () => {
  it('makes the draft final, by somebody else than the author', async () => {
    const { plan } = await started.performance.createPlan(newPlan('plan'), planner);
    const { name, etag } = plan as KpiPlan;
    const own = await failureOf(started.performance.approvePlan(approval(name), planner));
    expect(own).toMatchObject({ kind: 'precondition', reason: 'APPROVER_IS_AUTHOR' });
    const stale = await failureOf(started.performance.approvePlan(approval(name, '"stale"'), controller));
    expect(stale).toMatchObject({ kind: 'conflict', reason: 'ETAG_MISMATCH' });
    const request = approval(name, etag);
    const approved = await started.performance.approvePlan(request, controller);
    expect(approved.plan).toMatchObject({ state: PlanState.PLAN_STATE_APPROVED, approver: 'staff/controller' });
    expect(approved.plan?.etag).not.toBe(etag);
    expect(await started.performance.getPlan({ name }, planner)).toEqual(approved);
    const before = await traces(started);
    expect(await started.performance.approvePlan(request, controller)).toEqual(approved);
    expect((await failureOf(started.performance.approvePlan(approval(name), controller))).reason).toBe('PLAN_APPROVED');
    expect(await traces(started)).toEqual(before);
  });

  it('refuses plans out of sight, and those of a unit above, which may only be read', async () => {
    await started.performance.createPlan(newPlan('plan'), planner);
    for (const place of ['/berka/prague', '/other']) {
      const by = person('administrator', place, 'controller');
      const failure = await failureOf(started.performance.approvePlan(approval('kpiPlans/plan@1'), by));
      expect(failure).toMatchObject({ kind: 'not_found', reason: 'PLAN_NOT_FOUND' });
    }
    const missing = await failureOf(started.performance.approvePlan(approval('kpiPlans/plan@2'), controller));
    expect(missing.reason).toBe('PLAN_NOT_FOUND');
  });
});

describe('GetPlan and ListPlans', () => {
  it('lists by id, the newest version first, page by page', async () => {
    for (const id of ['b', 'a', 'b', 'c']) await started.performance.createPlan(newPlan(id), planner);
    await started.performance.approvePlan(approval('kpiPlans/b@1'), controller);
    const seen: string[] = [];
    let pageToken = '';
    do {
      const page = await started.performance.listPlans({ ...all, pageSize: 1, pageToken }, planner);
      seen.push(...page.plans.map((plan) => plan.name));
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    expect(seen).toEqual(['kpiPlans/a@1', 'kpiPlans/b@2', 'kpiPlans/b@1', 'kpiPlans/c@1']);
    const approved = await started.performance.listPlans({ ...all, state: PlanState.PLAN_STATE_APPROVED }, planner);
    expect(approved.plans.map((plan) => plan.name)).toEqual(['kpiPlans/b@1']);
  });

  it('shows the plans of the own place, below it and above it, no others', async () => {
    for (const unit of ['berka', 'prague', 'p1', 'p2', 'brno', 'other']) {
      await started.performance.createPlan(newPlan(`of-${unit}`, unit), operator());
    }
    const listed = async (place: string, role = 'branch_manager', organisationPath = '') => {
      const { plans } = await started.performance.listPlans({ ...all, organisationPath }, person(role, place));
      return plans.map((plan) => plan.name.slice('kpiPlans/of-'.length, -'@1'.length));
    };
    expect(await listed('/berka/prague')).toEqual(['berka', 'p1', 'p2', 'prague']);
    expect(await listed('/berka/prague/1', 'relationship_manager')).toEqual(['berka', 'p1', 'prague']);
    expect(await listed('/berka')).toEqual(['berka', 'brno', 'p1', 'p2', 'prague']);
    expect(await listed('/berka', 'auditor', '/berka/prague')).toEqual(['p1', 'p2', 'prague']);
    const failure = await failureOf(
      started.performance.getPlan({ name: 'kpiPlans/of-brno' }, person('branch_manager', '/berka/prague')),
    );
    expect(failure).toMatchObject({ kind: 'not_found', reason: 'PLAN_NOT_FOUND' });
  });
});
