import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { status as Status } from '@grpc/grpc-js';
import { Failure } from '@rapport/kit/rpc';
import { party, plan, plannedServices, resetServices, seen } from './transcoding.testkit.js';

let services: Awaited<ReturnType<typeof plannedServices>>;

beforeAll(async () => {
  services = await plannedServices();
});

afterAll(() => services.stop());

beforeEach(resetServices);

describe('a failure of a service', () => {
  test.each([
    ['invalid', 400],
    ['not_found', 404],
    ['already_exists', 409],
    ['conflict', 409],
    ['precondition', 400],
    ['denied', 403],
    ['exhausted', 429],
    ['internal', 500],
    ['unimplemented', 501],
    ['deadline', 504],
  ] as const)('of kind %s answers %i with its reason', async (kind, status) => {
    plan.failWith = new Failure('SOME_REASON', kind, 'A text.', {
      domain: 'customer.rapport',
      metadata: { party },
      violations: [{ field: 'party.display_name', description: 'is wrong' }],
    });
    const answer = await services.send('post', '/api/v1/parties').send({}).expect(status);
    expect(answer.headers['content-type']).toContain('application/problem+json');
    expect(answer.body).toMatchObject({
      type: 'urn:rapport:problem:SOME_REASON',
      status,
      reason: 'SOME_REASON',
      domain: 'customer.rapport',
      detail: 'A text.',
      metadata: { party },
      violations: [{ field: 'party.displayName', description: 'is wrong' }],
    });
    expect(answer.body.instance).toBe(`urn:rapport:request:${answer.headers['rapport-correlation-id']}`);
    expect(seen.calls).toBe(1);
  });

  test('with a delay answers Retry-After', async () => {
    plan.failWith = new Failure('REQUEST_IN_PROGRESS', 'conflict', 'Wait.', { retryInMs: 2_500 });
    const answer = await services.send('post', '/api/v1/parties').send({}).expect(409);
    expect(answer.headers['retry-after']).toBe('3');
  });

  test('made by the transport does not leak its text', async () => {
    plan.raw = { code: Status.INTERNAL, details: 'connect ECONNREFUSED 10.1.2.3:50051' };
    const answer = await services.get(`/api/v1/${party}`).expect(500);
    expect(answer.text).not.toContain('10.1.2.3');
  });

  test('about the gateway itself is not the fault of the caller', async () => {
    plan.failWith = new Failure('TOKEN_INVALID', 'unauthenticated', 'No.');
    const answer = await services.get(`/api/v1/${party}`).expect(502);
    expect(answer.body.reason).toBe('GATEWAY_IDENTITY_REFUSED');
  });

  test('that is away answers 503 with Retry-After, one without address too', async () => {
    const away = await services.get('/api/v1/services/segmentation:eventLag').expect(503);
    expect(away.body.reason).toBe('UNAVAILABLE');
    expect(away.headers['retry-after']).toBe('1');
    expect(away.text).not.toContain('127.0.0.1');
    const absent = await services.get('/api/v1/services/cases:eventLag').expect(503);
    expect(absent.body.reason).toBe('SERVICE_NOT_CONFIGURED');
  });

  test('a write without request id is tried once, a read again', async () => {
    plan.raw = { code: Status.UNAVAILABLE, details: 'away' };
    await services.send('post', '/api/v1/parties').send({}).expect(503);
    expect(seen.calls).toBe(1);
    seen.calls = 0;
    await services.get(`/api/v1/${party}`).expect(503);
    expect(seen.calls).toBeGreaterThan(1);
  });

  test('that does not answer in time is 504', async () => {
    plan.hang = true;
    const answer = await services.get(`/api/v1/${party}`).expect(504);
    expect(answer.body.reason).toBe('DEADLINE_EXCEEDED');
  });

  test('a caller who hangs up cancels the call', async () => {
    plan.hang = true;
    const server = services.app.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const outgoing = httpRequest({
      port,
      host: '127.0.0.1',
      path: `/api/v1/${party}`,
      headers: { cookie: services.cookie },
    }).end();
    outgoing.on('error', () => undefined);
    while (seen.calls === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    outgoing.destroy();
    const started = Date.now();
    while (!seen.cancelled && Date.now() - started < 1_500) await new Promise((resolve) => setTimeout(resolve, 10));
    server.close();
    expect(seen.cancelled).toBe(true);
  });
});

describe('a download', () => {
  test('is the bytes of the stream, in order', async () => {
    plan.csv = ['party,amount\r\n', ...Array.from({ length: 2_000 }, (_, line) => `${line},${'9'.repeat(200)}\r\n`)];
    const answer = await services.get('/api/v1/metrics:exportCsv?metrics=metrics/a').expect(200);
    expect(answer.headers['content-type']).toBe('text/csv; charset=utf-8');
    expect(answer.headers['content-disposition']).toBe('attachment; filename="export.csv"');
    expect(answer.text).toBe(plan.csv.join(''));
  });

  test('that is empty answers 200', async () => {
    const answer = await services.get('/api/v1/metrics:exportCsv').expect(200);
    expect(answer.text).toBe('');
  });

  test('that fails before it begins is a problem', async () => {
    plan.failWith = new Failure('METRIC_UNKNOWN', 'invalid', 'No such metric.');
    const answer = await services.get('/api/v1/metrics:exportCsv').expect(400);
    expect(answer.body.reason).toBe('METRIC_UNKNOWN');
  });

  test('that breaks on the way is cut, so that nobody takes it for whole', async () => {
    plan.csv = ['a\r\n', 'b\r\n'];
    plan.breakAfter = 1;
    await expect(services.get('/api/v1/metrics:exportCsv')).rejects.toThrow(/aborted|socket hang up|ECONNRESET/);
  });
});
