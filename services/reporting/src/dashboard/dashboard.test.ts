import { everything, openDatabase, sql } from '@rapport/kit/db';
import { uuidv7 } from '@rapport/kit/runtime';
import { ChartKind, CreateDashboardRequest, Grain } from '@rapport/proto/reporting/v1';
import { resolve } from '../metric/metric.js';
import { admitted, analyst, as, auditOf, failureOf, type Running, startReporting } from '../reporting.testkit.js';

let running: Running;

beforeAll(async () => {
  running = await startReporting();
});
afterAll(() => running.stop());

const tile = {
  titleEn: 'Transactions',
  chart: ChartKind.CHART_KIND_BAR,
  metrics: ['metrics/transactions'],
  dimensions: ['direction'],
  grain: Grain.GRAIN_MONTH,
  filters: ['currency=CZK'],
};

function request(id: string, organisationPath = '/berka', more: object = {}, requestId: string = uuidv7()) {
  return CreateDashboardRequest.fromPartial({
    requestId,
    dashboardId: id,
    dashboard: { titleEn: 'Prague', titleZh: '布拉格', organisationPath, tiles: [tile], ...more },
  });
}

async function names(orgPath: string, roles = ['analyst']): Promise<string[]> {
  const all: string[] = [];
  let pageToken = '';
  do {
    const page = await running.reporting.listDashboards({ pageSize: 2, pageToken }, as({ roles, orgPath }));
    all.push(...page.dashboards.map(({ name }) => name));
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
  return all;
}

const stored = () => running.db.system.rows(sql`SELECT dashboard_id FROM dashboard ORDER BY dashboard_id`);

describe('the dashboard that every bank begins with', () => {
  it('is seen from everywhere', async () => {
    for (const orgPath of ['/', '/berka', '/berka/prague/1']) {
      const { dashboard } = await running.reporting.getDashboard({ name: 'dashboards/overview' }, analyst(orgPath));
      expect(dashboard).toMatchObject({ titleEn: 'Overview', titleZh: '总览', organisationPath: '/' });
    }
  });

  it('asks only for what the catalogue has', async () => {
    const { dashboard } = await running.reporting.getDashboard({ name: 'dashboards/overview' }, analyst());
    expect(dashboard?.tiles.length).toBeGreaterThan(5);
    for (const one of dashboard?.tiles ?? []) {
      expect(one.chart).toBeGreaterThan(0);
      expect(resolve(one).metrics.length).toBeGreaterThan(0);
      const answer = { ...one, startDate: undefined, endDate: undefined, organisationPath: '' };
      await expect(running.reporting.queryMetric(answer, analyst())).resolves.toMatchObject({ rows: [] });
    }
  });
});

describe('creating', () => {
  it('stores what was asked, once for one request id, with an audit record', async () => {
    const wanted = request('once');
    const { dashboard } = await running.reporting.createDashboard(wanted, analyst('/berka'));
    expect(dashboard).toMatchObject({
      name: 'dashboards/once',
      titleEn: 'Prague',
      titleZh: '布拉格',
      organisationPath: '/berka',
      author: 'staff/ada',
      tiles: [{ ...tile, titleZh: '', lastDays: 0, width: 0 }],
    });
    expect(dashboard?.etag).toMatch(/^"/);
    expect(await running.reporting.createDashboard(wanted, analyst('/berka'))).toEqual({ dashboard });
    const got = await running.reporting.getDashboard({ name: 'dashboards/once' }, analyst('/berka'));
    expect(got).toEqual({ dashboard });
    const records = await auditOf(running, 'CreateDashboard');
    expect(records.filter(({ resource }) => resource === 'dashboards/once')).toMatchObject([
      { actor: 'staff/ada', detail: { change: { created: true, tiles: 1 } } },
    ]);
  });

  it('refuses the request id for something else, and an id that is taken, wherever it is', async () => {
    const wanted = request('taken', '/berka/brno');
    await running.reporting.createDashboard(wanted, analyst('/berka'));
    const other = request('other', '/berka', {}, wanted.requestId);
    expect(await failureOf(running.reporting.createDashboard(other, analyst('/berka')))).toMatchObject({
      reason: 'REQUEST_ID_REUSED',
    });
    for (const orgPath of ['/berka', '/demo']) {
      const again = running.reporting.createDashboard(request('taken', orgPath), analyst(orgPath));
      expect(await failureOf(again)).toMatchObject({ reason: 'DASHBOARD_EXISTS', kind: 'already_exists' });
    }
    expect(await running.db.system.rows(sql`SELECT FROM dashboard WHERE dashboard_id = 'other'`)).toEqual([]);
  });

  it.each([
    ['above', '/'],
    ['beside', '/demo'],
    ['with the same beginning', '/berka-2'],
  ])('refuses a path %s the caller', async (_where, path) => {
    const before = await stored();
    const failure = await failureOf(running.reporting.createDashboard(request('outside', path), analyst('/berka')));
    expect(failure).toMatchObject({ reason: 'ORGANISATION_PATH_OUTSIDE', kind: 'denied' });
    expect(await stored()).toEqual(before);
  });

  const many = Array.from({ length: 51 }, () => tile);
  it.each([
    ['no dashboard', { dashboard: undefined }, 'REQUEST_INVALID', 'dashboard'],
    ['no request id', { requestId: '' }, 'REQUEST_INVALID', 'request_id'],
    ['a bad id', { dashboardId: '../x' }, 'REQUEST_INVALID', 'dashboard_id'],
    ['no title', { titleEn: '' }, 'REQUEST_INVALID', 'dashboard.title_en'],
    ['an oversized title', { titleEn: 'x'.repeat(121) }, 'REQUEST_INVALID', 'dashboard.title_en'],
    ['no tile', { tiles: [] }, 'REQUEST_INVALID', 'dashboard.tiles'],
    ['too many tiles', { tiles: many }, 'REQUEST_INVALID', 'dashboard.tiles'],
    ['no chart', { tiles: [{ ...tile, chart: 0 }] }, 'REQUEST_INVALID', 'dashboard.tiles[0].chart'],
    [
      'an unknown metric',
      { tiles: [tile, { ...tile, metrics: ['metrics/x'] }] },
      'METRIC_UNKNOWN',
      'dashboard.tiles[1].metrics[0]',
    ],
    [
      'an unknown dimension',
      { tiles: [{ ...tile, dimensions: ['sex'] }] },
      'DIMENSION_UNKNOWN',
      'dashboard.tiles[0].dimensions[0]',
    ],
    [
      'an unknown filter',
      { tiles: [{ ...tile, filters: ['sex=f'] }] },
      'DIMENSION_UNKNOWN',
      'dashboard.tiles[0].filters[0]',
    ],
  ])('refuses %s and stores nothing', async (_name, more, reason, field) => {
    const before = await stored();
    const { requestId, dashboardId, ...fields } = more as Record<string, unknown>;
    const wanted = request('refused', '/berka', fields);
    const broken = {
      ...wanted,
      ...(typeof requestId === 'string' && { requestId }),
      ...(typeof dashboardId === 'string' && { dashboardId }),
      ...('dashboard' in more && { dashboard: undefined }),
    };
    const failure = await failureOf(running.reporting.createDashboard(broken, analyst('/berka')));
    expect(failure).toMatchObject({ kind: 'invalid', reason });
    expect(failure.violations.map((violation) => violation.field)).toContain(field);
    expect(await stored()).toEqual(before);
  });

  it('is for those who make reports', async () => {
    const roles = await admitted((options) => running.reporting.createDashboard(request(`by-${uuidv7()}`), options));
    expect(roles).toEqual(['branch_manager', 'analyst', 'administrator', 'operator']);
  });
});

describe('who sees it', () => {
  beforeAll(async () => {
    await running.db.system.run(sql`DELETE FROM dashboard`);
    for (const [id, path] of [
      ['bank', '/berka'],
      ['demo', '/demo'],
      ['desk', '/berka/prague/1'],
      ['prague', '/berka/prague'],
      ['prague-2', '/berka/prague-2'],
    ] as const) {
      await running.reporting.createDashboard(request(id, path), analyst());
    }
  });

  it.each([
    ['/', ['bank', 'demo', 'desk', 'prague', 'prague-2']],
    ['/berka', ['bank', 'desk', 'prague', 'prague-2']],
    ['/berka/prague', ['bank', 'desk', 'prague']],
    ['/berka/prague/1', ['bank', 'desk', 'prague']],
    ['/berka/prague-2', ['bank', 'prague-2']],
    ['/other', []],
  ])('an analyst at %s lists %j and gets no other', async (orgPath, ids) => {
    expect(await names(orgPath)).toEqual(ids.map((id) => `dashboards/${id}`));
    for (const id of ['bank', 'demo', 'desk', 'prague', 'prague-2']) {
      const got = running.reporting.getDashboard({ name: `dashboards/${id}` }, analyst(orgPath));
      if (ids.includes(id)) await expect(got).resolves.toMatchObject({ dashboard: { name: `dashboards/${id}` } });
      else expect(await failureOf(got)).toMatchObject({ reason: 'DASHBOARD_NOT_FOUND', kind: 'not_found' });
    }
  });

  it('a relationship manager sees those of the own branch and above', async () => {
    expect(await names('/berka/prague', ['relationship_manager'])).toEqual(['dashboards/bank', 'dashboards/prague']);
  });

  it('row security says the same where a query says nothing', async () => {
    const raw = openDatabase({ url: running.url, application: 'raw' });
    const seen = async (subtree: string) =>
      (
        await raw
          .scoped({ kind: 'rows', subtree })
          .rows<{ id: string }>(sql`SELECT dashboard_id AS id FROM dashboard ORDER BY dashboard_id COLLATE "C"`)
      ).map(({ id }) => id);
    try {
      expect(await seen('/berka/prague')).toEqual(['bank', 'desk', 'prague']);
      expect(await raw.scoped({ kind: 'nothing' }).rows(sql`SELECT FROM dashboard`)).toEqual([]);
      expect(await raw.scoped(everything).rows(sql`SELECT FROM dashboard`)).toHaveLength(5);
      const change = sql`UPDATE dashboard SET title_en = 'mine'`;
      expect(await raw.scoped({ kind: 'rows', subtree: '/berka/prague' }).run(change)).toBe(2);
    } finally {
      await raw.close();
    }
  });

  it('both reads are for all who look at figures', async () => {
    const lists = await admitted((options) =>
      running.reporting.listDashboards({ pageSize: 0, pageToken: '' }, options),
    );
    const gets = await admitted((options) => running.reporting.getDashboard({ name: 'dashboards/bank' }, options));
    expect(lists).toEqual(gets);
    expect(lists).toHaveLength(8);
    expect(lists).not.toContain('call_centre_agent');
  });

  it.each(['', 'dashboards/', 'dashboards/A', `dashboards/${'x'.repeat(65)}`, 'metrics/parties'])(
    'refuses the name "%s"',
    async (name) => {
      const failure = await failureOf(running.reporting.getDashboard({ name }, analyst()));
      expect(failure).toMatchObject({ kind: 'invalid', reason: 'REQUEST_INVALID' });
      expect(failure.violations[0]?.field).toBe('name');
    },
  );

  it('refuses a page token of somebody else’s making', async () => {
    const failure = await failureOf(running.reporting.listDashboards({ pageSize: 0, pageToken: 'eA' }, analyst()));
    expect(failure).toMatchObject({ reason: 'PAGE_TOKEN_INVALID' });
  });
});
