// Generated rules over generated customers: what the compiled statement takes is what the rule means, computed here from
// the generated facts and the generator's own tree, without the parser, the checker or the compiler.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Analytics, openAnalytics } from '@rapport/kit/analytics';
import fc from 'fast-check';
import { factTables } from '../fact/fact.js';
import { firstDayOfWindow } from './calendar.js';
import { compileRules, readRule } from './rule.js';

interface Person {
  id: string;
  sex: string;
  born: number;
  region: string;
  holdings: { kind: string; owner: boolean; opened: number }[];
  bookings: {
    account: number;
    day: number;
    sequence: number;
    credit: boolean;
    operation: string;
    cents: number;
    balance: number;
    owner: boolean;
  }[];
  consents: { purpose: string; channel: string; at: Date; granted: boolean }[];
}
type Meaning = (person: Person, asOf: number) => boolean;
interface Generated {
  text: string;
  means: Meaning;
}

const zone = 'Europe/Prague';
const days = [20240115, 20240229, 20240310, 20240330, 20240331, 20240401, 20240402, 20240430];
const operations = ['cash_deposit', 'cash_withdrawal', 'card_withdrawal', 'transfer_in', 'fee'];
const regions = ['', 'north', "O'Neil \\ south", 'žižkov'];
const windows = { '24h': 1, '48h': 2, '720h': 30, '2160h': 90, '1h': 1 / 24 };

const people: fc.Arbitrary<Person[]> = fc.array(
  fc.record({
    id: fc.constant(''),
    sex: fc.constantFrom('', 'male', 'female', 'other'),
    born: fc.constantFrom(0, 19500228, 19840229, 20040330, 20040331, 20240331, 20300101),
    region: fc.constantFrom(...regions),
    holdings: fc.array(
      fc.record({
        kind: fc.constantFrom('account', 'loan', 'card', 'standing_order'),
        owner: fc.boolean(),
        opened: fc.constantFrom(0, ...days),
      }),
      { maxLength: 4 },
    ),
    bookings: fc.array(
      fc.record({
        account: fc.nat(1),
        day: fc.constantFrom(...days),
        sequence: fc.nat(3),
        credit: fc.boolean(),
        operation: fc.constantFrom(...operations),
        cents: fc.integer({ min: 1, max: 300_000 }),
        balance: fc.integer({ min: -100_000, max: 300_000 }),
        owner: fc.boolean(),
      }),
      { maxLength: 6 },
    ),
    consents: fc.array(
      fc.record({
        purpose: fc.constantFrom('marketing', 'survey'),
        channel: fc.constantFrom('email', 'sms'),
        at: fc
          .constantFrom('2024-03-30T22:59:59Z', '2024-03-31T21:59:59Z', '2024-03-31T22:00:00Z')
          .map((text) => new Date(text)),
        granted: fc.boolean(),
      }),
      { maxLength: 3 },
    ),
  }),
  { minLength: 150, maxLength: 150 },
);

type Value = number | string | undefined;
const compare: Record<string, (a: number | string, b: number | string) => boolean> = {
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
};

/** The bookings of the window: those whose day begins in it. The days of Prague are the machine's business in Temporal's absence. */
function within(person: Person, asOf: number, since: number, pick: (one: Person['bookings'][number]) => boolean) {
  return person.bookings.filter((one) => one.owner && one.day >= since && one.day <= asOf && pick(one));
}

interface NumberAttribute {
  text: string;
  of: (person: Person, asOf: number) => number | undefined;
}

const ages: NumberAttribute = {
  text: 'party.age',
  of: ({ born }, asOf) => {
    if (born === 0 || born > asOf) return undefined;
    const years = Math.floor(asOf / 10_000) - Math.floor(born / 10_000);
    return asOf % 10_000 < born % 10_000 ? years - 1 : years;
  },
};
const counts = fc.constantFrom('', 'account', 'loan', 'card', 'standing_order').map(
  (kind): NumberAttribute => ({
    text: `holdings.count(${kind === '' ? '' : `"${kind}"`})`,
    of: ({ holdings }, asOf) =>
      holdings.filter((one) => one.owner && one.opened <= asOf && (kind === '' || one.kind === kind)).length,
  }),
);
const balances: NumberAttribute = {
  text: 'holdings.balance',
  of: ({ bookings }, asOf) => {
    let cents = 0;
    for (const account of [0, 1]) {
      const last = bookings
        .map((one, index) => ({ ...one, index }))
        .filter((one) => one.owner && one.account === account && one.day <= asOf)
        .sort((a, b) => a.day - b.day || a.sequence - b.sequence || a.index - b.index)
        .at(-1);
      cents += last?.balance ?? 0;
    }
    return cents / 100;
  },
};
const sums = fc
  .record({
    verb: fc.constantFrom('count', 'sum', 'average'),
    filter: fc.constantFrom(
      '',
      '"credit", ',
      '"debit", ',
      '{"kind": "cash"}, ',
      '{"direction": "debit", "kind": "card"}, ',
    ),
    window: fc.constantFrom(...Object.keys(windows)),
  })
  .map(
    ({ verb, filter, window }): NumberAttribute => ({
      text: `tx.${verb}(${filter}duration("${window}"))`,
      of: (person, asOf) => {
        const since = firstDayOfWindow(asOf, (windows[window as keyof typeof windows] ?? 0) * 86_400_000, zone);
        const chosen = within(person, asOf, since, ({ credit, operation }) => {
          if (filter.includes('"credit"') && !credit) return false;
          if (filter.includes('"debit"') && credit) return false;
          if (filter.includes('"cash"')) return operation.startsWith('cash_');
          return !filter.includes('"card"') || operation === 'card_withdrawal';
        });
        const cents = chosen.reduce((sum, one) => sum + one.cents, 0);
        if (verb === 'count') return chosen.length;
        if (verb === 'sum') return cents / 100;
        return chosen.length === 0 ? undefined : cents / 100 / chosen.length;
      },
    }),
  );
const lastDays: NumberAttribute = {
  text: 'tx.last_days()',
  of: (person, asOf) => {
    const last = Math.max(...within(person, asOf, 0, () => true).map(({ day }) => day));
    if (last < 0) return undefined;
    const utc = (day: number) => Date.UTC(Math.floor(day / 10_000), (Math.floor(day / 100) % 100) - 1, day % 100);
    return (utc(asOf) - utc(last)) / 86_400_000;
  },
};

function comparison(left: NumberAttribute, op: string, right: number, turned: boolean): Generated {
  const mirror: Record<string, string> = { '<': '>', '<=': '>=', '>': '<', '>=': '<=' };
  return {
    text: turned ? `${right} ${mirror[op] ?? op} ${left.text}` : `${left.text} ${op} ${right}`,
    means: (person, asOf) => {
      const value = left.of(person, asOf);
      return value !== undefined && (compare[op]?.(value, right) ?? false);
    },
  };
}

const numbers = fc
  .tuple(
    fc.oneof(fc.constant(ages), counts, fc.constant(balances), sums, fc.constant(lastDays)),
    fc.constantFrom(...Object.keys(compare)),
    fc.oneof(fc.integer({ min: -1, max: 4 }), fc.constantFrom(18, 19, 20, 74, 500.5, 1000, -250.25)),
    fc.boolean(),
  )
  .map(([left, op, right, turned]) => comparison(left, op, right, turned));
const pairs = fc.tuple(sums, fc.constantFrom(...Object.keys(compare)), sums).map(
  ([left, op, right]): Generated => ({
    text: `${left.text} ${op} ${right.text}`,
    means: (person, asOf) => {
      const [a, b] = [left.of(person, asOf), right.of(person, asOf)];
      return a !== undefined && b !== undefined && (compare[op]?.(a, b) ?? false);
    },
  }),
);
const known = (value: Value) => value !== '' && value !== undefined && value !== 0;
const texts = fc.oneof(
  fc.tuple(fc.constantFrom('==', '!='), fc.constantFrom(...regions)).map(
    ([op, value]): Generated => ({
      text: `party.region ${op} ${JSON.stringify(value)}`,
      means: ({ region }) => known(region) && (compare[op]?.(region, value) ?? false),
    }),
  ),
  fc.array(fc.constantFrom(...regions), { maxLength: 3 }).map(
    (values): Generated => ({
      text: `party.region in ${JSON.stringify(values)}`,
      means: ({ region }) => known(region) && values.includes(region),
    }),
  ),
  fc.constantFrom('n', 'O', 'ž', '').map(
    (start): Generated => ({
      text: `party.region.startsWith("${start}")`,
      means: ({ region }) => known(region) && region.startsWith(start),
    }),
  ),
  fc.tuple(fc.constantFrom('==', '!='), fc.constantFrom('M', 'female', 'woman', 'other')).map(
    ([op, alias]): Generated => ({
      text: `party.sex ${op} "${alias}"`,
      means: ({ sex }) => {
        const value = { M: 'male', female: 'female', woman: 'female', other: 'other' }[alias] ?? '';
        return known(sex) && (compare[op]?.(sex, value) ?? false);
      },
    }),
  ),
);
const births = fc.tuple(fc.constantFrom(...Object.keys(compare)), fc.constantFrom('1950-02-28', '2004-03-31')).map(
  ([op, day]): Generated => ({
    text: `party.birth_date ${op} date("${day}")`,
    means: ({ born }) => known(born) && (compare[op]?.(born, Number(day.replaceAll('-', ''))) ?? false),
  }),
);
const consents = fc.tuple(fc.constantFrom('marketing', 'survey'), fc.constantFrom('email', 'sms'), fc.boolean()).map(
  ([purpose, channel, spelled]): Generated => ({
    text: `consent("${purpose}", "${channel}")${spelled ? ' == true' : ''}`,
    means: (person, asOf) => {
      // The end of each day in Prague: winter time to 2024-03-30, summer time after.
      const next = new Date(Date.UTC(Math.floor(asOf / 10_000), (Math.floor(asOf / 100) % 100) - 1, (asOf % 100) + 1));
      const end = next.getTime() - (asOf >= 20240331 ? 2 : 1) * 3_600_000;
      const last = person.consents
        .map((one, index) => ({ ...one, index }))
        .filter((one) => one.purpose === purpose && one.channel === channel && one.at.getTime() < end)
        .sort((a, b) => a.at.getTime() - b.at.getTime() || a.index - b.index)
        .at(-1);
      return last?.granted ?? false;
    },
  }),
);

const rules = fc.letrec<{ rule: Generated }>((tie) => ({
  rule: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.oneof(numbers, pairs, texts, births, consents),
    tie('rule').map(({ text, means }): Generated => ({ text: `!(${text})`, means: (p, d) => !means(p, d) })),
    fc.tuple(tie('rule'), tie('rule')).map(
      ([a, b]): Generated => ({
        text: `(${a.text}) && (${b.text})`,
        means: (p, d) => a.means(p, d) && b.means(p, d),
      }),
    ),
    fc.tuple(tie('rule'), tie('rule')).map(
      ([a, b]): Generated => ({
        text: `(${a.text}) || (${b.text})`,
        means: (p, d) => a.means(p, d) || b.means(p, d),
      }),
    ),
  ),
})).rule;

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
