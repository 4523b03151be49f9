import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { root } from './charts.js';

interface RuleTests {
  tests: { name: string; alert_rule_test: { alertname: string; exp_alerts: unknown[] }[] }[];
}

const folder = join(root, 'deploy/alerts');
const rules = readFileSync(join(folder, 'rapport.yaml'), 'utf8');
const { tests } = parse(readFileSync(join(folder, 'rapport.test.yaml'), 'utf8')) as RuleTests;

test('every alert has a test in which it is silent first and fires then', () => {
  const alerts = [...rules.matchAll(/- alert: (\w+)/g)].map(([, name]) => name);
  expect(tests.map((one) => one.name).sort()).toEqual(alerts.sort());
  for (const { name, alert_rule_test: steps } of tests) {
    expect(steps.map((step) => [step.alertname, step.exp_alerts.length])).toEqual([
      [name, 0],
      [name, 1],
    ]);
  }
});

const kept = join(root, '.data/tools/promtool');
const promtool = existsSync(kept) ? kept : 'promtool';
const { error } = spawnSync(promtool, ['--version']);

if (error) {
  console.warn('THE ALERTS WERE NOT FIRED: promtool is not installed (it comes with Prometheus)');
  test('THE ALERTS WERE NOT FIRED: promtool is not installed', () => {
    expect(error).toMatchObject({ code: 'ENOENT' });
  });
} else {
  test('the alerts fire in Prometheus', () => {
    const run = spawnSync(promtool, ['test', 'rules', join(folder, 'rapport.test.yaml')], { encoding: 'utf8' });
    expect(`${run.stdout}${run.stderr}`).toMatch(/SUCCESS/);
    expect(run.status).toBe(0);
  });
}
