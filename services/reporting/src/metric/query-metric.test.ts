import { CaseClosed, SurveyAnswered } from '@rapport/proto/cases/v1';
import { PartyCreated, PartyKind } from '@rapport/proto/customer/v1';
import { Grain, type QueryMetricResponse } from '@rapport/proto/reporting/v1';
import { recordFacts } from '../fact/record-facts.js';
import {
  admitted,
  analyst,
  as,
  auditOf,
  booked,
  failureOf,
  happened,
  query,
  type Running,
  startReporting,
} from '../reporting.testkit.js';

let running: Running;

beforeAll(async () => {
  running = await startReporting();
});
afterAll(() => running.stop());
beforeEach(() => running.analytics.command('TRUNCATE TABLE fact'));

const day = (text: string) => {
  const [year = 0, month = 0, dayOfMonth = 0] = text.split('-').map(Number);
  return { year, month, day: dayOfMonth };
};

/** Rows as `['1994-03-01', 'credit', 2]`. */
function plain({ rows }: QueryMetricResponse): unknown[][] {
  return rows.map(({ periodStart: start, dimensionValues, values }) => [
    ...(start ? [[start.year, start.month, start.day].map((part) => String(part).padStart(2, '0')).join('-')] : []),
    ...dimensionValues,
    ...values.map(({ value }) => value),
  ]);
}

async function ask(more: Parameters<typeof query>[0], options = analyst()): Promise<unknown[][]> {
  return plain(await running.reporting.queryMetric(query(more), options));
}

describe('figures', () => {
  it('splits and sums by dimension and month, ordered by period and value', async () => {
    await recordFacts(running.deps, [
      booked({ day: '1994-04-01', cents: 5n }),
      booked({ day: '1994-03-31', cents: 7n }),
      booked({ day: '1994-03-01', debit: true, cents: 11n }),
      booked({ day: '1994-03-02', cents: 13n }),
    ]);
    const answer = await ask({
      metrics: ['metrics/transactions', 'metrics/transaction-volume'],
      dimensions: ['direction'],
      grain: Grain.GRAIN_MONTH,
    });
    expect(answer).toEqual([
      ['1994-03-01', 'credit', 2, 20],
      ['1994-03-01', 'debit', 1, 11],
      ['1994-04-01', 'credit', 1, 5],
    ]);
  });

  it('counts an event once, however often and in whatever batches it comes', async () => {
    const events = Array.from({ length: 50 }, (_, index) => booked({ day: `1995-01-${10 + (index % 20)}`, cents: 3n }));
    await recordFacts(running.deps, events);
    await recordFacts(running.deps, [...events.slice(10, 30), ...events.slice(0, 40)]);
    await recordFacts(running.deps, events.slice(49));
    const stored = await running.analytics.query<{ n: number }>('SELECT count() AS n FROM fact');
    expect(stored[0]?.n).toBeGreaterThan(50);
    const metrics = ['metrics/transactions', 'metrics/transaction-volume'];
    expect(await ask({ metrics })).toEqual([[50, 150]]);
    await running.analytics.command('OPTIMIZE TABLE fact FINAL');
    expect(await ask({ metrics })).toEqual([[50, 150]]);
  });

  it.each([
    [Grain.GRAIN_DAY, '1994-05-18'],
    [Grain.GRAIN_WEEK, '1994-05-16'],
    [Grain.GRAIN_MONTH, '1994-05-01'],
    [Grain.GRAIN_QUARTER, '1994-04-01'],
    [Grain.GRAIN_YEAR, '1994-01-01'],
  ])('begins periods of grain %s rightly, also before 1970 and after 2149', async (grain, start) => {
    await recordFacts(running.deps, [
      booked({ day: '1994-05-18' }),
      booked({ day: '1931-12-30' }),
      booked({ day: '2201-02-03' }),
    ]);
    const answer = await ask({ grain });
    expect(answer.map((row) => row[0])).toContain(start);
    expect(answer).toHaveLength(3);
    expect(String(answer[0]?.[0])).toMatch(/^1931-/);
    expect(String(answer[2]?.[0])).toMatch(/^2201-/);
  });

  it('keeps the days of the range, both ends included', async () => {
    await recordFacts(
      running.deps,
      ['1994-03-30', '1994-03-31', '1994-04-01', '1994-04-02'].map((text) => booked({ day: text })),
    );
    expect(await ask({ startDate: day('1994-03-31'), endDate: day('1994-04-01') })).toEqual([[2]]);
    expect(await ask({ startDate: day('1994-04-01') })).toEqual([[2]]);
    expect(await ask({ endDate: day('1994-03-30') })).toEqual([[1]]);
    expect(await ask({ startDate: day('1801-01-01'), endDate: day('9999-12-31') })).toEqual([[4]]);
    expect(await ask({ startDate: day('1995-01-01') })).toEqual([]);
  });

  it('filters: any value of one dimension, all dimensions together, whatever the values look like', async () => {
    const nasty = "x' OR 1=1 --\\ {limit:UInt32}";
    await recordFacts(running.deps, [
      booked({ day: '1994-03-01', source: 'berka' }),
      booked({ day: '1994-03-01', source: nasty }),
      booked({ day: '1994-03-01', source: 'other', debit: true }),
    ]);
    const filters = (...all: string[]) => ask({ filters: all });
    expect(await filters('source=berka')).toEqual([[1]]);
    expect(await filters(`source=${nasty}`)).toEqual([[1]]);
    expect(await filters('source=berka', 'source=other')).toEqual([[2]]);
    expect(await filters('source=berka', 'source=other', 'direction=credit')).toEqual([[1]]);
    expect(await filters("source=' OR ''='")).toEqual([]);
    expect(await ask({ dimensions: ['source'], filters: [`source=${nasty}`] })).toEqual([[nasty, 1]]);
  });

  it('puts metrics of different facts side by side, and leaves the average of nothing out', async () => {
    const at = new Date('2026-02-10T10:00:00Z');
    const close = (more: object) =>
      happened(CaseClosed, {
        organisationPath: '/berka',
        type: 'caseTypes/complaint',
        receiveTime: new Date('2026-02-09T10:00:00Z'),
        closeTime: at,
        ...more,
      });
    await recordFacts(running.deps, [
      close({ resolvedInTime: true }),
      close({ resolvedInTime: true, receiveTime: new Date('2026-02-10T04:00:00Z') }),
      close({ resolvedInTime: false, type: 'caseTypes/request' }),
      happened(SurveyAnswered, { organisationPath: '/berka', type: 'caseTypes/complaint', score: 4, answerTime: at }),
      happened(SurveyAnswered, { organisationPath: '/berka', type: 'caseTypes/complaint', score: 5, answerTime: at }),
    ]);
    const metrics = ['cases-closed', 'cases-in-time', 'case-hours', 'survey-score', 'surveys'];
    expect(await ask({ metrics: metrics.map((id) => `metrics/${id}`), dimensions: ['case_type'] })).toEqual([
      ['complaint', 2, 100, 15, 4.5, 2],
      ['request', 1, 0, 24, undefined, 0],
    ]);
  });

  it('counts a moment for the day it was in the bank, and says which event was the newest', async () => {
    const party = (createTime: Date, occurred: Date) =>
      happened(
        PartyCreated,
        { organisationPath: '/berka', kind: PartyKind.PARTY_KIND_PERSON, createTime },
        { occurred },
      );
    await recordFacts(running.deps, [
      party(new Date('2026-01-31T22:59:00Z'), new Date('2026-02-01T00:00:01Z')),
      party(new Date('2026-01-31T23:01:00Z'), new Date('2026-02-01T00:00:02.345Z')),
    ]);
    const request = query({ metrics: ['metrics/parties'], grain: Grain.GRAIN_MONTH });
    const answer = await running.reporting.queryMetric(request, analyst());
    expect(plain(answer)).toEqual([
      ['2026-01-01', 1],
      ['2026-02-01', 1],
    ]);
    expect(answer.asOf).toEqual(new Date('2026-02-01T00:00:02.345Z'));
    const empty = await running.reporting.queryMetric(query({ metrics: ['metrics/surveys'] }), analyst());
    expect(empty).toEqual({ rows: [], asOf: undefined });
  });

  it('agrees with counting by hand over a thousand facts', async () => {
    let seed = 7;
    const next = (below: number) => (seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648) % below;
    const facts = Array.from({ length: 1000 }, () => ({
      path: `/berka/r${next(4)}`,
      day: `199${3 + next(4)}-${String(1 + next(12)).padStart(2, '0')}-${String(1 + next(28)).padStart(2, '0')}`,
      debit: next(3) === 0,
      cents: BigInt(next(1_000_000)),
    }));
    await recordFacts(running.deps, facts.map(booked));
    const expected = new Map<string, number>();
    for (const { path, day: text, debit, cents } of facts) {
      if (path === '/berka/r0' || text < '1994-02-11') continue;
      const key = [`${text.slice(0, 4)}-01-01`, path, debit ? 'debit' : 'credit'].join(' ');
      expected.set(key, (expected.get(key) ?? 0) + Number(cents));
    }
    const rows = await ask({
      metrics: ['metrics/transaction-volume'],
      dimensions: ['organisation_path', 'direction'],
      grain: Grain.GRAIN_YEAR,
      startDate: day('1994-02-11'),
      filters: ['organisation_path=/berka/r1', 'organisation_path=/berka/r2', 'organisation_path=/berka/r3'],
    });
    expect(rows.map((row) => [row.slice(0, 3).join(' '), row[3]])).toEqual([...expected].sort());
  });
});

describe('row security', () => {
  beforeEach(() =>
    recordFacts(
      running.deps,
      ['/berka', '/berka/prague', '/berka/prague/1', '/berka/prague-2', '/demo'].map((path) =>
        booked({ day: '1994-03-01', path }),
      ),
    ),
  );

  it.each([
    ['/', '', 5],
    ['/berka', '', 4],
    ['/berka/prague', '', 2],
    ['/berka/prague', '/berka', 2],
    ['/berka/prague', '/berka/prague/1', 1],
    ['/', '/berka/prague', 2],
    ['/demo', '', 1],
  ])('an analyst at %s who asks under "%s" counts %i', async (orgPath, organisationPath, count) => {
    expect(await ask({ organisationPath }, analyst(orgPath))).toEqual([[count]]);
  });

  it.each([
    ['/berka/prague', '/demo'],
    ['/berka/brno', ''],
    ['/berka/prague', '/berka/prague-2'],
  ])('an analyst at %s who asks under "%s" sees nothing, not even that there is something', async (orgPath, under) => {
    const answer = await running.reporting.queryMetric(query({ organisationPath: under }), analyst(orgPath));
    expect(answer).toEqual({ rows: [], asOf: undefined });
  });

  it('shows no value of a dimension from outside', async () => {
    const dimensions = ['organisation_path'];
    expect(await ask({ dimensions }, analyst('/berka/prague'))).toEqual([
      ['/berka/prague', 1],
      ['/berka/prague/1', 1],
    ]);
    expect(await ask({ dimensions, filters: ['organisation_path=/demo'] }, analyst('/berka'))).toEqual([]);
  });

  it('shows a relationship manager the own branch alone', async () => {
    const manager = as({ roles: ['relationship_manager'], orgPath: '/berka/prague' });
    expect(await ask({ dimensions: ['organisation_path'] }, manager)).toEqual([['/berka/prague', 1]]);
  });
});

describe('who and what', () => {
  it('lets in those who work with figures', async () => {
    const roles = await admitted((options) => running.reporting.queryMetric(query(), options));
    expect(roles).toEqual([
      'relationship_manager',
      'marketer',
      'marketing_approver',
      'branch_manager',
      'auditor',
      'analyst',
      'administrator',
      'operator',
    ]);
    const service = as({ sub: 'service:marketing', typ: 'service', roles: ['service'], signedBy: 'marketing' });
    expect(await failureOf(running.reporting.queryMetric(query(), service))).toMatchObject({ kind: 'denied' });
    expect(await failureOf(running.reporting.queryMetric(query()))).toMatchObject({ kind: 'unauthenticated' });
  });

  const dates = { startDate: day('1994-03-02'), endDate: day('1994-03-01') };
  it.each([
    ['no metric', { metrics: [] }, 'REQUEST_INVALID', 'metrics'],
    ['no metric name', { metrics: ['transactions'] }, 'REQUEST_INVALID', 'metrics[0]'],
    ['the same metric twice', { metrics: ['metrics/parties', 'metrics/parties'] }, 'REQUEST_INVALID', 'metrics'],
    [
      'too many metrics',
      { metrics: Array.from({ length: 21 }, (_, i) => `metrics/m${i}`) },
      'REQUEST_INVALID',
      'metrics',
    ],
    ['an unknown metric', { metrics: ['metrics/parties', 'metrics/nothing'] }, 'METRIC_UNKNOWN', 'metrics[1]'],
    ['an inherited name', { metrics: ['metrics/constructor'] }, 'METRIC_UNKNOWN', 'metrics[0]'],
    ['an unknown dimension', { dimensions: ['event_id'] }, 'DIMENSION_UNKNOWN', 'dimensions[0]'],
    ['SQL for a dimension', { dimensions: ['direction)--'] }, 'REQUEST_INVALID', 'dimensions[0]'],
    [
      'a dimension that one metric lacks',
      { metrics: ['metrics/transactions', 'metrics/parties'], dimensions: ['direction'] },
      'DIMENSION_UNKNOWN',
      'dimensions[0]',
    ],
    ['an unknown filter', { filters: ['direction=credit', 'amount_minor=1'] }, 'DIMENSION_UNKNOWN', 'filters[1]'],
    ['no filter', { filters: ['direction'] }, 'REQUEST_INVALID', 'filters[0]'],
    ['an oversized filter', { filters: [`direction=${'x'.repeat(200)}`] }, 'REQUEST_INVALID', 'filters[0]'],
    ['a wrong path', { organisationPath: 'berka' }, 'REQUEST_INVALID', 'organisation_path'],
    ['an unknown grain', { grain: 99 }, 'REQUEST_INVALID', 'grain'],
    ['half a date', { startDate: { year: 1994, month: 3, day: 0 } }, 'REQUEST_INVALID', 'start_date'],
    ['no day of the calendar', { endDate: { year: 1995, month: 2, day: 29 } }, 'DATE_INVALID', 'end_date'],
    ['a range that ends first', dates, 'RANGE_REVERSED', 'end_date'],
  ])('refuses %s', async (_name, more, reason, field) => {
    const failure = await failureOf(running.reporting.queryMetric(query(more), analyst()));
    expect(failure).toMatchObject({ kind: 'invalid', reason });
    expect(failure.violations.map((violation) => violation.field)).toEqual([field]);
  });

  it('refuses more rows than fit an answer', async () => {
    const events = Array.from({ length: 10_001 }, (_, index) => booked({ day: '1994-03-01', source: `s${index}` }));
    await recordFacts(running.deps, events.slice(1));
    expect(await ask({ dimensions: ['source'] })).toHaveLength(10_000);
    await recordFacts(running.deps, events.slice(0, 1));
    const failure = await failureOf(running.reporting.queryMetric(query({ dimensions: ['source'] }), analyst()));
    expect(failure).toMatchObject({ reason: 'TOO_MANY_ROWS', kind: 'exhausted' });
  });

  it('leaves a record of who was shown which figures', async () => {
    const before = (await auditOf(running, 'QueryMetric')).length;
    await ask({ metrics: ['metrics/parties', 'metrics/interactions'], dimensions: ['organisation_path'] });
    const records = (await auditOf(running, 'QueryMetric')).slice(before);
    expect(records.map(({ actor, resource }) => [actor, resource]).sort()).toEqual([
      ['staff/ada', 'metrics/interactions'],
      ['staff/ada', 'metrics/parties'],
    ]);
    expect(records[0]?.detail).toEqual({ fields: ['organisation_path'] });
  });
});
