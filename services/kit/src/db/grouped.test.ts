import { type TestDatabase, testDatabase } from '@rapport/test/kit';
import fc from 'fast-check';
import type { Database, GroupedRead, Scope } from './index.js';
import { openDatabase, scopeFilter, sql } from './index.js';

interface Row {
  id: string;
  path: string;
}

const paths = ['/berka/prague', '/berka/brno', '/demo'];

let database: TestDatabase;
let db: Database;
/** The keys of each statement that was made. */
let sent: (readonly string[])[] = [];

const byId: GroupedRead<Row> = {
  query: (keys, scope) => {
    sent.push(keys);
    return sql`SELECT id, path FROM shelf WHERE id = ANY(${keys}::text[]) AND ${scopeFilter(scope, { path: 'path' })}`;
  },
  key: ({ id }) => id,
};

beforeAll(async () => {
  database = await testDatabase('kit');
  db = openDatabase({ url: database.url, application: 'kit-test', max: 4 });
  await db.system.run(sql`CREATE TABLE shelf (id text PRIMARY KEY, path text NOT NULL)`);
  await db.system.run(sql`ALTER TABLE shelf ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY`);
  await db.system.run(sql`CREATE POLICY seen ON shelf USING (kit.sees(path, ''))`);
  await db.system.run(
    sql`INSERT INTO shelf SELECT n::text, (${paths}::text[])[1 + n % 3] FROM generate_series(0, 999) n`,
  );
});

afterAll(async () => {
  await db?.close();
  await database?.drop();
});

beforeEach(() => {
  sent = [];
});

const in_ = (subtree: string): Scope => ({ kind: 'rows', subtree });

test.each([1, 40, 200])('%s calls of one turn share one statement', async (count) => {
  const keys = Array.from({ length: count }, (_none, index) => String(index));
  const rows = await Promise.all(keys.map((key) => db.grouped({ kind: 'everything' }, byId, key)));
  expect(rows.map((row) => row?.id)).toEqual(keys);
  expect(sent).toHaveLength(1);
});

test('a call that comes while a statement is under way sees what was committed before it came', async () => {
  const first = db.grouped(in_('/berka'), byId, 'new');
  await new Promise(setImmediate);
  expect(sent).toEqual([['new']]);
  await db.system.run(sql`INSERT INTO shelf VALUES ('new', '/berka/prague')`);
  expect(await db.grouped(in_('/berka'), byId, 'new')).toEqual({ id: 'new', path: '/berka/prague' });
  await first;
  await db.system.run(sql`DELETE FROM shelf WHERE id = 'new'`);
});

test('after a statement that many calls shared, the next gathers those that dribble in', async () => {
  const many = Array.from({ length: 8 }, (_none, index) => String(index));
  await Promise.all(many.map((key) => db.grouped(in_('/'), byId, key)));
  const late = [db.grouped(in_('/'), byId, '20')];
  // What is set for this turn runs before any timer.
  await new Promise(setImmediate);
  late.push(db.grouped(in_('/'), byId, '21'));
  expect((await Promise.all(late)).map((row) => row?.id)).toEqual(['20', '21']);
  expect(sent).toEqual([many, ['20', '21']]);
});

test('a call alone waits for nobody', async () => {
  for (const key of ['1', '2', '3']) {
    const row = db.grouped(in_('/'), byId, key);
    // The statement before ends in this turn, the next begins in the one after it.
    await new Promise(setImmediate);
    await new Promise(setImmediate);
    expect(sent.at(-1)).toEqual([key]);
    expect((await row)?.id).toBe(key);
  }
});

test('one key asked for by many is asked of the database once', async () => {
  const rows = await Promise.all(Array.from({ length: 10 }, () => db.grouped(in_('/demo'), byId, '2')));
  expect(new Set(rows.map((row) => row?.id))).toEqual(new Set(['2']));
  expect(sent).toEqual([['2']]);
});

test('each call sees the rows of its own scope and no others, whatever arrives together', async () => {
  const scopes: Scope[] = [
    { kind: 'everything' },
    { kind: 'nothing' },
    ...[...paths, '/berka', '/berka/pra'].map(in_),
    { kind: 'rows', branch: '/berka' },
  ];
  const sees = (scope: Scope, path: string): boolean =>
    scope.kind === 'everything' ||
    (scope.kind === 'rows' &&
      scope.subtree !== undefined &&
      (path === scope.subtree || path.startsWith(`${scope.subtree}/`)));
  const ask = fc.record({ scope: fc.constantFrom(...scopes), key: fc.nat(1100), turn: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fc.array(ask, { maxLength: 60 }), async (asks) => {
      const answers = [];
      for (const { scope, key, turn } of asks) {
        answers.push(db.grouped(scope, byId, String(key)));
        if (turn) await new Promise(setImmediate);
      }
      const found = await Promise.all(answers);
      asks.forEach(({ scope, key }, index) => {
        const path = paths[key % 3] ?? '';
        const expected = key < 1000 && sees(scope, path) ? { id: String(key), path } : undefined;
        expect(found[index]).toEqual(expected);
      });
    }),
    { numRuns: 40 },
  );
});

test('more keys than one statement takes are all answered', async () => {
  const keys = Array.from({ length: 1000 }, (_none, index) => String(index));
  const rows = await Promise.all(keys.map((key) => db.grouped({ kind: 'everything' }, byId, key)));
  expect(rows.map((row) => row?.id)).toEqual(keys);
  expect(Math.max(...sent.map((one) => one.length))).toBe(200);
});

test('a statement that fails fails its calls, and the next goes well', async () => {
  let broken = true;
  const read: GroupedRead<Row> = {
    query: (keys, scope) => (broken ? sql`SELECT 1 / 0 AS id` : byId.query(keys, scope)),
    key: byId.key,
  };
  const failed = await Promise.allSettled(['1', '2'].map((key) => db.grouped(in_('/'), read, key)));
  expect(failed.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  broken = false;
  expect(await db.grouped(in_('/'), read, '1')).toEqual({ id: '1', path: '/berka/brno' });
});
