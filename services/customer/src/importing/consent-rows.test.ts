import { uuidv7 } from '@rapport/kit/runtime';
import { DataSubjectRequestKind as Kind } from '@rapport/proto/customer/v1';
import { createParty, importOf, operator, person, type Running, startCustomer } from '../customer.testkit.js';
import { rightsAt } from '../privacy/privacy.testkit.js';

let now = new Date('2026-03-01T08:00:00Z');
let running: Running;
beforeAll(async () => {
  running = await startCustomer({ now: () => now });
});
afterAll(() => running.stop());
const { open, decide } = rightsAt(() => running);

it('a source that states each night what it has on file undoes no objection; a grant that was given later does', async () => {
  const jana = await createParty(running, person({ source: 'berka', sourceKey: 'client/consent' }));
  const grant = async (effectiveTime?: Date) => {
    const consent = { purpose: 'marketing', channel: 1, state: 1, textVersion: '1', effectiveTime };
    const row = { $case: 'consent', value: { partySourceKey: 'client/consent', consent } };
    now = new Date(now.getTime() + 3_600_000);
    const { import: done, rejects } = await running.customer.import(
      importOf({ importId: uuidv7() }, [[{ line: 1n, row }]]),
      operator(),
    );
    return { ...done?.counts[0], rejects };
  };
  const state = async () => {
    const asked = { parent: jana.name, pageSize: 0, pageToken: '', history: false };
    const { consents } = await running.customer.listConsents(asked, operator());
    return consents.find(({ channel }) => channel === 1)?.state;
  };
  expect(await grant()).toMatchObject({ created: 1n });
  expect(await grant()).toMatchObject({ unchanged: 1n });
  expect(await state()).toBe(1);
  now = new Date(now.getTime() + 3_600_000);
  const given = new Date(now.getTime() - 86_400_000);
  await decide((await open(jana, Kind.DATA_SUBJECT_REQUEST_KIND_OBJECTION)).name);
  expect(await state()).toBe(2);
  expect(await grant()).toMatchObject({
    rejected: 1n,
    rejects: [{ field: 'effective_time', reason: 'EFFECTIVE_TIME_MISSING' }],
  });
  // An older grant is kept in the ledger and changes nothing.
  expect(await grant(given)).toMatchObject({ created: 1n });
  expect(await state()).toBe(2);
  expect(await grant(now)).toMatchObject({ created: 1n });
  expect(await state()).toBe(1);
});
