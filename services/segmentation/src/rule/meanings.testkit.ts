// Attributes with what they mean, computed from a customer in plain TypeScript: without the catalogue, the checker or the
// compiler.
import fc from 'fast-check';
import { firstDayOfWindow } from './calendar.js';
import { type Booking, dayOf, endOf, type Meaning, type Person, regions, sizeAt, utc, zone } from './people.testkit.js';
import { toldFlags, toldNumbers, toldTexts } from './told-meanings.testkit.js';

const windows = { '24h': 1, '48h': 2, '720h': 30, '2160h': 90, '1h': 1 / 24 };
const window = fc.constantFrom(...(Object.keys(windows) as (keyof typeof windows)[]));
const ms = (text: keyof typeof windows) => windows[text] * 86_400_000;
/** The owned bookings of the window of that length that ends so long before the end of the day. */
function booked(person: Person, asOf: number, length: number, agoMs = 0): Booking[] {
  const since = firstDayOfWindow(asOf, length + agoMs, zone);
  const until = agoMs === 0 ? asOf : firstDayOfWindow(asOf, agoMs, zone) - 1;
  return person.bookings.filter((one) => owned(person, one) && one.day >= since && one.day <= until);
}
const owned = (person: Person, { account }: Booking) => person.ownsAccount[account === 0 ? 0 : 1];
const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);

const filters: [string, (one: Booking) => boolean][] = [
  ['', () => true],
  ['"credit", ', ({ credit }) => credit],
  ['"debit", ', ({ credit }) => !credit],
  ['{"kind": "cash"}, ', ({ operation }) => operation.startsWith('cash_')],
  ['{"direction": "debit", "kind": "card"}, ', ({ credit, operation }) => !credit && operation.startsWith('card_')],
  ['{"category": "groceries"}, ', ({ category }) => category === 'groceries'],
  ['{"at_least": 1000, "at_most": 2000.5}, ', ({ cents }) => cents >= 100_000 && cents <= 200_050],
];
const filter = fc.constantFrom(...filters);

const verbs: Record<string, (amounts: number[]) => number | undefined> = {
  count: (cents) => cents.length,
  sum: (cents) => sum(cents) / 100,
  average: (cents) => (cents.length === 0 ? undefined : sum(cents) / 100 / cents.length),
  min: (cents) => (cents.length === 0 ? undefined : Math.min(...cents) / 100),
  max: (cents) => (cents.length === 0 ? undefined : Math.max(...cents) / 100),
};
const windowed = fc
  .tuple(fc.constantFrom(...Object.keys(verbs)), filter, window, fc.option(window, { nil: undefined }))
  .map(([verb, [written, keeps], length, ago]): Meaning<number> => {
    const until = ago === undefined ? '' : `, duration("${ago}")`;
    return {
      text: `tx.${verb}(${written}duration("${length}")${until})`,
      of: (person, asOf) => {
        const chosen = booked(person, asOf, ms(length), ago === undefined ? 0 : ms(ago)).filter(keeps);
        return verbs[verb]?.(chosen.map(({ cents }) => cents));
      },
    };
  });
const variety = fc.tuple(fc.constantFrom('category', 'kind', 'day', 'account', 'counterparty'), filter, window).map(
  ([what, [written, keeps], length]): Meaning<number> => ({
    text: `tx.distinct("${what}", ${written}duration("${length}"))`,
    of: (person, asOf) => {
      const chosen = booked(person, asOf, ms(length)).filter(keeps);
      const values = {
        category: 'category',
        kind: 'operation',
        day: 'day',
        account: 'account',
        counterparty: 'counterparty',
      } as const;
      const seen = chosen.map((one) => one[values[what as keyof typeof values]]);
      return new Set(seen.filter((value) => value !== '' && !(what === 'counterparty' && value === 0))).size;
    },
  }),
);
const trends = fc.tuple(filter, window).map(
  ([[written, keeps], length]): Meaning<number> => ({
    text: `tx.trend(${written}duration("${length}"))`,
    of: (person, asOf) => {
      const total = (ago: number) =>
        sum(
          booked(person, asOf, ms(length), ago)
            .filter(keeps)
            .map(({ cents }) => cents),
        ) / 100;
      const before = total(ms(length));
      return before === 0 ? undefined : (total(0) - before) / before;
    },
  }),
);

/** In cents, on all owned accounts together at the end of a day. */
function balanceAt(person: Person, day: number): number {
  const last = new Map<number, number>();
  for (const one of person.bookings) if (owned(person, one) && one.day <= day) last.set(one.account, one.balance);
  return sum([...last.values()]);
}
/** Day by day, as the description says. */
function averageBalance(person: Person, asOf: number, length: number, agoMs = 0): number | undefined {
  const first = utc(firstDayOfWindow(asOf, length + agoMs, zone));
  const next = agoMs === 0 ? utc(asOf) + 1 : utc(firstDayOfWindow(asOf, agoMs, zone));
  if (next <= first) return undefined;
  let total = 0;
  for (let day = first; day < next; day += 1) {
    total += balanceAt(person, Number(new Date(day * 86_400_000).toISOString().slice(0, 10).replaceAll('-', '')));
  }
  return total / (next - first) / 100;
}
const averages = fc.tuple(window, fc.option(window, { nil: undefined })).map(
  ([length, ago]): Meaning<number> => ({
    text: `holdings.average_balance(duration("${length}")${ago === undefined ? '' : `, duration("${ago}")`})`,
    of: (person, asOf) => averageBalance(person, asOf, ms(length), ago === undefined ? 0 : ms(ago)),
  }),
);
const balanceTrends = fc.constantFrom('48h' as const, '720h' as const, '2160h' as const).map(
  (length): Meaning<number> => ({
    text: `holdings.balance_trend(duration("${length}"))`,
    of: (person, asOf) => {
      const [now, before] = [0, ms(length)].map((ago) => averageBalance(person, asOf, ms(length), ago));
      if (now === undefined || before === undefined || before === 0) return undefined;
      return (now - before) / Math.abs(before);
    },
  }),
);

const kinds = fc.constantFrom('', 'account', 'loan', 'card', 'standing_order');
const open = (person: Person, asOf: number, kind: string) =>
  person.holdings.filter(
    (one) =>
      one.owner && one.opened <= asOf && (one.closed === 0 || one.closed > asOf) && (kind === '' || one.kind === kind),
  );
const counts = kinds.map(
  (kind): Meaning<number> => ({
    text: `holdings.count(${kind === '' ? '' : `"${kind}"`})`,
    of: (person, asOf) => open(person, asOf, kind).length,
  }),
);
const since = (asOf: number, last: number | undefined) => (last === undefined ? undefined : utc(asOf) - utc(last));
const least = (values: number[]) => (values.length === 0 ? undefined : Math.min(...values));
const most = (values: number[]) => (values.length === 0 ? undefined : Math.max(...values));

/** The last place that was told of before a moment and not left, in the order of telling where the times are the same. */
function placeOf(person: Person, asOf: number): { role: string; size: number } | undefined {
  const last = new Map<number, { role: string; at: number; nth: number; household: number }>();
  person.places.forEach(({ household, at, role }, nth) => {
    const known = last.get(household);
    if (at.getTime() >= endOf(asOf) || (known && known.at > at.getTime())) return;
    last.set(household, { role, at: at.getTime(), nth, household });
  });
  const still = [...last.values()].filter(({ role }) => role !== '');
  const [newest] = still.sort((a, b) => b.at - a.at || b.nth - a.nth);
  if (!newest) return undefined;
  return { role: newest.role, size: sizeAt(newest.household, endOf(asOf)) };
}

const plain: Meaning<number>[] = [
  {
    text: 'party.age',
    of: ({ born }, asOf) => {
      if (born === 0 || born > asOf) return undefined;
      const years = Math.floor(asOf / 10_000) - Math.floor(born / 10_000);
      return asOf % 10_000 < born % 10_000 ? years - 1 : years;
    },
  },
  { text: 'holdings.balance', of: (person, asOf) => balanceAt(person, asOf) / 100 },
  { text: 'holdings.kinds', of: (person, asOf) => new Set(open(person, asOf, '').map(({ kind }) => kind)).size },
  {
    text: 'holdings.amount("loan")',
    of: (person, asOf) => sum(open(person, asOf, 'loan').map(({ cents }) => cents ?? 0)) / 100,
  },
  {
    text: 'party.tenure',
    of: (person, asOf) => {
      const first = person.holdings.filter((one) => one.owner && one.opened > 0 && one.opened <= asOf);
      return since(asOf, least(first.map(({ opened }) => opened)));
    },
  },
  {
    text: 'tx.last_days({"kind": "card"})',
    of: (person, asOf) => {
      const cards = person.bookings.filter((one) => owned(person, one) && one.operation.startsWith('card_'));
      return since(asOf, most(cards.map(({ day }) => day).filter((day) => day <= asOf)));
    },
  },
  { text: 'household.size()', of: (person, asOf) => placeOf(person, asOf)?.size },
  {
    text: 'life_event.count("birth", duration("720h"))',
    of: (person, asOf) =>
      person.lifeEvents.filter(
        ({ kind, day }) => kind === 'birth' && day <= asOf && day >= firstDayOfWindow(asOf, ms('720h'), zone),
      ).length,
  },
  {
    text: 'life_event.last_days()',
    of: (person, asOf) => {
      const begun = person.lifeEvents.filter(({ kind, day }) => kind !== '' && day > 0 && day <= asOf);
      return since(asOf, most(begun.map(({ day }) => day)));
    },
  },
  {
    text: 'interaction.count({"channel": "phone", "direction": "inbound"}, duration("720h"))',
    of: (person, asOf) =>
      person.contacts.filter(
        ({ channel, inbound, at }) =>
          channel === 'phone' && inbound && at.getTime() < endOf(asOf) && at.getTime() >= endOf(asOf) - ms('720h'),
      ).length,
  },
  {
    text: 'interaction.last_days({"kind": "complaint"})',
    of: (person, asOf) => {
      const told = person.contacts.filter(({ kind, at }) => kind === 'complaint' && at.getTime() < endOf(asOf));
      const last = most(told.map(({ at }) => at.getTime()));
      return last === undefined ? undefined : since(asOf, dayOf(new Date(last)));
    },
  },
  {
    text: 'behaviour.changes({"measure": "spending", "direction": "less"}, duration("720h"))',
    of: (person, asOf) =>
      person.departures.filter(
        ({ measure, less, day }) =>
          measure === 'spending' && less && day <= asOf && day >= firstDayOfWindow(asOf, ms('720h'), zone),
      ).length,
  },
  {
    text: 'sequence.days({"kind": "cash"}, {"event": "interaction", "channel": "phone"}, duration("72h"), duration("2160h"))',
    of: (person, asOf) => {
      const first = booked(person, asOf, ms('2160h')).filter(({ operation }) => operation.startsWith('cash_'));
      const calls = person.contacts
        .filter(({ channel, at }) => channel === 'phone' && at.getTime() < endOf(asOf))
        .filter(({ at }) => at.getTime() >= endOf(asOf) - ms('2160h'))
        .map(({ at }) => utc(dayOf(at)));
      const followed = first.filter(({ day }) => calls.some((call) => call > utc(day) && call - utc(day) <= 3));
      return new Set(followed.map(({ day }) => day)).size;
    },
  },
  { text: 'scheme.score("wealth")', of: (person, asOf) => groupOf(person, asOf)?.score },
];

function groupOf({ groups }: Person, asOf: number): Person['groups'][number] | undefined {
  return groups.filter(({ from }) => from <= asOf).sort((a, b) => b.from - a.from)[0];
}

export const numbers: fc.Arbitrary<Meaning<number>> = fc.oneof(
  { arbitrary: windowed, weight: 4 },
  { arbitrary: fc.constantFrom(...plain, ...toldNumbers), weight: 5 },
  counts,
  variety,
  trends,
  averages,
  balanceTrends,
  fc.constantFrom(...regions.slice(1)).map(
    (): Meaning<number> => ({
      text: 'size(party.region)',
      of: ({ region }) => (region === '' ? undefined : [...region].length),
    }),
  ),
);

/** The tag on each of its grounds as it was told last before the end of the day; only those that hold. */
function heldTags({ tags }: Person, asOf: number) {
  const last = new Map<string, { at: number; nth: number; until: string; definition: string; source: string }>();
  tags.forEach(({ definition, source, at, until }, nth) => {
    const key = `${definition} ${source}`;
    const known = last.get(key);
    if (at.getTime() >= endOf(asOf) || (known && known.at > at.getTime())) return;
    last.set(key, { at: at.getTime(), nth, until, definition, source });
  });
  return [...last.values()].filter(({ until }) => new Date(until).getTime() >= endOf(asOf));
}

/** Texts with the constants that they are compared with. */
export const texts: { meaning: Meaning<string>; constants: string[]; prefixes: string[] }[] = [
  ...toldTexts,
  {
    meaning: { text: 'party.region', of: ({ region }) => region || undefined },
    constants: regions,
    prefixes: ['n', 'O', 'ž', ''],
  },
  {
    meaning: { text: 'scheme.group("wealth")', of: (person, asOf) => groupOf(person, asOf)?.group || undefined },
    constants: ['gold', 'silver', 'bronze'],
    prefixes: ['g'],
  },
  {
    meaning: {
      text: 'tag.value("job-")',
      of: (person, asOf) => {
        const held = heldTags(person, asOf).filter(({ definition }) => definition.startsWith('job-'));
        const [newest] = held.sort((a, b) => b.at - a.at || b.nth - a.nth);
        return newest?.definition.slice('job-'.length);
      },
    },
    constants: ['teacher', 'smith'],
    prefixes: ['t', 'sm'],
  },
  {
    meaning: { text: 'household.role()', of: (person, asOf) => placeOf(person, asOf)?.role },
    constants: ['head', 'member', 'dependant'],
    prefixes: [],
  },
];

/** Conditions that stand by themselves. */
export const flags: Meaning<boolean>[] = [
  ...toldFlags,
  ...['marketing', 'survey'].flatMap((purpose) =>
    ['email', 'sms'].map(
      (channel): Meaning<boolean> => ({
        text: `consent("${purpose}", "${channel}")`,
        of: (person, asOf) => {
          const last = person.consents
            .map((one, index) => ({ ...one, index }))
            .filter((one) => one.purpose === purpose && one.channel === channel && one.at.getTime() < endOf(asOf))
            .sort((a, b) => a.at.getTime() - b.at.getTime() || a.index - b.index)
            .at(-1);
          return last?.granted ?? false;
        },
      }),
    ),
  ),
  {
    text: 'list.has("vip")',
    of: ({ lists }, asOf) => lists.some(({ from, until }) => from <= asOf && (until === 0 || until >= asOf)),
  },
  {
    text: 'tag.has("home-owner")',
    of: (person, asOf) => heldTags(person, asOf).some(({ definition }) => definition === 'home-owner'),
  },
  {
    text: 'tag.has("home-owner", "model")',
    of: (person, asOf) =>
      heldTags(person, asOf).some(({ definition, source }) => definition === 'home-owner' && source === 'model'),
  },
];

/** The days of birth. */
export const births: Meaning<number> = { text: 'party.birth_date', of: ({ born }) => born || undefined };
