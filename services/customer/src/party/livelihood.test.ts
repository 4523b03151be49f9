import { sql } from '@rapport/kit/db';
import { uuidv7 } from '@rapport/kit/runtime';
import { EducationLevel, type Party, PartyCreated, PartyUpdated, type Person } from '@rapport/proto/customer/v1';
import {
  all,
  as,
  createParty,
  failure,
  importOf,
  operator,
  person,
  type Running,
  startCustomer,
} from '../customer.testkit.js';
import { get, merge, unmerge, update } from '../golden/golden.testkit.js';

const income = (crowns: number, year = 2024) => ({
  perYear: { minorUnits: BigInt(crowns) * 100n, currencyCode: 'CZK' },
  asOf: { year, month: 5, day: 1 },
});
const doctor = {
  occupation: 'ISCO-08: 22.12',
  industry: '86',
  education: EducationLevel.EDUCATION_LEVEL_DOCTORAL,
  income: income(1_200_000),
};
const known = { ...doctor, occupation: '2212', industry: 'Q86' };
const someone = (over: object, beside: object = {}) =>
  person({ details: { $case: 'person', value: { givenName: 'Jana', familyName: 'Nováková', ...over } }, ...beside });
const personIn = (party: Party | undefined) => party?.details?.value as Person;
const prague = (role: string, orgPath = '/berka/prague/1') => as({ sub: `staff/${role}`, roles: [role], orgPath });

let running: Running;
beforeAll(async () => {
  running = await startCustomer();
});
afterAll(() => running.stop());

async function lastEvent<T>(type: string, codec: { decode(bytes: Uint8Array): T }): Promise<T> {
  const [event] = await all<{ payload: Buffer }>(
    running,
    sql`SELECT payload FROM kit.outbox WHERE type = ${`rapport.customer.v1.${type}`} ORDER BY id DESC LIMIT 1`,
  );
  return codec.decode(event?.payload as Buffer);
}

it('keeps what a person does and earns in its proper form, and tells of it in codes', async () => {
  const { name } = await createParty(running, someone(doctor));
  expect(personIn(await get(running, name))).toMatchObject(known);
  const told = { occupation: '2212', industry: 'Q86', education: 9, income: known.income.perYear };
  expect(await lastEvent('PartyCreated', PartyCreated)).toMatchObject(told);
  // One field of the four is changed by its path alone; the amount and its day are one.
  const changed = await update(
    running,
    name,
    { details: { $case: 'person', value: { income: income(900_000, 2025) } } },
    ['person.income'],
  );
  expect(personIn(changed)).toMatchObject({ ...known, income: income(900_000, 2025) });
  const event = await lastEvent('PartyUpdated', PartyUpdated);
  expect(event).toMatchObject({ ...told, income: { minorUnits: 90_000_000n }, changed: ['person.income'] });
  const forgotten = await update(running, name, { details: { $case: 'person', value: {} } }, [
    'person.income',
    'person.occupation',
    'person.education',
  ]);
  expect(personIn(forgotten)).toMatchObject({ occupation: '', education: 0, industry: 'Q86', income: undefined });
  expect((await lastEvent('PartyUpdated', PartyUpdated)).income).toBeUndefined();
});

it.each<[string, object, string]>([
  ['an occupation that there is not', { occupation: '2712' }, 'party.person.occupation'],
  ['an industry that there is not', { industry: 'V01' }, 'party.person.industry'],
  ['an education that there is not', { education: 10 }, 'party.person.education'],
  ['a negative income', { income: income(-1) }, 'party.person.income.per_year'],
  [
    'an income without an amount',
    { income: { asOf: { year: 2024, month: 1, day: 1 } } },
    'party.person.income.per_year',
  ],
  ['an income of a day to come', { income: income(1, 2999) }, 'party.person.income.as_of'],
])('refuses %s', async (_what, over, field) => {
  const request = { party: someone(over), requestId: uuidv7() };
  expect(await failure(running.customer.createParty(request, operator()))).toMatchObject({
    kind: 'invalid',
    fields: [field],
  });
});

it('knows the industry of an organisation, which is no secret', async () => {
  const details = { $case: 'organisation' as const, value: { legalName: 'Pekárna s.r.o.', industry: '10.71' } };
  const { name } = await createParty(running, person({ details }));
  const { party } = await running.customer.getParty({ name }, prague('marketer'));
  expect(party?.details?.value).toMatchObject({ legalName: '', industry: 'C1071' });
  expect(await lastEvent('PartyCreated', PartyCreated)).toMatchObject({ industry: 'C1071', occupation: '' });
});

it('shows none of it to whom a person is masked, and each by a reason', async () => {
  const { name } = await createParty(running, someone(doctor));
  const { party } = await running.customer.getParty({ name }, prague('marketer'));
  const paths = ['occupation', 'industry', 'education', 'income'].map((path) => `person.${path}`);
  expect(personIn(party)).toMatchObject({ occupation: '', industry: '', education: 0, income: undefined });
  expect(party?.masked).toEqual(expect.arrayContaining(paths));
  const shown = await Promise.all(
    paths.map((field) => running.privacy.revealField({ name, field, reason: 1, case: '' }, prague('privacy_officer'))),
  );
  expect(shown.flatMap(({ values }) => values).sort()).toEqual(['1200000.00 CZK', '2212', 'DOCTORAL', 'Q86']);
});

it('takes it from files, refuses rows with other codes, and goes by who heard last', async () => {
  const row = (line: bigint, sourceKey: string, over: object) => ({
    line,
    row: { $case: 'party', value: { sourceKey, party: someone(over) } },
  });
  const rows = [row(1n, 'l/1', doctor), row(2n, 'l/2', { occupation: 'teacher' }), row(3n, 'l/3', { industry: '34' })];
  const { rejects } = await running.customer.import(importOf({}, [rows]), operator());
  expect(rejects.map(({ line, field, reason, originalValue }) => [line, field, reason, originalValue])).toEqual([
    [2n, 'person.occupation', 'VALUE_INVALID', 'teacher'],
    [3n, 'person.industry', 'VALUE_INVALID', '34'],
  ]);
  const [taken] = (await running.customer.listParties({ source: 'berka', sourceKey: 'l/1', ...empty }, operator()))
    .parties;
  const name = taken?.name ?? '';
  const other = await createParty(
    running,
    someone({ occupation: '23', income: income(500_000) }, { source: 'app', sourceKey: 'l/1' }),
  );
  await merge(running, name, other.name);
  // The later record says what it says; of what it does not say the earlier one is believed.
  expect(personIn(await get(running, name))).toMatchObject({ ...known, occupation: '23', income: income(500_000) });
  const { goldenRecord } = await running.golden.getGoldenRecord({ name }, operator());
  const field = goldenRecord?.fields.find(({ path }) => path === 'person.income');
  expect(field).toMatchObject({
    source: 'sources/app',
    rivals: [{ source: 'sources/berka', value: '1200000.00 CZK' }],
  });
  await unmerge(running, other.name);
  expect(personIn(await get(running, name))).toMatchObject(known);
  expect(personIn(await get(running, other.name))).toMatchObject({ occupation: '23', industry: '', education: 0 });
});

it('says that an income has no day, and how a code was written, without judging the name by it', async () => {
  const undated = { ...doctor, income: { perYear: { minorUnits: 5n, currencyCode: 'CZK' } } };
  const { name } = await createParty(running, someone(undated));
  const { quality } = await running.quality.getPartyQuality({ name }, operator());
  const { name: plain } = await createParty(running, someone({}));
  const { quality: without } = await running.quality.getPartyQuality({ name: plain }, operator());
  expect(quality?.score).toBe(without?.score);
  const codes = quality?.issues.map(({ code }) => code) ?? [];
  expect(codes).toContain('income_undated');
});

it('is forgotten with the party: a row that was erased has none of it', async () => {
  const { name } = await createParty(running, someone(doctor));
  const [before] = await all<{ n: number }>(
    running,
    sql`SELECT count(*)::int AS n FROM party WHERE income IS NOT NULL
    AND party_id = ${name.slice('parties/'.length)}::uuid`,
  );
  expect(before?.n).toBe(1);
  const [columns] = await all<{ names: string[] }>(
    running,
    sql`SELECT array_agg(table_name::text) AS names
    FROM information_schema.columns WHERE column_name IN ('income', 'occupation')`,
  );
  // No other table holds a copy that an erasure would have to find.
  expect(new Set(columns?.names)).toEqual(new Set(['party']));
});

const empty = { pageSize: 0, pageToken: '', organisationPath: '', relationshipManager: '', kind: 0, region: '' };
