import { everything } from '@rapport/kit/db';
import { uuidv7 } from '@rapport/kit/runtime';
import { Aggregation } from '@rapport/proto/performance/v1';
import fc from 'fast-check';
import type { Achievement } from '../fact/fact.js';
import { storeFacts } from '../fact/fact.js';
import { achievement, populate, type Started, startPerformance } from '../performance.testkit.js';
import type { StoredKpi } from '../plan/plan.js';
import { computeScore, fingerprint, type Inputs } from './figures.js';

let started: Started;

beforeAll(async () => {
  started = await startPerformance();
  await populate(started);
});
afterAll(() => started.stop());

const people = ['a1', 'b1', 'a2'];
const kinds = [1, 2, 3, 4, 5];
const asOf = new Date('2999-01-01');

class RolledBack extends Error {}

/** What is computed when these facts come in this order, in batches of that size. Leaves nothing behind. */
async function computed(kpis: StoredKpi[], facts: readonly Achievement[], batch: number) {
  const plan = { planId: 'plan', version: 1, startDate: '1994-01-01', endDate: '1994-12-31', unitId: 'berka', kpis };
  const inputs: Inputs = { plan, asOf };
  let result: unknown;
  const work = started.db.transaction(everything, async (tx) => {
    for (let start = 0; start < facts.length; start += batch) {
      await storeFacts(tx, facts.slice(start, start + batch), 'Europe/Prague');
    }
    const scores = [];
    for (const staff of people) scores.push(await computeScore(tx, inputs, `staff/${staff}`));
    result = { scores, ...(await fingerprint(tx, inputs)) };
    throw new RolledBack();
  });
  await expect(work).rejects.toBeInstanceOf(RolledBack);
  return result as { scores: Awaited<ReturnType<typeof computeScore>>[]; fingerprint: string; factCount: bigint };
}

const aFact = fc
  .record({
    staff: fc.constantFrom(...people, 'unknown'),
    kind: fc.constantFrom(...kinds),
    value: fc.oneof(fc.bigInt({ min: 0n, max: 5_000n }), fc.bigInt({ min: 0n, max: 10n ** 12n })),
    month: fc.integer({ min: 1, max: 12 }),
    year: fc.constantFrom(1994, 1994, 1994, 1995),
  })
  .map(({ staff, kind, value, month, year }) => achievement(staff, { kind, value, occurred: { year, month, day: 5 } }));

const someKpis = fc
  .array(
    fc.record({
      factKind: fc.constantFrom(...kinds),
      aggregation: fc.constantFrom(1, 2, 3),
      target: fc.oneof(fc.integer({ min: 1, max: 9_000 }), fc.integer({ min: 1, max: 10 ** 12 })),
      cap: fc.integer({ min: 1, max: 1_000 }),
    }),
    { minLength: 1, maxLength: 4 },
  )
  .map((all) => {
    const share = Math.floor(10_000 / all.length);
    return all.map((one, index) => ({
      ...one,
      id: `k${index}`,
      weight: index === 0 ? 10_000 - share * (all.length - 1) : share,
    }));
  });

/** The contract's formula, written down a second time. */
function expected(kpis: StoredKpi[], facts: readonly Achievement[], staff: string) {
  const largest = 2n ** 63n - 1n;
  const of = (kpi: StoredKpi) =>
    facts.filter(
      (fact) =>
        fact.staff === `staff/${staff}` &&
        fact.kind === (kpi.factKind as number) &&
        'year' in fact.occurred &&
        fact.occurred.year === 1994,
    );
  const rows = kpis.map((kpi) => {
    const counted = of(kpi);
    const sum = counted.reduce((total, fact) => total + fact.value, 0n);
    const count = BigInt(counted.length);
    const average = count === 0n ? 0n : sum / count;
    const actual =
      { [Aggregation.AGGREGATION_COUNT]: count * 1_000n, [Aggregation.AGGREGATION_SUM]: sum }[kpi.aggregation] ??
      average;
    const exact = (actual * 1_000_000n) / BigInt(kpi.target);
    const attainment = exact > largest ? largest : exact;
    const cap = BigInt(kpi.cap) * 10_000n;
    const points = (BigInt(kpi.weight) * (attainment < cap ? attainment : cap)) / 10_000n;
    return { count, actual, attainment, points };
  });
  const total = rows.reduce((sum, row) => sum + row.points, 0n);
  const texts = (key: 'count' | 'actual' | 'attainment' | 'points') => rows.map((row) => row[key].toString());
  return {
    total,
    factCounts: texts('count'),
    actuals: texts('actual'),
    attainments: texts('attainment'),
    points: texts('points'),
  };
}

test('scores follow the formula of the contract, and neither order nor batches of the facts change anything', async () => {
  const example = fc.tuple(
    someKpis,
    fc.array(aFact, { maxLength: 25 }),
    fc.infiniteStream(fc.nat()),
    fc.integer({ min: 1, max: 9 }),
  );
  const property = fc.asyncProperty(example, async ([kpis, facts, random, batch]) => {
    const shuffled = facts
      .map((fact) => ({ fact, place: random.next().value as number }))
      .sort((one, other) => one.place - other.place)
      .map(({ fact }) => fact);
    const one = await computed(kpis, facts, 1_000);
    const other = await computed(kpis, shuffled, batch);
    expect(other).toEqual(one);
    for (const [index, staff] of people.entries()) {
      const row = one.scores[index];
      const text = (list?: (string | bigint)[]) => list?.map(String);
      expect({
        total: row?.total,
        factCounts: text(row?.factCounts),
        actuals: text(row?.actuals),
        attainments: text(row?.attainments),
        points: text(row?.points),
      }).toEqual(expected(kpis, facts, staff));
    }
  });
  await fc.assert(property, { numRuns: 60 });
}, 60_000);

test('the fingerprint tells any difference in what went in', async () => {
  const kpis = [{ id: 'k', factKind: 5, aggregation: 1, weight: 10_000, target: 1_000, cap: 100 }];
  const fact = achievement('a1');
  const base = await computed(kpis, [fact], 1);
  const others = [
    await computed(kpis, [], 1),
    await computed(kpis, [{ ...fact, value: 999n }], 1),
    await computed(kpis, [{ ...fact, staff: 'staff/b1' }], 1),
    await computed(kpis, [{ ...fact, eventId: uuidv7() }], 1),
    await computed(kpis, [{ ...fact, occurred: { year: 1994, month: 3, day: 2 } }], 1),
    await computed([{ id: 'k', factKind: 5, aggregation: 1, weight: 10_000, target: 1_001, cap: 100 }], [fact], 1),
  ];
  expect(new Set([base, ...others].map((one) => one.fingerprint)).size).toBe(7);
});
