import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Analytics, openAnalytics } from '@rapport/kit/analytics';
import fc from 'fast-check';
import { factsOf, factTables, storeFacts } from '../fact/fact.js';
import {
  age,
  balance,
  berkaEvents,
  berkaFolder,
  type Client,
  dayNumber,
  readClients,
  sum,
  upTo,
} from './berka.testkit.js';
import { compileRules, readRule } from './rule.js';

/** So many rules by chance, or as many as BERKA_RULES says. */
const BERKA_RULES = Number(process.env['BERKA_RULES'] ?? 40);

describe('rules by chance over the Berka bank', () => {
  const folder = mkdtempSync(join(tmpdir(), 'segmentation-berka-'));
  let analytics: Analytics;
  let clients: Client[];

  beforeAll(async () => {
    // Without the files nothing is compared with them, and that is a failure, not a pass.
    if (!existsSync(berkaFolder)) throw new Error(`the Berka files are not in ${berkaFolder}`);
    analytics = openAnalytics({ path: folder });
    await analytics.ensure(factTables);
    await storeFacts(analytics, factsOf(berkaEvents()).rows);
    clients = readClients();
  }, 300_000);

  afterAll(async () => {
    await analytics.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function count(text: string, asOf: number): Promise<number> {
    const read = readRule(text);
    if ('problem' in read) throw new Error(JSON.stringify(read.problem));
    const { from, conditions, parameters } = compileRules([{ rule: read.rule, asOf }], 'Europe/Prague');
    const [row] = await analytics.query<{ n: number }>(
      `SELECT count() AS n FROM ${from} WHERE ${conditions[0]}`,
      parameters,
    );
    return row?.n ?? -1;
  }

  // No clock is changed in Prague between 1993-09-26 and 1994-03-27: there a window of n days has n days.
  const CALM = 19940315;
  const MOST_DAYS = 160;
  type Transaction = Client['transactions'][number];
  interface Written<T> {
    text: string;
    of: T;
  }
  const kinds: Written<(one: Transaction) => boolean>[] = [
    { text: '', of: () => true },
    { text: '"credit"', of: ({ credit }) => credit },
    { text: '"debit"', of: ({ credit }) => !credit },
    { text: '{"direction": "debit", "kind": "cash"}', of: ({ credit, operation }) => !credit && operation === 'VYBER' },
    { text: '{"at_least": 1000}', of: ({ cents }) => cents >= 100_000 },
    { text: '{"direction": "credit", "at_least": 250.5}', of: ({ credit, cents }) => credit && cents >= 25_050 },
  ];
  /** What a window says of its transactions, in whole units; undefined is missing. */
  const verbs: Record<string, (found: readonly Transaction[]) => number | undefined> = {
    'tx.count(': ({ length }) => length,
    'tx.sum(': (found) => sum(found.map(({ cents }) => cents)) / 100,
    'tx.average(': (found) =>
      found.length === 0 ? undefined : sum(found.map(({ cents }) => cents)) / 100 / found.length,
    'tx.max(': (found) => (found.length === 0 ? undefined : Math.max(...found.map(({ cents }) => cents)) / 100),
    'tx.min(': (found) => (found.length === 0 ? undefined : Math.min(...found.map(({ cents }) => cents)) / 100),
    'tx.distinct("day", ': (found) => new Set(found.map(({ day }) => day)).size,
  };
  const inDays = (client: Client, from: number, to: number) =>
    client.transactions.filter(({ day }) => {
      const ago = dayNumber(CALM) - dayNumber(day);
      return ago >= from && ago < to;
    });
  const joined = (...parts: string[]) => parts.filter((part) => part !== '').join(', ');
  type Value = Written<(client: Client) => number | undefined>;
  const windows: fc.Arbitrary<Value> = fc
    .tuple(
      fc.constantFrom(...Object.entries(verbs)),
      fc.constantFrom(...kinds),
      fc.integer({ min: 1, max: MOST_DAYS / 2 }),
      fc.constantFrom(0, 0, 7, 30, 80),
    )
    .map(([[verb, say], kind, days, ago]) => ({
      text: `${verb}${joined(kind.text, `duration("${days * 24}h")`, ago === 0 ? '' : `duration("${ago * 24}h")`)})`,
      of: (client) => say(inDays(client, ago, ago + days).filter(kind.of)),
    }));
  const lasts: fc.Arbitrary<Value> = fc.constantFrom(...kinds).map((kind) => ({
    text: `tx.last_days(${kind.text})`,
    of: (client) => {
      const found = inDays(client, 0, Number.POSITIVE_INFINITY).filter(kind.of);
      return found.length === 0 ? undefined : dayNumber(CALM) - Math.max(...found.map(({ day }) => dayNumber(day)));
    },
  }));
  const trends: fc.Arbitrary<Value> = fc
    .tuple(fc.constantFrom(...kinds), fc.integer({ min: 5, max: MOST_DAYS / 2 }))
    .map(([kind, days]) => {
      const total = (client: Client, from: number) =>
        sum(
          inDays(client, from, from + days)
            .filter(kind.of)
            .map(({ cents }) => cents),
        );
      return {
        text: `tx.trend(${joined(kind.text, `duration("${days * 24}h")`)})`,
        of: (client) => {
          const was = total(client, days);
          return was === 0 ? undefined : (total(client, 0) - was) / was;
        },
      };
    });
  const others: Value[] = [
    { text: 'party.age', of: (client) => age(client, CALM) },
    { text: 'holdings.balance', of: (client) => balance(client, CALM) / 100 },
    { text: 'holdings.count("loan")', of: ({ loans }) => upTo(loans, CALM) },
    { text: 'holdings.count("card")', of: ({ cards }) => upTo(cards, CALM) },
  ];
  const signs: Record<string, (left: number, right: number) => boolean> = {
    '==': (left, right) => left === right,
    '!=': (left, right) => left !== right,
    '<': (left, right) => left < right,
    '<=': (left, right) => left <= right,
    '>': (left, right) => left > right,
    '>=': (left, right) => left >= right,
  };
  /** A value of some client is what the others are compared with, so that most rules tell them apart. */
  const compared = fc
    .tuple(
      fc.oneof({ arbitrary: windows, weight: 4 }, lasts, trends, fc.constantFrom(...others)),
      fc.constantFrom(...Object.entries(signs)),
      fc.nat(),
    )
    .map(([value, [sign, holds], which]): Written<(client: Client) => boolean> => {
      const known = clients.map(value.of).filter((one) => one !== undefined);
      const wanted = Math.round((known[which % Math.max(1, known.length)] ?? 0) * 100) / 100;
      return {
        text: `${value.text} ${sign} ${wanted}`,
        of: (client) => {
          const own = value.of(client);
          return own !== undefined && holds(own, wanted);
        },
      };
    });
  const drawn = fc.letrec<{ rule: Written<(client: Client) => boolean> }>((tie) => ({
    rule: fc.oneof(
      { maxDepth: 2, withCrossShrink: true },
      { arbitrary: compared, weight: 2 },
      tie('rule').map(({ text, of }) => ({ text: `!(${text})`, of: (client: Client) => !of(client) })),
      fc.tuple(tie('rule'), fc.boolean(), tie('rule')).map(([one, both, other]) => ({
        text: `(${one.text}) ${both ? '&&' : '||'} (${other.text})`,
        of: (client: Client) => (both ? one.of(client) && other.of(client) : one.of(client) || other.of(client)),
      })),
    ),
  })).rule;

  test('rules by chance over windows, sums, last times and trends take as many as the files say', async () => {
    let telling = 0;
    await fc.assert(
      fc.asyncProperty(drawn, async ({ text, of }) => {
        const read = readRule(text);
        // A part that nobody could ever meet is refused, and the rule with it.
        if ('problem' in read && read.problem.reason === 'IMPOSSIBLE') return;
        const wanted = clients.filter(of).length;
        expect({ text, count: await count(text, CALM) }).toEqual({ text, count: wanted });
        if (wanted > 0 && wanted < clients.length) telling += 1;
      }),
      { numRuns: BERKA_RULES },
    );
    expect(telling).toBeGreaterThan(BERKA_RULES / 2);
  }, 300_000);
});
