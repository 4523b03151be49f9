import { testDatabase, type TestDatabase } from '@rapport/test/kit';
import { type Database, everything, horizon, openDatabase, sql } from './index.js';

let here: TestDatabase;
let there: TestDatabase;
let db: Database;
let neighbour: Database;

beforeAll(async () => {
  [here, there] = [await testDatabase('kit'), await testDatabase('kit')];
  db = openDatabase({ url: here.url, application: 'horizon-test' });
  neighbour = openDatabase({ url: there.url, application: 'horizon-test' });
  await db.system.run(sql`CREATE TABLE mark (name text PRIMARY KEY, xid xid8 NOT NULL DEFAULT pg_current_xact_id())`);
});
afterAll(async () => {
  await Promise.all([db.close(), neighbour.close()]);
  await Promise.all([here.drop(), there.drop()]);
});

const complete = () =>
  db.system
    .rows<{ name: string }>(sql`SELECT name FROM mark WHERE xid < ${horizon} ORDER BY xid`)
    .then((rows) => rows.map((row) => row.name));
const mark = (name: string) => db.system.run(sql`INSERT INTO mark (name) VALUES (${name})`);

/** Begins a transaction that has its xid, and gives what ends it. */
async function holdOpen(database: Database, name?: string): Promise<() => Promise<void>> {
  const begun = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  const transaction = database.transaction(everything, async (tx) => {
    if (name === undefined) await tx.rows(sql`SELECT pg_current_xact_id()`);
    else await tx.run(sql`INSERT INTO mark (name) VALUES (${name})`);
    begun.resolve();
    await held.promise;
  });
  await begun.promise;
  return async () => {
    held.resolve();
    await transaction;
  };
}

test('waits for the transactions of its own database, and for no other', async () => {
  await mark('before');
  const endNeighbour = await holdOpen(neighbour);
  await mark('beside the neighbour');
  expect(await complete()).toEqual(['before', 'beside the neighbour']);

  const endLate = await holdOpen(db, 'late');
  await mark('after');
  expect(await complete()).toEqual(['before', 'beside the neighbour']);
  await endLate();
  expect(await complete()).toEqual(['before', 'beside the neighbour', 'late', 'after']);
  await endNeighbour();
  expect(await complete()).toHaveLength(4);
});
