import { fromJson } from '@bufbuild/protobuf';
import { DurationSchema } from '@bufbuild/protobuf/wkt';
import { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import pino from 'pino';
import request from 'supertest';
import { z } from 'zod';
import { loggerOptions } from './logger.js';
import {
  address,
  createHealth,
  every,
  flag,
  logger,
  parseAddress,
  readConfig,
  runUntilSignal,
  serveOps,
  uuidv7,
} from './index.js';

afterEach(() => jest.restoreAllMocks());

describe('uuidv7', () => {
  test('has the form and time of a version 7', () => {
    const before = Date.now();
    const id = uuidv7();
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    const time = Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16);
    expect(Math.abs(time - before)).toBeLessThan(1000);
  });

  test('rises within a millisecond, past the counter, and when the clock goes back', () => {
    jest
      .spyOn(Date, 'now')
      .mockReturnValueOnce(Date.now() + 5_000)
      .mockReturnValue(Date.now() + 1_000);
    const ids = Array.from({ length: 20_000 }, uuidv7);
    expect([...ids].sort()).toEqual(ids);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe('readConfig', () => {
  const schema = z.object({
    GRPC_ADDRESS: address,
    REFLECTION: flag.default(false),
    DATABASE_URL: z.url(),
    RETRIES: z.coerce.number().int().positive().default(3),
  });

  test('reads what is right; an empty variable counts as absent', () => {
    const env = { GRPC_ADDRESS: '[::1]:50051', REFLECTION: 'true', DATABASE_URL: 'postgres://h/d', RETRIES: '' };
    expect(readConfig(schema, env)).toEqual({
      GRPC_ADDRESS: '[::1]:50051',
      REFLECTION: true,
      DATABASE_URL: 'postgres://h/d',
      RETRIES: 3,
    });
  });

  test('prints every violation by name, without values, and exits with 2', () => {
    const exit = jest.spyOn(process, 'exit').mockImplementation((code) => {
      throw new Error(`exit ${code}`);
    });
    const print = jest.spyOn(process.stderr, 'write').mockReturnValue(true);
    const env = { GRPC_ADDRESS: 'hunter2', REFLECTION: 'yes', RETRIES: '-1' };
    expect(() => readConfig(schema, env)).toThrow('exit 2');
    const text = String(print.mock.calls[0]?.[0]);
    for (const name of ['GRPC_ADDRESS', 'REFLECTION', 'DATABASE_URL: is required', 'RETRIES'])
      expect(text).toContain(name);
    expect(text).not.toContain('hunter2');
    expect(exit).toHaveBeenCalledTimes(1);
  });

  test('a flag is true or false and nothing else', () => {
    expect(flag.parse('false')).toBe(false);
    for (const text of ['0', '1', 'TRUE', 'no', 'False']) expect(flag.safeParse(text).success).toBe(false);
  });

  test('addresses', () => {
    expect(parseAddress('0.0.0.0:0')).toEqual({ host: '0.0.0.0', port: 0 });
    expect(parseAddress('[::]:9090')).toEqual({ host: '::', port: 9090 });
    for (const text of ['9090', 'host', 'host:70000', 'a b:1', '::1:1'])
      expect(address.safeParse(text).success).toBe(false);
  });
});

describe('logger', () => {
  function logged(write: (log: pino.Logger) => void): Record<string, unknown> & { err: Record<string, unknown> } {
    let text = '';
    const sink = new Writable({
      write: (chunk, _encoding, done) => {
        text += String(chunk);
        done();
      },
    });
    write(pino(loggerOptions, sink));
    return JSON.parse(text);
  }

  function thrown(by: () => unknown): Error {
    try {
      by();
    } catch (error) {
      // jest's own globals are of another realm
      return Object.assign(new Error((error as Error).message), { name: (error as Error).name });
    }
    throw new Error('nothing was thrown');
  }

  test('hides secrets and contact points', () => {
    const line = logged((log) =>
      log.info({ authorization: 'Bearer x', party: { email: 'a@b.cz' }, count: 1 }, 'hello'),
    );
    expect(line).toMatchObject({ level: 'info', msg: 'hello', count: 1, authorization: '[redacted]' });
    expect(JSON.stringify(line)).not.toMatch(/Bearer|a@b/);
  });

  test('keeps values of rows in database errors out', () => {
    const unique = Object.assign(new Error('duplicate key'), { code: '23505', detail: 'Key (email)=(anna@b.cz)' });
    const cast = Object.assign(new Error('invalid input syntax for type uuid: "Anna Novak"'), { code: '22P02' });
    const prisma = Object.assign(new Error('create({ name: "Anna Novak" })'), {
      name: 'PrismaClientKnownRequestError',
    });
    const json = thrown(() => JSON.parse('Anna Novak'));
    const number = thrown(() => BigInt('Anna Novak'));
    const field = thrown(() => fromJson(DurationSchema, 'Anna Novak'));
    for (const error of [unique, cast, prisma, json, number, field, new Error('outer', { cause: cast })]) {
      const line = logged((log) => log.error({ err: error }, 'failed'));
      expect(JSON.stringify(line)).not.toMatch(/anna/i);
      expect(line.err['stack']).toContain('runtime.test');
    }
  });
});

describe('ops', () => {
  test('answers for the process', async () => {
    const health = createHealth();
    const ops = await serveOps({
      address: '127.0.0.1:0',
      health,
      metrics: (_request, response) => {
        response.end('up 1\n');
      },
    });
    const agent = request(`http://127.0.0.1:${ops.port}`);
    await agent.get('/livez').expect(200);
    await agent.get('/readyz').expect(200, { status: 'ready' });
    await agent.get('/metrics').expect(200, 'up 1\n');
    health.set('database', false);
    health.set('bus', false);
    await agent.get('/readyz').expect(503, { status: 'not ready', failing: ['database', 'bus'] });
    await agent.get('/livez').expect(200);
    health.set('database', true);
    health.set('bus', true);
    await agent.get('/readyz').expect(200);
    await expect(serveOps({ port: ops.port, health })).rejects.toMatchObject({ code: 'EADDRINUSE' });
    await ops.stop();
  });

  test('a drained process stays not ready', () => {
    const health = createHealth();
    const changes: boolean[] = [];
    health.onChange((ready) => changes.push(ready));
    health.set('database', true);
    health.drain();
    health.set('draining', true);
    health.set('database', false);
    health.set('database', true);
    expect(health.ready()).toBe(false);
    expect(health.failing()).toEqual(['draining']);
    expect(changes).toEqual([false]);
  });
});

describe('runUntilSignal', () => {
  beforeEach(() => {
    jest.spyOn(logger, 'info').mockImplementation(() => undefined);
    jest.spyOn(logger, 'error').mockImplementation(() => undefined);
  });

  test('says not serving, pauses, stops in order, exits', async () => {
    const health = createHealth();
    const events: string[] = [];
    const stop = (name: string) => async () => {
      events.push(`${name} ready=${health.ready()}`);
      await sleep(5);
    };
    const done = runUntilSignal([stop('server'), stop('database')], {
      drainMs: 60,
      health,
      exit: (code) => events.push(`exit ${code}`),
    });
    process.emit('SIGTERM', 'SIGTERM');
    await sleep(30);
    expect(health.ready()).toBe(false);
    expect(events).toEqual([]);
    await done;
    expect(events).toEqual(['server ready=false', 'database ready=false', 'exit 0']);
  });

  test('a stop that fails does not keep the others', async () => {
    const codes: number[] = [];
    let stopped = false;
    const failing = async () => {
      throw new Error('stuck');
    };
    const last = async () => {
      stopped = true;
    };
    const done = runUntilSignal([failing, last], { drainMs: 0, exit: (code) => codes.push(code) });
    process.emit('SIGINT', 'SIGINT');
    await done;
    expect(stopped).toBe(true);
    expect(codes).toEqual([1]);
  });

  test('ends at the hard limit, and at once at a second signal', async () => {
    const codes: number[] = [];
    let release: () => void = () => undefined;
    const hanging = () => new Promise<void>((resolve) => (release = resolve));
    const done = runUntilSignal([hanging], { drainMs: 0, hardLimitMs: 50, exit: (code) => codes.push(code) });
    process.emit('SIGTERM', 'SIGTERM');
    await sleep(120);
    expect(codes).toEqual([1]);
    process.emit('SIGTERM', 'SIGTERM');
    expect(codes).toEqual([1, 1]);
    release();
    await done;
  });
});

describe('every', () => {
  test('never overlaps, survives failures, and the stop waits for the run in progress', async () => {
    const failures = jest.spyOn(logger, 'error').mockImplementation(() => undefined);
    let active = 0;
    let most = 0;
    let runs = 0;
    const timer = every('test', 10, async () => {
      active += 1;
      most = Math.max(most, active);
      await sleep(30);
      active -= 1;
      runs += 1;
      if (runs === 1) throw new Error('once');
    });
    await sleep(250);
    await timer.stop();
    const after = runs;
    expect(active).toBe(0);
    expect(most).toBe(1);
    expect(runs).toBeGreaterThan(2);
    expect(failures).toHaveBeenCalledTimes(1);
    await sleep(60);
    expect(runs).toBe(after);
  });
});
