import type { Metric } from '../../api/reporting.js';
import { arrange, dimensionsFor, formatFigure, periodText } from './figures.js';

const day = (text: string) => {
  const [year = 0, month = 0, day = 0] = text.split('-').map(Number);
  return { year, month, day };
};

const word = (value: string): string => value || 'unknown';

it('makes a series of each dimension value along the periods', () => {
  const rows = [
    { dimensionValues: ['north'], periodStart: day('2026-02-01'), values: [{ value: 2 }] },
    { dimensionValues: ['north'], periodStart: day('2026-01-01'), values: [{ value: 1 }] },
    { dimensionValues: [''], periodStart: day('2026-02-01'), values: [{ value: 30 }] },
  ];
  const { axis, series } = arrange(rows, 'GRAIN_MONTH', ['Parties'], word);
  expect(axis).toEqual(['2026-01', '2026-02']);
  expect(series.map(({ name }) => name)).toEqual(['unknown', 'north']);
  expect(series[1]?.points.get('2026-02')).toBe(2);
});

it('puts the dimension values on the axis when there are no periods', () => {
  const { axis, series } = arrange(
    [
      { dimensionValues: ['a'], values: [{ value: 9 }, { value: 5 }] },
      { dimensionValues: ['b'], values: [{}, { value: 2 }] },
    ],
    'GRAIN_NONE',
    ['Parties', 'Cases'],
    word,
  );
  expect(axis).toEqual(['a', 'b']);
  expect(series.map(({ name }) => name)).toEqual(['Parties', 'Cases']);
  expect(series[0]?.points.get('b')).toBeUndefined();
});

it('never adds up money of different currencies', () => {
  const metric = { unit: 'METRIC_UNIT_MONEY', dimensions: ['currency', 'region'] } as Metric;
  expect(dimensionsFor(metric, ['region', 'product'])).toEqual(['region', 'currency']);
  expect(dimensionsFor({ ...metric, unit: 'METRIC_UNIT_COUNT' }, ['region'])).toEqual(['region']);
});

it('shows a figure in its unit', () => {
  expect(formatFigure(123_450, 'METRIC_UNIT_MONEY', 'EUR', 'en')).toBe('€1,234.50');
  expect(formatFigure(12.34, 'METRIC_UNIT_PERCENT', '', 'en')).toBe('12.3 %');
  expect(formatFigure(undefined, 'METRIC_UNIT_COUNT', '', 'en')).toBe('–');
});

it('names a period as its length needs', () => {
  const start = { year: 2026, month: 4, day: 1 };
  const grains = ['GRAIN_YEAR', 'GRAIN_QUARTER', 'GRAIN_MONTH', 'GRAIN_DAY'];
  expect(grains.map((grain) => periodText(start, grain))).toEqual(['2026', '2026-Q2', '2026-04', '2026-04-01']);
});
