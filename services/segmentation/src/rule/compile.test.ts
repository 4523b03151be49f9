import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Analytics, openAnalytics } from '@rapport/kit/analytics';
import fc from 'fast-check';
import { factTables } from '../fact/fact.js';
import { firstDayOfWindow } from './calendar.js';
import { days, type Person, people, rules, zone } from './generated.testkit.js';
import { compileRules, readRule } from './rule.js';

const uuid = (kind: number, number: number) =>
  `00000000-0000-7000-8000-${(kind * 1e6 + number).toString(16).padStart(12, '0')}`;

describe('generated rules over generated customers', () => {
  const folder = mkdtempSync(join(tmpdir(), 'segmentation-rules-'));
  let analytics: Analytics;
  let bank: Person[];

  beforeAll(async () => {
    analytics = openAnalytics({ path: folder });
    await analytics.ensure(factTables);
    [bank = []] = fc.sample(people, { numRuns: 1, seed: 20240331 });
    bank.forEach((person, index) => {
      person.id = uuid(1, index);
    });
    let next = 0;
    const number = () => {
      next += 1;
      return next;
    };
    const common = { organisation_path: '/demo', version: 1 };
    await analytics.insert(
      'party',
      bank.map(({ id, sex, born, region }) => ({
        ...common,
        party: id,
        sex,
        birth_date: born,
        region,
        kind: 'person',
        manager: '',
      })),
    );
    await analytics.insert(
      'holding',
      bank.flatMap(({ id, holdings }) =>
        holdings.map(({ kind, owner, opened }) => ({
          ...common,
          party: id,
          holding: uuid(2, number()),
          kind,
          owner,
          opened_date: opened,
        })),
      ),
    );
    const bookings = bank.flatMap(({ id, bookings: all }, person) =>
      all.map((one) => ({
        ...common,
        party: id,
        booking_date: one.day,
        transaction: uuid(3, number()),
        holding: uuid(4, person * 2 + one.account),
        holding_kind: 'account',
        owner: one.owner,
        sequence: one.sequence,
        direction: one.credit ? 'credit' : 'debit',
        operation: one.operation,
        amount: (one.cents / 100).toFixed(2),
        balance_after: (one.balance / 100).toFixed(2),
      })),
    );
    await analytics.insert('booked_transaction', bookings);
    // The same facts again, in another block.
    await analytics.insert('booked_transaction', bookings.slice(0, 200));
    await analytics.insert(
      'consent',
      bank.flatMap(({ id, consents: all }) =>
        all.map(({ purpose, channel, at, granted }) => {
          const nth = number();
          return {
            ...common,
            version: nth,
            party: id,
            purpose,
            channel,
            effective_time: at,
            consent: uuid(5, nth),
            granted,
          };
        }),
      ),
    );
  }, 60_000);

  afterAll(async () => {
    await analytics.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test('a statement takes exactly those whom the rules mean', async () => {
    let taken = 0;
    let left = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(rules, { minLength: 1, maxLength: 5 }),
        fc.constantFrom(...days),
        async (chosen, asOf) => {
          const dated = chosen.map(({ text }) => {
            const read = readRule(text);
            if ('problem' in read) throw new Error(`${text}: ${read.problem.message}`);
            return { rule: read.rule, asOf };
          });
          const { from, conditions, parameters } = compileRules(dated, zone, { restricted: true });
          const rows = await analytics.query<{ party: string; hits: number[] }>(
            `SELECT toString(p.party) AS party, [${conditions.map((one) => `toUInt8(${one})`).join(', ')}] AS hits FROM ${from}`,
            { ...parameters, parties: bank.map(({ id }) => id) },
          );
          expect(rows).toHaveLength(bank.length);
          const hitsOf = new Map(rows.map((row) => [row.party, row.hits]));
          chosen.forEach(({ text, means }, index) => {
            const wanted = bank.filter((person) => means(person, asOf)).map(({ id }) => id);
            const got = bank.map(({ id }) => id).filter((id) => hitsOf.get(id)?.[index] === 1);
            taken += got.length;
            left += bank.length - got.length;
            expect({ text, asOf, party: got }).toEqual({ text, asOf, party: wanted });
          });
        },
      ),
      { numRuns: 150, seed: 7 },
    );
    // Neither nobody nor everybody all the time: the comparison had something to compare.
    expect(Math.min(taken, left)).toBeGreaterThan(5_000);
  }, 120_000);

  test('no value of a rule is in the text of the statement', () => {
    const read = readRule(
      'party.region == "\') OR 1=1 --" && party.age > 4711 && tx.count({"kind": "fee"}, duration("13h")) > 815',
    );
    if ('problem' in read) throw new Error(read.problem.message);
    const { from, conditions, parameters } = compileRules([{ rule: read.rule, asOf: 20240331 }], zone);
    expect(`${from} ${conditions.join(' ')}`).not.toMatch(/4711|815|1=1|20240331|fee/);
    expect(Object.values(parameters)).toEqual(expect.arrayContaining(["') OR 1=1 --", 4711, 815]));
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
