// Replicas of the service as production runs them: processes that can be killed, at one engine behind its HTTP interface.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { testAuth, testRun } from '@rapport/test/kit';
import { openSuite, type Suite } from './segmentation.testkit.js';

export interface Replicas {
  /** The suite at the same engine, bus and database; `pause` it so that only the replicas work. */
  suite: Suite;
  /** Starts one more; gives its process once it is ready. */
  start(): Promise<ChildProcess>;
  /** Kills what still runs and takes away the engine. */
  close(): Promise<void>;
}

/** Waits until something has come to pass; throws when it has not within so many milliseconds. */
export async function until(check: () => Promise<boolean> | boolean, limitMs: number, everyMs = 50): Promise<void> {
  const end = performance.now() + limitMs;
  while (!(await check())) {
    if (performance.now() > end) throw new Error(`it did not come to pass within ${limitMs} ms`);
    await sleep(everyMs);
  }
}

/** Starts a program and reads what it says up to a line that fits. */
async function run(args: string[], env: NodeJS.ProcessEnv, ready: string, started: (child: ChildProcess) => void) {
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  started(child);
  for await (const line of createInterface(child.stdout)) {
    if (!line.includes(ready)) continue;
    child.stdout.resume();
    return { child, line };
  }
  throw new Error('the process ended before it was ready');
}

export async function openReplicas(): Promise<Replicas> {
  const { root } = testRun();
  // A process that can be killed runs what is built.
  const compiler = join(root, 'node_modules/typescript/bin/tsc');
  await promisify(execFile)(process.execPath, [compiler, '-b', join(root, 'services/segmentation')]);
  const folder = mkdtempSync(join(tmpdir(), 'clickhouse-'));
  const engine = await run(
    [join(root, 'test/kit/clickhouse-http.mjs'), '--path', folder],
    process.env,
    '"url"',
    () => undefined,
  );
  const { url } = JSON.parse(engine.line) as { url: string };
  // Days as the replicas' clocks have them.
  const suite = await openSuite(new Date(), url);
  const children: ChildProcess[] = [];
  const env = {
    PATH: process.env['PATH'],
    DATABASE_URL: suite.deps.db.pool.options.connectionString,
    NATS_URL: suite.bus.url,
    CLICKHOUSE_URL: url,
    // Only lists ask there.
    CUSTOMER_ADDRESS: '127.0.0.1:9',
    GRPC_ADDRESS: '127.0.0.1:0',
    OPS_ADDRESS: '127.0.0.1:0',
    AUTH_JWKS_FILE: testAuth().jwksFile,
    SERVICE_KEY_FILE: testAuth().keyFile('segmentation'),
    BANK_TIME_ZONE: 'Europe/Prague',
    DRAIN_MS: '0',
  };
  const program = join(root, 'services/segmentation/dist/main.js');
  return {
    suite,
    start: async () => (await run([program], env, 'segmentation is ready', (child) => children.push(child))).child,
    close: async () => {
      for (const child of children) child.kill('SIGKILL');
      await suite.close();
      engine.child.kill('SIGTERM');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
