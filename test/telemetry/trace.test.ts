// Starts the whole suite with telemetry on, tells it the story of a small bank and follows one transaction of an
// invented customer from its import to the mail that it led to.
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { client } from '@rapport/kit/rpc';
import { CasesServiceService, ListCalendarsRequest, OpenCaseRequest } from '@rapport/proto/cases/v1';
import { GetPartyRequest, ListTimelineRequest, SearchPartiesRequest } from '@rapport/proto/customer/v1';
import {
  CreateSegmentRequest,
  PreviewSegmentRequest,
  SegmentationServiceService,
} from '@rapport/proto/segmentation/v1';
import { suiteServices, type TestSuite, testRun, testSuite } from '@rapport/test/kit';
import { attributeOf, type Collector, type SentSpan, spanKind, startCollector } from './collector.js';
import { declared, prometheusName, readMetrics, type Shown } from './declared.js';
import { newTrace, openCustomer, plantCredit, plantCustomer, planted, plantedValues } from './planted.js';

jest.setTimeout(240_000);

/** Declared names that nothing in this test causes for certain, each with the reason. */
const unreachable: Record<string, string> = {
  'error.type': 'marks a span of ours that failed; what goes wrong here is refused before one begins',
};

let collector: Collector;
let suite: TestSuite;
const trace = newTrace();
let campaignId: string;
const shown: Shown = { metrics: new Set(), series: new Set(), labels: new Set() };
const pages: string[] = [];

/** Asks until there is an answer. */
async function until<T>(what: string, ask: () => Promise<T | undefined> | T | undefined, limitMs = 60_000): Promise<T> {
  const end = Date.now() + limitMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > end) throw new Error(`no ${what} after ${limitMs / 1000} s`);
    await sleep(100);
  }
}

const inTrace = (): SentSpan[] => collector.spans.filter(({ traceId }) => traceId === trace.traceId);

function find(service: string, name: RegExp, kind: number): SentSpan | undefined {
  return inTrace().find((span) => span.service === `rapport-${service}` && span.kind === kind && name.test(span.name));
}

/** The spans of the trace whose parent has not come in. */
function orphans(): SentSpan[] {
  const known = new Set(inTrace().map(({ spanId }) => spanId));
  return inTrace().filter(({ parentSpanId }) => parentSpanId !== trace.spanId && !known.has(parentSpanId ?? ''));
}

/** The spans from one up to the first whose parent nobody sent. */
function ancestors(span: SentSpan): SentSpan[] {
  const parent = inTrace().find(({ spanId }) => spanId === span.parentSpanId);
  return parent ? [parent, ...ancestors(parent)] : [];
}

beforeAll(async () => {
  collector = await startCollector();
  suite = await testSuite('telemetry', {
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_BSP_SCHEDULE_DELAY: '200',
    OTEL_TRACES_SAMPLER: 'parentbased_always_on',
    LOG_LEVEL: 'debug',
  });
  const told = JSON.parse(
    await suite.rapport(['story', '--parties', '120', '--cases', '10', '--bank', 'demo', '--json']),
  ) as {
    campaign: { name: string };
  };
  campaignId = told.campaign.name.replace('campaigns/', '');
  await plantAndFollow();
  await misbehave();
  await readPages();
}, 300_000);

afterAll(async () => {
  await suite?.stop();
  await collector?.close();
}, 60_000);

/** Brings in the customer and follows the credit until its mail has arrived and its spans have come in. */
async function plantAndFollow(): Promise<void> {
  const customer = openCustomer(suite);
  const { parties } = await customer.listParties({
    pageSize: 1,
    pageToken: '',
    organisationPath: '/demo',
    relationshipManager: '',
    kind: 0,
    region: '',
    source: '',
    sourceKey: '',
  });
  const [other] = parties;
  if (!other) throw new Error('the generated bank has no party');
  await plantCustomer(customer, { path: other.organisationPath, id: other.branch });
  // Otherwise the party may be looked at because it is new, with the credit already there: then that is the cause.
  await until('rest of segmentation', nothingOnItsWay);
  await plantCredit(customer, trace);
  customer.close();
  await until('mail to the planted customer', async () => {
    const response = await fetch(`${suite.mailbox}/messages?to=${encodeURIComponent(planted.email)}`);
    return ((await response.json()) as unknown[]).length > 0 ? true : undefined;
  });
  await until('span of the mail', () => find('marketing', /^send message$/, spanKind.client));
  // Each process sends its spans when it comes to it, so the first of the trace may arrive last.
  await until('span of the import', () => find('customer', /CustomerService\/Import$/, spanKind.server));
  await until('span of reporting', () => find('reporting', /DeliveryDecided|MessageSent|Delivery/, spanKind.consumer));
  await until('parents of all spans', () => (orphans().length === 0 ? true : undefined));
}

/** True once no event waits anywhere and segmentation has looked at every changed party. */
async function nothingOnItsWay(): Promise<true | undefined> {
  const lag = JSON.parse(await suite.rapport(['events', 'lag', '--json'])) as { pending: number }[];
  if (lag.some(({ pending }) => pending > 0)) return undefined;
  const segmentation = client({ service: SegmentationServiceService }, suite.grpc('segmentation'), {
    identity: { token: async () => suite.token({ roles: ['operator'], signedBy: 'operator' }) },
  });
  const { caughtUp } = await segmentation.getSegmentProgress({ organisationPath: '/demo' });
  segmentation.close();
  return caughtUp ? true : undefined;
}

/** Calls that fail or fall back while they hold the customer's values. */
async function misbehave(): Promise<void> {
  const person = (roles: string[]) => ({ identity: { token: async () => suite.token({ roles }) }, timeoutMs: 20_000 });
  const cases = client({ service: CasesServiceService }, suite.grpc('cases'), person(['call_centre_agent']));
  const segmentation = client(
    { service: SegmentationServiceService },
    suite.grpc('segmentation'),
    person(['marketer']),
  );
  const customer = openCustomer(suite);
  const name = `${planted.givenName} ${planted.familyName}`;
  const ended = await Promise.allSettled([
    customer.getParty(GetPartyRequest.fromJSON({ name: `parties/${planted.familyName}` })),
    customer.searchParties(SearchPartiesRequest.fromJSON({ name: `${name}\0` })),
    customer.listTimeline(ListTimelineRequest.fromJSON({ parent: `parties/${planted.email}` })),
    segmentation.previewSegment(
      PreviewSegmentRequest.fromJSON({
        rule: `party.region == "${name}" && party.nothing > 1`,
        organisationPath: '/demo',
      }),
    ),
    cases.openCase(OpenCaseRequest.fromJSON({ case: { subject: name, description: `${name}\0 ${planted.email}` } })),
  ]);
  expect(ended.filter(({ status }) => status === 'rejected').length).toBeGreaterThan(3);
  await customer.searchParties(SearchPartiesRequest.fromJSON({ name }));
  // the same segment asked for twice, and somebody who may not
  const asked = CreateSegmentRequest.fromJSON({
    segmentId: 'twice',
    title: 'Twice',
    organisationPath: '/demo',
    rule: 'party.age > 99',
    requestId: randomUUID(),
  });
  await segmentation.createSegment(asked);
  await segmentation.createSegment(asked);
  await expect(
    cases.listCalendars(ListCalendarsRequest.fromJSON({}), { token: suite.token({ roles: ['visitor'] }) }),
  ).rejects.toMatchObject({ kind: 'denied' });
  for (const one of [customer, cases, segmentation]) one.close();
}

async function readPages(): Promise<void> {
  for (const service of [...suiteServices, 'gateway'] as const) {
    const response = await fetch(`${suite.ops(service)}/metrics`);
    const page = await response.text();
    pages.push(page);
    readMetrics(page, shown);
  }
}

test('one trace leads from the import to the mail, over outbox, bus and segmentation', () => {
  const imported = find('customer', /CustomerService\/Import$/, spanKind.server);
  expect(imported?.parentSpanId).toBe(trace.spanId);
  const heard = find('segmentation', /^process rapport\.customer\.v1\.TransactionBooked$/, spanKind.consumer);
  const entered = find('marketing', /^process rapport\.segmentation\.v1\.SegmentEntered$/, spanKind.consumer);
  const sent = find('marketing', /^send message$/, spanKind.client);
  for (const span of [imported, heard, entered, sent]) expect(span).toBeDefined();
  const way = (span: SentSpan | undefined) => (span ? ancestors(span) : []);
  expect(way(heard)).toContain(imported);
  expect(way(entered)).toContain(heard);
  expect(way(sent)).toContain(entered);
  expect(way(sent).at(-1)).toBe(imported);
  expect(sent && attributeOf(sent, 'rapport.campaign')).toBe(campaignId);
  expect(sent && attributeOf(sent, 'rapport.delivery.outcome')).toBe('accepted');
});

test('reporting hears the transaction, the entry and the message in the same trace', () => {
  const heard = inTrace().filter(({ service, kind }) => service === 'rapport-reporting' && kind === spanKind.consumer);
  const types = heard.map((span) => attributeOf(span, 'rapport.event.type')).sort();
  expect(types).toEqual(
    expect.arrayContaining(['rapport.customer.v1.TransactionBooked', 'rapport.segmentation.v1.SegmentEntered']),
  );
  expect(types.some((type) => type?.startsWith('rapport.marketing.v1.'))).toBe(true);
});

test('the trace holds every span that it names as a parent', () => {
  expect(orphans().map(({ service, name }) => `${service} ${name}`)).toEqual([]);
});

test('what is emitted is declared, and what is declared is emitted', () => {
  const { attributes, metrics } = declared(testRun().root);
  const ours = (name: string) => name.startsWith('rapport.');
  const onSpans = new Set(collector.spans.flatMap((span) => span.attributes.map(({ key }) => key)));
  const labels = new Set(attributes.map(prometheusName));
  const known = (name: string) =>
    metrics.some((metric) => name === prometheusName(metric) || name.startsWith(`${prometheusName(metric)}_`));

  expect([...onSpans].filter((name) => ours(name) && !attributes.includes(name))).toEqual([]);
  expect([...shown.labels].filter((label) => label.startsWith('rapport_') && !labels.has(label))).toEqual([]);
  expect([...shown.metrics].filter((name) => name.startsWith('rapport_') && !known(name))).toEqual([]);

  const emitted = (name: string) => onSpans.has(name) || shown.labels.has(prometheusName(name));
  const counted = (metric: string) =>
    [...shown.metrics].some((name) => name === prometheusName(metric) || name.startsWith(`${prometheusName(metric)}_`));
  const silent = [...attributes.filter((name) => !emitted(name)), ...metrics.filter((name) => !counted(name))];
  expect(silent.filter((name) => !(name in unreachable))).toEqual([]);
  expect(Object.keys(unreachable).filter((name) => !attributes.includes(name) && !metrics.includes(name))).toEqual([]);
});

test('alerts and dashboards ask for series that are there', () => {
  const texts = ['deploy/alerts/rapport.yaml', 'deploy/dashboards/rapport.json'].map((file) =>
    readFileSync(path.join(testRun().root, file), 'utf8'),
  );
  const asked = new Set(
    texts.flatMap((text) => text.match(/\b(rapport|rpc_server|rpc_client|db_client)_[a-z_]+/g) ?? []),
  );
  expect(asked.size).toBeGreaterThan(10);
  expect([...asked].filter((name) => !shown.series.has(name) && !shown.labels.has(name))).toEqual([]);
});

test('no value of a person is in a span, a log, a metric or a subject', async () => {
  const nats = await connect({ servers: suite.nats });
  const subjects: string[] = [];
  const { streams } = await jetstreamManager(nats);
  for await (const { config } of streams.list()) {
    const { state } = await streams.info(config.name, { subjects_filter: '>' });
    subjects.push(...Object.keys(state.subjects ?? {}));
  }
  await nats.close();
  expect(subjects.length).toBeGreaterThan(20);
  expect(collector.spans.length).toBeGreaterThan(500);
  const places: Record<string, string> = {
    spans: JSON.stringify(collector.spans),
    metrics: pages.join('\n'),
    subjects: subjects.join('\n'),
    ...Object.fromEntries(suite.logs().map((name) => [`log of ${name}`, suite.log(name)])),
  };
  expect(places['log of customer']).toContain('"level"');
  const leaks = Object.entries(places).flatMap(([place, text]) =>
    plantedValues.filter((value) => text.includes(value)).map((value) => `${place}: ${value}`),
  );
  expect(leaks).toEqual([]);
});
