import { createWriteStream } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Grain } from '@rapport/proto/reporting/v1';
import { init } from 'echarts';
import { isoDate } from '../bank/bank.js';
import type { Story } from './context.js';

const WIDTH = 960;
const HEIGHT = 540;

/** Writes the month's transactions as CSV and as a chart. Gives the paths, relative to the working folder. */
export async function writeReport(story: Story, folder: string): Promise<string[]> {
  const { bank, clients } = story;
  const step = story.progress.step('Report');
  await mkdir(folder, { recursive: true });
  const startDate = { year: bank.asOf.year - 1, month: 1, day: 1 };
  const query = {
    metrics: ['metrics/transactions', 'metrics/transaction-volume'],
    dimensions: ['direction'],
    grain: Grain.GRAIN_MONTH,
    startDate,
    endDate: bank.asOf,
    filters: [],
    organisationPath: `/${bank.id}`,
  };
  const csv = path.join(folder, `${bank.id}-transactions.csv`);
  const chunks = clients.reporting.exportCsv(query);
  await pipeline(async function* () {
    for await (const { chunk } of chunks) yield chunk;
  }, createWriteStream(csv));

  const { rows } = await clients.reporting.queryMetric(query);
  const months = [...new Set(rows.map((row) => (row.periodStart ? isoDate(row.periodStart).slice(0, 7) : '')))].sort();
  const directions = [...new Set(rows.map((row) => row.dimensionValues[0] ?? ''))].sort();
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height: HEIGHT });
  chart.setOption({
    animation: false,
    title: { text: `${bank.title}: transactions by month`, subtext: `up to ${isoDate(bank.asOf)}` },
    legend: { bottom: 0 },
    grid: { left: 80, right: 30, top: 80, bottom: 60 },
    xAxis: { type: 'category', data: months },
    yAxis: { type: 'value', name: 'transactions' },
    series: directions.map((direction) => ({
      name: direction,
      type: 'bar',
      stack: 'all',
      data: months.map(
        (month) =>
          rows.find(
            (row) =>
              row.dimensionValues[0] === direction && row.periodStart && isoDate(row.periodStart).startsWith(month),
          )?.values[0]?.value ?? 0,
      ),
    })),
  });
  const svg = path.join(folder, `${bank.id}-transactions.svg`);
  await writeFile(svg, chart.renderToSVGString());
  chart.dispose();
  step.done(`${csv}, ${svg}`);
  return [csv, svg];
}
