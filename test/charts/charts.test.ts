import { rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Manifest,
  leaves,
  manifests,
  ofKind,
  pods,
  prepareHelm,
  run,
  template,
  valuesOf,
  violations,
} from './charts.js';

const found = prepareHelm();

afterAll(() => {
  if (found.ready) rmSync(found.charts, { recursive: true, force: true });
});

if (!found.ready) {
  const { reason } = found;
  console.warn(`THE CHARTS WERE NOT RENDERED: ${reason}`);
  test(`THE CHARTS WERE NOT RENDERED: ${reason}`, () => {
    expect(reason).toMatch(/install helm/);
    expect(run('helm', ['version']).ok).toBe(false);
  });
} else {
  rendered(found);
}

function rendered(at: { helm: string; charts: string }): void {
  const render = (chart: string, values?: object): Manifest[] => manifests(at, chart, values);

  describe.each(leaves)('the chart %s', (chart) => {
    let all: Manifest[];
    beforeAll(() => {
      all = render(chart);
    });

    test('passes helm lint without a warning', () => {
      const { ok, text } = run(at.helm, ['lint', '--strict', join(at.charts, chart)]);
      expect(text).not.toMatch(/WARNING|ERROR/);
      expect(ok).toBe(true);
    });

    test('installs alone, as its service account, settings, deployment, service, budget, autoscaler and policies', () => {
      const kinds = all.map((manifest) => manifest.kind).sort();
      const always = [
        'ConfigMap',
        'Deployment',
        'HorizontalPodAutoscaler',
        'NetworkPolicy',
        'NetworkPolicy',
        'PodDisruptionBudget',
      ];
      const migration = chart === 'gateway' ? [] : ['Job', 'NetworkPolicy', 'ServiceAccount'];
      expect(kinds).toEqual([...always, ...migration, 'Service', 'ServiceAccount'].sort());
      for (const manifest of all) {
        expect(manifest.metadata.name).toMatch(new RegExp(`^rapport-${chart}`));
        expect(manifest.metadata.labels).toMatchObject({
          'app.kubernetes.io/name': chart,
          'app.kubernetes.io/part-of': 'rapport',
        });
      }
    });

    test('hardens every container: no root, read-only, no capability, seccomp, limits', () => {
      expect(pods(all)).toHaveLength(chart === 'gateway' ? 1 : 2);
      for (const { spec } of pods(all)) {
        expect(spec.automountServiceAccountToken).toBe(false);
        expect(spec.hostNetwork ?? spec.hostPID ?? spec.hostIPC).toBeUndefined();
        expect(spec.securityContext).toMatchObject({
          runAsNonRoot: true,
          runAsUser: 1000,
          seccompProfile: { type: 'RuntimeDefault' },
        });
        expect(spec.initContainers).toBeUndefined();
        for (const container of spec.containers) {
          expect(container.securityContext).toEqual({
            allowPrivilegeEscalation: false,
            privileged: false,
            readOnlyRootFilesystem: true,
            runAsNonRoot: true,
            runAsUser: 1000,
            runAsGroup: 1000,
            capabilities: { drop: ['ALL'] },
            seccompProfile: { type: 'RuntimeDefault' },
          });
          expect(container.resources?.requests).toMatchObject({
            cpu: expect.any(String),
            memory: expect.any(String),
          });
          expect(container.resources?.limits).toMatchObject({
            cpu: expect.any(String),
            memory: expect.any(String),
          });
          const writable = container.volumeMounts
            ?.filter((mount) => mount.readOnly !== true)
            .map((mount) => mount.mountPath);
          expect(writable).toEqual(['/tmp']);
        }
      }
    });

    test('asks the service whether it started, lives and is ready', () => {
      const container = ofKind(all, 'Deployment')[0]?.spec?.template.spec?.containers[0];
      expect(container?.startupProbe).toMatchObject({
        httpGet: { path: '/livez', port: 'ops' },
        failureThreshold: 30,
      });
      expect(container?.livenessProbe).toMatchObject({
        httpGet: { path: '/livez', port: 'ops' },
      });
      expect(container?.readinessProbe).toMatchObject(
        chart === 'gateway' ? { httpGet: { path: '/readyz', port: 'ops' } } : { grpc: { port: 9090 } },
      );
    });

    test('denies by default and opens only named paths', () => {
      const policies = ofKind(all, 'NetworkPolicy');
      const deny = policies.find((policy) => policy.metadata?.name === `rapport-${chart}-default-deny`);
      expect(deny?.spec).toEqual({
        podSelector: {
          matchLabels: {
            'app.kubernetes.io/name': chart,
            'app.kubernetes.io/instance': 'rapport',
          },
        },
        policyTypes: ['Ingress', 'Egress'],
      });
      for (const { labels } of pods(all)) {
        expect(labels).toMatchObject(deny?.spec?.podSelector?.matchLabels ?? { denied: 'nobody' });
      }
      for (const policy of policies) {
        const rules = [
          ...(policy.spec?.egress ?? []).map((rule) => ({
            peers: rule.to,
            ports: rule.ports,
          })),
          ...(policy.spec?.ingress ?? []).map((rule) => ({
            peers: rule.from,
            ports: rule.ports,
          })),
        ];
        for (const { peers, ports } of rules) {
          expect(peers?.length).toBeGreaterThan(0);
          expect(ports?.length).toBeGreaterThan(0);
          for (const peer of peers ?? []) {
            expect(peer).not.toEqual({});
            expect(peer.podSelector).not.toEqual({});
            expect(peer.ipBlock?.cidr).not.toBe('0.0.0.0/0');
          }
        }
      }
    });

    test('reaches its peers by network as well as by name', () => {
      const peers = Object.entries((valuesOf(chart)['peers'] ?? {}) as Record<string, string>);
      const policy = ofKind(all, 'NetworkPolicy').find((one) => one.metadata?.name === `rapport-${chart}`);
      const data = ofKind(all, 'ConfigMap')[0]?.data ?? {};
      for (const [variable, address] of peers) {
        const peer = variable.replace(/_ADDRESS$/, '').toLowerCase();
        expect(data[variable]).toBe(`rapport-${peer}:9090`);
        expect(address).toBe(data[variable]);
        expect(policy?.spec?.egress).toContainEqual({
          to: [
            {
              podSelector: {
                matchLabels: {
                  'app.kubernetes.io/name': peer,
                  'app.kubernetes.io/part-of': 'rapport',
                },
              },
            },
          ],
          ports: [{ port: 9090, protocol: 'TCP' }],
        });
        expect(valuesOf(peer)['networkPolicy']?.['callers']).toContain(chart);
      }
    });

    test('lets in those that call it and no other', () => {
      const variable = `${chart.toUpperCase()}_ADDRESS`;
      const callers = leaves.filter((leaf) => variable in (valuesOf(leaf)['peers'] ?? {}));
      expect([...((valuesOf(chart)['networkPolicy']?.['callers'] ?? []) as string[])].sort()).toEqual(callers.sort());
    });

    test('keeps two pods, spreads them and never loses more than one at once', () => {
      const name = `rapport-${chart}`;
      const deployment = ofKind(all, 'Deployment')[0];
      expect(deployment?.spec?.replicas).toBeUndefined();
      expect(deployment?.spec?.strategy?.rollingUpdate).toEqual({
        maxUnavailable: 0,
        maxSurge: 1,
      });
      expect(deployment?.spec?.template.spec?.topologySpreadConstraints?.map((one) => one.topologyKey).sort()).toEqual([
        'kubernetes.io/hostname',
        'topology.kubernetes.io/zone',
      ]);
      const autoscaler = ofKind(all, 'HorizontalPodAutoscaler')[0];
      expect(autoscaler?.spec).toMatchObject({
        scaleTargetRef: { kind: 'Deployment', name },
        minReplicas: 2,
      });
      const budget = ofKind(all, 'PodDisruptionBudget')[0];
      expect(budget?.spec?.maxUnavailable).toBe(1);
      const labels = deployment?.spec?.template.metadata?.labels;
      expect(labels).toMatchObject(budget?.spec?.selector?.matchLabels ?? { none: '' });
      expect(labels).toMatchObject(ofKind(all, 'Service')[0]?.spec?.selector ?? { none: '' });
      expect(labels).toMatchObject(deployment?.spec?.selector.matchLabels ?? { none: '' });
    });

    test('is found by its clients: headless for gRPC, one address for HTTP', () => {
      const service = ofKind(all, 'Service')[0];
      expect(service?.spec?.clusterIP).toBe(chart === 'gateway' ? undefined : 'None');
      const ports = service?.spec?.ports?.map((port) => `${port.name}:${port.port}`).sort();
      expect(ports).toEqual(chart === 'gateway' ? ['http:80', 'ops:9091'] : ['grpc:9090', 'ops:9091']);
    });

    if (chart !== 'gateway') {
      test('migrates before an install and an upgrade, with the settings of the service', () => {
        const job = ofKind(all, 'Job')[0];
        const deployment = ofKind(all, 'Deployment')[0]?.spec?.template.spec?.containers[0];
        const container = job?.spec?.template.spec?.containers[0];
        expect(container?.args).toEqual(['migrate']);
        expect(container?.image).toBe(deployment?.image);
        expect(job?.spec?.template.spec?.restartPolicy).toBe('Never');
        expect(container?.env).toEqual(expect.arrayContaining(deployment?.env ?? [{ name: 'none' }]));
        const settings = ofKind(all, 'ConfigMap')[0]?.data ?? {};
        for (const [name, value] of Object.entries(settings)) {
          expect(container?.env).toContainEqual({ name, value });
        }
        const hooks = all.filter((manifest) => manifest.metadata.annotations?.['helm.sh/hook'] !== undefined);
        expect(hooks.map((hook) => hook.kind).sort()).toEqual(['Job', 'NetworkPolicy', 'ServiceAccount']);
        const weight = (kind: string): number =>
          Number(hooks.find((hook) => hook.kind === kind)?.metadata.annotations?.['helm.sh/hook-weight']);
        expect(weight('ServiceAccount')).toBeLessThan(weight('Job'));
        expect(weight('NetworkPolicy')).toBeLessThan(weight('Job'));
        for (const hook of hooks) {
          expect(hook.metadata.annotations?.['helm.sh/hook']).toBe('pre-install,pre-upgrade');
        }
        expect(job?.spec?.template.spec?.serviceAccountName).toBe(job?.metadata?.name);
      });
    }

    test('refers to secrets and never holds one', () => {
      const secrets = Object.keys(valuesOf(chart)['secrets'] ?? {});
      expect(secrets.length).toBeGreaterThan(0);
      expect(all.map((manifest) => manifest.kind)).not.toContain('Secret');
      const settings = ofKind(all, 'ConfigMap')[0]?.data ?? {};
      for (const [name, value] of Object.entries(settings)) {
        expect(secrets).not.toContain(name);
        expect(name).not.toMatch(/SECRET|PASSWORD|TOKEN|PRIVATE|DATABASE_URL/);
        expect(value).not.toMatch(/:\/\/[^/\s]*:[^/\s]*@|BEGIN [A-Z ]*KEY/);
      }
      for (const { spec } of pods(all)) {
        for (const variable of spec.containers[0]?.env ?? []) {
          if (secrets.includes(variable.name)) {
            expect(variable.value).toBeUndefined();
            expect(variable.valueFrom?.secretKeyRef).toMatchObject({
              name: expect.any(String),
              key: expect.any(String),
            });
          }
        }
      }
    });

    test.each([
      ['an unknown value', { replicaCount: 3 }, /replicaCount/],
      ['an unknown setting', { config: { LOG_LEVL: 'info' } }, /LOG_LEVL/],
      ['a secret given by value', { secrets: { [firstSecret(chart)]: 'postgres://u:p@h/d' } }, /secrets/],
      ['a negative number of pods', { replicas: -1 }, /replicas/],
      ['a port that is none', { ports: { ops: 70_000 } }, /ops/],
      ['a loosened container', { securityContext: { privileged: true } }, /securityContext/],
    ])('refuses %s', (_what, values, complaint) => {
      const { ok, text } = template(at, chart, values);
      expect(ok).toBe(false);
      expect(text).toMatch(complaint);
    });

    test('renders what Kubernetes accepts', () => {
      expect(violations(all)).toEqual([]);
    });

    test('renders what Kubernetes accepts with every option in use', () => {
      const everything = render(chart, withEverything(chart));
      expect(violations(everything)).toEqual([]);
      const container = ofKind(everything, 'Deployment')[0]?.spec?.template.spec?.containers[0];
      expect(container?.image).toBe(`mirror.bank.example/rapport/${chart}@sha256:${'a'.repeat(64)}`);
      expect(container?.readinessProbe).toMatchObject({
        httpGet: { path: '/readyz' },
      });
      expect(ofKind(everything, 'Deployment')[0]?.spec?.replicas).toBe(3);
      expect(ofKind(everything, 'ConfigMap')[0]?.data).toMatchObject({
        [firstSetting(chart)]: 'https://other.example',
        TLS_CERT_FILE: '/var/run/rapport/tls/tls.crt',
      });
      expect(everything.map((manifest) => manifest.kind)).not.toContain('HorizontalPodAutoscaler');
    });
  });
}

function firstSetting(chart: string): string {
  return Object.keys(valuesOf(chart)['config'] ?? {})[0] ?? '';
}

function firstSecret(chart: string): string {
  return Object.keys(valuesOf(chart)['secrets'] ?? {})[0] ?? '';
}

function withEverything(chart: string): object {
  return {
    image: {
      registry: 'mirror.bank.example',
      digest: `sha256:${'a'.repeat(64)}`,
      pullSecrets: ['mirror'],
    },
    config: { [firstSetting(chart)]: 'https://other.example' },
    tls: { secretName: `${chart}-tls` },
    autoscaling: { enabled: false },
    replicas: 3,
    podDisruptionBudget: { maxUnavailable: '25%' },
    serviceAccount: { annotations: { 'cloud.example/role': 'rapport' } },
    networkPolicy: { publicFrom: [{ ipBlock: { cidr: '10.1.0.0/16' } }] },
    nodeSelector: { disk: 'fast' },
    tolerations: [{ key: 'bank', operator: 'Exists', effect: 'NoSchedule' }],
    affinity: {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [
            {
              matchExpressions: [{ key: 'zone', operator: 'In', values: ['a'] }],
            },
          ],
        },
      },
    },
    priorityClassName: 'bank-critical',
    podLabels: { team: 'crm' },
    podAnnotations: { 'bank.example/owner': 'crm' },
    ...(chart === 'gateway'
      ? {
          ingress: {
            enabled: true,
            className: 'nginx',
            host: 'crm.bank.example',
            tlsSecretName: 'crm-tls',
          },
        }
      : {}),
  };
}
