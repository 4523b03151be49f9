import type { Call } from '@rapport/kit/rpc';
import type { MetricRow, QueryMetricRequest, QueryMetricResponse } from '@rapport/proto/reporting/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { newestOf } from '../fact/fact.js';
import { type Figures, resolve } from './metric.js';
import { type FigureRow, statementOf } from './statement.js';

/** Fits one message at the widest: twenty metrics by eight dimensions. */
const MAX_ROWS = 10_000;

/** Computes metrics over what the caller may see. */
export async function queryMetric(deps: Deps, request: QueryMetricRequest, call: Call): Promise<QueryMetricResponse> {
  const figures = resolve(request);
  const { text, parameters } = statementOf(figures, call.scope, request.organisationPath, MAX_ROWS + 1);
  const rows = await deps.analytics.query<FigureRow>(text, parameters, { signal: call.signal });
  if (rows.length > MAX_ROWS) throw fail('TOO_MANY_ROWS');
  await deps.reads.record(call, request.metrics, { fields: request.dimensions });
  return { rows: rows.map((row) => rowMessage(row, figures)), asOf: newestOf(rows) };
}

function rowMessage(row: FigureRow, { metrics, dimensions }: Figures): MetricRow {
  return {
    dimensionValues: dimensions.map((_, index) => row[`d${index}`] ?? ''),
    periodStart: row.period === undefined ? undefined : partsOf(row.period),
    values: metrics.map((_, index) => {
      const value = row[`v${index}`];
      return { value: value === null || value === undefined ? undefined : Number(value) };
    }),
  };
}

function partsOf(day: string) {
  const [year = 0, month = 0, dayOfMonth = 0] = day.split('-').map(Number);
  return { year, month, day: dayOfMonth };
}
