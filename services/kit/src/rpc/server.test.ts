import { setTimeout as sleep } from 'node:timers/promises';
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { descriptorSet } from '@rapport/proto';
import { OperationsServiceClient, OperationsServiceService } from '@rapport/proto/operations/v1';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { logger } from '../runtime/index.js';
import { type Call, client, Failure, type Identity, route, startServer } from './index.js';
import { failureOf, openPolicy, ProbeService, until, useProbes } from './rpc.testkit.js';

const { world, probe, onEnd } = useProbes();

afterEach(() => jest.restoreAllMocks());

describe('errors', () => {
  test('a failure arrives with reason, domain, metadata, violations and retry delay', async () => {
    const { remote } = await probe({
      getProbe: async () => {
        throw new Failure('PROBE_BUSY', 'exhausted', 'Too many probes.', {
          domain: 'probe.rapport',
          metadata: { probe: 'probes/1' },
          violations: [{ field: 'text', description: 'is too much' }],
          retryInMs: 1500,
        });
      },
    });
    const failure = await failureOf(remote.getProbe({ text: 'a' }));
    expect(failure).toMatchObject({
      reason: 'PROBE_BUSY',
      kind: 'exhausted',
      message: 'Too many probes.',
      domain: 'probe.rapport',
      metadata: { probe: 'probes/1' },
      violations: [{ field: 'text', description: 'is too much' }],
      retryInMs: 1500,
    });
  });

  test.each([
    [
      'many violations',
      { violations: Array.from({ length: 20_000 }, (_, at) => ({ field: `f[${at}]`, description: 'x' })) },
    ],
    [
      'long violations',
      { violations: Array.from({ length: 100 }, () => ({ field: 'é'.repeat(5000), description: 'x' })) },
    ],
    ['long metadata', { metadata: { probe: 'é'.repeat(100_000) } }],
    ['much metadata', { metadata: Object.fromEntries(Array.from({ length: 5000 }, (_, at) => [`k${at}`, 'value'])) }],
  ])('a failure with %s arrives cut, and the connection of the others lives on', async (_what, detail) => {
    const { remote } = await probe({
      getProbe: async ({ text }) => {
        if (text === 'bad')
          throw new Failure('PROBE_BAD', 'invalid', 'It is bad.', { domain: 'probe.rapport', ...detail });
        await sleep(100);
        return { text: 'good' };
      },
    });
    const good = remote.getProbe({ text: 'good' }, { retry: false });
    const failure = await failureOf(remote.getProbe({ text: 'bad' }, { retry: false }));
    expect(failure).toMatchObject({ reason: 'PROBE_BAD', kind: 'invalid', domain: 'probe.rapport' });
    expect(failure.violations.length > 0).toBe('violations' in detail);
    expect(await good).toMatchObject({ text: 'good' });
  });

  test('an unknown error is INTERNAL with a fixed text and the correlation id of one log line', async () => {
    const logged = jest.spyOn(logger, 'error').mockImplementation(() => undefined);
    const { remote } = await probe({
      getProbe: async () => {
        throw new Error('password of anna is hunter2');
      },
    });
    const failure = await failureOf(remote.getProbe({ text: 'a' }));
    expect(failure).toMatchObject({ reason: 'INTERNAL', kind: 'internal', message: 'An internal error occurred.' });
    expect(logged).toHaveBeenCalledTimes(1);
    expect(logged.mock.calls[0]?.[0]).toMatchObject({ correlationId: failure.metadata['correlation_id'] });
  });

  test('an answer that cannot be encoded is INTERNAL, not raw text', async () => {
    jest.spyOn(logger, 'error').mockImplementation(() => undefined);
    const { remote } = await probe({ getProbe: async () => null as never });
    expect(await failureOf(remote.getProbe({ text: 'a' }))).toMatchObject({
      kind: 'internal',
      message: 'An internal error occurred.',
    });
  });

  test('a database that is away is UNAVAILABLE, a lost race ABORTED, both with a retry delay', async () => {
    jest.spyOn(logger, 'warn').mockImplementation(() => undefined);
    const { remote } = await probe({
      getProbe: async ({ text }) => {
        throw Object.assign(new Error('of the driver'), { code: text });
      },
    });
    for (const [code, kind] of [
      ['57P01', 'unavailable'],
      ['ECONNREFUSED', 'unavailable'],
      ['40001', 'conflict'],
    ]) {
      const failure = await failureOf(remote.getProbe({ text: code ?? '' }));
      expect(failure.kind).toBe(kind);
      expect(failure.retryInMs).toBeGreaterThan(0);
      expect(failure.message).not.toContain('driver');
    }
  });

  test('the failure of a service behind passes through, but its internal error stays inside', async () => {
    jest.spyOn(logger, 'error').mockImplementation(() => undefined);
    const behind = await probe({
      getProbe: async ({ text }) => {
        if (text === 'broken') throw new Error('secret');
        throw new Failure('PROBE_NOT_FOUND', 'not_found', 'There is no such probe.', { domain: 'behind.rapport' });
      },
    });
    const front = await probe({ getProbe: (request, call) => behind.remote.getProbe(request, { parent: call }) });
    expect(await failureOf(front.remote.getProbe({ text: 'a' }))).toMatchObject({
      reason: 'PROBE_NOT_FOUND',
      domain: 'behind.rapport',
    });
    const inner = await failureOf(behind.remote.getProbe({ text: 'broken' }));
    const outer = await failureOf(front.remote.getProbe({ text: 'broken' }));
    expect(outer).toMatchObject({ kind: 'internal', domain: 'rapport' });
    expect(outer.metadata['correlation_id']).not.toBe(inner.metadata['correlation_id']);
  });
});

describe('deadline and cancellation', () => {
  test('a call without a deadline gets the default and is ended by it', async () => {
    let seen: Call | undefined;
    const { server } = await probe(
      {
        getProbe: async (request, call) => {
          seen = call;
          await sleep(2_000, undefined, { signal: call.signal }).catch(() => undefined);
          return request;
        },
      },
      { defaultDeadlineMs: 200 },
    );
    const bare = new Client(`127.0.0.1:${server.port}`, credentials.createInsecure());
    onEnd(() => bare.close());
    const metadata = new Metadata();
    metadata.set('authorization', `Bearer ${await world().staff(['x'])}`);
    const { path, requestSerialize, responseDeserialize } = ProbeService.getProbe;
    const started = Date.now();
    const code = await new Promise((resolve) => {
      bare.makeUnaryRequest(path, requestSerialize, responseDeserialize, { text: '' }, metadata, {}, (error) =>
        resolve(error?.code),
      );
    });
    expect(code).toBe(4);
    expect(Date.now() - started).toBeLessThan(1_500);
    expect(seen?.signal.aborted).toBe(true);
    expect(seen?.deadline.getTime()).toBeLessThanOrEqual(Date.now());
  });

  test('deadline and cancellation travel to the second hop', async () => {
    const inner: Call[] = [];
    let cancelled = 0;
    const behind = await probe({
      getProbe: async (request, call) => {
        inner.push(call);
        await sleep(5_000, undefined, { signal: call.signal }).catch(() => {
          cancelled += 1;
        });
        return request;
      },
    });
    const front = await probe({ getProbe: (request, call) => behind.remote.getProbe(request, { parent: call }) });

    const failure = await failureOf(front.remote.getProbe({ text: 'a' }, { timeoutMs: 300 }));
    expect(failure.kind).toBe('deadline');
    await until(() => cancelled === 1);
    expect(inner[0]?.deadline.getTime()).toBeLessThan(Date.now() + 300);

    const controller = new AbortController();
    const call = failureOf(front.remote.getProbe({ text: 'b' }, { timeoutMs: 10_000, signal: controller.signal }));
    await until(() => inner.length === 2);
    controller.abort();
    expect((await call).kind).toBe('cancelled');
    await until(() => cancelled === 2);
  });

  test('the token and purpose of the user are forwarded; asSelf asks in the own name', async () => {
    const seen: { subject: string; purpose: string }[] = [];
    const behind = await probe(
      {
        getProbe: async (request, { principal, purpose }) => {
          seen.push({ subject: principal.subject, purpose });
          return request;
        },
      },
      {},
      world().identity('beta'),
    );
    const front = await probe({
      getProbe: async (request, call) => {
        await behind.remote.getProbe(request, { parent: call });
        return behind.remote.getProbe(request, { parent: call, asSelf: true });
      },
    });
    await front.remote.getProbe({ text: '' }, { token: await world().staff(['teller']), purpose: 'complaint' });
    await behind.remote.getProbe({ text: '' });
    expect(seen).toEqual([
      { subject: 'staff/anna', purpose: 'complaint' },
      { subject: 'service:beta', purpose: 'complaint' },
      { subject: 'service:beta', purpose: 'service' },
    ]);
  });
});

describe('input', () => {
  const operator = (): Identity => ({ token: () => world().staff(['operator']) });

  async function operations() {
    const handled: unknown[] = [];
    const answer = async (request: unknown): Promise<never> => {
      handled.push(request);
      throw new Failure('REACHED', 'precondition', 'The handler was reached.');
    };
    const server = await startServer({
      ...world().options({ validation: descriptorSet() }),
      routes: [
        route(OperationsServiceService, {
          listDeadLetters: answer,
          redriveDeadLetters: answer,
          getEventLag: answer,
          verifyAudit: answer,
          listErasures: answer,
          replayErasures: answer,
          exportPersonalData: async function* (request) {
            yield await answer(request);
          },
        }),
      ],
    });
    const remote = client(OperationsServiceClient, `127.0.0.1:${server.port}`, { identity: operator() });
    onEnd(() => server.stop());
    onEnd(() => remote.close());
    return { server, remote, handled };
  }

  test('violations of the contract are named by field and never reach the handler', async () => {
    const { remote, handled } = await operations();
    const request = { parent: 'nonsense', filter: undefined, pageSize: -1, pageToken: '' };
    const failure = await failureOf(remote.listDeadLetters(request));
    expect(failure).toMatchObject({ reason: 'REQUEST_INVALID', kind: 'invalid' });
    expect(failure.violations.map(({ field }) => field).sort()).toEqual(['page_size', 'parent']);
    expect(handled).toHaveLength(0);
    const good = { ...request, parent: 'services/customer', pageSize: 10 };
    expect((await failureOf(remote.listDeadLetters(good))).reason).toBe('REACHED');
  });

  test('bytes that are no message are INVALID_ARGUMENT', async () => {
    const { server, handled } = await operations();
    const broken = {
      service: {
        listDeadLetters: {
          ...OperationsServiceService.listDeadLetters,
          requestSerialize: () => Buffer.from([0x0a, 0xff]),
        },
      },
    };
    const remote = client(broken, `127.0.0.1:${server.port}`, { identity: operator() });
    onEnd(() => remote.close());
    const request = { parent: '', filter: undefined, pageSize: 0, pageToken: '' };
    expect(await failureOf(remote.listDeadLetters(request))).toMatchObject({
      reason: 'REQUEST_MALFORMED',
      kind: 'invalid',
    });
    expect(handled).toHaveLength(0);
  });

  test('a message above the limit is refused, one below passes', async () => {
    const { remote } = await probe({ getProbe: async ({ text }) => ({ text: String(text.length) }) });
    expect(await remote.getProbe({ text: 'x'.repeat(4_000_000) })).toEqual({ text: '4000000' });
    const failure = await failureOf(remote.getProbe({ text: 'x'.repeat(4_300_000) }));
    expect(failure.kind).toBe('exhausted');
  });

  test('an unknown purpose is refused', async () => {
    const { remote } = await probe({});
    expect((await failureOf(remote.getProbe({ text: '' }, { purpose: 'Curiosity!' }))).reason).toBe('PURPOSE_INVALID');
  });
});

describe('start', () => {
  test('refuses an RPC that no policy names, a policy for an unknown RPC, a misspelt fact', async () => {
    const folder = world().options().policies;
    const write = (text: string) => writeFileSync(join(folder, 'probe.cedar'), text);
    write(openPolicy.replace('GetProbe', 'GetProbe2'));
    await expect(world().start({})).rejects.toThrow('rapport.probe.v1.ProbeService/GetProbe');
    write(`${openPolicy} permit (principal, action == Action::"rapport.probe.v1.ProbeService/Steal", resource);`);
    await expect(world().start({})).rejects.toThrow('ProbeService/Steal');
    write(openPolicy.replace(');', ') when { context.relatoin == "own" };'));
    await expect(world().start({})).rejects.toThrow('relatoin');
    write('permit (principal, action, resource);');
    await expect(world().start({})).rejects.toThrow('no policy');
  });

  test('refuses a taken address', async () => {
    const { server } = await probe({});
    await expect(world().start({}, { address: `127.0.0.1:${server.port}` })).rejects.toThrow();
  });
});
