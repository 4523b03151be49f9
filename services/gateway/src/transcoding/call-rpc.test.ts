import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  Metadata,
  type sendUnaryData,
  type ServerUnaryCall,
  type ServerWritableStream,
  status as Status,
} from '@grpc/grpc-js';
import { encodeFailure, Failure } from '@rapport/kit/rpc';
import {
  type CreatePartyRequest,
  CreatePartyResponse,
  CustomerServiceService,
  type GetPartyRequest,
  GetPartyResponse,
  type ListPartiesRequest,
  ListPartiesResponse,
  type UpdatePartyRequest,
  UpdatePartyResponse,
} from '@rapport/proto/customer/v1';
import { type GetEventLagRequest, GetEventLagResponse, OperationsServiceService } from '@rapport/proto/operations/v1';
import {
  type ExportCsvRequest,
  ExportCsvResponse,
  type QueryMetricRequest,
  QueryMetricResponse,
  ReportingServiceService,
} from '@rapport/proto/reporting/v1';
import { testAuth } from '@rapport/test/kit';
import { createLocalJWKSet, jwtVerify } from 'jose';
import supertest from 'supertest';
import { grpcServer, origin, type TestGateway, testGateway } from '../gateway.testkit.js';

const party = 'parties/01890000-0000-7000-8000-000000000001';
const requestId = '5b4c1f60-63a1-4b1e-9d0f-0a8f8f6f4c11';

/** What the services saw last. */
interface Seen {
  request?: unknown;
  metadata?: Metadata;
  deadline?: number;
  cancelled?: boolean;
  calls: number;
}

const seen: Seen = { calls: 0 };
let failWith: Failure | undefined;
let raw: { code: Status; details: string } | undefined;
let hang = false;
let csv: string[] = [];
let breakAfter = Number.POSITIVE_INFINITY;

function answering<Q, S>(answer: (request: Q) => S) {
  return (call: ServerUnaryCall<Q, S>, respond: sendUnaryData<S>): void => {
    Object.assign(seen, { request: call.request, metadata: call.metadata, deadline: Number(call.getDeadline()) });
    seen.calls += 1;
    call.on('cancelled', () => {
      seen.cancelled = true;
    });
    if (hang) return;
    if (raw) respond({ ...raw, metadata: new Metadata() });
    else if (failWith) respond(encodeFailure(failWith));
    else respond(null, answer(call.request));
  };
}

const notHere = (_call: unknown, respond: sendUnaryData<never>): void => respond({ code: Status.UNIMPLEMENTED });

function exportCsv(call: ServerWritableStream<ExportCsvRequest, ExportCsvResponse>): void {
  Object.assign(seen, { request: call.request, metadata: call.metadata });
  if (failWith) {
    call.emit('error', encodeFailure(failWith));
    return;
  }
  for (const [at, chunk] of csv.entries()) {
    if (at === breakAfter) {
      // Long enough after the chunks before it that those have left.
      setTimeout(() => call.emit('error', encodeFailure(new Failure('BROKEN', 'internal', 'broken'))), 100);
      return;
    }
    call.write(ExportCsvResponse.fromPartial({ chunk: Buffer.from(chunk) }));
  }
  call.end();
}

const rest = (definition: object): Record<string, typeof notHere> =>
  Object.fromEntries(Object.keys(definition).map((name) => [name, notHere]));

let service: Awaited<ReturnType<typeof grpcServer>>;
let gateway: TestGateway;
let cookie: string;
let csrf: string;

beforeAll(async () => {
  service = await grpcServer([
    [
      CustomerServiceService,
      {
        ...rest(CustomerServiceService),
        getParty: answering<GetPartyRequest, GetPartyResponse>(({ name }) =>
          GetPartyResponse.fromPartial({ party: { name } }),
        ),
        listParties: answering<ListPartiesRequest, ListPartiesResponse>(() => ListPartiesResponse.fromPartial({})),
        createParty: answering<CreatePartyRequest, CreatePartyResponse>((request) =>
          CreatePartyResponse.fromPartial({ party: request.party }),
        ),
        updateParty: answering<UpdatePartyRequest, UpdatePartyResponse>((request) =>
          UpdatePartyResponse.fromPartial({ party: request.party }),
        ),
      },
    ],
    [
      ReportingServiceService,
      {
        ...rest(ReportingServiceService),
        exportCsv,
        queryMetric: answering<QueryMetricRequest, QueryMetricResponse>(() => QueryMetricResponse.fromPartial({})),
      },
    ],
    [
      OperationsServiceService,
      {
        ...rest(OperationsServiceService),
        getEventLag: answering<GetEventLagRequest, GetEventLagResponse>(() =>
          GetEventLagResponse.fromPartial({
            outbox: { pending: 9_007_199_254_740_993n },
            asOf: new Date('1994-03-31T10:00:00Z'),
          }),
        ),
      },
    ],
  ]);
  const { address } = service;
  gateway = testGateway({ addresses: { customer: address, reporting: address, segmentation: '127.0.0.1:1' } });
  const signedIn = await gateway.signIn();
  cookie = signedIn.cookie;
  csrf = signedIn.session.csrf;
});

afterAll(() => {
  gateway.stop();
  service.stop();
});

beforeEach(() => {
  for (const key of ['request', 'metadata', 'deadline', 'cancelled'] as const) delete seen[key];
  seen.calls = 0;
  failWith = undefined;
  raw = undefined;
  hang = false;
  csv = [];
  breakAfter = Number.POSITIVE_INFINITY;
});

const get = (path: string) => supertest(gateway.app).get(path).set('cookie', cookie);
const send = (method: 'post' | 'patch', path: string) =>
  supertest(gateway.app)[method](path).set({ cookie, origin, 'x-rapport-csrf': csrf });

describe('a request', () => {
  test('by path becomes a message, carries who asks and why, and has a deadline', async () => {
    const answer = await get(`/api/v1/${party}`).set('rapport-purpose', 'service_case').expect(200);
    expect(answer.body.party.name).toBe(party);
    expect(answer.headers['cache-control']).toBe('no-store');
    expect((seen.request as GetPartyRequest).name).toBe(party);
    expect(seen.metadata?.get('rapport-purpose')).toEqual(['service_case']);
    expect((seen.deadline ?? 0) - Date.now()).toBeLessThanOrEqual(2_000);

    const token = String(seen.metadata?.get('authorization')[0]).replace('Bearer ', '');
    const keys = createLocalJWKSet(JSON.parse(readFileSync(testAuth().jwksFile, 'utf8')));
    const { payload, protectedHeader } = await jwtVerify(token, keys, { audience: 'rapport', issuer: 'gateway' });
    expect(protectedHeader).toMatchObject({ alg: 'EdDSA', kid: 'gateway' });
    expect(payload).toMatchObject({
      sub: 'staff/mara.manager',
      roles: ['relationship_manager'],
      org_path: '/demo/1',
      typ: 'staff',
    });
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(60);
  });

  test('takes query parameters: numbers, text with escapes, JSON and proto names', async () => {
    await get('/api/v1/parties?pageSize=7&page_token=a%2Bb%26').expect(200);
    expect(seen.request).toMatchObject({ pageSize: 7, pageToken: 'a+b&' });
  });

  test('takes repeated parameters, enums and dates', async () => {
    csv = ['a,b\r\n'];
    const query = 'metrics=metrics/a&metrics=metrics/b&grain=GRAIN_MONTH&startDate=1994-03-31&end_date.year=1995';
    await get(`/api/v1/metrics:exportCsv?${query}`).expect(200);
    expect(seen.request).toMatchObject({
      metrics: ['metrics/a', 'metrics/b'],
      startDate: { year: 1994, month: 3, day: 31 },
      endDate: { year: 1995, month: 0, day: 0 },
    });
    expect((seen.request as ExportCsvRequest).grain).toBeGreaterThan(0);
  });

  test('with a custom verb and a body becomes a message', async () => {
    await send('post', '/api/v1/metrics:query')
      .send({ metrics: ['metrics/a'], grain: 'GRAIN_DAY' })
      .expect(200);
    expect(seen.request).toMatchObject({ metrics: ['metrics/a'] });
  });

  test('puts the path into a nested field beside the body', async () => {
    await send('patch', `/api/v1/${party}`)
      .send({ party: { etag: 'e1' }, updateMask: 'timeZone', requestId })
      .expect(200);
    expect(seen.request).toMatchObject({ party: { name: party, etag: 'e1' }, requestId });
  });

  test('takes the request id from the Idempotency-Key header, the body first', async () => {
    await send('post', '/api/v1/parties').set('idempotency-key', requestId).send({}).expect(200);
    expect((seen.request as CreatePartyRequest).requestId).toBe(requestId);
    await send('post', '/api/v1/parties').set('idempotency-key', 'other').send({ request_id: requestId }).expect(200);
    expect((seen.request as CreatePartyRequest).requestId).toBe(requestId);
  });

  test('to the operations of a service goes to the service that the path names', async () => {
    const answer = await get('/api/v1/services/customer:eventLag').expect(200);
    expect(seen.request).toEqual({ name: 'services/customer' });
    expect(answer.body.outbox.pending).toBe('9007199254740993');
    expect(answer.body.asOf).toBe('1994-03-31T10:00:00Z');
    expect(answer.body.consumers).toEqual([]);
  });
});

describe('a wrong request', () => {
  test.each([
    ['an unknown parameter', '/api/v1/parties?colour=red', 'colour', 'is unknown'],
    ['a parameter given twice', '/api/v1/parties?pageSize=1&pageSize=2', 'pageSize', 'is given twice'],
    ['a parameter that is an inherited name', '/api/v1/parties?__proto__.x=1', '__proto__.x', 'is unknown'],
    ['a wrong enum', '/api/v1/metrics:exportCsv?grain=WEEKLYISH', 'grain', 'is not a value of the enumeration'],
    ['a wrong date', '/api/v1/metrics:exportCsv?startDate=31.3.1994', 'startDate', 'must be a date YYYY-MM-DD'],
  ])('%s is refused with its name', async (_, path, field, description) => {
    const answer = await get(path).expect(400);
    expect(answer.headers['content-type']).toContain('application/problem+json');
    expect(answer.body).toMatchObject({ reason: 'INVALID_QUERY', violations: [{ field, description }] });
    expect(seen.calls).toBe(0);
  });

  test('a wrong number is refused with its name', async () => {
    const answer = await get('/api/v1/parties?pageSize=many').expect(400);
    expect(answer.body.violations[0].field).toBe('pageSize');
    expect(seen.calls).toBe(0);
  });

  test.each([
    ['an unknown field', { colour: 'red' }, 'colour'],
    ['an unknown nested field', { party: { person: { colour: 1 } } }, 'party.person.colour'],
    ['a wrong type', { party: { name: 7 } }, 'party.name'],
    ['a wrong time', { party: { createTime: 'yesterday' } }, 'party.createTime'],
    ['a wrong enum', { party: { identifiers: [{}, { kind: 'SHOE' }] } }, 'party.identifiers[1].kind'],
  ])('%s in the body is refused with its name', async (_, body, field) => {
    const answer = await send('post', '/api/v1/parties').send(body).expect(400);
    expect(answer.body).toMatchObject({ reason: 'INVALID_BODY', violations: [{ field }] });
    expect(seen.calls).toBe(0);
  });

  test.each([
    ['not JSON', '{"party":'],
    ['nested too deep', `${'{"party":'.repeat(40)}1${'}'.repeat(40)}`],
    ['a hundred thousand brackets', '['.repeat(100_000)],
  ])('a body that is %s is refused', async (_, body) => {
    const answer = await send('post', '/api/v1/parties').set('content-type', 'application/json').send(body).expect(400);
    expect(answer.body.reason).toBe('MALFORMED_JSON');
  });

  test('a body that is no object, not UTF-8 or not wanted is refused', async () => {
    const list = await send('post', '/api/v1/parties').send([1]).expect(400);
    expect(list.body.reason).toBe('INVALID_BODY');
    const bytes = await send('post', '/api/v1/parties')
      .set('content-type', 'application/json')
      .serialize((body: unknown) => body as string)
      .send(Buffer.from([0x22, 0xff, 0xfe, 0x22]))
      .expect(400);
    expect(bytes.body.reason).toBe('MALFORMED_JSON');
    const unwanted = await get(`/api/v1/${party}`)
      .set('content-type', 'application/json')
      .send({ name: 'x' })
      .expect(400);
    expect(unwanted.body.reason).toBe('INVALID_BODY');
  });

  test('another media type is refused', async () => {
    const answer = await send('post', '/api/v1/parties').type('form').send('party=1').expect(415);
    expect(answer.body.reason).toBe('UNSUPPORTED_MEDIA_TYPE');
  });

  test('a body above 1 MiB is refused', async () => {
    const answer = await send('post', '/api/v1/parties')
      .send({ filler: 'x'.repeat(1_048_576) })
      .expect(413);
    expect(answer.body.reason).toBe('BODY_TOO_LARGE');
    expect(seen.calls).toBe(0);
  });

  test('a name in the body that differs from the path is refused', async () => {
    const body = { party: { name: 'parties/other' }, requestId };
    const answer = await send('patch', `/api/v1/${party}`).send(body).expect(400);
    expect(answer.body.violations).toEqual([{ field: 'party.name', description: 'differs from the path' }]);
    expect(seen.calls).toBe(0);
  });

  test('parameters beside a body that holds everything are refused', async () => {
    const answer = await send('post', '/api/v1/metrics:query?grain=1').send({}).expect(400);
    expect(answer.body.violations).toEqual([{ field: 'grain', description: 'belongs in the body' }]);
  });

  test('an unknown path is 404, another method 405 with what is allowed', async () => {
    expect((await get('/api/v1/planets/1').expect(404)).body.reason).toBe('NO_SUCH_PATH');
    expect((await get(`/api/v1/${party}:destroy`).expect(404)).body.reason).toBe('NO_SUCH_PATH');
    const answer = await get('/api/v1/metrics:query').expect(405);
    expect(answer.headers.allow).toBe('POST');
  });

  test('the streaming import is not offered', async () => {
    const answer = await send('post', '/api/v1/imports').send({}).expect(405);
    expect(answer.body.reason).toBe('METHOD_NOT_ALLOWED');
  });

  test('a purpose or key that is none is refused', async () => {
    await get(`/api/v1/${party}`).set('rapport-purpose', 'Just looking!').expect(400);
    await send('post', '/api/v1/parties').set('idempotency-key', 'x'.repeat(65)).send({}).expect(400);
    expect(seen.calls).toBe(0);
  });

  test.each(['/api/v1/parties/%2e%2e', '/api/v1/parties/..', '/api/v1/parties/a%2fb', '/api/v1//parties', '/api/v1/%'])(
    'the hostile path %s, sent as it is, is refused',
    async (path) => {
      const server = gateway.app.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      const outgoing = httpRequest({ port, host: '127.0.0.1', path, headers: { cookie } }).end();
      const [response] = await once(outgoing, 'response');
      response.resume();
      await once(response, 'end');
      server.close();
      expect(response.statusCode).toBe(400);
      expect(seen.calls).toBe(0);
    },
  );
});

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
    failWith = new Failure('SOME_REASON', kind, 'A text.', {
      domain: 'customer.rapport',
      metadata: { party },
      violations: [{ field: 'party.display_name', description: 'is wrong' }],
    });
    const answer = await send('post', '/api/v1/parties').send({}).expect(status);
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
    failWith = new Failure('REQUEST_IN_PROGRESS', 'conflict', 'Wait.', { retryInMs: 2_500 });
    const answer = await send('post', '/api/v1/parties').send({}).expect(409);
    expect(answer.headers['retry-after']).toBe('3');
  });

  test('made by the transport does not leak its text', async () => {
    raw = { code: Status.INTERNAL, details: 'connect ECONNREFUSED 10.1.2.3:50051' };
    const answer = await get(`/api/v1/${party}`).expect(500);
    expect(answer.text).not.toContain('10.1.2.3');
  });

  test('about the gateway itself is not the fault of the caller', async () => {
    failWith = new Failure('TOKEN_INVALID', 'unauthenticated', 'No.');
    const answer = await get(`/api/v1/${party}`).expect(502);
    expect(answer.body.reason).toBe('GATEWAY_IDENTITY_REFUSED');
  });

  test('that is away answers 503 with Retry-After, one without address too', async () => {
    const away = await get('/api/v1/services/segmentation:eventLag').expect(503);
    expect(away.body.reason).toBe('UNAVAILABLE');
    expect(away.headers['retry-after']).toBe('1');
    expect(away.text).not.toContain('127.0.0.1');
    const absent = await get('/api/v1/services/cases:eventLag').expect(503);
    expect(absent.body.reason).toBe('SERVICE_NOT_CONFIGURED');
  });

  test('a write without request id is tried once, a read again', async () => {
    raw = { code: Status.UNAVAILABLE, details: 'away' };
    await send('post', '/api/v1/parties').send({}).expect(503);
    expect(seen.calls).toBe(1);
    seen.calls = 0;
    await get(`/api/v1/${party}`).expect(503);
    expect(seen.calls).toBeGreaterThan(1);
  });

  test('that does not answer in time is 504', async () => {
    hang = true;
    const answer = await get(`/api/v1/${party}`).expect(504);
    expect(answer.body.reason).toBe('DEADLINE_EXCEEDED');
  });

  test('a caller who hangs up cancels the call', async () => {
    hang = true;
    const server = gateway.app.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const outgoing = httpRequest({ port, host: '127.0.0.1', path: `/api/v1/${party}`, headers: { cookie } }).end();
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
    csv = ['party,amount\r\n', ...Array.from({ length: 2_000 }, (_, line) => `${line},${'9'.repeat(200)}\r\n`)];
    const answer = await get('/api/v1/metrics:exportCsv?metrics=metrics/a').expect(200);
    expect(answer.headers['content-type']).toBe('text/csv; charset=utf-8');
    expect(answer.headers['content-disposition']).toBe('attachment; filename="export.csv"');
    expect(answer.text).toBe(csv.join(''));
  });

  test('that is empty answers 200', async () => {
    const answer = await get('/api/v1/metrics:exportCsv').expect(200);
    expect(answer.text).toBe('');
  });

  test('that fails before it begins is a problem', async () => {
    failWith = new Failure('METRIC_UNKNOWN', 'invalid', 'No such metric.');
    const answer = await get('/api/v1/metrics:exportCsv').expect(400);
    expect(answer.body.reason).toBe('METRIC_UNKNOWN');
  });

  test('that breaks on the way is cut, so that nobody takes it for whole', async () => {
    csv = ['a\r\n', 'b\r\n'];
    breakAfter = 1;
    await expect(get('/api/v1/metrics:exportCsv')).rejects.toThrow(/aborted|socket hang up|ECONNRESET/);
  });
});
