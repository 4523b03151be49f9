// Tells the story of a small bank while its services, its bus and its database are killed, and counts afterwards.
import { setTimeout as sleep } from 'node:timers/promises';
import { type SuiteService, suiteServices, type TestSuite, testSuite } from '@rapport/test/kit';
import pg from 'pg';

jest.setTimeout(300_000);

interface Told {
  parties: number;
  holdings: Record<string, number>;
  transactions: number;
  rejected: number;
  facts: Record<string, number>;
  segments: { name: string; members: number }[];
  campaign: { name: string; audience: number; sent: number; held: object; suppressed: object };
  mailbox: number;
  cases: { opened: number; closed: number };
  referrals: number;
  scores: number;
  trace_id: string;
}

const story = ['story', '--parties', '300', '--cases', '20', '--bank', 'demo', '--json'];

let suite: TestSuite;
let first: Told;
let again: Told;
/** What was killed, in order, with what there was at that moment: proof that it happened in the middle. */
const killed: { what: string; transactions: number; mails: number }[] = [];

async function ask<T>(service: SuiteService, text: string): Promise<T[]> {
  const client = new pg.Client({ connectionString: suite.database(service) });
  client.on('error', () => {}); // Postgres may be killed while we are connected; the query fails by itself
  await client.connect();
  try {
    return (await client.query(text)).rows as T[];
  } finally {
    await client.end().catch(() => {});
  }
}

const count = async (service: SuiteService, from: string): Promise<number> => {
  const [row] = await ask<{ n: string }>(service, `SELECT count(*) AS n FROM ${from}`);
  return Number(row?.n);
};

async function mails(): Promise<{ messages: number; duplicates: number }> {
  return (await (await fetch(`${suite.mailbox}/count`)).json()) as { messages: number; duplicates: number };
}

/** Waits until the story has come so far, asked of whoever may be away just now. */
async function until(what: string, reached: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 150_000;
  while (!(await reached().catch(() => false))) {
    if (Date.now() > end) throw new Error(`the story did not come to ${what}`);
    await sleep(50);
  }
}

/** Kills a process and waits for its return, unless something else may fall at the same time. */
async function strike(what: SuiteService | 'nats' | 'postgres'): Promise<void> {
  const transactions = await count('customer', 'transaction').catch(() => -1);
  const pid = suite.kill(what);
  killed.push({ what, transactions, mails: (await mails()).messages });
  await suite.returned(what, pid);
}

/** Kills one after the other while the story goes on. */
async function nemesis(): Promise<void> {
  await until('the first transactions', async () => (await count('customer', 'transaction')) > 0);
  await strike('customer');
  await until('more transactions', async () => (await count('customer', 'transaction')) > 1000);
  await strike('nats');
  await strike('segmentation');
  await strike('postgres');
  await until('the first mails', async () => (await mails()).messages > 0);
  await strike('marketing');
  await strike('nats');
  await strike('reporting');
}

beforeAll(async () => {
  suite = await testSuite('nemesis');
  const telling = suite.rapport(story, 280_000);
  const [told] = await Promise.all([telling, nemesis()]);
  first = JSON.parse(told) as Told;
  await suite.ready();
}, 420_000);

afterAll(() => suite?.stop(), 60_000);

test('everything was killed while the story was being told', () => {
  expect(killed.map(({ what }) => what)).toEqual([
    'customer',
    'nats',
    'segmentation',
    'postgres',
    'marketing',
    'nats',
    'reporting',
  ]);
  expect(killed[0]?.transactions).toBeLessThan(first.transactions);
  expect(killed[4]?.mails).toBeGreaterThan(0);
  expect(killed[4]?.mails).toBeLessThan(first.campaign.sent);
});

test('nobody ended but those that were killed: the others waited for the database and the bus to return', () => {
  const ended = [...suite.said().matchAll(/^(\w+) ended/gm)].map(([, name]) => name);
  expect(ended.sort()).toEqual(killed.map(({ what }) => what).sort());
});

test('nothing is lost: what was told is in the bank, and what is in the bank is in the facts', async () => {
  expect(first).toMatchObject({ parties: 300, rejected: 0, cases: { opened: 20 }, referrals: 60 });
  expect(await count('customer', 'party')).toBe(first.parties);
  expect(await count('customer', 'transaction')).toBe(first.transactions);
  expect(first.facts['transactions']).toBe(first.transactions);
  expect(first.facts['sends']).toBe(first.campaign.sent);
  for (const { members } of first.segments) expect(members).toBeGreaterThan(0);
});

/** Mails that may be at the mail server at once: only their fate is unknown after a kill, and they are repeated. */
const CONCURRENCY = 8;

test('nothing is sent twice: as many mails as were sent, each under an id of its own', async () => {
  const { messages, duplicates } = await mails();
  expect(messages).toBe(first.campaign.sent);
  // the mailbox keeps one mail per Message-ID, as receivers do; see services/adr/0007
  expect(duplicates).toBeLessThanOrEqual(CONCURRENCY);
  const listed = (await (await fetch(`${suite.mailbox}/messages?limit=10000`)).json()) as {
    message_id: string;
    to: string[];
  }[];
  expect(new Set(listed.map((mail) => mail.message_id)).size).toBe(first.campaign.sent);
  expect(new Set(listed.flatMap(({ to }) => to)).size).toBe(first.campaign.sent);
  expect(first.mailbox).toBe(first.campaign.sent);
});

test('no event is stuck or parked', async () => {
  for (const service of suiteServices) expect(await count(service, 'kit.dead_letter')).toBe(0);
  const lags = JSON.parse(await suite.rapport(['events', 'lag', '--json'])) as { pending: number }[];
  expect(lags.length).toBeGreaterThan(6);
  expect(lags.filter(({ pending }) => pending > 0)).toEqual([]);
});

test('the story told again changes nothing', async () => {
  const [before, mailed] = [await everyRow(), await mails()];
  again = JSON.parse(await suite.rapport(story)) as Told;
  const { elapsed_s: _first, ...was } = first as Told & { elapsed_s: number };
  const { elapsed_s: _again, ...is } = again as Told & { elapsed_s: number };
  expect(is).toEqual(was);
  expect(await mails()).toEqual(mailed);
  expect(await everyRow()).toEqual(before);
});

/**
 * How many rows every table of the services holds, events included. Not those of audited reads, and not the events of
 * reporting: the story exports its report again, and that is told.
 */
async function everyRow(): Promise<Record<string, number>> {
  const found: Record<string, number> = {};
  for (const service of suiteServices) {
    const tables = await ask<{ name: string }>(
      service,
      `SELECT format('%I.%I', n.nspname, c.relname) AS name
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
          AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND c.relname NOT LIKE 'audit%'`,
    );
    const kept = tables.filter(({ name }) => !(service === 'reporting' && name === 'kit.outbox'));
    for (const { name } of kept) found[`${service} ${name}`] = await count(service, name);
  }
  return found;
}
