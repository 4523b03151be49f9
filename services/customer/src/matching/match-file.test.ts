import type { MatchRecord } from '@rapport/proto/customer/v1';
import { sql } from '@rapport/kit/db';
import { all, as, failure, operator, type Running, startCustomer } from '../customer.testkit.js';
import { fileOf, gathered, labelledRows, type Matching, openMatching, quality } from './matching.testkit.js';
import { synthesis } from './synthetic.testkit.js';

let running: Running;
let matching: Matching;
beforeAll(async () => {
  running = await startCustomer();
  matching = openMatching(running.address);
});
afterAll(async () => {
  matching.close();
  await running.stop();
});

const run = (records: readonly Partial<MatchRecord>[], datasets = 1) =>
  matching.matchFile(fileOf(records, datasets), operator());

const febrl = (row: Record<string, string>, dataset = 0): Partial<MatchRecord> => ({
  dataset,
  givenName: row['given_name'] ?? '',
  familyName: row['surname'] ?? '',
  houseNumber: row['street_number'] ?? '',
  addressLines: [row['address_1'] ?? '', row['address_2'] ?? ''],
  locality: row['suburb'] ?? '',
  postalCode: row['postcode'] ?? '',
  birthDate: /^\d{8}$/.test(row['date_of_birth'] ?? '') ? (row['date_of_birth'] as string) : '',
  identifiers: row['soc_sec_id'] ? [{ kind: 'social_security', value: row['soc_sec_id'], strong: false }] : [],
});
const entity = (row: Record<string, string>): string => (row['rec_id'] ?? '').split('-')[1] ?? '';

describe('labelled files, judged without their labels', () => {
  it.each([
    ['febrl/dataset1.csv', 0.99],
    ['febrl/dataset2.csv', 0.985],
  ])(
    'pairwise F1 of %s is at least %d',
    async (file, floor) => {
      const rows = labelledRows(file);
      const { clusters } = await gathered(run(rows.map((row) => febrl(row))));
      expect(quality(clusters, rows.map(entity)).f1).toBeGreaterThanOrEqual(floor);
    },
    240_000,
  );

  it('pairwise F1 between febrl/dataset4a.csv and febrl/dataset4b.csv is at least 0.995', async () => {
    const [left, right] = [labelledRows('febrl/dataset4a.csv'), labelledRows('febrl/dataset4b.csv')];
    const records = [...left.map((row) => febrl(row, 0)), ...right.map((row) => febrl(row, 1))];
    const { clusters, stages } = await gathered(run(records, 2));
    const datasets = records.map(({ dataset }) => dataset as number);
    expect(quality(clusters, [...left, ...right].map(entity), datasets).f1).toBeGreaterThanOrEqual(0.995);
    expect(stages.size).toBeGreaterThan(2);
  }, 240_000);

  it('pairwise F1 of people/fake_1000.csv is at least 0.9', async () => {
    const rows = labelledRows('people/fake_1000.csv');
    const { clusters } = await gathered(
      run(
        rows.map((row) => ({
          givenName: row['first_name'] ?? '',
          familyName: row['surname'] ?? '',
          birthDate: (row['dob'] ?? '').replaceAll('-', ''),
          locality: row['city'] ?? '',
          emails: row['email'] ? [row['email']] : [],
        })),
      ),
    );
    expect(
      quality(
        clusters,
        rows.map((row) => row['cluster'] ?? ''),
      ).f1,
    ).toBeGreaterThanOrEqual(0.9);
  }, 120_000);
});

describe('made-up people', () => {
  it.each([11, 12])(
    'finds those who moved, married or were mistyped, not their relatives (seed %d)',
    async (seed) => {
      const made = synthesis(seed).bank(1500, 0.35);
      const { clusters, summary } = await gathered(run(made.map(({ record }) => record)));
      const { precision, recall } = quality(
        clusters,
        made.map(({ truth }) => truth),
      );
      expect(precision).toBeGreaterThan(0.98);
      expect(recall).toBeGreaterThan(0.95);
      expect(summary.records).toBe(BigInt(made.length));
    },
    120_000,
  );

  it('merges nobody where nobody is there twice', async () => {
    const made = synthesis(13).bank(1500, 0);
    const { clusters, summary } = await gathered(run(made.map(({ record }) => record)));
    const found = new Set(clusters).size;
    expect(made.length - found).toBeLessThanOrEqual(made.length * 0.004);
    expect(summary.clusters).toBe(BigInt(found));
  }, 120_000);

  it('never joins two different strong identifiers, alike as everything else is', async () => {
    const town = synthesis(14);
    const made = town.bank(400, 0.4);
    const one = town.person({ number: '7001011234' });
    const clash = [one, { ...one, number: '7001011235' }, { ...one, number: '' }].map((of) => town.record(of, true));
    const { clusters, summary } = await gathered(run([...made.map(({ record }) => record), ...clash]));
    const [first, second, third] = clusters.slice(-3);
    expect(first).not.toBe(second);
    expect([first, second]).toContain(third);
    expect(summary.reviewPairs).toBeGreaterThan(0n);
  }, 120_000);
});

describe('the call', () => {
  const few = [{ givenName: 'Jana', familyName: 'Nováková', birthDate: '19701213' }, { givenName: 'Petr' }];

  it('answers the same for the same records, and keeps nothing but the audit record', async () => {
    const records = synthesis(15)
      .bank(200, 0.5)
      .map(({ record }) => record);
    const tables = sql`SELECT count(*)::int AS count FROM pg_class WHERE relname = 'file_key'`;
    const one = await gathered(run(records));
    const other = await gathered(run(records));
    expect(other).toEqual(one);
    expect(await all<{ count: number }>(running, tables)).toEqual([{ count: 0 }]);
    expect(await all<{ count: number }>(running, sql`SELECT count(*)::int AS count FROM party`)).toEqual([
      { count: 0 },
    ]);
    const audited = await all<{ resource: string }>(
      running,
      sql`SELECT resource FROM kit.audit WHERE action LIKE '%/MatchFile'`,
    );
    expect(audited.length).toBeGreaterThanOrEqual(2);
  });

  it('leaves nothing behind when the caller goes away in the middle', async () => {
    const abort = new AbortController();
    const slow = async function* () {
      yield* fileOf(few);
      abort.abort();
      await new Promise((resolve) => setTimeout(resolve, 50));
      yield* fileOf(few);
    };
    const broken = gathered(matching.matchFile(slow(), { ...operator(), signal: abort.signal }));
    expect((await failure(broken)).kind).toBe('cancelled');
    const open = sql`SELECT count(*)::int AS count FROM pg_class WHERE relname = 'file_key'`;
    for (let tried = 0; tried < 50; tried += 1) {
      const [row] = await all<{ count: number }>(running, open);
      if (row?.count === 0) break;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(await all<{ count: number }>(running, open)).toEqual([{ count: 0 }]);
    expect((await gathered(run(few))).clusters).toEqual([0, 1]);
  });

  it('wants a header first and once', async () => {
    const [header, batch] = [...fileOf(few)];
    const send = (...messages: (typeof header)[]) =>
      failure(gathered(matching.matchFile(messages as NonNullable<typeof header>[], operator())));
    expect(await send(batch)).toMatchObject({ kind: 'invalid', reason: 'MATCH_FILE_HEADER_MISSING' });
    expect(await send(header, batch, header)).toMatchObject({ kind: 'invalid', reason: 'MATCH_FILE_HEADER_REPEATED' });
  });

  it.each(['relationship_manager', 'call_centre_agent', 'marketer', 'branch_manager', 'auditor', 'analyst'])(
    'is not for a %s',
    async (role) => {
      const token = as({ sub: 'anna', roles: [role], orgPath: '/berka' });
      expect((await failure(gathered(matching.matchFile(fileOf(few), token)))).kind).toBe('denied');
    },
  );
});
