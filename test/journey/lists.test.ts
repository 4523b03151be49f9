// A list of customers from a file to the segment that asks for it, through the command line.
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type TestSuite, testSuite } from '@rapport/test/kit';
import pg from 'pg';

const LIMIT_MS = 5 * 60_000;
const folder = mkdtempSync(path.join(tmpdir(), 'rapport-lists-'));

let suite: TestSuite;
beforeAll(async () => {
  suite = await testSuite('lists');
}, LIMIT_MS);
afterAll(() => suite.stop(), LIMIT_MS);

function file(name: string, content: string): string {
  const at = path.join(folder, name);
  writeFileSync(at, content);
  return at;
}
async function asked<T>(args: string[]): Promise<T> {
  return JSON.parse(await suite.rapport([...args, '--json'], LIMIT_MS)) as T;
}
async function partyIds(): Promise<string[]> {
  const client = new pg.Client({ connectionString: suite.database('customer') });
  await client.connect();
  try {
    return (await client.query<{ id: string }>('SELECT party_id AS id FROM party ORDER BY 1')).rows.map(({ id }) => id);
  } finally {
    await client.end();
  }
}
/** How many parties a rule takes, once it takes so many. */
async function counted(rule: string, wanted: number): Promise<number> {
  for (let tries = 0; ; tries += 1) {
    const { count } = await asked<{ count: number }>(['segment', 'preview', '--rule', rule, '--bank', 'bank']);
    if (Number(count) === wanted || tries === 60) return Number(count);
    await sleep(500);
  }
}

test(
  'a file goes onto a list, its rejects into another, and rules ask for it',
  async () => {
    const mapping = file(
      'people.yaml',
      'rows: party\nfields:\n  source_key: id\n  person.given_name: first\n  person.family_name: last\n',
    );
    const people = file('people.csv', 'id,first,last\n1,Jana,Nová\n2,Petr,Malý\n');
    await suite.rapport(
      ['import', 'csv', people, '--mapping', mapping, '--source', 'core', '--path', '/bank'],
      LIMIT_MS,
    );
    expect(await counted('true', 2)).toBe(2);
    const [first = '', second = ''] = await partyIds();

    await asked(['list', 'create', 'vip', '--path', '/bank']);
    const rows = [
      'party,until',
      `parties/${first},`,
      `${second},2099-12-31`,
      '',
      'Jana Nová,',
      `${first},31.12.2099`,
      'a,b,c',
    ];
    const upload = ['list', 'upload', file('vip.csv', `${rows.join('\n')}\n`), '--list', 'vip'];
    const rejects = path.join(folder, 'rejects.csv');
    expect(await asked([...upload, '--rejects', rejects])).toMatchObject({
      list: 'staticLists/vip',
      rows: 5,
      added: 2,
      rejected: 3,
    });
    expect(readFileSync(rejects, 'utf8').trim().split('\n').sort()).toEqual([
      'file,line,field,reason,original_value',
      'vip.csv,5,party,NAME_INVALID,Jana Nová',
      'vip.csv,6,until,DATE_INVALID,31.12.2099',
      'vip.csv,7,,COLUMN_COUNT,a b c',
    ]);
    expect(await asked(upload)).toMatchObject({ added: 0, updated: 0, unchanged: 2, rejected: 3 });
    expect(await asked<{ party: string }[]>(['list', 'entries', 'vip'])).toMatchObject([
      { party: `parties/${first}` },
      { party: `parties/${second}`, untilDate: { year: 2099, month: 12, day: 31 } },
    ]);
    expect(await counted('list.has("vip")', 2)).toBe(2);
    await expect(suite.rapport(['list', 'upload', people, '--list', 'vip'])).rejects.toThrow(/needs a column "party"/);
    await expect(suite.rapport(['list', 'entries', 'none'])).rejects.toThrow(/LIST_NOT_FOUND/);
  },
  LIMIT_MS,
);
