import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { CreatePartyRequest, GetPartyRequest } from '@rapport/proto/customer/v1';
import type { ExportCsvRequest } from '@rapport/proto/reporting/v1';
import { testAuth } from '@rapport/test/kit';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { party, plan, plannedServices, resetServices, seen } from './transcoding.testkit.js';

const requestId = '5b4c1f60-63a1-4b1e-9d0f-0a8f8f6f4c11';

let services: Awaited<ReturnType<typeof plannedServices>>;

beforeAll(async () => {
  services = await plannedServices();
});

afterAll(() => services.stop());

beforeEach(resetServices);

describe('a request', () => {
  test('by path becomes a message, carries who asks and why, and has a deadline', async () => {
    const answer = await services.get(`/api/v1/${party}`).set('rapport-purpose', 'service_case').expect(200);
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
    await services.get('/api/v1/parties?pageSize=7&page_token=a%2Bb%26').expect(200);
    expect(seen.request).toMatchObject({ pageSize: 7, pageToken: 'a+b&' });
  });

  test('takes repeated parameters, enums and dates', async () => {
    plan.csv = ['a,b\r\n'];
    const query = 'metrics=metrics/a&metrics=metrics/b&grain=GRAIN_MONTH&startDate=1994-03-31&end_date.year=1995';
    await services.get(`/api/v1/metrics:exportCsv?${query}`).expect(200);
    expect(seen.request).toMatchObject({
      metrics: ['metrics/a', 'metrics/b'],
      startDate: { year: 1994, month: 3, day: 31 },
      endDate: { year: 1995, month: 0, day: 0 },
    });
    expect((seen.request as ExportCsvRequest).grain).toBeGreaterThan(0);
  });

  test('with a custom verb and a body becomes a message', async () => {
    await services
      .send('post', '/api/v1/metrics:query')
      .send({ metrics: ['metrics/a'], grain: 'GRAIN_DAY' })
      .expect(200);
    expect(seen.request).toMatchObject({ metrics: ['metrics/a'] });
  });

  test('puts the path into a nested field beside the body', async () => {
    await services
      .send('patch', `/api/v1/${party}`)
      .send({ party: { etag: 'e1' }, updateMask: 'timeZone', requestId })
      .expect(200);
    expect(seen.request).toMatchObject({ party: { name: party, etag: 'e1' }, requestId });
  });

  test('takes the request id from the Idempotency-Key header, the body first', async () => {
    await services.send('post', '/api/v1/parties').set('idempotency-key', requestId).send({}).expect(200);
    expect((seen.request as CreatePartyRequest).requestId).toBe(requestId);
    await services
      .send('post', '/api/v1/parties')
      .set('idempotency-key', 'other')
      .send({ request_id: requestId })
      .expect(200);
    expect((seen.request as CreatePartyRequest).requestId).toBe(requestId);
  });

  test('to the operations of a service goes to the service that the path names', async () => {
    const answer = await services.get('/api/v1/services/customer:eventLag').expect(200);
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
    const answer = await services.get(path).expect(400);
    expect(answer.headers['content-type']).toContain('application/problem+json');
    expect(answer.body).toMatchObject({ reason: 'INVALID_QUERY', violations: [{ field, description }] });
    expect(seen.calls).toBe(0);
  });

  test('a wrong number is refused with its name', async () => {
    const answer = await services.get('/api/v1/parties?pageSize=many').expect(400);
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
    const answer = await services.send('post', '/api/v1/parties').send(body).expect(400);
    expect(answer.body).toMatchObject({ reason: 'INVALID_BODY', violations: [{ field }] });
    expect(seen.calls).toBe(0);
  });

  test.each([
    ['not JSON', '{"party":'],
    ['nested too deep', `${'{"party":'.repeat(40)}1${'}'.repeat(40)}`],
    ['a hundred thousand brackets', '['.repeat(100_000)],
  ])('a body that is %s is refused', async (_, body) => {
    const answer = await services
      .send('post', '/api/v1/parties')
      .set('content-type', 'application/json')
      .send(body)
      .expect(400);
    expect(answer.body.reason).toBe('MALFORMED_JSON');
  });

  test('a body that is no object, not UTF-8 or not wanted is refused', async () => {
    const list = await services.send('post', '/api/v1/parties').send([1]).expect(400);
    expect(list.body.reason).toBe('INVALID_BODY');
    const bytes = await services
      .send('post', '/api/v1/parties')
      .set('content-type', 'application/json')
      .serialize((body: unknown) => body as string)
      .send(Buffer.from([0x22, 0xff, 0xfe, 0x22]))
      .expect(400);
    expect(bytes.body.reason).toBe('MALFORMED_JSON');
    const unwanted = await services
      .get(`/api/v1/${party}`)
      .set('content-type', 'application/json')
      .send({ name: 'x' })
      .expect(400);
    expect(unwanted.body.reason).toBe('INVALID_BODY');
  });

  test('another media type is refused', async () => {
    const answer = await services.send('post', '/api/v1/parties').type('form').send('party=1').expect(415);
    expect(answer.body.reason).toBe('UNSUPPORTED_MEDIA_TYPE');
  });

  test('a body above 1 MiB is refused', async () => {
    const answer = await services
      .send('post', '/api/v1/parties')
      .send({ filler: 'x'.repeat(1_048_576) })
      .expect(413);
    expect(answer.body.reason).toBe('BODY_TOO_LARGE');
    expect(seen.calls).toBe(0);
  });

  test('a name in the body that differs from the path is refused', async () => {
    const body = { party: { name: 'parties/other' }, requestId };
    const answer = await services.send('patch', `/api/v1/${party}`).send(body).expect(400);
    expect(answer.body.violations).toEqual([{ field: 'party.name', description: 'differs from the path' }]);
    expect(seen.calls).toBe(0);
  });

  test('parameters beside a body that holds everything are refused', async () => {
    const answer = await services.send('post', '/api/v1/metrics:query?grain=1').send({}).expect(400);
    expect(answer.body.violations).toEqual([{ field: 'grain', description: 'belongs in the body' }]);
  });

  test('an unknown path is 404, another method 405 with what is allowed', async () => {
    expect((await services.get('/api/v1/planets/1').expect(404)).body.reason).toBe('NO_SUCH_PATH');
    expect((await services.get(`/api/v1/${party}:destroy`).expect(404)).body.reason).toBe('NO_SUCH_PATH');
    const answer = await services.get('/api/v1/metrics:query').expect(405);
    expect(answer.headers.allow).toBe('POST');
  });

  test('the streaming import is not offered', async () => {
    const answer = await services.send('post', '/api/v1/imports').send({}).expect(405);
    expect(answer.body.reason).toBe('METHOD_NOT_ALLOWED');
  });

  test('a purpose or key that is none is refused', async () => {
    await services.get(`/api/v1/${party}`).set('rapport-purpose', 'Just looking!').expect(400);
    await services.send('post', '/api/v1/parties').set('idempotency-key', 'x'.repeat(65)).send({}).expect(400);
    expect(seen.calls).toBe(0);
  });

  test.each(['/api/v1/parties/%2e%2e', '/api/v1/parties/..', '/api/v1/parties/a%2fb', '/api/v1//parties', '/api/v1/%'])(
    'the hostile path %s, sent as it is, is refused',
    async (path) => {
      const server = services.app.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      const outgoing = httpRequest({ port, host: '127.0.0.1', path, headers: { cookie: services.cookie } }).end();
      const [response] = await once(outgoing, 'response');
      response.resume();
      await once(response, 'end');
      server.close();
      expect(response.statusCode).toBe(400);
      expect(seen.calls).toBe(0);
    },
  );
});
