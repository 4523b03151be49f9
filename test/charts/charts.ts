import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { IHorizontalPodAutoscaler } from 'kubernetes-models/autoscaling/v2/HorizontalPodAutoscaler';
import type { IDeployment } from 'kubernetes-models/apps/v1/Deployment';
import type { IJob } from 'kubernetes-models/batch/v1/Job';
import type { INetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy';
import type { IPodDisruptionBudget } from 'kubernetes-models/policy/v1/PodDisruptionBudget';
import type { IConfigMap } from 'kubernetes-models/v1/ConfigMap';
import type { IService } from 'kubernetes-models/v1/Service';
import { parse, parseAllDocuments } from 'yaml';

export const root = resolve(__dirname, '../..');
export const leaves = ['customer', 'segmentation', 'marketing', 'cases', 'performance', 'reporting', 'gateway'];

/** The kinds that the charts render, by their name. */
export interface Kinds {
  ConfigMap: IConfigMap;
  Deployment: IDeployment;
  HorizontalPodAutoscaler: IHorizontalPodAutoscaler;
  Job: IJob;
  NetworkPolicy: INetworkPolicy;
  PodDisruptionBudget: IPodDisruptionBudget;
  Service: IService;
}

/** One rendered Kubernetes object. */
export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
  };
  spec?: Record<string, unknown>;
}

export type Helm = { ready: true; helm: string; charts: string } | { ready: false; reason: string };

/**
 * Finds helm (building it once with Go where possible) and packs a copy of the charts. Charts packed by an earlier run
 * that was killed are removed. The time is bounded by the script itself.
 */
export function prepareHelm(env: NodeJS.ProcessEnv = process.env): Helm {
  removeStale();
  const script = join(root, 'scripts/charts/helm.mjs');
  const run = spawnSync(process.execPath, [script, 'pack'], {
    encoding: 'utf8',
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (run.status !== 0) {
    throw new Error(`${script} failed: ${run.stdout}`);
  }
  const answer = JSON.parse(run.stdout) as {
    helm?: string;
    charts?: string;
    reason?: string;
  };
  return answer.helm !== undefined && answer.charts !== undefined
    ? { ready: true, helm: answer.helm, charts: answer.charts }
    : { ready: false, reason: answer.reason ?? '' };
}

/** What helm says to these arguments. */
export function run(helm: string, args: string[]): { ok: boolean; text: string } {
  const done = spawnSync(helm, args, {
    encoding: 'utf8',
    timeout: 60_000,
    maxBuffer: 64 * 1024 * 1024,
  });
  return {
    ok: done.status === 0,
    text: done.status === 0 ? done.stdout : `${done.stdout}${done.stderr}`,
  };
}

/** What helm says to rendering a chart with these values, as text. */
export function template(
  at: { helm: string; charts: string },
  chart: string,
  values: object = {},
): { ok: boolean; text: string } {
  const folder = mkdtempSync(join(at.charts, 'values-'));
  const file = join(folder, 'values.json');
  writeFileSync(file, JSON.stringify(values));
  return run(at.helm, ['template', 'rapport', join(at.charts, chart), '--namespace', 'rapport', '--values', file]);
}

/** The objects a chart renders with these values; throws when helm refuses. */
export function manifests(at: { helm: string; charts: string }, chart: string, values: object = {}): Manifest[] {
  const { ok, text } = template(at, chart, values);
  if (!ok) {
    throw new Error(text);
  }
  return parseAllDocuments(text)
    .map((document) => document.toJS() as Manifest | null)
    .filter((manifest) => manifest !== null);
}

/** All objects of one kind. */
export function ofKind<K extends keyof Kinds>(all: Manifest[], kind: K): Kinds[K][] {
  return all.filter((manifest) => manifest.kind === kind) as unknown as Kinds[K][];
}

/** The pod specs among them, with the object that holds each. */
export function pods(all: Manifest[]) {
  const holders = [...ofKind(all, 'Deployment'), ...ofKind(all, 'Job')];
  return holders.map((holder) => {
    const template = holder.spec?.template;
    if (template?.spec === undefined || holder.metadata === undefined) {
      throw new Error('a deployment or job without a pod');
    }
    return {
      kind: holder.kind,
      name: holder.metadata.name ?? '',
      labels: template.metadata?.labels ?? {},
      spec: template.spec,
    };
  });
}

/**
 * Checks manifests against the Kubernetes API: its schemas for formats and required fields, its types for fields that
 * do not exist. Answers with one line per violation.
 */
export function violations(all: Manifest[]): string[] {
  const run = spawnSync(process.execPath, [join(__dirname, 'kubernetes.mjs')], {
    input: JSON.stringify(all),
    encoding: 'utf8',
    timeout: 60_000,
    maxBuffer: 64 * 1024 * 1024,
  });
  if (run.status !== 0) {
    throw new Error(run.stderr);
  }
  return JSON.parse(run.stdout) as string[];
}

/** The values.yaml of a chart. */
export function valuesOf(chart: string): Record<string, Record<string, unknown>> {
  return parse(readFileSync(join(root, 'charts', chart, 'values.yaml'), 'utf8')) as Record<
    string,
    Record<string, unknown>
  >;
}

function removeStale(): void {
  const folder = join(root, '.data');
  const hour = 3_600_000;
  let names: string[];
  try {
    names = readdirSync(folder).filter((name) => name.startsWith('charts-'));
  } catch {
    return;
  }
  for (const name of names) {
    const path = join(folder, name);
    if (Date.now() - statSync(path).mtimeMs > hour) {
      rmSync(path, { recursive: true, force: true });
    }
  }
}
