import { everything, sql, type Sql } from '@rapport/kit/db';
import { openSuite, type Suite } from '../segmentation.testkit.js';
import { membershipRows } from './membership.js';

let suite: Suite;

beforeAll(async () => {
  suite = await openSuite();
  await suite.pause();
  const { system } = suite.deps.db;
  await system.run(sql`
    INSERT INTO segment (segment_id, title, organisation_path, created_by)
    SELECT 's' || s, 's', '/demo', 'tester' FROM generate_series(1, 20) AS s`);
  await system.run(sql`
    INSERT INTO segment_version (segment_id, version, rule, state, created_by)
    SELECT segment_id, 1, 'true', 3, 'tester' FROM segment`);
  await system.run(sql`
    INSERT INTO membership (party_id, segment_id, version, organisation_path)
    SELECT gen_random_uuid(), 's' || 1 + p % 20, 1, '/demo' FROM generate_series(1, 60000) AS p`);
  await system.run(sql`
    INSERT INTO party_number (party_id) SELECT DISTINCT party_id FROM membership`);
  for (const table of ['membership', 'party_number', 'segment', 'segment_version']) {
    await system.run(sql`ANALYZE ${sql.raw(table)}`);
  }
}, 60_000);

afterAll(() => suite.close());

interface Plan {
  'Node Type': string;
  'Relation Name'?: string;
  'Actual Rows': number;
  Plans?: Plan[];
}

/** What a statement reads, as it was run: each scan of a table with the rows it gave. */
async function scansOf(statement: Sql): Promise<Plan[]> {
  const explained = sql`EXPLAIN (ANALYZE, FORMAT JSON) ${statement}`;
  const [row] = await suite.deps.db.scoped(everything).rows<{ 'QUERY PLAN': { Plan: Plan }[] }>(explained);
  const all = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(all)];
  return all(row?.['QUERY PLAN'][0]?.Plan as Plan).filter((plan) => plan['Relation Name'] !== undefined);
}

const partiesOf = async (count: number): Promise<string[]> => {
  const rows = await suite.deps.db.system.rows<{ party_id: string }>(
    sql`SELECT party_id FROM membership LIMIT ${count}`,
  );
  return rows.map((row) => row.party_id);
};
const isMembership = (plan: Plan): boolean => /^membership_\d+$/.test(plan['Relation Name'] ?? '');

test('the memberships of parties are found by the key, without a scan of a partition', async () => {
  for (const count of [1, 200]) {
    const scans = (await scansOf(membershipRows(everything, await partiesOf(count)))).filter(isMembership);
    expect(scans.length).toBeGreaterThan(0);
    for (const scan of scans) expect(scan['Node Type']).not.toBe('Seq Scan');
  }
});

test('a page of members is read in order from the index, and no more than the page', async () => {
  const scans = (
    await scansOf(sql`
      SELECT party_id, enter_time FROM membership WHERE segment_id = 's7' AND version = 1
        AND party_id > '80000000-0000-0000-0000-000000000000'::uuid ORDER BY party_id LIMIT 51`)
  ).filter(isMembership);
  expect(scans).toHaveLength(16);
  for (const scan of scans) expect(scan['Node Type']).toMatch(/Index/);
  expect(scans.reduce((sum, scan) => sum + scan['Actual Rows'], 0)).toBeLessThan(51 + 2 * 16);
});

test('who comes and leaves in a slice is found by number and by key', async () => {
  const numbers = sql`SELECT n.party_id FROM party_number n WHERE n.number = ANY(${[5, 500, 5000]}::int[])`;
  for (const scan of await scansOf(numbers)) expect(scan['Node Type']).not.toBe('Seq Scan');
  const leaving = sql`
    SELECT m.party_id FROM membership m JOIN unnest(${await partiesOf(20)}::uuid[]) AS c (party_id)
      ON m.party_id = c.party_id AND m.segment_id = 's7' AND m.version = 1`;
  for (const scan of (await scansOf(leaving)).filter(isMembership)) expect(scan['Node Type']).not.toBe('Seq Scan');
});
