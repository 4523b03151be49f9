import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';

interface Group {
  metric_name?: string;
  attributes?: { id?: string }[];
}

export interface Declared {
  attributes: string[];
  metrics: string[];
}

/** The attributes and metrics that deploy/otel/attributes declares. */
export function declared(root: string): Declared {
  const groups = globSync('deploy/otel/attributes/*.yaml', { cwd: root }).flatMap(
    (file) => (parse(readFileSync(path.join(root, file), 'utf8')) as { groups: Group[] }).groups,
  );
  return {
    attributes: groups.flatMap((group) => (group.attributes ?? []).flatMap(({ id }) => (id ? [id] : []))).sort(),
    metrics: groups.flatMap(({ metric_name: name }) => (name ? [name] : [])).sort(),
  };
}

/** What a Prometheus page shows: the names of its metrics, of their series and of their labels. */
export interface Shown {
  metrics: Set<string>;
  series: Set<string>;
  labels: Set<string>;
}

/** Reads the page of `/metrics`, adding to `shown`. */
export function readMetrics(page: string, shown: Shown): void {
  for (const line of page.split('\n')) {
    const type = /^# TYPE (\S+)/.exec(line)?.[1];
    if (type) shown.metrics.add(type);
    const series = /^[a-z]\w*/.exec(line)?.[0];
    if (series) shown.series.add(series);
    const labels = /^[a-z]\w*\{(.*)\}/.exec(line)?.[1];
    for (const [, label] of labels?.matchAll(/(\w+)="/g) ?? []) shown.labels.add(label as string);
  }
}

/** A name as Prometheus writes it; of a metric only the beginning, its unit follows. */
export const prometheusName = (name: string): string => name.replaceAll('.', '_');
