import { sql } from '@rapport/kit/db';
import { RelationshipKind as K } from '@rapport/proto/customer/v1';
import { all, importOf, operator, person, type Running, startCustomer } from '../customer.testkit.js';
import { merge } from '../golden/golden.testkit.js';

let running: Running;
beforeEach(async () => {
  running = await startCustomer();
  const rows = [
    ...['anna', 'boris', 'cyril'].map((sourceKey) => ({ sourceKey, party: person({ contactPoints: [] }) })),
    ...['works', 'bank'].map((sourceKey) => ({
      sourceKey,
      party: person({ details: { $case: 'organisation', value: { legalName: sourceKey } }, contactPoints: [] }),
    })),
  ];
  await send(...rows.map((value) => ({ $case: 'party' as const, value })));
});
afterEach(() => running.stop());

const send = (...rows: object[]) =>
  running.customer.import(importOf({}, [rows.map((row, index) => ({ line: BigInt(index + 1), row }))]), operator());
const stands = (party: string, kind: K, other: string, over: object = {}) => ({
  $case: 'relationship' as const,
  value: { partySourceKey: party, otherPartySourceKey: other, relationship: { kind, ...over } },
});
const day = (text: string) => {
  const [year = 0, month = 0, dayOfMonth = 0] = text.split('-').map(Number);
  return { year, month, day: dayOfMonth };
};
const counted = async (...rows: object[]) => {
  const { import: made, rejects } = await send(...rows);
  const found = made?.counts.find(({ kind }) => kind === 21);
  return {
    made: [found?.created, found?.updated, found?.unchanged, found?.rejected].map(Number),
    rejects: rejects.map(({ line, field, reason }) => `${line} ${field} ${reason}`),
  };
};
const nameOf = async (key: string): Promise<string> => {
  const [row] = await all<{ id: string }>(running, sql`SELECT party_id AS id FROM party WHERE source_key = ${key}`);
  return `parties/${row?.id}`;
};
const listed = async (key: string, history = false) => {
  const request = { parent: await nameOf(key), pageSize: 0, pageToken: '', history };
  return (await running.households.listRelationships(request, operator())).relationships;
};

it('rows of relationships are kept with both parties, changed and ended by later rows, and repeat without effect', async () => {
  const employed = stands('anna', K.RELATIONSHIP_KIND_EMPLOYEE_OF, 'works', { startDate: day('2020-01-31') });
  const owner = stands('anna', K.RELATIONSHIP_KIND_OWNER_OF, 'works', { share: 2500, evidence: 'register' });
  const married = stands('anna', K.RELATIONSHIP_KIND_SPOUSE_OF, 'boris');
  expect(await counted(employed, owner, married)).toEqual({ made: [3, 0, 0, 0], rejects: [] });
  const back = stands('boris', K.RELATIONSHIP_KIND_SPOUSE_OF, 'anna');
  expect(await counted(employed, owner, married, back)).toMatchObject({ made: [0, 0, 4, 0] });
  const [first, second] = [await listed('anna'), await listed('works')];
  expect(first).toHaveLength(3);
  expect(second.map(({ kind, fromParty }) => [kind, fromParty])).toEqual([
    [K.RELATIONSHIP_KIND_EMPLOYEE_OF, await nameOf('anna')],
    [K.RELATIONSHIP_KIND_OWNER_OF, await nameOf('anna')],
  ]);
  const more = stands('anna', K.RELATIONSHIP_KIND_OWNER_OF, 'works', { share: 4000 });
  const left = stands('anna', K.RELATIONSHIP_KIND_EMPLOYEE_OF, 'works', {
    ...{ startDate: day('2020-01-31'), endDate: day('2024-06-30') },
  });
  expect(await counted(more, left)).toMatchObject({ made: [0, 2, 0, 0] });
  expect(await counted(more, left)).toMatchObject({ made: [0, 0, 2, 0] });
  expect((await listed('works')).map(({ share, evidence }) => [share, evidence])).toEqual([[4000, 'register']]);
  // Hired again: what ended stays as it was.
  const again = stands('anna', K.RELATIONSHIP_KIND_EMPLOYEE_OF, 'works', { startDate: day('2025-03-01') });
  expect(await counted(again)).toMatchObject({ made: [1, 0, 0, 0] });
  expect(await listed('anna', true)).toHaveLength(4);
});

it('rows that cannot be are refused, and stop nothing else', async () => {
  const answer = await counted(
    stands('anna', K.RELATIONSHIP_KIND_OWNER_OF, 'works', { share: 6000 }),
    stands('boris', K.RELATIONSHIP_KIND_OWNER_OF, 'works', { share: 4001 }),
    stands('works', K.RELATIONSHIP_KIND_EMPLOYEE_OF, 'bank'),
    stands('anna', K.RELATIONSHIP_KIND_DIRECTOR_OF, 'boris'),
    stands('nobody', K.RELATIONSHIP_KIND_SPOUSE_OF, 'boris'),
    stands('anna', K.RELATIONSHIP_KIND_SPOUSE_OF, 'nobody'),
    stands('anna', K.RELATIONSHIP_KIND_SPOUSE_OF, 'anna'),
    stands('anna', K.RELATIONSHIP_KIND_SPOUSE_OF, 'boris', { share: 5 }),
    stands('anna', K.RELATIONSHIP_KIND_UNSPECIFIED, 'boris'),
    stands('anna', K.RELATIONSHIP_KIND_EMPLOYEE_OF, 'bank', { startDate: day('2024-02-30') }),
    stands('anna', K.RELATIONSHIP_KIND_GUARANTOR_OF, 'cyril'),
  );
  expect(answer.made).toEqual([2, 0, 0, 9]);
  expect(answer.rejects.sort()).toEqual([
    '10 start_date RELATIONSHIP_INVALID',
    '2 share SHARES_EXCEEDED',
    '3 party_source_key RELATIONSHIP_INVALID',
    '4 other_party_source_key RELATIONSHIP_INVALID',
    '5 party_source_key REFERENCE_UNKNOWN',
    '6 other_party_source_key REFERENCE_UNKNOWN',
    '7 other_party_source_key RELATIONSHIP_INVALID',
    '8 share RELATIONSHIP_INVALID',
    '9 kind VALUE_INVALID',
  ]);
});

it('rows know a relationship under whichever of two merged records it was made', async () => {
  await counted(stands('anna', K.RELATIONSHIP_KIND_GUARANTOR_OF, 'cyril'));
  await merge(running, await nameOf('anna'), await nameOf('boris'));
  expect(await counted(stands('boris', K.RELATIONSHIP_KIND_GUARANTOR_OF, 'cyril'))).toMatchObject({
    made: [0, 0, 1, 0],
  });
  expect(await listed('cyril')).toHaveLength(1);
});
