import { Grain, MetricUnit } from '@rapport/proto/reporting/v1';
import { factDimensions, factKinds } from '../fact/fact.js';
import { admitted, analyst, failureOf, type Running, startReporting } from '../reporting.testkit.js';
import { catalogue } from './catalogue.js';

let running: Running;

beforeAll(async () => {
  running = await startReporting();
});
afterAll(() => running.stop());

test('gives the whole catalogue by id, page by page', async () => {
  const names: string[] = [];
  let pageToken = '';
  do {
    const page = await running.reporting.listMetrics({ pageSize: 7, pageToken }, analyst());
    expect(page.metrics.length).toBeLessThanOrEqual(7);
    names.push(...page.metrics.map(({ name }) => name));
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
  expect(names).toEqual([...catalogue.keys()].sort().map((id) => `metrics/${id}`));
});

test('says all that is needed to ask', async () => {
  const { metrics } = await running.reporting.listMetrics({ pageSize: 0, pageToken: '' }, analyst());
  expect(metrics.find(({ name }) => name === 'metrics/transaction-volume')).toMatchObject({
    titleEn: 'Transaction volume',
    titleZh: '交易金额',
    unit: MetricUnit.METRIC_UNIT_MONEY,
    dimensions: ['organisation_path', 'direction', 'holding_kind', 'operation', 'currency', 'source'],
    grains: [1, 2, 3, 4, 5, 6] satisfies Grain[],
  });
  for (const metric of metrics) {
    expect(metric.name).toMatch(/^metrics\/[a-z0-9][a-z0-9._-]{0,63}$/);
    expect(metric.titleEn && metric.titleZh && metric.description && metric.unit).toBeTruthy();
    if (metric.unit === MetricUnit.METRIC_UNIT_MONEY) expect(metric.dimensions).toContain('currency');
    expect(metric.dimensions.filter((id) => !(factDimensions as readonly string[]).includes(id))).toEqual([]);
  }
  for (const { fact } of catalogue.values()) expect(factKinds).toContain(fact);
});

test('every metric can be computed by every dimension that it has', async () => {
  for (const { id, dimensions } of catalogue.values()) {
    const request = {
      metrics: [`metrics/${id}`],
      dimensions: [...dimensions],
      grain: Grain.GRAIN_WEEK,
      startDate: undefined,
      endDate: undefined,
      filters: [],
      organisationPath: '',
    };
    expect(await running.reporting.queryMetric(request, analyst('/berka'))).toEqual({ rows: [], asOf: undefined });
  }
});

test('refuses a broken page token, one of another list, and a size out of bounds', async () => {
  const other = await running.reporting.listDashboards({ pageSize: 0, pageToken: '' }, analyst());
  expect(other.nextPageToken).toBe('');
  for (const pageToken of ['x', Buffer.from('["abc","parties"]').toString('base64url')]) {
    const failure = await failureOf(running.reporting.listMetrics({ pageSize: 0, pageToken }, analyst()));
    expect(failure).toMatchObject({ kind: 'invalid', reason: 'PAGE_TOKEN_INVALID' });
  }
  for (const pageSize of [-1, 1001]) {
    const failure = await failureOf(running.reporting.listMetrics({ pageSize, pageToken: '' }, analyst()));
    expect(failure).toMatchObject({ kind: 'invalid', violations: [{ field: 'page_size' }] });
  }
});

test('is for all who look at figures', async () => {
  const roles = await admitted((options) => running.reporting.listMetrics({ pageSize: 0, pageToken: '' }, options));
  expect(roles).not.toContain('call_centre_agent');
  expect(roles).toHaveLength(8);
});
