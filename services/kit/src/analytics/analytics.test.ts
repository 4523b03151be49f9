import { fork } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Analytics, AnalyticsError, openAnalytics } from './index.js';

let path: string;
let analytics: Analytics;

const table = `CREATE TABLE IF NOT EXISTS fact (
  id UInt64, name String, day Date, at DateTime64(3, 'UTC'), amount Int64, price Decimal(18, 2), tags Array(String)
) ENGINE = MergeTree ORDER BY id`;

interface Fact {
  id: number;
  name: string;
  day: string;
  at: string;
}

const fact = (id: number, more: object = {}) => ({
  id,
  name: `n${id}`,
  day: '2026-03-01',
  at: new Date('2026-03-01T09:30:00.250Z'),
  amount: 9_007_199_254_740_993n,
  price: '12.30',
  tags: ['a', "b'c"],
  ...more,
});

beforeAll(async () => {
  path = mkdtempSync(join(tmpdir(), 'analytics-'));
  analytics = openAnalytics({ path });
  await analytics.ensure([table, table]);
});

afterAll(async () => {
  await analytics.close();
  rmSync(path, { recursive: true, force: true });
});

beforeEach(() => analytics.command('TRUNCATE TABLE fact'));

async function failure(promise: Promise<unknown>): Promise<AnalyticsError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof AnalyticsError)) throw new Error(`no AnalyticsError but ${String(error)}`);
  return error;
}

describe('the embedded engine', () => {
  it('gives back what was inserted, value by value', async () => {
    await analytics.insert('fact', [fact(1), fact(2)]);
    const rows = await analytics.query('SELECT *, toString(amount) AS exact FROM fact ORDER BY id LIMIT 1');
    expect(rows).toEqual([
      {
        id: 1,
        name: 'n1',
        day: '2026-03-01',
        at: '2026-03-01 09:30:00.250',
        amount: 9_007_199_254_740_992,
        exact: '9007199254740993',
        price: '12.3',
        tags: ['a', "b'c"],
      },
    ]);
  });

  it('streams an answer, and stops where the reader stops', async () => {
    const numbers: number[] = [];
    const rows = analytics.stream<{ n: number }>('SELECT number AS n FROM numbers({count:UInt32})', { count: 50_000 });
    for await (const some of rows) numbers.push(...some.map(({ n }) => n));
    expect(numbers).toHaveLength(50_000);
    expect(numbers.at(-1)).toBe(49_999);
    for await (const some of analytics.stream('SELECT number AS n FROM numbers(10)')) {
      expect(some.length).toBeGreaterThan(0);
      break;
    }
    const broken = async () => {
      for await (const _ of analytics.stream('SELECT x FROM nowhere')) throw new Error('there are rows');
    };
    expect(await failure(broken())).toMatchObject({ type: 'UNKNOWN_TABLE' });
    expect(await analytics.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it.each([
    ['String', "O'Br\\ien\n{x:String}\t", "O'Br\\ien\n{x:String}\t"],
    ['Int64', -42n, -42],
    ['Date', new Date('2026-03-01T23:59:59.999Z'), '2026-03-01'],
    ['DateTime', new Date('2026-03-01T09:30:00.250Z'), '2026-03-01 09:30:00'],
    ['DateTime64(3)', new Date('2026-03-01T09:30:00.250Z'), '2026-03-01 09:30:00.250'],
    ['Array(Date)', [new Date('2026-03-01T00:00:00Z')], ['2026-03-01']],
    ['Array(String)', ["a'b", 'c\\d', ''], ["a'b", 'c\\d', '']],
    ['Array(UInt64)', [1n, 2], [1, 2]],
    ['Nullable(String)', null, null],
    ['Bool', true, true],
    ['Map(String, UInt32)', { a: 1 }, { a: 1 }],
    ['UUID', '01900000-0000-7000-8000-000000000001', '01900000-0000-7000-8000-000000000001'],
  ])('binds a %s', async (type, value, expected) => {
    expect(await analytics.query(`SELECT {p:${type}} AS p`, { p: value })).toEqual([{ p: expected }]);
  });

  it('binds a value that looks like SQL as a value', async () => {
    await analytics.insert('fact', [fact(1)]);
    const rows = await analytics.query('SELECT id FROM fact WHERE name = {name:String}', { name: "x' OR '1'='1" });
    expect(rows).toEqual([]);
  });

  it('refuses a placeholder without a value and a table name that is SQL', async () => {
    await expect(analytics.query('SELECT {missing:String}', {})).rejects.toThrow('no value for the placeholder');
    await expect(analytics.insert('fact SELECT', [fact(1)])).rejects.toThrow('not a table name');
  });

  it('keeps what was inserted over closing and opening', async () => {
    await analytics.insert('fact', [fact(7)]);
    await analytics.close();
    expect((await failure(analytics.query('SELECT 1'))).type).toBe('CLOSED');
    analytics = openAnalytics({ path });
    expect(await analytics.query('SELECT id FROM fact')).toEqual([{ id: 7 }]);
  });

  it('answers many at once, and inserts do not wait for a slow query', async () => {
    let ended = false;
    const slow = analytics.query('SELECT sleep(3)').then(() => {
      ended = true;
    });
    await Promise.all([
      ...Array.from({ length: 20 }, (_, index) => analytics.insert('fact', [fact(index)])),
      ...Array.from({ length: 20 }, (_, index) => analytics.query('SELECT {n:UInt32} AS n', { n: index })),
    ]);
    expect(ended).toBe(false);
    await slow;
    expect(await analytics.query('SELECT count() AS n FROM fact')).toEqual([{ n: 20 }]);
  });

  it('deletes before it answers', async () => {
    await analytics.insert('fact', [fact(1), fact(2)]);
    await analytics.command('ALTER TABLE fact DELETE WHERE id = {id:UInt64}', { id: 1 });
    expect(await analytics.query<Fact>('SELECT id FROM fact')).toEqual([{ id: 2 }]);
  });

  it('cuts off a statement that takes too much time or memory', async () => {
    const timed = await failure(
      analytics.query('SELECT sum(sipHash64(number)) FROM numbers(100000000000) SETTINGS max_execution_time = 0.2'),
    );
    expect(timed).toMatchObject({ type: 'TIMEOUT_EXCEEDED', retryable: true });
    const large = await failure(
      analytics.query('SELECT length(groupArray(number)) FROM numbers(100000000) SETTINGS max_memory_usage = 50000000'),
    );
    expect(large).toMatchObject({ type: 'MEMORY_LIMIT_EXCEEDED', retryable: true });
    expect(await analytics.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('tells what is wrong without the data', async () => {
    const column = await failure(analytics.query('SELECT nonesuch FROM fact WHERE name = {n:String}', { n: 'Novak' }));
    expect(column).toMatchObject({ type: 'UNKNOWN_IDENTIFIER', code: '47', retryable: false });
    expect(column.message).toContain('near nonesuch');
    const failures = [
      column,
      await failure(analytics.query('SELECT toUInt32({n:String})', { n: 'Novak' })),
      await failure(analytics.insert('fact', [fact(1, { day: 'Novak' })])),
      await failure(analytics.insert('nonesuch', [{ name: 'Novak' }])),
      await failure(analytics.query('SELECT {n:UInt32}', { n: 'Novak' })),
    ];
    for (const error of failures) {
      expect(`${error.message} ${error.stack} ${JSON.stringify(error)} ${String(error.cause)}`).not.toContain('Novak');
    }
  });

  it('says who is in the way when the directory is taken', async () => {
    const other = mkdtempSync(join(tmpdir(), 'analytics-'));
    expect(() => openAnalytics({ path: other })).toThrow(/another directory open/);
    rmSync(other, { recursive: true });
  });

  it('keeps what was inserted before a kill', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'analytics-'));
    const script = join(dir, 'child.cjs');
    writeFileSync(
      script,
      `const { createClient } = require(${JSON.stringify(require.resolve('@clickhouse/client'))});
       const { createChdbConnection } = require(${JSON.stringify(require.resolve('chdb/connection'))});
       const client = createClient({ connection: createChdbConnection({ path: ${JSON.stringify(join(dir, 'data'))} }) });
       (async () => {
         await client.command({ query: 'CREATE TABLE kept (id UInt32) ENGINE = MergeTree ORDER BY id' });
         await client.insert({ table: 'kept', values: [{ id: 1 }, { id: 2 }], format: 'JSONEachRow' });
         process.kill(process.pid, 'SIGKILL');
       })();`,
    );
    await new Promise((resolve) => fork(script).once('exit', resolve));
    await analytics.close();
    const reopened = openAnalytics({ path: join(dir, 'data') });
    expect(await reopened.query('SELECT id FROM kept ORDER BY id')).toEqual([{ id: 1 }, { id: 2 }]);
    await reopened.close();
    rmSync(dir, { recursive: true });
    analytics = openAnalytics({ path });
  });
});

describe('a cluster', () => {
  it('gets the same statements over HTTP, with the settings, and the same errors without data', async () => {
    const seen: { url: URL; body: string }[] = [];
    const server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      seen.push({ url: new URL(request.url ?? '/', 'http://x'), body: Buffer.concat(chunks).toString() });
      if (seen.length === 1) return response.end('{"n":1}\n');
      response.statusCode = 400;
      return response.end("Code: 60. DB::Exception: Table `t` for 'Novak' does not exist. (UNKNOWN_TABLE)");
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const cluster = openAnalytics({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
    expect(cluster.engine).toBe('cluster');
    expect(await cluster.query('SELECT {n:Date} AS n', { n: new Date('2026-03-01T00:00:00Z') })).toEqual([{ n: 1 }]);
    const { searchParams } = (seen[0] as { url: URL }).url;
    expect(searchParams.get('param_n')).toBe('2026-03-01');
    expect(searchParams.get('session_timezone')).toBe('UTC');
    const error = await failure(cluster.query('SELECT 1 FROM t'));
    expect(error).toMatchObject({ type: 'UNKNOWN_TABLE', code: '60' });
    expect(error.message).toContain('near t');
    expect(error.message).not.toContain('Novak');
    await cluster.close();
    server.close();
  });

  it('calls an unreachable server retryable', async () => {
    const cluster = openAnalytics({ url: 'http://127.0.0.1:1' });
    expect(await failure(cluster.query('SELECT 1'))).toMatchObject({ type: 'CONNECTION', retryable: true });
    await cluster.close();
  });
});
