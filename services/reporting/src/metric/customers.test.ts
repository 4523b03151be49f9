import { PartyCreated, PartyMerged, PartyUnmerged } from '@rapport/proto/customer/v1';
import { Grain } from '@rapport/proto/reporting/v1';
import fc from 'fast-check';
import { storeFacts } from '../fact/fact.js';
import { type FactEvent, factOf } from '../fact/read-events.js';
import { analyst, happened, query, type Running, startReporting } from '../reporting.testkit.js';

let running: Running;
beforeAll(async () => {
  running = await startReporting();
});
afterAll(() => running.stop());

const day = (number: number) => new Date(Date.UTC(2026, 2, number, 12));
const store = (events: readonly FactEvent[]) =>
  storeFacts(
    running.analytics,
    events.map((event) => factOf(event, 'Europe/Prague')),
  );
const created = (path: string, on = 1) =>
  happened(PartyCreated, { organisationPath: path, createTime: day(on) }, { organisationPath: path });
const merged = (from: string, into: string, on: number) =>
  happened(PartyMerged, {
    merged: ['parties/a', 'parties/b'],
    organisationPath: into,
    mergedOrganisationPath: from,
    mergeTime: day(on),
  });
const unmerged = (path: string, on: number) =>
  happened(PartyUnmerged, { restored: ['parties/a'], organisationPath: path, unmergeTime: day(on) });

/** Customers by path, as somebody at a place sees them. */
async function customers(at: string, more: Parameters<typeof query>[0] = {}) {
  const asked = query({ metrics: ['metrics/customers'], dimensions: ['organisation_path'], ...more });
  const { rows } = await running.reporting.queryMetric(asked, analyst(at));
  return Object.fromEntries(rows.map(({ dimensionValues, values }) => [dimensionValues[0], values[0]?.value]));
}

test('a merge takes one customer away where the merged party belongs, and an unmerge gives it back', async () => {
  const [prague, brno] = ['/one/prague', '/one/brno'];
  const merge = merged(brno, prague, 3);
  await store([created(prague), created(prague, 2), created(brno, 2), created('/other')]);
  expect(await customers('/one')).toEqual({ [prague]: 2, [brno]: 1 });
  await store([merge]);
  expect(await customers('/one')).toEqual({ [prague]: 2, [brno]: 0 });
  // Told again, and seen from one of the two places.
  await store([merge]);
  expect(await customers(brno)).toEqual({ [brno]: 0 });
  const unmerge = unmerged(brno, 5);
  await store([unmerge, unmerge, merge]);
  expect(await customers('/one')).toEqual({ [prague]: 2, [brno]: 1 });
  const grained = query({ metrics: ['metrics/customers', 'metrics/parties'], grain: Grain.GRAIN_DAY });
  const { rows } = await running.reporting.queryMetric(grained, analyst('/one'));
  expect(rows.map(({ periodStart, values }) => [periodStart?.day, ...values.map(({ value }) => value)])).toEqual([
    [1, 1, 1],
    [2, 2, 2],
    [3, -1, 0],
    [5, 1, 0],
  ]);
});

test('counts golden records after any merges and unmerges, in whichever order they are heard', async () => {
  let bank = 0;
  const step = fc.record({ a: fc.nat(5), b: fc.nat(5), back: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat(2), { minLength: 6, maxLength: 6 }),
      fc.array(step, { maxLength: 12 }),
      fc.infiniteStream(fc.nat(1000)),
      async (places, steps, luck) => {
        bank += 1;
        const path = places.map((place) => `/law${bank}/${place}`);
        const parent: (number | undefined)[] = path.map(() => undefined);
        const root = (one: number): number => (parent[one] === undefined ? one : root(parent[one]));
        const events = path.map((place) => created(place));
        for (const { a, b, back } of steps) {
          if (back && parent[a] !== undefined) {
            parent[a] = undefined;
            events.push(unmerged(path[a] ?? '', 4));
          } else if (!back && root(a) !== root(b)) {
            events.push(merged(path[root(a)] ?? '', path[root(b)] ?? '', 3));
            parent[root(a)] = root(b);
          }
        }
        const shuffled = events.map((event) => ({ event, at: luck.next().value as number }));
        await store(shuffled.sort((x, y) => x.at - y.at).map(({ event }) => event));
        const expected: Record<string, number> = {};
        path.forEach((place, index) => {
          expected[place] = (expected[place] ?? 0) + (parent[index] === undefined ? 1 : 0);
        });
        expect(await customers(`/law${bank}`)).toEqual(expected);
      },
    ),
    { numRuns: 15 },
  );
});
