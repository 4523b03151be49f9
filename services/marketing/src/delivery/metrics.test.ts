import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { deliveryMetric } from './metrics.js';

interface Group {
  type: string;
  metric_name?: string;
  instrument?: string;
  unit?: string;
  brief?: string;
}

it('emits exactly the metrics that are declared', () => {
  const file = join(__dirname, '../../../../deploy/otel/attributes/marketing.yaml');
  const { groups } = parse(readFileSync(file, 'utf8')) as { groups: Group[] };
  const declared = groups
    .filter(({ type }) => type === 'metric')
    .map(({ metric_name: name, instrument, unit, brief }) => ({ name, instrument, unit, brief }));
  expect(declared).toEqual(Object.values(deliveryMetric));
});
