import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestDatabase, testDatabase } from '@rapport/test/kit';
import { openDatabase } from './database.js';
import { migrate, migrateService } from './migrate.js';
import { sql } from './sql.js';
import type { Database } from './types.js';

let test: TestDatabase;
let db: Database;
let dir: string;

function write(name: string, text: string): void {
  mkdirSync(path.join(dir, name), { recursive: true });
  writeFileSync(path.join(dir, name, 'migration.sql'), text);
}

beforeEach(async () => {
  test = await testDatabase('kit');
  db = openDatabase({ url: test.url, application: 'kit-test' });
  dir = mkdtempSync(path.join(tmpdir(), 'migrations-'));
  write('1_first', 'CREATE TABLE first (id int)');
  write('2_second', 'CREATE TABLE second (id int); INSERT INTO second VALUES (1)');
});

afterEach(async () => {
  await db.close();
  await test.drop();
  rmSync(dir, { recursive: true });
});

const recorded = () =>
  db.system.rows(sql`SELECT migration_name AS name, finished_at IS NOT NULL AS finished, applied_steps_count AS steps
    FROM _prisma_migrations ORDER BY migration_name`);

it('applies what is new in order and records it as Prisma does', async () => {
  expect(await migrate({ url: test.url, dir })).toEqual(['1_first', '2_second']);
  expect(await migrate({ url: test.url, dir })).toEqual([]);
  write('3_third', 'ALTER TABLE first ADD COLUMN more int');
  expect(await migrateService({ url: test.url, dir })).toEqual(['3_third']);
  expect(await recorded()).toEqual(
    ['1_first', '2_second', '3_third'].map((name) => ({ name, finished: true, steps: 1 })),
  );
});

it('applies once when two start at the same time', async () => {
  const both = await Promise.all([migrate({ url: test.url, dir }), migrate({ url: test.url, dir })]);
  expect(both.flat()).toEqual(['1_first', '2_second']);
});

it('refuses a migration that was edited after it was applied', async () => {
  await migrate({ url: test.url, dir });
  write('1_first', 'CREATE TABLE first (id bigint)');
  await expect(migrate({ url: test.url, dir })).rejects.toThrow('1_first was edited');
});

it('refuses when an applied migration is gone', async () => {
  await migrate({ url: test.url, dir });
  rmSync(path.join(dir, '1_first'), { recursive: true });
  await expect(migrate({ url: test.url, dir })).rejects.toThrow('1_first');
});

it('leaves nothing of a migration that fails', async () => {
  write('3_third', 'CREATE TABLE third (id int); SELECT 1 / 0');
  await expect(migrate({ url: test.url, dir })).rejects.toThrow('3_third failed: division by zero');
  expect(await recorded()).toHaveLength(2);
  await expect(db.system.rows(sql`SELECT * FROM third`)).rejects.toThrow('does not exist');
});

it('runs a marked migration outside of a transaction', async () => {
  write('3_third', '-- migrate:no-transaction\nCREATE INDEX CONCURRENTLY second_id ON second (id)');
  expect(await migrate({ url: test.url, dir })).toHaveLength(3);
});

it('keeps audit records from being changed or removed, and lets the sealer fill the chain once', async () => {
  await db.system.run(sql`INSERT INTO kit.audit (id, at, actor, action, resource, purpose, detail, trace_id)
    VALUES (gen_random_uuid(), now(), 'ann', 'read', 'parties/1', 'service', '{}', 'abc')`);
  const seal = () => db.system.run(sql`UPDATE kit.audit SET chain_seq = 1, prev_hash = '\\x00', hash = '\\x01'`);
  await expect(db.system.run(sql`UPDATE kit.audit SET actor = 'eve'`)).rejects.toThrow('kept as they were written');
  await expect(db.system.run(sql`DELETE FROM kit.audit`)).rejects.toThrow('kept as they were written');
  await expect(db.system.run(sql`TRUNCATE kit.audit`)).rejects.toThrow('kept as they were written');
  expect(await seal()).toBe(1);
  await expect(seal()).rejects.toThrow('kept as they were written');
});

it('drops days of events that are old and relayed, and no others', async () => {
  const days = async () =>
    (
      await db.system.rows<{ name: string }>(sql`SELECT relname AS name FROM pg_class
        WHERE relname ~ '^(outbox|inbox)_[0-9]{8}$' ORDER BY relname`)
    ).map((row) => row.name);
  const fresh = await days();
  expect(fresh).toHaveLength(8);
  for (const [id, age] of [
    ['00000000-0000-7000-8000-000000000001', '12 days'],
    ['00000000-0000-7000-8000-000000000002', '11 days'],
  ]) {
    await db.system.rows(sql`SELECT kit.add_day('outbox', (now() - ${age}::interval)::date)`);
    await db.system.run(sql`INSERT INTO kit.outbox (id, aggregate, partition, type, subject, payload, occurred_at)
      VALUES (${id}, 'a', 1, 't', 's', '', now() - ${age}::interval)`);
  }
  await db.system.rows(sql`SELECT kit.maintain()`);
  expect(await days()).toHaveLength(10);
  await db.system.run(sql`INSERT INTO kit.relay_cursor (domain, incarnation, xid, id, stream_sequence)
    SELECT 'x', 'y', xid, id, 1 FROM kit.outbox WHERE id = '00000000-0000-7000-8000-000000000001'`);
  await db.system.rows(sql`SELECT kit.maintain()`);
  expect(await days()).toHaveLength(9);
  await expect(db.system.rows(sql`SELECT kit.maintain('1 day')`)).rejects.toThrow('7 days');
});
