import { type TestDatabase, testDatabase } from '@rapport/test/kit';
import pg from 'pg';
import { ask, brokeConnection } from './pool.js';

let database: TestDatabase;
let client: pg.Client;

beforeAll(async () => {
  database = await testDatabase('kit');
  client = new pg.Client({ connectionString: database.url, query_timeout: 200 });
  await client.connect();
});

afterAll(async () => {
  await client?.end();
  await database?.drop();
});

test('a statement gives what pg gives', async () => {
  const { rows, rowCount } = await ask(client, { text: 'SELECT n FROM generate_series(1, $1::int) n', values: [3] });
  expect({ rows, rowCount }).toEqual({ rows: [{ n: 1 }, { n: 2 }, { n: 3 }], rowCount: 3 });
});

test('a statement that Postgres refuses rejects with its error, and the connection lives on', async () => {
  const refused = await ask(client, { text: 'SELECT 1 / 0', values: [] }).catch((error: unknown) => error);
  expect(refused).toMatchObject({ code: '22012' });
  expect(brokeConnection(refused)).toBe(false);
  expect((await ask(client, { text: 'SELECT 1 AS one' })).rows).toEqual([{ one: 1 }]);
});

test('a server that does not answer is waited for as long as the connection says, and the connection is broken', async () => {
  const late = await ask(client, { text: 'SELECT pg_sleep(5)' }).catch((error: unknown) => error);
  expect(late).toEqual(new Error('Query read timeout'));
  expect(brokeConnection(late)).toBe(true);
  // What others send on the connection has the timeout of pg as before.
  await expect(client.query('SELECT pg_sleep(5)')).rejects.toThrow('Query read timeout');
});
