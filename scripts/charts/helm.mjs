// Finds helm, or builds it once with Go, and packs the charts so that they can be rendered without a network.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { leaves } from './schema.mjs';

const root = resolve(fileURLToPath(import.meta.url), '../../..');
const tools = join(root, '.data/tools');
const HELM = 'helm.sh/helm/v4/cmd/helm@v4.2.4';

function executable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

const onPath = (name, env) =>
  (env.PATH ?? '')
    .split(delimiter)
    .filter(Boolean)
    .map((folder) => join(folder, name))
    .find(executable);

/**
 * Where helm is: the PATH, else `.data/tools`, else built there by Go within `timeoutMs`.
 *
 * @returns {{ helm: string } | { reason: string }} the reason says what was tried and what to install
 */
export function findHelm({ env = process.env, timeoutMs = 300_000, say = console.log, folder = tools } = {}) {
  const ready = onPath('helm', env) ?? [join(folder, 'helm')].find(executable);
  if (ready !== undefined) {
    return { helm: ready };
  }
  const go = onPath('go', env);
  if (go === undefined) {
    return {
      reason: `helm is neither on the PATH nor in ${folder}, and there is no Go to build it with: install helm 4`,
    };
  }
  say(`helm is not installed: building ${HELM} with Go, once, about two minutes`);
  mkdirSync(folder, { recursive: true });
  const built = spawnSync(go, ['install', HELM], {
    env: { ...env, GOBIN: folder },
    timeout: timeoutMs,
    encoding: 'utf8',
  });
  if (built.status === 0 && executable(join(folder, 'helm'))) {
    return { helm: join(folder, 'helm') };
  }
  const why =
    built.error?.code === 'ETIMEDOUT'
      ? `not done after ${timeoutMs / 1000} s`
      : (built.stderr ?? '').trim().split('\n').at(-1);
  return {
    reason: `helm is not on the PATH and Go could not build it (${why}): install helm 4`,
  };
}

/**
 * Copies `charts/` to a new folder under `.data` and vendors every dependency there, leaves before the umbrella because
 * helm does not build dependencies of dependencies. The charts in the repository stay untouched.
 *
 * @returns {{ charts: string, remove(): void }}
 */
export function packCharts(helm, from = join(root, 'charts')) {
  mkdirSync(join(root, '.data'), { recursive: true });
  const charts = mkdtempSync(join(root, '.data/charts-'));
  cpSync(from, charts, { recursive: true });
  for (const chart of [...leaves, 'rapport']) {
    run(helm, ['dependency', 'update', '--skip-refresh', join(charts, chart)]);
  }
  return {
    charts,
    remove: () => rmSync(charts, { recursive: true, force: true }),
  };
}

/** Renders one chart; throws with helm's own words when it refuses. */
export function render(helm, chart, { release = 'rapport', values, args = [] } = {}) {
  const files = [];
  if (values !== undefined) {
    const file = join(mkdtempSync(join(root, '.data/values-')), 'values.json');
    writeFileSync(file, JSON.stringify(values));
    files.push(file);
  }
  try {
    return run(helm, [
      'template',
      release,
      chart,
      '--namespace',
      'rapport',
      ...files.flatMap((file) => ['--values', file]),
      ...args,
    ]);
  } finally {
    for (const file of files) {
      rmSync(resolve(file, '..'), { recursive: true, force: true });
    }
  }
}

/** Lints one chart strictly; throws with what helm found. */
export function lint(helm, chart, args = []) {
  return run(helm, ['lint', '--strict', chart, ...args]);
}

function run(helm, args) {
  const home = join(root, '.data/helm');
  const done = spawnSync(helm, args, {
    encoding: 'utf8',
    timeout: 60_000,
    maxBuffer: 64 * 1024 * 1024,
    env: {
      ...process.env,
      HELM_CACHE_HOME: join(home, 'cache'),
      HELM_CONFIG_HOME: join(home, 'config'),
      HELM_DATA_HOME: join(home, 'data'),
    },
  });
  if (done.status !== 0) {
    throw new Error(`helm ${args[0]} failed: ${`${done.stdout ?? ''}\n${done.stderr ?? done.error}`.trim()}`);
  }
  return done.stdout;
}

// For tests, which cannot import this module: `find` prints { helm } or { reason }, `pack` prints { charts }.
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const found = findHelm({ say: console.error });
  if (process.argv[2] === 'pack' && found.helm !== undefined) {
    const { charts } = packCharts(found.helm);
    console.log(JSON.stringify({ ...found, charts }));
  } else {
    console.log(JSON.stringify(found));
  }
}
