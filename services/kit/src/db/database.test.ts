import { type TestDatabase, testDatabase } from '@rapport/test/kit';
import pg from 'pg';
import { openDatabase } from './database.js';
import { everything, type Scope } from './scope.js';
import { sql } from './sql.js';
import type { Database, Tx } from './types.js';

let test: TestDatabase;
let db: Database;

async function asSuperuser(text: string): Promise<void> {
  const client = new pg.Client({ connectionString: test.superuserUrl });
  await client.connect();
  await client.query(text).finally(() => client.end());
}

beforeAll(async () => {
  test = await testDatabase('kit');
  db = openDatabase({ url: test.url, application: 'kit-test', max: 4 });
  await db.system.run(
    sql`CREATE TABLE account (id int PRIMARY KEY, path text NOT NULL, manager text, balance bigint NOT NULL)`,
  );
  await db.system.run(sql`ALTER TABLE account ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY`);
  await db.system.run(sql`CREATE POLICY seen ON account USING (kit.sees(path, manager))`);
  await db.system.run(sql`INSERT INTO account VALUES
    (1, '/berka', NULL, 10), (2, '/berka/prague', 'ann', 20), (3, '/berka/prague/1', 'bob', 30),
    (4, '/berka/praguenot', 'ann', 40), (5, '/demo', 'eve', 50)`);
});

afterAll(async () => {
  await db?.close();
  await test?.drop();
});

async function seen(scope: Scope): Promise<number[]> {
  const rows = await db.scoped(scope).rows<{ id: number }>(sql`SELECT id FROM account ORDER BY id`);
  return rows.map((row) => row.id);
}

describe('row security', () => {
  it('shows the rows of the scope and no others', async () => {
    expect(await seen(everything)).toEqual([1, 2, 3, 4, 5]);
    expect(await seen({ kind: 'nothing' })).toEqual([]);
    expect(await seen({ kind: 'rows' })).toEqual([]);
    expect(await seen({ kind: 'rows', subtree: '/berka/prague' })).toEqual([2, 3]);
    expect(await seen({ kind: 'rows', branch: '/berka/prague' })).toEqual([2]);
    expect(await seen({ kind: 'rows', own: 'ann' })).toEqual([2, 4]);
    expect(await seen({ kind: 'rows', subtree: '/demo', own: 'bob' })).toEqual([3, 5]);
    expect(await seen({ kind: 'rows', subtree: '/' })).toEqual([1, 2, 3, 4, 5]);
    expect(await seen({ kind: 'rows', team: ['ann', 'eve'] })).toEqual([2, 4, 5]);
    expect(await seen({ kind: 'rows', own: 'bob', team: ['ann'] })).toEqual([2, 3, 4]);
    // Neither a part of a name nor nobody at all is anybody of the team.
    expect(await seen({ kind: 'rows', team: ['ann.b', 'xbob', ''] })).toEqual([]);
    expect(await seen({ kind: 'rows', team: [] })).toEqual([]);
  });

  it('leaves the connection as it was for queries without row security', async () => {
    const one = openDatabase({ url: test.url, application: 'kit-test', max: 1 });
    const scope = sql`SELECT current_setting('rapport.scope', true) AS value`;
    try {
      expect(await one.unprotected.one(scope)).toEqual({ value: null });
      expect(await one.unprotected.rows(sql`SELECT id FROM account`)).toEqual([]);
      await one.scoped({ kind: 'rows', subtree: '/demo' }).run(sql`SELECT 1`);
      expect(await one.unprotected.one(scope)).toEqual({ value: '/demo' });
      expect(await one.scoped({ kind: 'rows', subtree: '/demo' }).rows(sql`SELECT id FROM account`)).toEqual([
        { id: 5 },
      ]);
    } finally {
      await one.close();
    }
  });

  it('denies a connection that was told nothing, also the owner of the table', async () => {
    const client = new pg.Client({ connectionString: test.url });
    await client.connect();
    expect((await client.query('SELECT * FROM account')).rows).toEqual([]);
    await expect(client.query(`INSERT INTO account VALUES (9, '/x', NULL, 0)`)).rejects.toThrow('row-level security');
    await client.end();
  });

  it('denies a connection taken from the pool after it served everything', async () => {
    await Promise.all(Array.from({ length: 8 }, () => seen(everything)));
    const client = await db.pool.connect();
    expect((await client.query('SELECT * FROM account')).rows).toEqual([]);
    client.release();
  });

  it('keeps scopes of concurrent queries apart', async () => {
    const scopes: Scope[] = [everything, { kind: 'nothing' }, { kind: 'rows', subtree: '/demo' }];
    const counts = [5, 0, 1];
    const results = await Promise.all(Array.from({ length: 90 }, (_, index) => seen(scopes[index % 3] as Scope)));
    results.forEach((rows, index) => expect(rows).toHaveLength(counts[index % 3] as number));
  });

  it('is inlined into the query', async () => {
    const client = new pg.Client({ connectionString: test.url });
    await client.connect();
    const { rows } = await client.query('EXPLAIN SELECT * FROM account');
    await client.end();
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
    expect(plan).toContain('current_setting');
    expect(plan).not.toContain('sees');
  });
});

describe('queries', () => {
  it('give bigint, string, Date and plain dates', async () => {
    const row = await db.system.one(sql`
      SELECT 9007199254740993::int8 AS big, 1.10::numeric AS exact, '1994-03-31'::date AS day,
        timestamptz '2026-01-02 03:04:05Z' AS moment, ARRAY[1, NULL]::int8[] AS bigs, ARRAY['1994-03-31'::date] AS days,
        '{}'::text[] AS none, ARRAY['{}', '', NULL]::text[] AS texts, '{}'::uuid[] AS ids, ${5n}::int8 AS given`);
    expect(row).toEqual({
      big: 9007199254740993n,
      exact: '1.10',
      day: '1994-03-31',
      moment: new Date('2026-01-02T03:04:05Z'),
      bigs: [1n, null],
      days: ['1994-03-31'],
      none: [],
      texts: ['{}', '', null],
      ids: [],
      given: 5n,
    });
  });

  it('insist on one row where one is meant', async () => {
    await expect(db.system.one(sql`SELECT 1 WHERE false`)).rejects.toThrow('expected one row, got 0');
    await expect(db.system.maybe(sql`SELECT generate_series(1, 2)`)).rejects.toThrow('at most one');
    expect(await db.system.maybe(sql`SELECT 1 WHERE false`)).toBeUndefined();
    expect(await db.system.run(sql`UPDATE account SET balance = balance`)).toBe(5);
  });

  it('survive a migration under their prepared statements', async () => {
    await db.system.run(sql`CREATE TABLE shape (a int)`);
    await db.system.run(sql`INSERT INTO shape VALUES (1)`);
    const all = () => db.system.rows(sql`SELECT * FROM shape`);
    await Promise.all(Array.from({ length: 8 }, all));
    await db.system.run(sql`ALTER TABLE shape ADD COLUMN b int DEFAULT 2`);
    const results = await Promise.all(Array.from({ length: 8 }, all));
    for (const rows of results) expect(rows).toEqual([{ a: 1, b: 2 }]);
  });

  it('wait for a connection for a bounded time only', async () => {
    const small = openDatabase({ url: test.url, application: 'kit-small', max: 1, statementTimeoutMs: 200 });
    await expect(small.system.rows(sql`SELECT pg_sleep(5)`)).rejects.toThrow('statement timeout');
    expect(await small.system.one(sql`SELECT 1 AS one`)).toEqual({ one: 1 });
    await small.close();
  });
});

describe('transaction', () => {
  const balance = async (id: number): Promise<bigint> =>
    (await db.system.one<{ balance: bigint }>(sql`SELECT balance FROM account WHERE id = ${id}`)).balance;
  const add = (tx: Tx, id: number, amount: number) =>
    tx.run(sql`UPDATE account SET balance = balance + ${amount} WHERE id = ${id}`);

  it('commits, and then runs what waits for the commit', async () => {
    const seenAfter: string[] = [];
    await db.transaction(everything, async (tx) => {
      tx.afterCommit(() => seenAfter.push('first'));
      tx.afterCommit(() => {
        throw new Error('logged only');
      });
      tx.afterCommit(() => seenAfter.push('second'));
      await add(tx, 1, 1);
      expect(seenAfter).toEqual([]);
    });
    expect(seenAfter).toEqual(['first', 'second']);
    expect(await balance(1)).toBe(11n);
  });

  it('leaves nothing when the function throws', async () => {
    const afterwards = jest.fn();
    const failing = db.transaction(everything, async (tx) => {
      tx.afterCommit(afterwards);
      await add(tx, 1, 1000);
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(await balance(1)).toBe(11n);
    expect(afterwards).not.toHaveBeenCalled();
  });

  it('does not pass off a swallowed failure as a commit', async () => {
    const swallowing = db.transaction(everything, async (tx) => {
      await add(tx, 1, 1000);
      await tx.run(sql`SELECT 1 / 0`).catch(() => undefined);
    });
    await expect(swallowing).rejects.toThrow('cannot be committed');
    expect(await balance(1)).toBe(11n);
  });

  it('sees the rows of its scope only', async () => {
    const changed = await db.transaction({ kind: 'rows', subtree: '/demo' }, (tx) => add(tx, 1, 5));
    expect(changed).toBe(0);
    expect(await balance(1)).toBe(11n);
  });

  it('runs again after a deadlock', async () => {
    const before = [await balance(2), await balance(3)] as const;
    let attempts = 0;
    const crossing = (first: number, second: number) =>
      db.transaction(everything, async (tx) => {
        attempts += 1;
        await add(tx, first, 1);
        await new Promise((resolve) => setTimeout(resolve, 100));
        await add(tx, second, 1);
      });
    await Promise.all([crossing(2, 3), crossing(3, 2)]);
    expect(attempts).toBe(3);
    expect([await balance(2), await balance(3)]).toEqual([before[0] + 2n, before[1] + 2n]);
  });

  it('gives up after three more attempts', async () => {
    let attempts = 0;
    const failing = db.transaction(everything, async (tx) => {
      attempts += 1;
      await tx.run(sql`DO $$ BEGIN RAISE EXCEPTION 'again' USING ERRCODE = '40001'; END $$`);
    });
    await expect(failing).rejects.toMatchObject({ code: '40001' });
    expect(attempts).toBe(4);
  });

  it('fails, and the next one works, when its connection is terminated in the middle', async () => {
    const cut = db.transaction(everything, async (tx) => {
      await add(tx, 1, 1000);
      const { pid } = await tx.one<{ pid: number }>(sql`SELECT pg_backend_pid() AS pid`);
      await asSuperuser(`SELECT pg_terminate_backend(${pid})`);
      await new Promise((resolve) => setTimeout(resolve, 50));
      await add(tx, 1, 1000);
    });
    await expect(cut).rejects.toThrow();
    expect(await balance(1)).toBe(11n);
    await db.transaction(everything, (tx) => add(tx, 1, 1));
    expect(await balance(1)).toBe(12n);
  });
});
