import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Analytics, openAnalytics } from '@rapport/kit/analytics';
import { bitmapTables } from '../membership/membership.js';
import { clustered, ensureTables } from './cluster.js';
import { factTables } from './fact.js';

const all = [...factTables, ...bitmapTables];
let folder: string;
let analytics: Analytics;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'clustered-'));
  analytics = openAnalytics({ path: folder });
});

afterAll(async () => {
  await analytics.close();
  rmSync(folder, { recursive: true, force: true });
});

test('every table is replicated on its server, and one over all shards keeps the rows of a party together', async () => {
  const statements = clustered(all, 'bank');
  const tables = all.filter((one) => one.startsWith('CREATE')).map((one) => /EXISTS (\w+)/.exec(one)?.[1]);
  for (const table of tables) {
    const replicated = statements.find((one) => one.includes(`EXISTS ${table}_local ON CLUSTER bank`));
    expect(replicated).toMatch(
      new RegExp(`Replicated\\w*MergeTree\\('/clickhouse/tables/{shard}/{database}/${table}', '{replica}'`),
    );
    expect(statements.find((one) => one.includes(`EXISTS ${table} ON CLUSTER bank`))).toContain(
      `Distributed('bank', currentDatabase(), '${table}_local', `,
    );
  }
  const byParty = statements
    .filter((one) => one.includes('sipHash64(party)'))
    .map((one) => /EXISTS (\w+)/.exec(one)?.[1]);
  expect(byParty).toEqual(
    expect.arrayContaining(['party', 'holding', 'booked_transaction', 'consent', 'party_alias', 'assigned']),
  );
  // The engine's own parser takes each; a cluster to run them on is not here.
  for (const statement of statements) {
    expect((await analytics.query(`EXPLAIN AST ${statement}`)).length).toBeGreaterThan(1);
  }
});

test('what does not parse is found out, and so is a statement of another kind', async () => {
  await expect(analytics.query('EXPLAIN AST CREATE TABLE t ON CLUSTER (a UInt8) ENGINE = ')).rejects.toMatchObject({
    type: 'SYNTAX_ERROR',
  });
  expect(() => clustered(['DROP TABLE party'], 'bank')).toThrow(RangeError);
});

test('on one server the tables are made as they stand', async () => {
  await ensureTables(analytics, all);
  const [row] = await analytics.query<{ n: number }>(
    "SELECT count() AS n FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree'",
  );
  expect(row?.n).toBe(all.filter((one) => one.startsWith('CREATE')).length);
});
