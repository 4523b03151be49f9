// What a service's chart gives its container, read from the chart's values, so that an image is tested with that.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { root } from './stage.mjs';

const units = { Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30 };

/**
 * Reads what the container of a service gets.
 *
 * @returns {{ settings: Record<string, string>, ports: Record<string, number>, peers: string[], secrets: string[],
 *   files: Record<string, string>, memoryBytes: number, cpus: string, startupSeconds: number, graceSeconds: number }}
 *   `files` maps a variable to the path in the container
 */
export function chartOf(service) {
  const values = parse(readFileSync(join(root, 'charts', service, 'values.yaml'), 'utf8'));
  const [, number, unit] = /^(\d+)(Ki|Mi|Gi)$/.exec(values.resources.limits.memory);
  const config = Object.entries(values.config).filter(([, value]) => String(value) !== '');
  return {
    settings: {
      NODE_ENV: 'production',
      NODE_OPTIONS: `--max-old-space-size-percentage=${values.heapPercentage}`,
      OTEL_SERVICE_NAME: `rapport-${service}`,
      OTEL_TRACES_EXPORTER: 'none',
      ...Object.fromEntries(config.map(([name, value]) => [name, String(value)])),
    },
    ports: values.ports,
    peers: Object.keys(values.peers ?? {}),
    secrets: Object.keys(values.secrets ?? {}).filter((name) => values.secrets[name].name !== ''),
    files: Object.fromEntries(
      Object.entries(values.secretFiles ?? {})
        .filter(([, secret]) => secret.name !== '')
        .map(([name, secret]) => [name, `/var/run/rapport/${name.toLowerCase().replaceAll('_', '-')}/${secret.key}`]),
    ),
    migrates: values.migration?.enabled === true,
    memoryBytes: Number(number) * units[unit],
    cpus: String(values.resources.limits.cpu),
    startupSeconds: values.probes.startupSeconds,
    graceSeconds: values.terminationGracePeriodSeconds,
  };
}
