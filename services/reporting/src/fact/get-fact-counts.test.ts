import { CaseOpened } from '@rapport/proto/cases/v1';
import { PartyCreated } from '@rapport/proto/customer/v1';
import { admitted, analyst, booked, failureOf, happened, type Running, startReporting } from '../reporting.testkit.js';
import { factKinds } from './fact.js';
import { recordFacts } from './record-facts.js';

let running: Running;

beforeAll(async () => {
  running = await startReporting();
});
afterAll(() => running.stop());

async function counts(organisationPath: string, orgPath = '/'): Promise<Record<string, bigint>> {
  const answer = await running.reporting.getFactCounts({ organisationPath }, analyst(orgPath));
  expect(answer.counts.map(({ fact }) => fact)).toEqual([...factKinds]);
  return Object.fromEntries(answer.counts.filter(({ count }) => count > 0n).map(({ fact, count }) => [fact, count]));
}

test('tells every kind, also while nothing is stored', async () => {
  expect(await counts('')).toEqual({});
  expect((await running.reporting.getFactCounts({ organisationPath: '' }, analyst())).asOf).toBeUndefined();
});

test('counts each event once, under the path and inside of what the caller may see', async () => {
  const events = [
    ...Array.from({ length: 30 }, () => booked({ day: '1994-03-01', path: '/berka/prague' })),
    ...Array.from({ length: 5 }, () => booked({ day: '1994-03-01', path: '/demo' })),
    happened(PartyCreated, { organisationPath: '/berka' }),
    happened(CaseOpened, { organisationPath: '/berka/prague-2' }),
  ];
  await recordFacts(running.deps, events);
  await recordFacts(running.deps, [...events].reverse());
  expect(await counts('')).toEqual({ transactions: 35n, parties: 1n, cases_opened: 1n });
  expect(await counts('/berka')).toEqual({ transactions: 30n, parties: 1n, cases_opened: 1n });
  expect(await counts('/berka/prague')).toEqual({ transactions: 30n });
  expect(await counts('', '/demo')).toEqual({ transactions: 5n });
  expect(await counts('/demo', '/berka')).toEqual({});
  const { asOf } = await running.reporting.getFactCounts({ organisationPath: '' }, analyst());
  expect(asOf).toEqual(new Date('2026-03-01T12:00:00Z'));
});

test('is for those who watch over the data', async () => {
  const roles = await admitted((options) => running.reporting.getFactCounts({ organisationPath: '' }, options));
  expect(roles).toEqual(['auditor', 'analyst', 'administrator', 'operator']);
});

test.each(['berka', '/berka/', `/${'x'.repeat(200)}`, '/Berka'])('refuses the path %s', async (organisationPath) => {
  const failure = await failureOf(running.reporting.getFactCounts({ organisationPath }, analyst()));
  expect(failure).toMatchObject({ kind: 'invalid', reason: 'REQUEST_INVALID' });
  expect([...new Set(failure.violations.map(({ field }) => field))]).toEqual(['organisation_path']);
});
