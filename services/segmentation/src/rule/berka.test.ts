import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Analytics, openAnalytics } from '@rapport/kit/analytics';
import { factFilter, factsOf, factTables, storeFacts } from '../fact/fact.js';
import { groupsOf } from '../scheme/plan.js';
import { planOf, templates } from '../template/template.js';
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

describe('rules over the Berka bank', () => {
  const folder = mkdtempSync(join(tmpdir(), 'segmentation-berka-'));
  let analytics: Analytics;
  let clients: Client[];

  beforeAll(async () => {
    // Without the files nothing is compared with them, and that is a failure, not a pass.
    if (!existsSync(berkaFolder)) throw new Error(`the Berka files are not in ${berkaFolder}`);
    analytics = openAnalytics({ path: folder });
    await analytics.ensure(factTables);
    const { rows } = factsOf(berkaEvents());
    await storeFacts(analytics, rows);
    // A part of it once more, as a redelivery does.
    await storeFacts(analytics, new Map([...rows].map(([table, all]) => [table, all.slice(20_000, 40_000)])));
    clients = readClients();
  }, 120_000);

  afterAll(async () => {
    await analytics.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function count(text: string, asOf: number, under = ''): Promise<number> {
    const read = readRule(text);
    if ('problem' in read) throw new Error(JSON.stringify(read.problem));
    const where = factFilter({ kind: 'everything' }, under);
    const { from, conditions, parameters } = compileRules([{ rule: read.rule, asOf }], 'Europe/Prague', { where });
    const [row] = await analytics.query<{ n: number }>(
      `SELECT count() AS n FROM ${from} WHERE ${conditions[0]}`,
      parameters,
    );
    return row?.n ?? -1;
  }

  // 720h before the end of 1994-03-31 is 1994-03-01 23:00 by the clock, since an hour was skipped on 1994-03-27; of
  // 1993-12-31 it is 1993-12-02 00:00. 2160h: 1993-12-31 23:00 and 1993-10-03 01:00, for the hour given back.
  const since720: Record<number, number> = { 19940331: 19940302, 19931231: 19931202 };
  const since2160: Record<number, number> = { 19940331: 19940101, 19931231: 19931003 };
  const within = (client: Client, asOf: number, since: Record<number, number>) =>
    client.transactions.filter(({ day }) => day >= (since[asOf] ?? Number.NaN) && day <= asOf);
  /** The window of that length before the one that ends with the day: from its first day, to the last before the other. */
  const ago2160: Record<number, [number, number]> = {
    // 4320 h before the end of 1994-03-31 is 1993-10-03 00:00, of 1993-12-31 it is 1993-07-05 01:00.
    19940331: [19931003, 19931231],
    19931231: [19930706, 19931002],
  };
  const before = (client: Client, asOf: number) => {
    const [from, to] = ago2160[asOf] ?? [Number.NaN, Number.NaN];
    return client.transactions.filter(({ day }) => day >= from && day <= to);
  };
  const credited = (transactions: Client['transactions']) =>
    sum(transactions.filter(({ credit }) => credit).map(({ cents }) => cents));
  /** What is on the accounts at the end of each day from one to another, on average, in cents. */
  function averageBalance(client: Client, from: number, to: number): number {
    const last = new Map<string, number>();
    let [total, next] = [0, 0];
    for (let day = dayNumber(from); day <= dayNumber(to); day += 1) {
      for (; client.transactions[next] && dayNumber(client.transactions[next]?.day ?? 0) <= day; next += 1) {
        const { account = '', balance: left = 0 } = client.transactions[next] ?? {};
        last.set(account, left);
      }
      total += sum([...last.values()]);
    }
    return total / (dayNumber(to) - dayNumber(from) + 1);
  }

  type Expected = (client: Client, asOf: number) => boolean;
  const rules: [string, Expected][] = [
    ['true', () => true],
    ['party.sex == "F"', ({ woman }) => woman],
    ['party.sex in ["male", "man"]', ({ woman }) => !woman],
    ['party.age >= 30 && party.age < 50', (client, asOf) => age(client, asOf) >= 30 && age(client, asOf) < 50],
    ['party.age > 59.5', (client, asOf) => age(client, asOf) >= 60],
    ['party.birth_date < date("1950-01-01")', ({ born }) => born < 19500101],
    ['party.birth_date >= timestamp("1950-01-01T00:00:00Z")', ({ born }) => born >= 19500101],
    ['party.region == "Prague"', ({ region }) => region === 'Prague'],
    ['party.region.startsWith("north")', ({ region }) => region.startsWith('north')],
    ['party.district in ["Benesov", "Hl.m. Praha"]', ({ district }) => ['Benesov', 'Hl.m. Praha'].includes(district)],
    ['party.branch != "Benesov"', ({ district }) => district !== 'Benesov'],
    ['holdings.count("loan") >= 1', ({ loans }, asOf) => upTo(loans, asOf) >= 1],
    ['holdings.count("account") == 1', ({ accounts }, asOf) => upTo(accounts, asOf) === 1],
    ['holdings.count("card") > 0', ({ cards }, asOf) => upTo(cards, asOf) > 0],
    ['holdings.count("standing_order") >= 2', ({ orders }) => orders >= 2],
    [
      'holdings.count() == 0',
      ({ accounts, loans, cards, orders }, asOf) => upTo([...accounts, ...loans, ...cards], asOf) + orders === 0,
    ],
    ['holdings.balance > 50000', (client, asOf) => balance(client, asOf) > 5_000_000],
    ['holdings.balance < 0', (client, asOf) => balance(client, asOf) < 0],
    ['holdings.balance <= 1000.5', (client, asOf) => balance(client, asOf) <= 100_050],
    ['tx.count(duration("720h")) >= 5', (client, asOf) => within(client, asOf, since720).length >= 5],
    [
      'tx.count({"kind": "cash", "direction": "debit"}, duration("720h")) > 2',
      (client, asOf) =>
        within(client, asOf, since720).filter((one) => !one.credit && one.operation === 'VYBER').length > 2,
    ],
    [
      'tx.sum("credit", duration("2160h")) > 30000',
      (client, asOf) =>
        sum(
          within(client, asOf, since2160)
            .filter(({ credit }) => credit)
            .map(({ cents }) => cents),
        ) > 3_000_000,
    ],
    [
      'tx.average("debit", duration("2160h")) < 2000',
      (client, asOf) => {
        const debits = within(client, asOf, since2160).filter(({ credit }) => !credit);
        return debits.length > 0 && sum(debits.map(({ cents }) => cents)) / debits.length < 200_000;
      },
    ],
    [
      'party.sex == "female" && (party.age < 30 || holdings.count("loan") > 0) && !(party.region == "Prague")',
      (client, asOf) =>
        client.woman && (age(client, asOf) < 30 || upTo(client.loans, asOf) > 0) && client.region !== 'Prague',
    ],
    [
      '!(tx.count(duration("720h")) > 0) || (holdings.balance > 80000 && holdings.count("card") == 0)',
      (client, asOf) =>
        within(client, asOf, since720).length === 0 ||
        (balance(client, asOf) > 8_000_000 && upTo(client.cards, asOf) === 0),
    ],
    [
      'tx.max("credit", duration("2160h")) >= 20000 && tx.min("debit", duration("2160h")) < 100',
      (client, asOf) => {
        const inside = within(client, asOf, since2160);
        return (
          inside.some(({ credit, cents }) => credit && cents >= 2_000_000) &&
          inside.some(({ credit, cents }) => !credit && cents < 10_000)
        );
      },
    ],
    [
      'tx.distinct("day", {"at_least": 1000}, duration("720h")) >= 4',
      (client, asOf) =>
        new Set(
          within(client, asOf, since720)
            .filter(({ cents }) => cents >= 100_000)
            .map(({ day }) => day),
        ).size >= 4,
    ],
    [
      'tx.trend({"direction": "credit"}, duration("2160h")) <= -0.2',
      (client, asOf) => {
        const was = credited(before(client, asOf));
        return was > 0 && (credited(within(client, asOf, since2160)) - was) / was <= -0.2;
      },
    ],
    [
      'tx.sum("credit", duration("2160h")) / tx.sum("credit", duration("2160h"), duration("2160h")) > 1.5',
      (client, asOf) => {
        const was = credited(before(client, asOf));
        return was > 0 && credited(within(client, asOf, since2160)) / was > 1.5;
      },
    ],
    ['tx.count(duration("2160h"), duration("2160h")) >= 20', (client, asOf) => before(client, asOf).length >= 20],
    [
      'holdings.average_balance(duration("2160h")) > 40000',
      (client, asOf) => averageBalance(client, since2160[asOf] ?? 0, asOf) > 4_000_000,
    ],
    [
      'holdings.balance_trend(duration("2160h")) <= -0.2',
      (client, asOf) => {
        const [from = 0, to = 0] = ago2160[asOf] ?? [];
        const was = averageBalance(client, from, to);
        return was !== 0 && (averageBalance(client, since2160[asOf] ?? 0, asOf) - was) / Math.abs(was) <= -0.2;
      },
    ],
    [
      'sequence.days({"direction": "credit", "at_least": 10000}, {"kind": "cash_withdrawal"}, duration("72h"), duration("2160h")) >= 2',
      (client, asOf) => {
        const inside = within(client, asOf, since2160);
        const first = inside.filter(({ credit, cents }) => credit && cents >= 1_000_000);
        const then = inside.filter(({ operation }) => operation === 'VYBER');
        const followed = first.filter(({ day }) =>
          then.some((one) => one.day > day && dayNumber(one.day) - dayNumber(day) <= 3),
        );
        return new Set(followed.map(({ day }) => day)).size >= 2;
      },
    ],
    [
      'party.tenure >= 365 && holdings.kinds >= 2',
      ({ accounts, loans, cards, orders }, asOf) => {
        const first = Math.min(...[...accounts, ...loans, ...cards].filter((day) => day <= asOf));
        const kinds = [upTo(accounts, asOf), upTo(loans, asOf), upTo(cards, asOf), orders];
        return dayNumber(asOf) - dayNumber(first) >= 365 && kinds.filter((count) => count > 0).length >= 2;
      },
    ],
    [
      'tx.sum("credit", duration("2160h")) > tx.sum("debit", duration("2160h"))',
      (client, asOf) => sum(within(client, asOf, since2160).map(({ credit, cents }) => (credit ? cents : -cents))) > 0,
    ],
  ];

  test.each(rules)('%s', async (text, expected) => {
    for (const asOf of [19940331, 19931231]) {
      const wanted = clients.filter((client) => expected(client, asOf)).length;
      expect({ asOf, count: await count(text, asOf) }).toEqual({ asOf, count: wanted });
    }
    // It says something about this bank on one of the days.
    const said = [19940331, 19931231].map((asOf) => clients.filter((client) => expected(client, asOf)).length);
    expect(Math.max(...said)).toBeGreaterThan(0);
  });

  test('a rule looks only under the organisation path asked for', async () => {
    const wanted = clients.filter(({ districtId, woman }) => districtId === '7' && woman).length;
    expect(wanted).toBeGreaterThan(0);
    expect(await count('party.sex == "F"', 19940331, '/berka/7')).toBe(wanted);
    expect(await count('party.sex == "F"', 19940331, '/berk')).toBe(0);
  });

  describe('the families of segments that come with the service', () => {
    const asOf = 19940331;
    const defaults = (id: string, more: Record<string, string[]> = {}) => {
      const template = templates.find((one) => one.id === id);
      if (!template) throw new Error(`there is no template ${id}`);
      const values = template.parameters.map(({ key, defaults: usual }) => [key, more[key] ?? usual] as const);
      return planOf(template, new Map(values));
    };
    const between = (value: number, cuts: number[]) => cuts.filter((cut) => value >= cut).length;
    let known: string[] | undefined;
    const regions = () => (known ??= [...new Set(clients.map(({ region }) => region))].sort());

    /** By the id of the group of each client, straight from the files. */
    const families: [string, () => Record<string, string[]>, (client: Client) => string][] = [
      [
        'age-bands',
        () => ({}),
        (client) =>
          ['minor', 'young', 'building', 'established', 'senior', 'elder'][
            between(age(client, asOf), [18, 30, 45, 60, 75])
          ] ?? '',
      ],
      ['region', () => ({ regions: regions() }), ({ region }) => `region-${regions().indexOf(region) + 1}`],
      // The files tell nobody's occupation.
      ['occupation', () => ({}), () => 'other'],
      [
        'value-activity',
        () => ({}),
        (client) => {
          const value = ['low', 'medium', 'high'][between(balance(client, asOf) / 100, [10_000, 50_000])];
          return `${value}-${['dormant', 'quiet', 'active'][between(within(client, asOf, since2160).length, [3, 15])]}`;
        },
      ],
    ];

    test.each(families)('%s divides the bank as the files say', async (id, parameters, groupOf) => {
      const plan = defaults(id, parameters());
      const wanted = Map.groupBy(clients, groupOf);
      const found: Record<string, number> = {};
      for (const { title, rule } of groupsOf('family', plan)) found[title.groupId] = await count(rule, asOf);
      const sizes = Object.fromEntries(Object.keys(found).map((group) => [group, wanted.get(group)?.length ?? 0]));
      expect(found).toEqual(sizes);
      expect(sum(Object.values(found))).toBe(clients.length);
      expect([...wanted.keys()].filter((group) => !(group in found))).toEqual([]);
    });

    test('wealth-tiers have fewer customers from tier to tier, and some in all but the highest', async () => {
      const { kind } = defaults('wealth-tiers');
      if (kind?.$case !== 'tiers') throw new Error('these are no tiers');
      const enters = kind.value.tiers.map(({ enterAssets }) => enterAssets ?? 0);
      const sizes: number[] = [];
      for (const enter of enters.slice(1)) {
        const reached = clients.filter((client) => balance(client, asOf) >= enter * 100).length;
        expect(await count(`${kind.value.assets} >= ${enter}`, asOf)).toBe(reached);
        sizes.push(reached);
      }
      expect(sizes.toSorted((a, b) => b - a)).toEqual(sizes);
      expect(sizes[0]).toBeGreaterThan(0);
      expect(clients.length).toBeGreaterThan(sizes[0] ?? 0);
    });
  });
});
