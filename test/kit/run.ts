import { readFileSync } from 'node:fs';
import path from 'node:path';

/** What the global setup started for this test run. */
export interface Run {
  /** The root folder of the tree. */
  root: string;
  /** The folder of this run: logs, keys, data. */
  dir: string;
  /** The nats-server program. */
  natsServer: string;
  /** The superuser's address of the run's Postgres. */
  postgres: { url: string; port: number; pid: number };
}

let current: Run | undefined;

/** The run this process belongs to. Throws outside of jest, where nothing was started. */
export function testRun(): Run {
  const file = process.env['RAPPORT_TEST_RUN'];
  if (!file) throw new Error('the test kit works under jest only: its global setup starts Postgres');
  current ??= JSON.parse(readFileSync(file, 'utf8')) as Run;
  return current;
}

/**
 * Loads a module of `scripts/lib`: the starters are plain ES modules shared with `scripts/up`, outside of the
 * compiled tree, so that they are found by path.
 */
export function loadScript<T>(name: string): T {
  const { root } = testRun();
  return require(path.join(root, `scripts/lib/${name}.mjs`)) as T;
}
