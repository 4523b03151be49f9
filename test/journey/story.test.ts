import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestSuite, testSuite } from '@rapport/test/kit';
import pg from 'pg';

const berka = path.resolve(__dirname, '../../../shared/data/berka');
const LIMIT_MS = 8 * 60_000;

interface Result {
  parties: number;
  holdings: Record<string, number>;
  transactions: number;
  rejected: number;
  facts: Record<string, number>;
  segments: { name: string; rule: string; members: number }[];
  campaign: {
    name: string;
    audience: number;
    sent: number;
    held: Record<string, number>;
    suppressed: Record<string, number>;
  };
  mailbox: number;
  cases: { opened: number; closed: number };
  referrals: number;
  scores: number;
  report: string[];
  trace_id: string;
  elapsed_s: number;
}

const sum = (counts: Record<string, number>): number =>
  Object.values(counts).reduce((total, count) => total + count, 0);

/** The rows of an `.asc` file as text, without the quotes. */
function rows(file: string): Record<string, string>[] {
  const [head = '', ...lines] = readFileSync(path.join(berka, file), 'latin1').trim().split('\r\n');
  const cells = (line: string) => line.split(';').map((cell) => cell.replace(/^"|"$/g, ''));
  const names = cells(head);
  return lines.map((line) => Object.fromEntries(cells(line).map((cell, at) => [names[at] as string, cell])));
}

describe('the story of the Berka bank', () => {
  let suite: TestSuite;
  let first: Result;
  const out = mkdtempSync(path.join(tmpdir(), 'rapport-report-'));
  const tell = async (): Promise<Result> =>
    JSON.parse(await suite.rapport(['story', berka, '--cases', '150', '--out', out, '--json'], LIMIT_MS)) as Result;
  const countRows = async (service: 'customer' | 'marketing', query: string): Promise<number> => {
    const client = new pg.Client({ connectionString: suite.database(service) });
    await client.connect();
    try {
      return Number((await client.query<{ count: string }>(query)).rows[0]?.count);
    } finally {
      await client.end();
    }
  };
  const preview = async (rule: string): Promise<number> => {
    const answer = await suite.rapport(['segment', 'preview', '--rule', rule, '--as-of', '1994-03-31', '--json']);
    return (JSON.parse(answer) as { count: number }).count;
  };

  beforeAll(async () => {
    suite = await testSuite('story');
    first = await tell();
  }, LIMIT_MS);
  afterAll(() => suite?.stop(), 60_000);

  it('imports every row and rejects none', () => {
    expect(first).toMatchObject({
      parties: 5_369,
      holdings: { account: 4_500, loan: 682, card: 892, standing_order: 6_471 },
      transactions: 49_102,
      rejected: 0,
    });
  });

  it('has as many facts in ClickHouse as rows in Postgres', async () => {
    expect(await countRows('customer', 'SELECT count(*) FROM transaction')).toBe(49_102);
    expect(first.facts).toMatchObject({
      transactions: 49_102,
      parties: 5_369,
      holdings: 12_545,
      sends: first.campaign.sent,
      cases_opened: 150,
      cases_closed: first.cases.closed,
    });
  });

  it('decides about everybody in the audience and mails each recipient once', async () => {
    const { audience, sent, held, suppressed } = first.campaign;
    expect(sent).toBeGreaterThan(0);
    expect(sent + sum(held) + sum(suppressed)).toBe(audience);
    expect(audience).toBe(first.segments[0]?.members);
    expect(first.mailbox).toBe(sent);
    const { messages, duplicates } = (await (await fetch(`${suite.mailbox}/count`)).json()) as Record<string, number>;
    expect({ messages, duplicates }).toEqual({ messages: sent, duplicates: 0 });
  });

  it('writes a report of the figures', () => {
    expect(first.report).toHaveLength(2);
    for (const file of first.report) expect(existsSync(path.resolve(suite.data, file))).toBe(true);
    const [csv, svg] = first.report.map((file) => readFileSync(path.resolve(suite.data, file), 'utf8'));
    expect(csv?.trim().split('\n').length).toBeGreaterThan(20);
    expect(svg).toMatch(/^<svg/);
    expect(first.referrals).toBe(60);
    expect(first.scores).toBe(235);
    expect(first.trace_id).toMatch(/^[0-9a-f]{32}$/);
  });

  it('counts segments as the raw files do', async () => {
    const owner = new Map(
      rows('disp.asc')
        .filter((row) => row['type'] === 'OWNER')
        .map((row) => [row['account_id'] as string, row['client_id'] as string]),
    );
    const borrowers = new Set(
      rows('loan.asc')
        .filter((row) => Number(row['date']) <= 940_331)
        .map((row) => owner.get(row['account_id'] as string)),
    );
    expect(await preview('holdings.count("loan") > 0')).toBe(borrowers.size);
    const women = rows('client.asc').filter((row) => Number(row['birth_number']?.slice(2, 4)) > 50);
    expect(await preview('party.sex == "female"')).toBe(women.length);
    const active = new Map<string, number>();
    for (const row of rows('trans.asc')) {
      // Thirty days that end with 1994-03-31; the night of the change to summer time makes them an hour longer, and no
      // booking day begins in that hour.
      if (Number(row['date']) < 940_302) continue;
      const client = owner.get(row['account_id'] as string) as string;
      active.set(client, (active.get(client) ?? 0) + 1);
    }
    expect(await preview('tx.count(duration("720h")) >= 5')).toBe(
      [...active.values()].filter((count) => count >= 5).length,
    );
    const credit = new Map<string, bigint>();
    for (const row of rows('trans.asc')) {
      if (row['type'] !== 'PRIJEM' || Number(row['date']) < 940_101) continue;
      const client = owner.get(row['account_id'] as string) as string;
      const minor = BigInt((row['amount'] as string).replace('.', ''));
      credit.set(client, (credit.get(client) ?? 0n) + minor);
    }
    expect(await preview('tx.sum("credit", duration("2160h")) > 50000')).toBe(
      [...credit.values()].filter((total) => total > 50_000_00n).length,
    );
  });

  it('shows the whole view of a customer, and no event is left on its way', async () => {
    const view = JSON.parse(await suite.rapport(['view', 'client/1', '--json'])) as {
      view: { party: { party: Record<string, unknown> } };
    };
    expect(view.view.party.party).toMatchObject({ sourceKey: 'client/1', synthetic: true });
    const lag = JSON.parse(await suite.rapport(['events', 'lag', '--json'])) as {
      pending: number;
      deadLetters: number;
    }[];
    expect(lag.filter((one) => one.pending > 0 || one.deadLetters > 0)).toEqual([]);
    expect(JSON.parse(await suite.rapport(['deadletter', 'list', '--json']))).toEqual([]);
  });

  it(
    'changes nothing when it is told again',
    async () => {
      const { elapsed_s: _first, ...before } = first;
      const { elapsed_s: _second, ...after } = await tell();
      expect(after).toEqual(before);
      const { messages } = (await (await fetch(`${suite.mailbox}/count`)).json()) as { messages: number };
      expect(messages).toBe(first.campaign.sent);
    },
    LIMIT_MS,
  );
});
