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
    const csv = file('clients.csv', `${clients}\n3;Eva;${'x'.repeat(120)};1.2.1990;\n`);
    const rejects = path.join(folder, 'rejects.csv');
    const done = await bring(['csv', csv, '--mapping', people, ...core, '--rejects', rejects]);
    expect(done).toMatchObject({
      state: 'completed',
      counts: { party: { created: 1, updated: 0, unchanged: 0, rejected: 2 } },
    });
    expect(readFileSync(rejects, 'utf8').split('\n')).toEqual([
      'file,line,field,reason,original_value',
      'clients.csv,3,born,DATE_INVALID,31.2.1980',
      expect.stringMatching(/^clients\.csv,4,person\.family_name,.*VALUE_INVALID: .*,x{120}$/),
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

describe('rapport import fineract-events', () => {
  it('brings clients, accounts and transactions of business events in', async () => {
    const envelope = { id: 1, type: 'x', category: 'x', tenantId: 'default' };
    const currency = { code: 'USD' };
    const status = { id: 300 };
    const name = (schema: string) => `org.apache.fineract.avro.${schema}`;
    const said = [
      { dataschema: name('client.v1.ClientDataV1'), data: { id: 1, firstname: 'Ann', lastname: 'Lee', status } },
      {
        dataschema: name('savings.v1.SavingsAccountDataV1'),
        data: { id: 5, clientId: 1, status, currency, timeline: { activatedOnDate: '2024-01-02' } },
      },
      {
        dataschema: name('loan.v1.LoanAccountDataV1'),
        data: {
          id: 6,
          clientId: 1,
          status,
          currency,
          principal: '1000.00000000',
          termFrequency: 12,
          termPeriodFrequencyType: { id: 2 },
          timeline: { actualDisbursementDate: '2024-01-03' },
        },
      },
      {
        dataschema: name('loan.v1.LoanTransactionDataV1'),
        data: { id: 8, loanId: 6, type: { disbursement: true }, date: '2024-01-03', currency, amount: '1000.00000000' },
      },
      {
        dataschema: name('savings.v1.SavingsAccountTransactionDataV1'),
        data: {
          id: 7,
          accountId: 5,
          transactionType: { deposit: true },
          date: '2024-01-04',
          currency,
          amount: '12.50000000',
        },
      },
    ];
    const events = file('events.ndjson', said.map((one) => JSON.stringify({ ...envelope, ...one })).join('\n'));
    const fineract = ['--source', 'fineract', '--path', '/fineract'];
    const done = await bring(['fineract-events', events, ...fineract]);
    const created = (rows: number) => ({ created: rows, updated: 0, unchanged: 0, rejected: 0 });
    expect(done.counts).toEqual({ party: created(1), holding: created(2), transaction: created(2) });
    expect(await bring(['fineract-events', events, ...fineract])).toEqual(done);
  });
});

describe('rapport import berka', () => {
  it(
    'brings the bank in with kinds, channels and categories, once',
    async () => {
      const berka = path.resolve(__dirname, '../../../shared/data/berka');
      const imported = async () =>
        (JSON.parse(await suite.rapport(['import', 'berka', berka, '--json'], LIMIT_MS)) as { imports: Done[] })
          .imports;
      const done = await imported();
      const counts = done.map((one) => Object.values(one.counts)[0]?.created);
      expect([counts[0], counts.slice(1, 5), counts[6]]).toEqual([5_369, [4_500, 682, 892, 6_471], 49_102]);
      expect(done.flatMap((one) => Object.values(one.counts)).every(({ rejected }) => rejected === 0)).toBe(true);
      expect(await imported()).toEqual(done);
      const categories = await query<{ category: string; kind: number; channel: number }>(
        `SELECT DISTINCT category, kind, channel FROM transaction WHERE source = 'berka' AND purpose IN ('household_payment', 'loan_payment', 'interest_credited') ORDER BY 1, 2`,
      );
      expect(categories).toEqual([
        { category: '', kind: 7, channel: 8 },
        { category: 'housing', kind: 2, channel: 1 },
        { category: 'housing', kind: 3, channel: 8 },
        { category: 'loans', kind: 4, channel: 8 },
      ]);
    },
    LIMIT_MS,
  );
});
