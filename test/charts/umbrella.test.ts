import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  leaves,
  type Manifest,
  manifests,
  ofKind,
  pods,
  prepareHelm,
  root,
  run,
  template,
  violations,
} from './charts.js';

const found = prepareHelm();

afterAll(() => {
  if (found.ready) rmSync(found.charts, { recursive: true, force: true });
});

test('the value schemas are up to date with the values', () => {
  const script = join(root, 'scripts/charts/schema.mjs');
  const check = spawnSync(process.execPath, [script, '--check'], {
    encoding: 'utf8',
  });
  expect(check.stderr).toBe('');
  expect(check.status).toBe(0);
});

test('a machine without helm and without Go gets a reason that says what to install', () => {
  const script = [
    "import { findHelm } from './scripts/charts/helm.mjs';",
    "console.log(JSON.stringify(findHelm({ env: { PATH: '/nowhere' }, folder: '/nowhere' })))",
  ].join('\n');
  const answer = spawnSync(process.execPath, ['--input-type=module', '-e', script], { cwd: root, encoding: 'utf8' });
  expect(answer.stderr).toBe('');
  expect(JSON.parse(answer.stdout)).toEqual({
    reason: expect.stringMatching(/no Go.*install helm 4/),
  });
});

if (!found.ready) {
  test(`THE UMBRELLA CHART WAS NOT RENDERED: ${found.reason}`, () => {
    expect(found.reason).toMatch(/install helm/);
  });
} else {
  rendered(found);
}

function rendered(at: { helm: string; charts: string }): void {
  const render = (chart: string, values?: object): Manifest[] => manifests(at, chart, values);

  describe('the umbrella', () => {
    test('passes helm lint without a warning and renders what every chart renders alone', () => {
      const { ok, text } = run(at.helm, ['lint', '--strict', join(at.charts, 'rapport')]);
      expect(text).not.toMatch(/WARNING|ERROR/);
      expect(ok).toBe(true);
      const names = (all: Manifest[]): string[] => all.map(({ kind, metadata }) => `${kind}/${metadata.name}`).sort();
      expect(names(render('rapport'))).toEqual(leaves.flatMap((leaf) => names(render(leaf))).sort());
    });

    test('leaves a service out', () => {
      const all = render('rapport', { marketing: { enabled: false } });
      expect(ofKind(all, 'Deployment')).toHaveLength(leaves.length - 1);
      expect(all.filter(({ metadata }) => metadata.name.includes('marketing'))).toEqual([]);
    });

    test('moves every image, setting and collector at once', () => {
      const all = render('rapport', {
        global: {
          image: {
            registry: 'mirror.bank.example',
            tag: '9.9.9',
            pullSecrets: ['mirror'],
          },
          otlpEndpoint: 'http://collector:4318',
          config: { BANK_TIME_ZONE: 'Asia/Shanghai' },
        },
      });
      for (const { kind, name, spec } of pods(all)) {
        expect(`${kind} ${name} ${spec.containers[0]?.image}`).toMatch(
          /mirror\.bank\.example\/rapport\/[a-z]+:9\.9\.9$/,
        );
        expect(spec.imagePullSecrets).toEqual([{ name: 'mirror' }]);
      }
      for (const settings of ofKind(all, 'ConfigMap')) {
        expect(settings.data).toMatchObject({
          OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318',
        });
      }
      const zones = ofKind(all, 'ConfigMap').map((settings) => settings.data?.['BANK_TIME_ZONE']);
      expect(new Set(zones)).toEqual(new Set(['Asia/Shanghai', undefined]));
    });

    test('writes large numbers as digits', () => {
      const all = render('gateway', { config: { STREAM_TIMEOUT_MS: 3_600_000 } });
      expect(ofKind(all, 'ConfigMap')[0]?.data).toMatchObject({ STREAM_TIMEOUT_MS: '3600000' });
    });

    test('denies the whole namespace when asked', () => {
      const policies = ofKind(render('rapport', { namespaceDefaultDeny: { enabled: true } }), 'NetworkPolicy');
      expect(policies.find((policy) => policy.metadata?.name === 'default-deny')?.spec).toEqual({
        podSelector: {},
        policyTypes: ['Ingress', 'Egress'],
      });
    });

    test('refuses what a service does not know, with the name of the service', () => {
      const inside = template(at, 'rapport', { cases: { replicaCount: 3 } });
      expect(inside.ok).toBe(false);
      expect(inside.text).toMatch(/cases[\s\S]*replicaCount/);
      expect(template(at, 'rapport', { custommer: { enabled: true } }).text).toMatch(/custommer/);
    });
  });

  test('the check against Kubernetes can fail', () => {
    const all = render('customer');
    const broken = structuredClone(ofKind(all, 'Deployment')[0]);
    Object.assign(broken?.spec ?? {}, { replicaz: 2 });
    expect(violations([broken as unknown as Manifest])).toEqual([expect.stringContaining('replicaz')]);
    expect(violations([{ apiVersion: 'apps/v9', kind: 'Deployment', metadata: { name: 'x' } }])).toHaveLength(1);
    const headless = structuredClone(ofKind(all, 'Deployment')[0]);
    delete headless?.spec?.template.spec;
    const wrong = {
      ...headless,
      spec: { ...headless?.spec, selector: 'all' },
    } as unknown as Manifest;
    expect(violations([wrong])).toEqual([expect.stringContaining('selector')]);
  });
}
