// Builds the real image of every service and runs it as its chart does: limits, user 1000, read-only, no capability;
// against real Postgres and NATS, with its migrations first. Ends with `N passed, N failed`.
//
//   npm run test:images [-- --only customer --only gateway] [-- --no-build]
//
// Segmentation and reporting need a ClickHouse server, which the images do not hold. Here they talk to the embedded
// engine behind ClickHouse's HTTP interface, in a process outside the container: their image, migration, start, health
// and shutdown are checked on the real engine; a ClickHouse cluster is not.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { credentials, makeClientConstructor } from '@grpc/grpc-js';
import { freePort } from '../lib/processes.mjs';
import { chartOf } from './chart.mjs';
import * as engine from './engine.mjs';
import { forbidden, megabytes, packagesIn, root, services, stage } from './stage.mjs';
import { startStores } from './stores.mjs';

const { values: options } = parseArgs({
  options: { only: { type: 'string', multiple: true }, 'no-build': { type: 'boolean', default: false } },
});
const wanted = options.only ?? services;
const prefix = 'rapport-image-test-';
const imageOf = (service) => `docker.io/rapport/${service}:test`;
const say = (text) => console.log(text);
let passed = 0;
let failed = 0;

async function check(what, work) {
  try {
    const detail = await work();
    passed += 1;
    say(`  ok    ${what}${typeof detail === 'string' ? `: ${detail}` : ''}`);
    return true;
  } catch (error) {
    failed += 1;
    say(`  FAIL  ${what}: ${error.message}`);
    return false;
  }
}

function assert(condition, message) {
  if (!condition) {
    throw new Error(message);
  }
}

function buildSources() {
  const projects = wanted
    .map((service) => join('services', service))
    .filter((folder) => existsSync(join(root, folder, 'tsconfig.json')));
  const tsc = spawnSync(join(root, 'node_modules/.bin/tsc'), ['-b', ...projects], { cwd: root, encoding: 'utf8' });
  assert(tsc.status === 0, `tsc -b failed:\n${tsc.stdout}`);
  if (wanted.includes('gateway') && !existsSync(join(root, 'services/console/dist/index.html'))) {
    const vite = spawnSync(join(root, 'node_modules/.bin/vite'), ['build'], {
      cwd: join(root, 'services/console'),
      encoding: 'utf8',
    });
    assert(vite.status === 0, `vite build failed:\n${vite.stderr}`);
  }
}

async function environmentOf(service, chart, stores, addresses) {
  const env = { ...chart.settings };
  const mounts = {};
  for (const name of Object.keys(chart.ports)) {
    env[`${name.toUpperCase()}_ADDRESS`] = `127.0.0.1:${await freePort()}`;
  }
  for (const peer of chart.peers) {
    env[peer] = addresses.get(peer) ?? `127.0.0.1:${await freePort()}`;
  }
  if ('NATS_URL' in env) env.NATS_URL = stores.natsUrl;
  if ('OIDC_ISSUER' in env) env.OIDC_ISSUER = stores.issuerUrl;
  const secrets = {
    DATABASE_URL: () => stores.database(service),
    CLICKHOUSE_URL: () => stores.clickhouse(service),
    SMTP_URL: () => 'smtp://127.0.0.1:2525',
    OIDC_CLIENT_SECRET: () => 'only-for-this-test',
  };
  for (const name of chart.secrets) {
    assert(name in secrets, `this test has no value for the secret ${name}`);
    env[name] = await secrets[name]();
  }
  const files = {
    AUTH_JWKS_FILE: 'jwks.json',
    SERVICE_KEY_FILE: `${service}.jwk.json`,
    GATEWAY_KEY_FILE: 'gateway.jwk.json',
    KEY_ENCRYPTION_KEY_FILE: 'key-encryption-key',
    SESSION_KEY_FILE: 'session-key',
  };
  for (const [name, inside] of Object.entries(chart.files)) {
    assert(name in files, `this test has no file for ${name}`);
    env[name] = inside;
    mounts[inside] = join(stores.keys, files[name]);
  }
  return { env, mounts };
}

/** Asks grpc.health.v1.Health/Check; the messages are so small that no generated code is needed. */
function grpcHealth(address) {
  const bytes = (value) => value;
  const Health = makeClientConstructor(
    {
      check: {
        path: '/grpc.health.v1.Health/Check',
        requestStream: false,
        responseStream: false,
        requestSerialize: bytes,
        requestDeserialize: bytes,
        responseSerialize: bytes,
        responseDeserialize: bytes,
      },
    },
    'Health',
  );
  const client = new Health(address, credentials.createInsecure());
  return new Promise((resolve, reject) =>
    client.check(Buffer.alloc(0), { deadline: Date.now() + 5_000 }, (error, answer) => {
      client.close();
      return error ? reject(error) : resolve(answer.equals(Buffer.from([8, 1])) ? 'SERVING' : 'NOT_SERVING');
    }),
  );
}

async function httpStatus(address, path) {
  const answer = await fetch(`http://${address}${path}`, { signal: AbortSignal.timeout(2_000) }).catch(() => undefined);
  return answer?.status;
}

async function untilReady(container, opsAddress, seconds) {
  const started = Date.now();
  let last;
  while (Date.now() - started < seconds * 1000) {
    assert(container.status() === undefined, `it ended with ${container.status()}:\n${container.output()}`);
    last = await httpStatus(opsAddress, '/readyz');
    if (last === 200) {
      return `${((Date.now() - started) / 1000).toFixed(1)} s`;
    }
    await sleep(100);
  }
  throw new Error(`/readyz answered ${last} after ${seconds} s:\n${container.output()}`);
}

function status(pid, field) {
  return new RegExp(`^${field}:\\s+(.*)$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '';
}

/** The memory limit that the kernel enforces on a process, in either version of control groups. */
function memoryLimit(pid) {
  const groups = readFileSync(`/proc/${pid}/cgroup`, 'utf8').split('\n');
  const v1 = groups.find((line) => /^\d+:memory:/.test(line));
  const candidates = v1
    ? [join('/sys/fs/cgroup/memory', v1.split(':')[2], 'memory.limit_in_bytes')]
    : [join('/sys/fs/cgroup', (groups.find((line) => line.startsWith('0::')) ?? '0::/').slice(3), 'memory.max')];
  const file = candidates.find(existsSync);
  return file === undefined ? undefined : Number(readFileSync(file, 'utf8'));
}

function inspectImage(image) {
  const folder = engine.podman('image', 'mount', image).trim();
  try {
    const bad = packagesIn(join(folder, 'app')).filter((name) => forbidden.some((rule) => rule.test(name)));
    assert(bad.length === 0, `the image holds ${bad.join(', ')}`);
    for (const tool of ['usr/local/bin/npm', 'usr/local/bin/npx', 'usr/local/lib/node_modules']) {
      assert(!existsSync(join(folder, tool)), `the image holds /${tool}`);
    }
    const sources = spawnSync('find', [
      join(folder, 'app'),
      '-name',
      '*.ts',
      '-o',
      '-name',
      '*.test.js',
      '-o',
      '-perm',
      '-o+w',
      '!',
      '-type',
      'l',
    ]);
    const found = String(sources.stdout).trim();
    assert(found === '', `sources, tests or writable files: ${found.split('\n').slice(0, 3).join(', ')}`);
  } finally {
    engine.podman('image', 'unmount', image);
  }
}

async function testService(service, stores, addresses, running) {
  say(`\n${service}`);
  const tree = join(engine.home, 'tree', service);
  const image = imageOf(service);
  const chart = chartOf(service);
  const built = await check('its tree holds only what it runs', () => {
    const { packages, bytes } = stage({ service, out: tree });
    return `${megabytes(bytes)}, ${packages.length} packages`;
  });
  if (!built) return;
  const complete = await check('its image builds', () => {
    engine.build({
      file: join(root, 'deploy/image/Dockerfile'),
      context: tree,
      tag: image,
      args: { SERVICE: service },
    });
    return megabytes(engine.imageSize(image));
  });
  if (!complete) return;
  await check('its image holds no engine, build tool, source, test or file it could write', () => inspectImage(image));

  const { env, mounts } = await environmentOf(service, chart, stores, addresses);
  const limits = { image, files: mounts, memory: `${chart.memoryBytes}b`, cpus: chart.cpus };
  await check('without its settings it ends at once and says what is missing', () => {
    const { status: code, output } = engine.runOnce({
      ...limits,
      name: `${prefix}${service}-bare`,
      env: {},
      files: {},
    });
    assert(code === 2 && /is required/.test(output), `it ended with ${code}:\n${output}`);
  });
  if (chart.migrates) {
    await check('its migrations run in a container, and again without effect', () => {
      for (const _ of [1, 2]) {
        const { status: code, output } = engine.runOnce({
          ...limits,
          name: `${prefix}${service}-migrate`,
          env,
          args: ['migrate'],
        });
        assert(code === 0, `migrate ended with ${code}:\n${output}`);
      }
    });
  }
  const container = engine.start({ ...limits, name: `${prefix}${service}`, env });
  const ready = await check(`it is ready within the chart's ${chart.startupSeconds} s`, () =>
    untilReady(container, env.OPS_ADDRESS, chart.startupSeconds),
  );
  if (!ready) {
    engine.stop(container.name, 5);
    return;
  }
  running.push({ container, chart });
  if (env.GRPC_ADDRESS !== undefined) {
    addresses.set(`${service.toUpperCase()}_ADDRESS`, env.GRPC_ADDRESS);
    await check('its gRPC health says SERVING', async () => {
      const answer = await grpcHealth(env.GRPC_ADDRESS);
      assert(answer === 'SERVING', answer);
    });
  } else {
    await check('it serves the console over HTTP', async () => {
      const answer = await httpStatus(env.HTTP_ADDRESS, '/');
      assert(answer === 200, `/ answered ${answer}`);
    });
  }
  await check('/livez and /metrics answer', async () => {
    for (const path of ['/livez', '/metrics']) {
      const answer = await httpStatus(env.OPS_ADDRESS, path);
      assert(answer === 200, `${path} answered ${answer}`);
    }
  });
  await check("it runs as user 1000, without capabilities, within the chart's memory, on a read-only root", () => {
    const pid = engine.pidOf(container.name);
    assert(/^1000\s+1000\s+1000/.test(status(pid, 'Uid')), `user ${status(pid, 'Uid')}`);
    assert(
      /^0+$/.test(status(pid, 'CapEff')) && /^0+$/.test(status(pid, 'CapBnd')),
      `capabilities ${status(pid, 'CapBnd')}`,
    );
    assert(status(pid, 'NoNewPrivs') === '1', 'it may gain privileges');
    const limit = memoryLimit(pid);
    assert(limit === chart.memoryBytes, `memory limit ${limit}, the chart says ${chart.memoryBytes}`);
    assert(!engine.succeedsInside(container.name, 'touch', '/app/written'), 'it can write to /app');
    assert(!engine.succeedsInside(container.name, 'touch', '/written'), 'it can write to /');
    assert(engine.succeedsInside(container.name, 'touch', '/tmp/written'), 'it cannot write to /tmp');
    const resident = Number.parseInt(status(pid, 'VmRSS'), 10) * 1024;
    return `${megabytes(resident)} resident of ${megabytes(limit)}`;
  });
}

async function main() {
  engine.requireEngine(say);
  engine.requireBase(say);
  engine.removeContainers(prefix);
  if (!options['no-build']) {
    buildSources();
  }
  const stores = await startStores({ folder: join(engine.home, 'stores'), say });
  const running = [];
  const addresses = new Map();
  try {
    for (const service of wanted) {
      await testService(service, stores, addresses, running);
    }
    say('\nshutdown');
    for (const { container, chart } of running.reverse()) {
      await check(
        `${container.name.slice(prefix.length)} ends by itself after SIGTERM within ${chart.graceSeconds} s`,
        async () => {
          engine.stop(container.name, chart.graceSeconds);
          const code = await container.ended;
          assert(code === 0, `it ended with ${code}:\n${container.output()}`);
        },
      );
    }
  } finally {
    for (const { container } of running) {
      if (container.status() === undefined) engine.stop(container.name, 1);
    }
    await stores.stop();
    // Each image of this storage driver is a full copy; only the base images are worth keeping.
    engine.removeImages(wanted.map(imageOf));
  }
}

try {
  await main();
} catch (error) {
  failed += 1;
  say(`FAIL  ${error.message}`);
}
say(`\n${passed} passed, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);
