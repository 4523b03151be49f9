import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { jetstreamManager, type StreamConfig } from '@nats-io/jetstream';
import { type Database, openDatabase } from '@rapport/kit/db';
import { startRelay } from '@rapport/kit/events';
import { type TestBus, type TestDatabase, testBus, testDatabase } from '@rapport/test/kit';
import { parse } from 'yaml';
import { leaves, manifests, ofKind, pods, prepareHelm, root, valuesOf, violations } from './charts.js';

const read = (path: string): string => readFileSync(join(root, 'deploy', path), 'utf8');

interface ComposeService {
  image: string;
  command?: string[];
  environment: Record<string, string>;
  read_only?: boolean;
  user?: string;
  cap_drop?: string[];
  security_opt?: string[];
  ports?: string[];
}

describe('deploy/compose', () => {
  const compose = parse(read('compose/compose.yaml'), { merge: true }) as { services: Record<string, ComposeService> };

  test.each(leaves)('gives %s what its chart gives', (service) => {
    const values = valuesOf(service);
    const { environment = {} } = compose.services[service] ?? {};
    const secrets = Object.entries({ ...values['secrets'], ...values['secretFiles'] } as Record<
      string,
      { name: string }
    >);
    const required = secrets.filter(([, secret]) => secret.name !== '').map(([name]) => name);
    expect(Object.keys(environment)).toEqual(expect.arrayContaining(required));
    expect(Object.keys(environment)).toEqual(expect.arrayContaining(Object.keys(values['peers'] ?? {})));
    const known = [
      ...secrets.map(([name]) => name),
      ...Object.keys(values['peers'] ?? {}),
      ...Object.keys(values['config'] ?? {}),
      ...Object.keys(values['ports'] ?? {}).map((port) => `${port.toUpperCase()}_ADDRESS`),
      'NODE_OPTIONS',
    ];
    expect(Object.keys(environment).filter((name) => !known.includes(name))).toEqual([]);
  });

  test.each(leaves)('runs %s hardened and reachable from inside only', (service) => {
    const all = Object.entries(compose.services).filter(([name]) => name === service || name === `${service}-migrate`);
    expect(all).toHaveLength(service === 'gateway' ? 1 : 2);
    for (const [name, one] of all) {
      expect(one).toMatchObject({ read_only: true, user: '1000:1000', cap_drop: ['ALL'] });
      expect(one.security_opt).toContain('no-new-privileges:true');
      expect(one.image).toContain(`/rapport/${service}:`);
      expect(one.ports !== undefined).toBe(name === 'gateway');
      if (name.endsWith('-migrate')) {
        expect(one.command).toEqual(['migrate']);
        expect(one.environment).toEqual(compose.services[service]?.environment);
      }
    }
  });

  test('makes a database and a role for each service that has one', () => {
    const sql = read('compose/postgres/databases.sql');
    for (const service of leaves.filter((leaf) => 'DATABASE_URL' in (valuesOf(leaf)['secrets'] ?? {}))) {
      expect(sql).toContain(`CREATE DATABASE rapport_${service} OWNER rapport_${service};`);
      expect(sql).toMatch(new RegExp(`CREATE ROLE rapport_${service} LOGIN NOSUPERUSER .*NOBYPASSRLS`));
    }
  });

  test('lets the broker acknowledge only what is on disk', () => {
    expect(read('compose/nats.conf')).toMatch(/sync_interval: always/);
  });
});

describe('deploy/streams', () => {
  const declared = readdirSync(join(root, 'deploy/streams'))
    .filter((file) => file.endsWith('.json'))
    .map((file) => JSON.parse(read(`streams/${file}`)) as StreamConfig);
  let bus: TestBus;
  let database: TestDatabase;
  let db: Database;
  beforeAll(async () => {
    bus = await testBus();
    database = await testDatabase('customer');
    db = openDatabase({ url: database.url, application: 'streams-test' });
  });
  afterAll(async () => {
    await db.close();
    await database.drop();
    await bus.close();
  });

  /** The stream that a service makes by itself when its relay starts. */
  async function madeByService(domain: string): Promise<StreamConfig> {
    const relay = startRelay({ db, nats: bus.nats, domain });
    try {
      for (;;) {
        const { streams } = await jetstreamManager(bus.nats);
        const found = await streams.info(`RAPPORT_${domain.toUpperCase()}`).catch(() => undefined);
        if (found) return found.config;
        await setTimeout(20);
      }
    } finally {
      await relay.stop();
    }
  }

  test('declares the stream of every domain that has events, kept by three brokers', () => {
    const domains = leaves.filter((leaf) => leaf !== 'gateway');
    expect(declared.map((stream) => stream.name).sort()).toEqual(
      domains.map((d) => `RAPPORT_${d.toUpperCase()}`).sort(),
    );
    for (const stream of declared) expect(stream.num_replicas).toBe(3);
  });

  test('a broker takes them, and they say what a service would make by itself', async () => {
    const { streams } = await jetstreamManager(bus.nats);
    for (const stream of declared) {
      const { num_replicas: _three, description: _what, ...same } = stream;
      expect(await madeByService(stream.name.replace('RAPPORT_', '').toLowerCase())).toMatchObject(same);
      await streams.delete(stream.name);
      const { config } = await streams.add({ ...stream, num_replicas: 1 });
      expect(config).toMatchObject(same);
    }
  });
});

describe('deploy/alerts and deploy/dashboards', () => {
  interface Rule {
    alert?: string;
    record?: string;
    expr: string;
    for?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
  }
  const groups = (parse(read('alerts/rapport.yaml')) as { groups: { name: string; rules: Rule[] }[] }).groups;
  const rules = groups.flatMap((group) => group.rules);
  const alerts = rules.filter((rule) => rule.alert !== undefined);
  const runbook = read('alerts/RUNBOOK.md');
  const panels = (JSON.parse(read('dashboards/rapport.json')) as { panels: { targets: { expr: string }[] }[] }).panels;
  const expressions = [
    ...rules.map((rule) => rule.expr),
    ...panels.flatMap(({ targets }) => targets.map((t) => t.expr)),
  ];

  test('every alert says how bad it is, waits, and has a paragraph in the runbook; every paragraph has an alert', () => {
    for (const alert of alerts) {
      expect(['page', 'ticket']).toContain(alert.labels?.['severity']);
      expect(alert.for).toMatch(/^\d+m$/);
      expect(alert.annotations?.['summary']).toBeTruthy();
      expect(alert.annotations?.['runbook_url']).toBe(`RUNBOOK.md#${alert.alert?.toLowerCase()}`);
    }
    const headings = [...runbook.matchAll(/^## (\w+)\n\n\S/gm)].map(([, heading]) => heading);
    expect(headings.sort()).toEqual(alerts.map((alert) => alert.alert).sort());
  });

  test('asks only for metrics that exist, under the names that /metrics has', () => {
    const declaredNames = [...read('otel/attributes/kit.yaml').matchAll(/metric_name: ([\w.]+)/g)].map(
      ([, name]) => name ?? '',
    );
    expect(declaredNames).toContain('rapport.outbox.age');
    const exported = new Set(
      declaredNames
        .map((name) => name.replaceAll('.', '_'))
        .flatMap((name) => ['', '_total', '_bucket', '_count', '_sum'].map((ending) => `${name}${ending}`)),
    );
    const recorded = rules.map((rule) => rule.record).filter((name) => name !== undefined);
    for (const expression of expressions) {
      const asked = expression.match(/\b(rapport|rpc)_[a-z_]+(?=[{[)\s]|$)|\bservice:[a-z_]+:[a-z0-9_]+/g) ?? [];
      for (const name of asked.filter((one) => !/^rapport_(event_consumer|domain|authorisation_reason)$/.test(one))) {
        expect(exported.has(name) || recorded.includes(name) || name === 'rpc_response_status_code' ? '' : name).toBe(
          '',
        );
      }
    }
  });

  test('closes every bracket', () => {
    for (const expression of expressions) {
      for (const [open, close] of ['()', '[]', '{}'].map((pair) => [...pair])) {
        expect(expression.split(open ?? '').length).toBe(expression.split(close ?? '').length);
      }
    }
  });
});

describe('deploy/environments', () => {
  const found = prepareHelm();
  afterAll(() => {
    if (found.ready) rmSync(found.charts, { recursive: true, force: true });
  });
  const files = readdirSync(join(root, 'deploy/environments')).filter((file) => file.endsWith('.yaml'));

  if (!found.ready) {
    test(`WAS NOT RENDERED: ${found.reason}`, () => expect(found.reason).toMatch(/install helm/));
    return;
  }
  test.each(files)('%s renders the whole suite as Kubernetes accepts it', (file) => {
    const all = manifests(found, 'rapport', parse(read(`environments/${file}`)) as object);
    expect(ofKind(all, 'Deployment')).toHaveLength(leaves.length);
    expect(violations(all)).toEqual([]);
  });

  test('production encrypts between services, pulls from the mirror and closes the namespace', () => {
    const all = manifests(found, 'rapport', parse(read('environments/production.yaml')) as object);
    for (const { spec } of pods(all)) {
      expect(spec.containers[0]?.image).toMatch(/^registry\.bank\.example\/mirror\/rapport\//);
      expect(spec.volumes?.map((volume) => volume.name)).toContain('tls');
    }
    expect(ofKind(all, 'NetworkPolicy').map((policy) => policy.metadata?.name)).toContain('default-deny');
  });
});
