// Customers and rules by chance. Each rule comes with its meaning, computed from the customer alone, without the parser, the
// checker or the compiler.
import fc from 'fast-check';
import { firstDayOfWindow } from './calendar.js';

/** A generated customer. */
export interface Person {
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
/** A rule as text, and what it means. */
export interface Generated {
  text: string;
  means: Meaning;
}

export const zone = 'Europe/Prague';
export const days = [20240115, 20240229, 20240310, 20240330, 20240331, 20240401, 20240402, 20240430];
const operations = ['cash_deposit', 'cash_withdrawal', 'card_withdrawal', 'transfer_in', 'fee'];
const regions = ['', 'north', "O'Neil \\ south", 'žižkov'];
const windows = { '24h': 1, '48h': 2, '720h': 30, '2160h': 90, '1h': 1 / 24 };

/** 150 customers. */
export const people: fc.Arbitrary<Person[]> = fc.array(
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

/** The owned bookings from one day to another. */
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

/** Rules up to four levels deep. */
export const rules: fc.Arbitrary<Generated> = fc.letrec<{ rule: Generated }>((tie) => ({
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
