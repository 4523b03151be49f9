import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestSuite, testSuite } from '@rapport/test/kit';
import pg from 'pg';

const LIMIT_MS = 5 * 60_000;
const folder = mkdtempSync(path.join(tmpdir(), 'rapport-imports-'));

interface Done {
  import: string;
  state: string;
  counts: Record<string, { created: number; updated: number; unchanged: number; rejected: number }>;
}

let suite: TestSuite;
beforeAll(async () => {
  suite = await testSuite('imports');
}, LIMIT_MS);
afterAll(() => suite.stop(), LIMIT_MS);

function file(name: string, content: string): string {
  const at = path.join(folder, name);
  writeFileSync(at, content);
  return at;
}
async function bring(args: string[]): Promise<Done> {
  return JSON.parse(await suite.rapport(['import', ...args, '--json'], LIMIT_MS)) as Done;
}
async function query<T extends object>(text: string): Promise<T[]> {
  const client = new pg.Client({ connectionString: suite.database('customer') });
  await client.connect();
  try {
    return (await client.query<T>(text)).rows;
  } finally {
    await client.end();
  }
}
const core = ['--source', 'core', '--path', '/bank'];

const people = file(
  'people.yaml',
  `rows: party
separator: ";"
date: d.M.yyyy
fields:
  source_key: { column: id, prefix: "client/" }
  person.given_name: first
  person.family_name: last
  person.birth_date: born
  email: mail
`,
);
const accounts = file(
  'accounts.yaml',
  `rows: holding
currency: EUR
fields:
  source_key: iban
  owner: { column: owner, prefix: "client/" }
  kind: { value: account }
  opened_date: opened
`,
);

const samples = path.resolve(__dirname, '../../../shared/data/iso20022');

describe('rapport import csv', () => {
  const clients = ['id;first;last;born;mail', '1;Jana;Nová;13.12.1970;jana@example.com', '2;=1+1;Malý;31.2.1980;'].join(
    '\n',
  );

  it('says what is wrong with a mapping, with line and column', async () => {
    const wrong = file('wrong.yaml', 'rows: party\nfields:\n  source_kee: id\n');
    await expect(suite.rapport(['import', 'check-mapping', wrong])).rejects.toThrow(
      /wrong\.yaml:3:3: a party has no field "source_kee": did you mean "source_key"\?/,
    );
    expect(await suite.rapport(['import', 'check-mapping', people])).toContain('a mapping of party rows with 5 fields');
  });

  it('brings a file in, keeps what it refused, and changes nothing when it is repeated', async () => {
    const csv = file('clients.csv', `${clients}\n3;Eva;Malá;1.2.1990;no address\n`);
    const rejects = path.join(folder, 'rejects.csv');
    const done = await bring(['csv', csv, '--mapping', people, ...core, '--rejects', rejects]);
    expect(done).toMatchObject({
      state: 'completed',
      counts: { party: { created: 1, updated: 0, unchanged: 0, rejected: 2 } },
    });
    expect(readFileSync(rejects, 'utf8').split('\n')).toEqual([
      'file,line,field,reason,original_value',
      'clients.csv,3,born,DATE_INVALID,31.2.1980',
      expect.stringMatching(/^clients\.csv,4,contact_points\[0\]\.email,.*VALUE_INVALID: .*,no address$/),
      '',
    ]);
    expect(await bring(['csv', csv, '--mapping', people, ...core])).toEqual(done);
    expect(
      await bring(['csv', csv, '--mapping', people, ...core, '--import-id', '00000000-0000-4000-8000-000000000001']),
    ).toMatchObject({ counts: { party: { created: 0, unchanged: 1, rejected: 2 } } });
    expect(await bring(['status', done.import])).toEqual(done);
    const listed = JSON.parse(await suite.rapport(['import', 'list', '--source', 'core', '--json'])) as Done[];
    expect(listed.map((one) => one.import)).toContain(done.import);
    expect(await suite.rapport(['import', 'rejects', done.import, '--csv'])).toBe(readFileSync(rejects, 'utf8'));
  });

  it('sends nothing of a file that cannot be read to its end', async () => {
    const before = await query('SELECT import_id FROM import_run');
    const csv = file('open.csv', `${clients}\n4;"Eva;Malá;1.2.1990;\n5;Petr;x;1.1.1990;\n`);
    await expect(suite.rapport(['import', 'csv', csv, '--mapping', people, ...core])).rejects.toThrow(
      /open\.csv:4: a quote/,
    );
    expect(await query('SELECT import_id FROM import_run')).toEqual(before);
  });

  it(
    'goes on where it was when the service is killed in the middle, and takes every row once',
    async () => {
      const rows = 30_000;
      const lines = Array.from({ length: rows }, (_none, index) => `k${index};Given;Family${index};1.1.1980;`);
      const csv = file('many.csv', `id;first;last;born;mail\n${lines.join('\n')}\n`);
      const running = bring(['csv', csv, '--mapping', people, '--source', 'killed', '--path', '/killed']);
      const taken = async () =>
        Number((await query<{ rows: number }>(`SELECT rows FROM import_run WHERE source = 'killed'`))[0]?.rows ?? 0);
      while ((await taken()) === 0) await new Promise((resolve) => setTimeout(resolve, 50));
      const pid = suite.kill('customer');
      const done = await running;
      await suite.returned('customer', pid);
      expect(done).toMatchObject({ state: 'completed', counts: { party: { created: rows, rejected: 0 } } });
      const [count] = await query<{ count: string }>(`SELECT count(*) FROM party WHERE source = 'killed'`);
      expect(Number(count?.count)).toBe(rows);
    },
    LIMIT_MS,
  );
});

describe('rapport import camt053', () => {
  const bank = ['--source', 'statements', '--path', '/statements'];

  it('books the entries of statements on the accounts that they name, once, and reports balances', async () => {
    const owner = file('owner.csv', 'id;first;last;born;mail\n1;Jana;Nová;1.2.1970;\n');
    await bring(['csv', owner, '--mapping', people, ...bank]);
    const holding = file('holding.csv', 'iban,owner,opened\nNL26VAYB8060476890,1,2014-01-01\n');
    await bring(['csv', holding, '--mapping', accounts, ...bank]);
    const statements = path.join(samples, 'camt053.v2.multi.statement.xml');
    const done = await bring(['camt053', statements, ...bank]);
    expect(done).toMatchObject({
      state: 'completed',
      counts: { transaction: { created: 2, rejected: 0 } },
      statements: 2,
      balances: [],
    });
    expect(await bring(['camt053', statements, ...bank])).toEqual(done);
    const again = await bring(['camt053', statements, ...bank, '--import-id', '00000000-0000-4000-8000-000000000002']);
    expect(again.counts.transaction).toEqual({ created: 0, updated: 0, unchanged: 2, rejected: 0 });
    const rows = await query<object>(
      `SELECT direction, amount, currency, operation, kind, booking_date::text AS day, counterparty_account AS other FROM transaction WHERE source = 'statements' ORDER BY amount`,
    );
    expect(rows).toEqual([
      {
        direction: 2,
        amount: '700',
        currency: 'EUR',
        operation: 5,
        kind: 3,
        day: '2014-12-31',
        other: 'NL56AGDH9619008421',
      },
      { direction: 1, amount: '885', currency: 'EUR', operation: 8, kind: 8, day: '2014-12-31', other: '' },
    ]);
  });

  it('rejects entries of accounts that the bank does not know, and refuses what is no statement', async () => {
    const done = await bring([
      'camt053',
      path.join(samples, 'camt053.v8.xml'),
      '--source',
      'nobody',
      '--path',
      '/nobody',
    ]);
    expect(done).toMatchObject({
      counts: { transaction: { created: 0, rejected: 1 } },
      balances: [{ outcome: 'cannot_tell', statement: '253EURNL26VAYB8060476890' }],
    });
    expect(await suite.rapport(['import', 'rejects', done.import, '--csv'])).toContain(
      'camt053.v8.xml,110,holding_source_key,REFERENCE_UNKNOWN: is not known,NL26VAYB8060476890',
    );
    const before = await query('SELECT import_id FROM import_run');
    const wrong = path.join(samples, 'camt053.v2.wrong.xml');
    await expect(suite.rapport(['import', 'camt053', wrong, ...bank])).rejects.toThrow(
      /camt053\.v2\.wrong\.xml:8: BkToCstmrStmt holds no Stmt/,
    );
    expect(await query('SELECT import_id FROM import_run')).toEqual(before);
  });
});
