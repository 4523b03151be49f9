// Customers by chance, and the rows that tell of them.
import fc from 'fast-check';

export const zone = 'Europe/Prague';
/** Around the night in which an hour is skipped, and a leap day. */
export const days = [20240115, 20240229, 20240310, 20240330, 20240331, 20240401, 20240402, 20240430];
const moments = ['2024-03-01T10:00:00Z', '2024-03-30T22:59:59Z', '2024-03-31T21:59:59Z', '2024-03-31T22:00:00Z'];
export const regions = ['', 'north', "O'Neil \\ south", 'žižkov'];
export const operations = ['cash_deposit', 'cash_withdrawal', 'card_withdrawal', 'card_payment', 'transfer_in', 'fee'];
/** Codes of occupations, and what rules call them. */
export const occupations: Record<string, string> = {
  '': '',
  '2212': 'professionals',
  '25': 'professionals',
  '9': 'elementary',
};
export const categories = ['', 'groceries', 'travel'];

const day = fc.constantFrom(...days);
const moment = fc.constantFrom(...moments).map((text) => new Date(text));

const booking = fc.record({
  account: fc.nat(1),
  day,
  sequence: fc.nat(3),
  credit: fc.boolean(),
  operation: fc.constantFrom(...operations),
  category: fc.constantFrom(...categories),
  cents: fc.integer({ min: 1, max: 300_000 }),
  counterparty: fc.nat(2),
});
/** `balance` is in cents, after it; `nth` is the order of transactions that nothing else tells apart. */
export type Booking = (typeof booking extends fc.Arbitrary<infer T> ? T : never) & { balance: number; nth: number };

const person = fc.record({
  sex: fc.constantFrom('', 'male', 'female', 'other'),
  born: fc.constantFrom(0, 19500228, 19840229, 20040330, 20040331, 20240331, 20300101),
  region: fc.constantFrom(...regions),
  occupation: fc.constantFrom(...Object.keys(occupations)),
  education: fc.constantFrom('', 'primary', 'bachelor', 'doctoral'),
  income: fc.option(fc.integer({ min: 0, max: 300_000 }), { nil: undefined }),
  holdings: fc.array(
    fc.record({
      kind: fc.constantFrom('account', 'loan', 'card', 'standing_order'),
      owner: fc.boolean(),
      opened: fc.constantFrom(0, ...days),
      closed: fc.constantFrom(0, 0, ...days),
      cents: fc.option(fc.integer({ min: 1, max: 500_000 }), { nil: undefined }),
    }),
    { maxLength: 4 },
  ),
  ownsAccount: fc.tuple(fc.boolean(), fc.boolean()),
  bookings: fc.array(booking, { maxLength: 8 }),
  consents: fc.array(
    fc.record({
      purpose: fc.constantFrom('marketing', 'survey'),
      channel: fc.constantFrom('email', 'sms'),
      at: moment,
      granted: fc.boolean(),
    }),
    { maxLength: 3 },
  ),
  places: fc.array(
    fc.record({ household: fc.nat(1), at: moment, role: fc.constantFrom('', 'head', 'member', 'dependant') }),
    { maxLength: 2 },
  ),
  tags: fc.array(
    fc.record({
      definition: fc.constantFrom('home-owner', 'job-teacher', 'job-smith'),
      source: fc.constantFrom('staff', 'model'),
      at: moment,
      until: fc.constantFrom('1970-01-01T00:00:00Z', '2024-03-31T12:00:00Z', '2299-12-31T00:00:00Z'),
    }),
    { maxLength: 3 },
  ),
  lifeEvents: fc.array(fc.record({ kind: fc.constantFrom('', 'birth', 'move'), day: fc.constantFrom(0, ...days) }), {
    maxLength: 3,
  }),
  contacts: fc.array(
    fc.record({
      channel: fc.constantFrom('phone', 'email'),
      inbound: fc.boolean(),
      kind: fc.constantFrom('complaint', 'advice'),
      at: moment,
    }),
    { maxLength: 3 },
  ),
  online: fc.array(
    fc.record({
      kind: fc.constantFrom('login', 'page_view'),
      channel: fc.constantFrom('app', 'web'),
      topic: fc.constantFrom('', 'loan', 'fund'),
      at: moment,
    }),
    { maxLength: 4 },
  ),
  goals: fc.array(
    fc.record({
      goal: fc.nat(1),
      kind: fc.constantFrom('home', 'travel'),
      state: fc.constantFrom('active', 'active', 'reached', 'abandoned'),
      at: moment,
      cents: fc.integer({ min: 1, max: 300_000 }),
      due: fc.constantFrom(0, ...days),
    }),
    { maxLength: 3 },
  ),
  departures: fc.array(fc.record({ measure: fc.constantFrom('spending', 'balance'), less: fc.boolean(), day }), {
    maxLength: 2,
  }),
  lists: fc.array(fc.record({ from: day, until: fc.constantFrom(0, ...days) }), { maxLength: 1 }),
  groups: fc.uniqueArray(
    fc.record({
      from: day,
      group: fc.constantFrom('', 'gold', 'silver'),
      score: fc.constantFrom(undefined, 0.25, 0.5, 1),
    }),
    { maxLength: 3, selector: ({ from }) => from },
  ),
});

type Drawn = typeof person extends fc.Arbitrary<infer T> ? T : never;
/** A generated customer; the bookings are in the order of their accounts' books. */
export type Person = Omit<Drawn, 'bookings'> & { id: string; bookings: Booking[] };

export type Value = number | string | boolean | undefined;
/** An attribute as a rule writes it, and its value; undefined is missing. */
export interface Meaning<T extends Value = Value> {
  text: string;
  of(person: Person, asOf: number): T | undefined;
}

/** What was told of the size of the two households, at a time; the same for all who are in them. */
const sizes = [
  { household: 0, at: new Date('2024-03-01T10:00:00Z'), members: 2 },
  { household: 0, at: new Date('2024-03-31T21:59:59Z'), members: 3 },
  { household: 1, at: new Date('2024-03-01T10:00:00Z'), members: 4 },
];

/** The size of a household as it was told last before a moment. */
export function sizeAt(household: number, end: number): number {
  const told = sizes.filter((one) => one.household === household && one.at.getTime() < end);
  return told.at(-1)?.members ?? 0;
}

const parts = (day: number) => [Math.floor(day / 10_000), (Math.floor(day / 100) % 100) - 1, day % 100] as const;
/** The number of a day. */
export const utc = (day: number) => Date.UTC(...parts(day)) / 86_400_000;
/** The end of the day in Prague: winter time to 2024-03-30, summer time after. */
export const endOf = (day: number) => (utc(day) + 1) * 86_400_000 - (day >= 20240331 ? 2 : 1) * 3_600_000;
/** The day in Prague on which a moment of 2024 falls. */
export function dayOf(moment: Date): number {
  const shifted = new Date(moment.getTime() + (moment.getTime() >= Date.UTC(2024, 2, 31, 1) ? 2 : 1) * 3_600_000);
  return Number(shifted.toISOString().slice(0, 10).replaceAll('-', ''));
}

/** A UUID that tells what it is of. */
export const uuid = (kind: number, number: number) =>
  `00000000-0000-7000-8000-${(kind * 1e6 + number).toString(16).padStart(12, '0')}`;

/** So many customers. The books of their accounts are right: every balance follows from the one before. */
export function drawPeople(count: number, seed: number): Person[] {
  return fc.sample(person, { numRuns: count, seed }).map((drawn, index) => {
    const balances = [0, 0];
    const bookings = drawn.bookings
      .map((one, nth) => ({ ...one, nth, balance: 0 }))
      .sort((a, b) => a.day - b.day || a.sequence - b.sequence || a.nth - b.nth);
    for (const one of bookings) {
      const balance = (balances[one.account] ?? 0) + (one.credit ? one.cents : -one.cents);
      balances[one.account] = balance;
      one.balance = balance;
    }
    return { ...drawn, id: uuid(1, index), bookings };
  });
}

/** The rows of facts of those customers, by table. */
export function rowsOf(bank: readonly Person[]): Map<string, object[]> {
  const rows = new Map<string, object[]>();
  let next = 0;
  const add = (table: string, id: string, row: object) => {
    next += 1;
    const known = rows.get(table) ?? [];
    known.push({ organisation_path: '/demo', party: id, version: next, ...row });
    rows.set(table, known);
  };
  bank.forEach((one, index) => {
    const { id } = one;
    const { occupation: code, education, income: earned } = one;
    const income = earned === undefined ? null : (earned / 100).toFixed(2);
    const livelihood = { occupation: occupations[code], occupation_code: code, education, income };
    const plain = { sex: one.sex, birth_date: one.born, region: one.region, kind: 'person', manager: '' };
    add('party', id, { ...plain, ...livelihood });
    for (const { kind, owner, opened, closed, cents } of one.holdings) {
      const amount = cents === undefined ? null : (cents / 100).toFixed(2);
      const dates = { opened_date: opened, closed_date: closed };
      add('holding', id, { holding: uuid(2, next), kind, owner, amount, card_type: '', ...dates });
    }
    for (const {
      account,
      day: booked,
      sequence,
      credit,
      operation,
      category,
      cents,
      balance,
      nth,
      counterparty,
    } of one.bookings) {
      add('booked_transaction', id, {
        booking_date: booked,
        transaction: uuid(3, index * 100 + nth),
        holding: uuid(4, index * 2 + account),
        holding_kind: 'account',
        owner: one.ownsAccount[account === 0 ? 0 : 1],
        sequence,
        direction: credit ? 'credit' : 'debit',
        operation,
        category,
        counterparty,
        amount: (cents / 100).toFixed(2),
        balance_after: (balance / 100).toFixed(2),
      });
    }
    for (const { purpose, channel, at, granted } of one.consents) {
      add('consent', id, { purpose, channel, effective_time: at, consent: uuid(5, next), granted });
    }
    for (const { household, at, role } of one.places) {
      add('household_member', id, { member: id, household: uuid(6, household), change_time: at, kind: 'family', role });
    }
    for (const { definition, source, at, until } of one.tags) {
      add('tag', id, { member: id, definition, source, reference: '', time: at, held_until: new Date(until) });
    }
    for (const { kind, day: start } of one.lifeEvents) {
      add('life_event', id, { life_event: uuid(7, next), kind, certainty: 'reported', start_date: start });
    }
    for (const { channel, inbound, kind, at } of one.contacts) {
      const direction = inbound ? 'inbound' : 'outbound';
      add('interaction', id, { time: at, interaction: uuid(8, next), channel, direction, kind });
    }
    for (const { kind, channel, topic, at } of one.online) {
      add('behaviour', id, { time: at, event: uuid(10, next), kind, channel, topic });
    }
    for (const { goal, kind, state, at, cents, due } of one.goals) {
      const told = { kind, state, target: (cents / 100).toFixed(2), target_date: due, reached: state === 'reached' };
      add('goal', id, { goal: uuid(11, index * 2 + goal), time: at, ...told });
    }
    for (const { measure, less, day: noticed } of one.departures) {
      const change = { behaviour_change: uuid(9, next), measure, code: '', direction: less ? 'less' : 'more' };
      add('behaviour_change', id, { ...change, notice_date: noticed });
    }
    for (const { from, until } of one.lists) add('listed', id, { list: 'vip', from_date: from, until_date: until });
    for (const { from, group, score } of one.groups) {
      add('assigned', id, { scheme: 'wealth', from_date: from, group, score: score ?? null });
    }
  });
  rows.set(
    'household',
    sizes.map(({ household, at, members }) => ({
      household: uuid(6, household),
      change_time: at,
      members,
      version: 1,
    })),
  );
  // Only the columns of each table: the engine takes no others.
  for (const table of [
    'household_member',
    'tag',
    'life_event',
    'interaction',
    'behaviour',
    'goal',
    'behaviour_change',
    'listed',
    'assigned',
  ]) {
    for (const row of rows.get(table) ?? []) delete (row as { organisation_path?: string }).organisation_path;
  }
  return rows;
}
