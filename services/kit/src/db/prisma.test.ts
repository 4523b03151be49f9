import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type TestDatabase, testDatabase, testRun } from '@rapport/test/kit';
import { openDatabase } from './database.js';
import { everything } from './scope.js';
import { sql } from './sql.js';
import type { Database } from './types.js';

interface PartyRow {
  id: number;
  name: string;
  path: string;
}

/** What this test uses of the generated client. */
interface Client {
  party: {
    create(args: { data: Partial<PartyRow> }): Promise<PartyRow>;
    findMany(): Promise<PartyRow[]>;
  };
}

// Inside the tree, so that the generated client finds its runtime; outside of what is compiled.
const folder = path.join(testRun().root, '.data', 'test-prisma', String(process.pid));
let test: TestDatabase;
let db: Database<Client>;

beforeAll(async () => {
  mkdirSync(folder, { recursive: true });
  const schema = path.join(folder, 'schema.prisma');
  writeFileSync(
    schema,
    `generator client {
      provider = "prisma-client"
      output = "./client"
      moduleFormat = "cjs"
      importFileExtension = "js"
      runtime = "nodejs"
    }
    datasource db {
      provider = "postgresql"
    }
    model Party {
      id   Int @id
      name String @unique
      path String
      @@map("party")
    }`,
  );
  const prisma = require.resolve('prisma/build/index.js', { paths: [testRun().root] });
  execFileSync(process.execPath, [prisma, 'generate', '--schema', schema], {
    env: { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: '/bin/false', CHECKPOINT_DISABLE: '1' },
    stdio: 'pipe',
  });
  const { PrismaClient } = require(path.join(folder, 'client/client.ts'));
  test = await testDatabase('kit');
  db = openDatabase<Client>({
    url: test.url,
    application: 'kit-prisma',
    max: 4,
    prisma: (adapter) => new PrismaClient({ adapter }),
  });
  await db.system.run(sql`CREATE TABLE party (id int PRIMARY KEY, name text UNIQUE NOT NULL, path text NOT NULL)`);
  await db.system.run(sql`ALTER TABLE party ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY`);
  await db.system.run(sql`CREATE POLICY seen ON party USING (kit.sees(path, NULL))`);
}, 60_000);

afterAll(async () => {
  await db?.close();
  await test?.drop();
  rmSync(folder, { recursive: true, force: true });
});

beforeEach(() => db.system.run(sql`DELETE FROM party`));

const names = async (): Promise<string[]> =>
  (await db.system.rows<{ name: string }>(sql`SELECT name FROM party ORDER BY id`)).map((row) => row.name);

it('commits Prisma and tagged SQL together', async () => {
  await db.transaction(everything, async (tx) => {
    await tx.prisma.party.create({ data: { id: 1, name: 'by Prisma', path: '/a' } });
    // Each sees what the other has not committed yet: it is one connection.
    expect(await tx.rows(sql`SELECT name FROM party`)).toEqual([{ name: 'by Prisma' }]);
    await tx.run(sql`INSERT INTO party VALUES (2, 'by SQL', '/a')`);
    expect(await tx.prisma.party.findMany()).toHaveLength(2);
    expect(await names()).toEqual([]);
  });
  expect(await names()).toEqual(['by Prisma', 'by SQL']);
});

it('rolls both back together', async () => {
  const failing = db.transaction(everything, async (tx) => {
    await tx.prisma.party.create({ data: { id: 1, name: 'by Prisma', path: '/a' } });
    await tx.run(sql`INSERT INTO party VALUES (2, 'by SQL', '/a')`);
    throw new Error('no');
  });
  await expect(failing).rejects.toThrow('no');
  expect(await names()).toEqual([]);
});

it.each(['Prisma', 'SQL'])('does not pass off a swallowed failure of %s as a commit', async (by) => {
  const swallowing = db.transaction(everything, async (tx) => {
    await tx.run(sql`INSERT INTO party VALUES (1, 'first', '/a')`);
    if (by === 'SQL') await tx.run(sql`INSERT INTO party VALUES (1, 'x', '/a')`).catch(() => undefined);
    else await tx.prisma.party.create({ data: { id: 1, name: 'x', path: '/a' } }).catch(() => undefined);
  });
  await expect(swallowing).rejects.toThrow();
  expect(await names()).toEqual([]);
});

it('holds Prisma to the scope of the transaction', async () => {
  await db.system.run(sql`INSERT INTO party VALUES (1, 'here', '/a/b'), (2, 'there', '/c')`);
  const seen = await db.transaction({ kind: 'rows', subtree: '/a' }, (tx) => tx.prisma.party.findMany());
  expect(seen.map((row) => row.name)).toEqual(['here']);
  expect(await db.transaction({ kind: 'nothing' }, (tx) => tx.prisma.party.findMany())).toEqual([]);
  const outside = db.transaction({ kind: 'rows', subtree: '/a' }, (tx) =>
    tx.prisma.party.create({ data: { id: 3, name: 'new', path: '/c' } }),
  );
  await expect(outside).rejects.toThrow('row-level security');
});

it('keeps connections and scopes of concurrent transactions apart', async () => {
  await db.system.run(sql`INSERT INTO party VALUES (1, 'a', '/a'), (2, 'b', '/b')`);
  const results = await Promise.all(
    Array.from({ length: 40 }, (_, index) =>
      db.transaction({ kind: 'rows', subtree: index % 2 ? '/a' : '/b' }, async (tx) => {
        const { pid } = await tx.one<{ pid: number }>(sql`SELECT pg_backend_pid() AS pid`);
        const seen = await tx.prisma.party.findMany();
        const { pid: still } = await tx.one<{ pid: number }>(sql`SELECT pg_backend_pid() AS pid`);
        return { same: pid === still, names: seen.map((row) => row.name).join() };
      }),
    ),
  );
  results.forEach((result, index) => expect(result).toEqual({ same: true, names: index % 2 ? 'a' : 'b' }));
});

it('runs again after a deadlock between the two', async () => {
  await db.system.run(sql`INSERT INTO party VALUES (1, 'a', '/a'), (2, 'b', '/b')`);
  let attempts = 0;
  const crossing = (first: number, second: number) =>
    db.transaction(everything, async (tx) => {
      attempts += 1;
      await tx.run(sql`UPDATE party SET path = path WHERE id = ${first}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
      await tx.run(sql`UPDATE party SET path = path WHERE id = ${second}`);
    });
  await Promise.all([crossing(1, 2), crossing(2, 1)]);
  expect(attempts).toBe(3);
});

it('runs plain transactions on the same pool without a Prisma client, under the same row security', async () => {
  await db.plain.transaction(everything, async (tx) => {
    expect(tx.prisma).toBeUndefined();
    await tx.run(sql`INSERT INTO party VALUES (1, 'mine', '/a'), (2, 'theirs', '/b')`);
  });
  const seen = await db.plain.transaction({ kind: 'rows', subtree: '/a' }, (tx) =>
    tx.rows(sql`SELECT name FROM party`),
  );
  expect(seen).toEqual([{ name: 'mine' }]);
  const failing = db.plain.transaction(everything, async (tx) => {
    await tx.run(sql`DELETE FROM party`);
    throw new Error('no');
  });
  await expect(failing).rejects.toThrow('no');
  expect(await names()).toEqual(['mine', 'theirs']);
  expect(db.plain.plain).toBe(db.plain);
});
