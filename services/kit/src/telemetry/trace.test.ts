import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { transformSync } from '@swc/core';
import { testDatabase, type TestDatabase } from '@rapport/test/kit';

/**
 * Instrumentations patch modules as Node loads them, which jest replaces, so a real process is started with
 * `--require start` and what it sends is read from a small OTLP endpoint.
 */
interface Value {
  stringValue?: string;
  intValue?: string | number;
}
interface SentSpan {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  kind: number;
  attributes: { key: string; value: Value }[];
  events: { name: string; attributes: { key: string; value: Value }[] }[];
  status: { code?: number; message?: string };
}

const cache = join(__dirname, '../../../../node_modules/.cache');
mkdirSync(cache, { recursive: true });
const dir = mkdtempSync(join(cache, 'telemetry-test-'));

const program = `
const http = require('node:http');
const express = require('express');
const pg = require('pg');
const grpc = require('@grpc/grpc-js');
const pino = require('pino');
const { span, served, endServed, inject, activeTraceId, counter, histogram, gauge, metric, metricsHandler, stopTelemetry } = require('./index.js');

const codec = { requestSerialize: (x) => Buffer.from(x), requestDeserialize: (x) => x.toString(), responseSerialize: (x) => Buffer.from(x), responseDeserialize: (x) => x.toString() };
const method = (name) => ({ path: '/rapport.test.v1.TestService/' + name, requestStream: false, responseStream: false, ...codec });
const lines = [];
const logger = pino({}, { write: (line) => lines.push(JSON.parse(line)) });
const get = (url, headers) => new Promise((resolve, reject) => http.get(url, { headers }, (res) => { let body = ''; res.on('data', (c) => (body += c)); res.on('end', () => resolve({ body, type: res.headers['content-type'], status: res.statusCode })); }).on('error', reject));

(async () => {
  const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 1 });
  const server = new grpc.Server();
  const heard = {};
  server.addService({ Get: method('Get'), Check: method('Check') }, {
    Check: (call, done) => done(null, 'ok'),
    Get: (call, done) => served('rapport.test.v1.TestService/Get')((name) => call.metadata.get(name)[0], (active) => span('verb', { 'rapport.purpose': 'service' }, async () => {
      heard.inject = inject();
      logger.info('inside');
      await pool.query({ name: 'r_1', text: 'SELECT $1::text AS a', values: ['Novak value'] });
      await pool.query('SELECT $1::uuid', ['Novak id']);
    }).then(() => { endServed(active, 0); done(null, 'ok'); }, (error) => { endServed(active, 13); done({ code: grpc.status.INTERNAL, details: error.message }); })),
  });
  const port = await new Promise((resolve) => server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (e, p) => resolve(p)));
  const client = new grpc.Client('127.0.0.1:' + port, grpc.credentials.createInsecure());
  const call = (name) => new Promise((resolve) => client.makeUnaryRequest('/rapport.test.v1.TestService/' + name, codec.requestSerialize, codec.responseDeserialize, 'Novak request', (error) => resolve(error && error.code)));
  const app = express();
  app.get('/livez', (req, res) => res.send('ok'));
  app.get('/metrics', metricsHandler);
  app.get('/v1/parties/:id', async (req, res) => { await call('Check'); res.send(String(await call('Get'))); });
  const web = app.listen(0, '127.0.0.1');
  await new Promise((resolve) => web.once('listening', resolve));
  const base = 'http://127.0.0.1:' + web.address().port;
  await pool.query('SELECT 1 AS polled');
  await get(base + '/livez');
  const answer = await get(base + '/v1/parties/1?name=Novak', { traceparent: process.env.PARENT, 'user-agent': 'Novak agent' });
  await span('consumed', { 'rapport.event.type': 'x' }, async () => {}, { kind: 'consumer', parent: heard.inject });
  await span('failing', {}, () => { throw Object.assign(new TypeError('Novak failed'), {}); }).catch(() => {});
  counter(metric.outboxPublished).add(3, { 'rapport.domain': 'test' });
  histogram(metric.eventDuration).record(0.02, { 'rapport.event.consumer': 'c' });
  gauge(metric.outboxAge, async () => [{ value: 7, attributes: { 'rapport.domain': 'test' } }]);
  const metrics = await get(base + '/metrics');
  await stopTelemetry();
  console.log(JSON.stringify({ answer, heard, lines, metrics, outside: activeTraceId() ?? null }));
  process.exit(0);
})().catch((error) => { console.error(error); process.exit(1); });
`;

interface Said {
  answer: { body: string; status: number };
  heard: { inject?: string };
  lines: Record<string, unknown>[];
  metrics: { body: string; type: string; status: number };
  outside: string | null;
}

const traceId = '0af7651916cd43dd8448eb211c80319c';
const parent = `00-${traceId}-b7ad6b7169203331-01`;
let database: TestDatabase;

async function run(
  env: Record<string, string>,
  preload = true,
): Promise<{ said: Said; spans: SentSpan[]; raw: string }> {
  const spans: SentSpan[] = [];
  let raw = '';
  const collector = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    raw += text;
    const body = JSON.parse(text) as { resourceSpans: { scopeSpans: { spans: SentSpan[] }[] }[] };
    spans.push(...body.resourceSpans.flatMap((one) => one.scopeSpans.flatMap((scope) => scope.spans)));
    response.setHeader('content-type', 'application/json');
    response.end('{}');
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => collector.once('listening', resolve));
  const endpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
  const settings = Object.fromEntries(
    Object.entries(env).map(([key, value]) => [key, value.replace('COLLECTOR', endpoint)]),
  );
  const output = await new Promise<string>((resolve, reject) => {
    const args = [...(preload ? ['--require', './start.js'] : []), 'program.js'];
    const options = {
      cwd: dir,
      env: { PATH: process.env.PATH, DATABASE_URL: database.url, PARENT: parent, ...settings },
    };
    execFile(process.execPath, args, options, (error, stdout, stderr) =>
      error ? reject(new Error(stderr)) : resolve(stdout),
    );
  });
  collector.close();
  return { said: JSON.parse(output) as Said, spans, raw };
}

beforeAll(async () => {
  database = await testDatabase('kit');
  for (const name of readdirSync(__dirname).filter((file) => /^(?!.*test)[a-z]+\.ts$/.test(file))) {
    const { code } = transformSync(readFileSync(join(__dirname, name), 'utf8'), {
      jsc: { parser: { syntax: 'typescript' }, target: 'es2024' },
      module: { type: 'commonjs' },
    });
    writeFileSync(join(dir, name.replace('.ts', '.js')), code);
  }
  writeFileSync(join(dir, 'program.js'), program);
});
afterAll(async () => {
  await database.drop();
  rmSync(dir, { recursive: true });
});

describe('with a collector', () => {
  let said: Said;
  let spans: SentSpan[];
  let raw: string;
  const named = (name: string | RegExp) => {
    const found = spans.filter((one) => (typeof name === 'string' ? one.name === name : name.test(one.name)));
    if (found.length === 0) throw new Error(`no span ${name} among ${spans.map((one) => one.name).join(', ')}`);
    return found;
  };
  const attributeOf = (one: SentSpan, key: string) =>
    one.attributes.find((entry) => entry.key === key)?.value.stringValue;

  beforeAll(async () => {
    ({ said, spans, raw } = await run({
      OTEL_EXPORTER_OTLP_ENDPOINT: 'COLLECTOR',
      OTEL_SERVICE_NAME: 'telemetry-test',
      OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
      OTEL_TRACES_SAMPLER_ARG: '1',
    }));
  });

  it('draws one trace from HTTP over gRPC to Postgres and on to the consumer', () => {
    const http = named('GET /v1/parties/:id')[0] as SentSpan;
    expect(http).toMatchObject({ traceId, parentSpanId: 'b7ad6b7169203331', kind: 2 });
    const calls = named(/TestService\/Get$/);
    const outgoing = calls.find((one) => one.kind === 3) as SentSpan;
    const served = calls.find((one) => one.kind === 2) as SentSpan;
    const verb = named('verb')[0] as SentSpan;
    const queries = named(/^pg\.query/);
    expect(calls.map(({ name, kind }) => [name, kind]).sort()).toEqual([
      ['grpc.rapport.test.v1.TestService/Get', 2],
      ['grpc.rapport.test.v1.TestService/Get', 3],
    ]);
    expect(['rpc.system', 'rpc.service', 'rpc.method'].map((key) => attributeOf(served, key))).toEqual([
      'grpc',
      'rapport.test.v1.TestService',
      'Get',
    ]);
    expect(served.attributes.find(({ key }) => key === 'rpc.grpc.status_code')?.value.intValue).toBe(13);
    expect(served.status.code).toBe(2);
    expect(outgoing.parentSpanId).toBe(http.spanId);
    expect(served.parentSpanId).toBe(outgoing.spanId);
    expect(verb.parentSpanId).toBe(served.spanId);
    expect(queries.map((one) => one.parentSpanId)).toEqual([verb.spanId, verb.spanId]);
    expect(said.heard.inject).toBe(`00-${traceId}-${verb.spanId}-01`);
    expect(named('consumed')[0]).toMatchObject({ traceId, parentSpanId: verb.spanId, kind: 5 });
    expect(attributeOf(verb, 'rapport.purpose')).toBe('service');
  });

  it('traces no probe, no health check and no poll', () => {
    expect(spans.filter((one) => /livez|metrics|Check/.test(JSON.stringify(one)))).toEqual([]);
    expect(raw).not.toContain('polled');
  });

  it('sends nothing that a customer typed', () => {
    expect(said.answer.body).toBe('13');
    expect(raw).not.toContain('Novak');
    const failing = named('failing')[0] as SentSpan;
    expect(failing.status).toEqual({ code: 2 });
    expect(attributeOf(failing, 'error.type')).toBe('TypeError');
    expect(failing.events.map((event) => event.attributes.map((entry) => entry.key))).toEqual([['exception.type']]);
    const verb = named('verb')[0] as SentSpan;
    expect(attributeOf(verb, 'error.type')).toBe('22P02');
  });

  it('puts the trace id into log lines', () => {
    expect(said.lines[0]).toMatchObject({ trace_id: traceId, msg: 'inside' });
  });

  it('serves the metrics of the registry and of Node without a port of its own', () => {
    expect(said.metrics.status).toBe(200);
    expect(said.metrics.body).toMatch(/rapport_outbox_published_total\{[^}]*rapport_domain="test"[^}]*\} 3/);
    expect(said.metrics.body).toMatch(/rapport_outbox_age(_seconds)?\{[^}]*\} 7/);
    expect(said.metrics.body).toMatch(/rapport_event_duration(_seconds)?_bucket\{[^}]*le="0.025"[^}]*\} 1/);
    expect(said.metrics.body).toMatch(/v8js_memory_heap_used/);
    expect(said.metrics.body).toMatch(/db_client_connection_count/);
  });
});

describe('without a collector', () => {
  it('exports nothing, yet keeps trace ids for logs, audit and events', async () => {
    const { said, spans } = await run({});
    expect(spans).toEqual([]);
    expect(said.heard.inject).toMatch(new RegExp(`^00-${traceId}-[0-9a-f]{16}-0[01]$`));
    expect(said.lines[0]).toMatchObject({ trace_id: traceId });
    expect(said.metrics.status).toBe(200);
  });

  it('works without start at all, and says so at /metrics', async () => {
    const { said, spans } = await run({ OTEL_EXPORTER_OTLP_ENDPOINT: 'COLLECTOR' }, false);
    expect(spans).toEqual([]);
    expect(said.metrics.status).toBe(503);
    expect(said.heard.inject).toBeUndefined();
  });
});

describe('sampling', () => {
  it('follows the environment', async () => {
    const { said, spans } = await run({
      OTEL_EXPORTER_OTLP_ENDPOINT: 'COLLECTOR',
      OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
      OTEL_TRACES_SAMPLER_ARG: '0',
      PARENT: parent.replace(/01$/, '00'),
    });
    expect(spans).toEqual([]);
    expect(said.heard.inject).toContain(traceId);
  });
});
