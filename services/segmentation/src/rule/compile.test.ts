import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Analytics, openAnalytics } from '@rapport/kit/analytics';
import fc from 'fast-check';
import { factTables } from '../fact/fact.js';
import { firstDayOfWindow } from './calendar.js';
import { rules, segments, takenByCel } from './generated.testkit.js';
import { days, drawPeople, type Person, rowsOf, zone } from './people.testkit.js';
import { compileRules, compileVerdicts, readRule, type Rule, type SegmentRule, type Values } from './rule.js';

/** Rules in one statement, and statements: 2,000 rules over 100 customers, or as many as RULE_CASES says. */
const RULES = 40;
const STATEMENTS = Math.ceil(Number(process.env['RULE_CASES'] ?? 2_000) / RULES);
/** A statement of rules takes a second where nothing else is at work. */
const PATIENCE_MS = Math.max(600_000, STATEMENTS * 12_000);
const SPOILT_MS = 120_000;

describe('generated rules over generated customers', () => {
  const folder = mkdtempSync(join(tmpdir(), 'segmentation-rules-'));
  let analytics: Analytics;
  let bank: Person[];

  const ruleOf = (text: string): Rule => {
    const read = readRule(text);
    if ('problem' in read) throw new Error(`${text}: ${read.problem.message}`);
    return read.rule;
  };
  const inUse = new Map<string, SegmentRule>(
    Object.entries(segments).map(([id, { rule }]) => [
      id,
      { rule: ruleOf(rule), text: rule, version: 1, organisationPath: '/demo' },
    ]),
  );

  beforeAll(async () => {
    analytics = openAnalytics({ path: folder });
    await analytics.ensure(factTables);
    bank = drawPeople(100, 20240331);
    const rows = rowsOf(bank);
    for (const [table, values] of rows) await analytics.insert(table, values);
    // The same facts again, in another block.
    await analytics.insert('booked_transaction', (rows.get('booked_transaction') ?? []).slice(0, 200));
  }, 60_000);

  afterAll(async () => {
    await analytics.close();
    rmSync(folder, { recursive: true, force: true });
  });

  type Spoil = (condition: string) => string;

  /** Whom each rule takes by the compiled statement, in the order of the bank. */
  async function takenBySql(
    texts: readonly string[],
    asOf: number,
    merged: boolean,
    spoil: Spoil,
  ): Promise<string[][]> {
    const dated = texts.map((text) => ({ rule: ruleOf(text), asOf }));
    const limits = { restricted: true, segments: inUse, merged };
    const { from, conditions, parameters } = compileRules(dated, zone, limits);
    const hits = conditions.map((one) => `toUInt8(${spoil(one)})`).join(', ');
    const rows = await analytics.query<{ party: string; hits: number[] }>(
      `SELECT toString(p.party) AS party, [${hits}] AS hits FROM ${from}`,
      { ...parameters, parties: bank.map(({ id }) => id) },
    );
    expect(rows).toHaveLength(bank.length);
    const hitsOf = new Map(rows.map((row) => [row.party, row.hits]));
    return texts.map((_, index) => bank.map(({ id }) => id).filter((id) => hitsOf.get(id)?.[index] === 1));
  }

  type Value = Values[number];
  /** Whom each rule takes by the values that it asks for, judged here. */
  async function takenHere(
    texts: readonly string[],
    asOf: number,
    merged: boolean,
    spoil: (value: Value) => Value,
  ): Promise<string[][]> {
    const dated = texts.map((text) => ({ rule: ruleOf(text), asOf }));
    const limits = { restricted: true, segments: inUse, merged };
    const { from, columns, verdicts, parameters } = compileVerdicts(dated, zone, limits);
    const list = columns.map((column, place) => `${column} AS value${place}`).join(', ');
    const rows = await analytics.query<{ id: string; [value: string]: Value }>(
      `SELECT toString(p.party) AS id, ${list} FROM ${from}`,
      { ...parameters, parties: bank.map(({ id }) => id) },
    );
    const valuesOf = new Map(
      rows.map((row) => [row.id, columns.map((_, place) => spoil(row[`value${place}`] ?? null))]),
    );
    return verdicts.map((holds) => bank.map(({ id }) => id).filter((id) => holds(valuesOf.get(id) ?? [])));
  }

  /** Compares so many statements of rules; gives how many customers were taken and how many were not. */
  async function compare(
    statements: number,
    spoil: Spoil = (condition) => condition,
    spoilValue: (value: Value) => Value = (value) => value,
  ) {
    let taken = 0;
    let left = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(rules, { minLength: RULES, maxLength: RULES }),
        fc.constantFrom(...days),
        // Nobody is merged; the way of reading for when somebody is has to give the same, and costs more.
        fc.constantFrom(true, false, false, false),
        async (chosen, asOf, merged) => {
          // What could never be true is refused; that it takes nobody is tested by itself.
          const sound = chosen.filter(({ text }) => {
            const read = readRule(text);
            return 'rule' in read || read.problem.reason !== 'IMPOSSIBLE';
          });
          const texts = sound.map(({ text }) => text);
          const bySql = await takenBySql(texts, asOf, merged, spoil);
          const here = await takenHere(texts, asOf, merged, spoilValue);
          sound.forEach((rule, index) => {
            const party = bySql[index] ?? [];
            taken += party.length;
            left += bank.length - party.length;
            const byCel = takenByCel(rule, bank, asOf);
            expect({ text: rule.text, asOf, party, here: here[index] }).toEqual({
              text: rule.text,
              asOf,
              party: byCel,
              here: byCel,
            });
          });
        },
      ),
      { numRuns: statements, seed: 7, endOnFailure: spoil.length > 0 && statements < STATEMENTS },
    );
    return { taken, left };
  }

  test(
    'the statement and the verdicts take exactly those whom CEL takes',
    async () => {
      const { taken, left } = await compare(STATEMENTS);
      // Neither nobody nor everybody all the time: the comparison had something to compare.
      expect(Math.min(taken, left)).toBeGreaterThan(STATEMENTS * RULES * 2);
    },
    PATIENCE_MS,
  );

  test.each<[string, Spoil]>([
    ['>= as >', (condition) => condition.replaceAll(' >= ', ' > ')],
    ['AND as OR', (condition) => condition.replaceAll(' AND ', ' OR ')],
    ['a missing value as true', (condition) => condition.replaceAll(', 0)', ', 1)')],
    ['minus as plus', (condition) => condition.replaceAll(' - ', ' + ')],
    ['the one column as the other', (condition) => condition.replaceAll('t.t1', 't.t0')],
  ])(
    '%s is found out',
    async (_, spoil) => {
      await expect(compare(8, spoil)).rejects.toThrow();
    },
    SPOILT_MS,
  );

  test(
    'a missing value taken for nothing is found out',
    async () => {
      await expect(compare(8, undefined, (value) => value ?? 0)).rejects.toThrow();
    },
    SPOILT_MS,
  );

  test('no value of a rule is in the text of the statement', () => {
    const rule = ruleOf(
      'party.region == "\') OR 1=1 --" && party.age > 4711 && tx.count({"kind": "fee"}, duration("13h")) > 815',
    );
    const { from, conditions, parameters } = compileRules([{ rule, asOf: 20240331 }], zone);
    expect(`${from} ${conditions.join(' ')}`).not.toMatch(/4711|815|1=1|20240331|fee/);
    expect(Object.values(parameters)).toEqual(expect.arrayContaining(["') OR 1=1 --", 4711, 815]));
  });

  test('however many rules there are, the engine reads each table once', async () => {
    const texts = ['credit', 'debit'].flatMap((direction) =>
      ['24h', '720h'].flatMap((length) => [
        `tx.count("${direction}", duration("${length}")) > 1 && party.age > 30`,
        `tx.trend("${direction}", duration("${length}")) > 0.5 && holdings.count("loan") == 0`,
        `sequence.days({"direction": "${direction}"}, {"event": "interaction"}, duration("${length}"), duration("720h")) > 0`,
      ]),
    );
    const dated = texts.map((text) => ({ rule: ruleOf(text), asOf: 20240331 }));
    const { from, conditions, parameters } = compileRules(dated, zone);
    const plan = await analytics.query<{ explain: string }>(
      `EXPLAIN SELECT ${conditions.map((one) => `countIf(${one})`).join(', ')} FROM ${from}`,
      parameters,
    );
    const read = plan.flatMap(({ explain }) => /ReadFromMergeTree \(\w+\.(\w+)\)/.exec(explain)?.[1] ?? []);
    expect(read.sort()).toEqual(['booked_transaction', 'holding', 'interaction', 'party']);
  });
});

test.each([
  // Summer time began on 1994-03-27 and ended on 1993-09-26 in Prague.
  [19940331, 720, 19940302],
  [19940331, 24, 19940331],
  [19940331, 1, 19940401],
  [19940327, 23, 19940327],
  [19940327, 24, 19940327],
  [19930926, 24, 19930927],
  [19930926, 25, 19930926],
  [19931231, 2160, 19931003],
])('of %s a window of %s h begins with %s', (asOf, hours, first) => {
  expect(firstDayOfWindow(asOf, hours * 3_600_000, zone)).toBe(first);
});
