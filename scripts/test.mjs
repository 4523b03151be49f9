// Runs every check and every test, and ends with `N passed, N failed`: each test counts one, and so does each step that
// is not jest. A failed step does not end the run. Called by ./scripts/test; arguments narrow the jest tests.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { findChromium } from './lib/chromium.mjs';
import { findNatsServer } from './lib/nats.mjs';
import { root } from './lib/processes.mjs';

const JEST_LIMIT_MS = 25 * 60_000;
const script = (name) => [process.execPath, path.join('scripts', name)];
const results = path.join(root, '.data/test-results.json');
const env = { ...process.env, CI: 'true', ...(process.stdout.isTTY ? {} : { NO_COLOR: '1', FORCE_COLOR: undefined }) };
let passed = 0;
let failed = 0;

const say = (line) => console.log(line);
const seconds = (since) => `${((performance.now() - since) / 1000).toFixed(1)} s`;

/** Runs a program; its output goes to the terminal (`show`) or is answered with the exit code. */
function run([file, ...args], { show = false, limitMs } = {}) {
  return new Promise((resolve) => {
    const child = spawn(file, args, {
      cwd: root,
      env,
      stdio: ['ignore', show ? 'inherit' : 'pipe', show ? 'inherit' : 'pipe'],
    });
    const output = [];
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => output.push(chunk));
    const timer = limitMs && setTimeout(() => child.kill('SIGTERM'), limitMs);
    const end = (code, more = '') => {
      clearTimeout(timer);
      resolve({ code, output: `${Buffer.concat(output)}${more}`.trim() });
    };
    child.once('error', (error) => end(1, error.message));
    child.once('close', (code, signal) => end(code ?? 1, signal ? `ended by ${signal}` : ''));
  });
}

/** One step that counts as one check: `work` throws when it fails, and may answer a line to show. */
async function step(title, work) {
  const since = performance.now();
  process.stdout.write(`▸ ${title}\n`);
  try {
    const line = await work();
    passed += 1;
    say(`  ok, ${seconds(since)}${line ? `: ${line}` : ''}`);
  } catch (error) {
    failed += 1;
    say(`${error.message.replace(/^/gm, '  ')}\n  FAILED: ${title}, ${seconds(since)}`);
  }
}

/** A step that runs programs one after the other, all of them even when one fails. */
const commands = (title, ...list) =>
  step(title, async () => {
    const faults = [];
    let last = '';
    for (const command of list) {
      const { code, output } = await run(command);
      if (code !== 0)
        faults.push(`${command.slice(command[0] === process.execPath ? 1 : 0).join(' ')} (${code})\n${output}`);
      last = output.split('\n').at(-1);
    }
    if (faults.length > 0) throw new Error(faults.join('\n'));
    return last;
  });

/** What generated files say now, by path. */
function fingerprints(patterns) {
  const files = globSync(patterns, { cwd: root }).filter((file) => statSync(path.join(root, file)).isFile());
  return new Map(
    files.map((file) => [
      file,
      createHash('sha256')
        .update(readFileSync(path.join(root, file)))
        .digest('hex'),
    ]),
  );
}

/** Generates again and fails when what is committed differs from it. */
const generated = (title, command, patterns) =>
  step(title, async () => {
    const before = fingerprints(patterns);
    const { code, output } = await run(command);
    if (code !== 0) throw new Error(output);
    const after = fingerprints(patterns);
    const names = [...new Set([...before.keys(), ...after.keys()])];
    const differing = names.filter((name) => before.get(name) !== after.get(name));
    if (differing.length > 0)
      throw new Error(`generated files were stale; commit what was generated:\n${differing.join('\n')}`);
    return `${after.size} files are as generated`;
  });

/** Tests that start the whole suite: a dozen processes each, so they run one after the other. */
const SUITES = '/test/(contract|journey|nemesis|telemetry)/';

async function jest(title, names) {
  const since = performance.now();
  say(`▸ ${title}`);
  mkdirSync(path.dirname(results), { recursive: true });
  rmSync(results, { force: true });
  const args = ['node_modules/jest/bin/jest.js', '--ci', '--json', `--outputFile=${results}`, ...names];
  const { code } = await run([process.execPath, ...args], { show: true, limitMs: JEST_LIMIT_MS });
  if (!existsSync(results)) {
    failed += 1;
    say(`  FAILED: jest ended (${code}) without results, ${seconds(since)}`);
    return;
  }
  const summary = JSON.parse(readFileSync(results, 'utf8'));
  passed += summary.numPassedTests;
  failed += summary.numFailedTests + summary.numRuntimeErrorTestSuites;
  if (code !== 0 && summary.numFailedTests + summary.numRuntimeErrorTestSuites === 0) failed += 1;
  const skipped = summary.numPendingTests + summary.numTodoTests;
  for (const file of summary.testResults.filter(({ status }) => status === 'failed')) {
    say(`  failed: ${path.relative(root, file.name)}`);
    for (const { status, fullName } of file.assertionResults) if (status === 'failed') say(`    ${fullName}`);
  }
  say(
    `  ${summary.numTotalTestSuites} files, ${summary.numTotalTests} tests, ${skipped} of them not run, ${seconds(since)}`,
  );
}

const began = performance.now();
process.once('SIGINT', () => process.exit(130));

await commands('the lock file is complete', [...script('fix-lock.mjs'), '--check']);
await step('nats-server and chromium are there', async () => `${findNatsServer({ say })}, ${findChromium({ say })}`);
await generated('contracts are generated', script('generate/protos.mjs'), [
  'proto/gen/**',
  'proto/descriptor.binpb',
  'proto/comments.json',
  'proto/asyncapi.yaml',
]);
await commands('contracts keep what the last release promised', script('check-breaking.mjs'));
await commands('chart schemas are up to date', [...script('charts/schema.mjs'), '--check']);
await commands('database clients are generated', script('prisma/generate.mjs'));
await commands('everything compiles', ['tsc', '-b', 'test/tsconfig.json']);
if (existsSync(path.join(root, 'services/console/tsconfig.json'))) {
  await commands(
    'the console compiles',
    ['tsc', '--noEmit', '-p', 'services/console'],
    ['vite', 'build', 'services/console', '--logLevel', 'warn'],
  );
}
await commands('code is linted', ['oxlint', '--type-aware', '-f', 'unix']);
await commands('code is formatted', ['biome', 'format', '--reporter=summary']);
await commands('imports keep the rules', script('check-imports.mjs'));
await commands('no export is dead', script('check-exports.mjs'));
await commands('every RPC has a policy', script('check-policies.mjs'));
await commands('migrations make what the schemas say', [...script('prisma/migrate.mjs'), 'check']);
const names = process.argv.slice(2);
if (names.length > 0) await jest('tests', names);
else {
  const { testPathIgnorePatterns } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')).jest;
  await jest('tests of one service', ['--testPathIgnorePatterns', ...testPathIgnorePatterns, SUITES]);
  await jest('tests of the whole suite', ['--runInBand', SUITES]);
}

say(`\n${seconds(began)}`);
say(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
