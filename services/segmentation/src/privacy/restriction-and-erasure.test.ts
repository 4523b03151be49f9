import { sql } from '@rapport/kit/db';
import { uuidv7 } from '@rapport/kit/runtime';
import {
  PartyErasureRequested,
  PartyKind,
  PartyState,
  PartyUpdated,
  Sex,
  HoldingKind,
} from '@rapport/proto/customer/v1';
import { PartyErased } from '@rapport/proto/segmentation/v1';
import { openSuite, type Suite } from '../segmentation.testkit.js';
import { personalData } from './personal-data.js';

let suite: Suite;
beforeAll(async () => {
  suite = await openSuite();
}, 60_000);
afterAll(() => suite.close());

const segment = 'women-of-the-north';
const members = async (): Promise<string[]> =>
  (await suite.deps.db.system.rows<{ id: string }>(sql`SELECT party_id AS id FROM membership ORDER BY 1`)).map(
    ({ id }) => `parties/${id}`,
  );
const tell = (party: string, state: PartyState) =>
  suite.customer.send(
    PartyUpdated,
    PartyUpdated.fromPartial({
      party,
      organisationPath: '/demo',
      kind: PartyKind.PARTY_KIND_PERSON,
      sex: Sex.SEX_FEMALE,
      birthDate: { year: 1980, month: 1, day: 1 },
      region: 'north',
      state,
    }),
    party.slice(8),
  );

test('a restricted party is in no segment until it may be used again; an erased one leaves nothing', async () => {
  const [jana, eva] = [await suite.customer.person({}), await suite.customer.person({})];
  const account = await suite.customer.holding(jana, HoldingKind.HOLDING_KIND_ACCOUNT, { also: [eva] });
  const marketer = suite.as(['marketer'], '/');
  const rule = 'party.sex == "female"';
  await marketer.createSegment({
    segmentId: segment,
    title: segment,
    organisationPath: '/demo',
    rule,
    asOf: undefined,
    requestId: uuidv7(),
  });
  await suite.settled();
  await suite.publish(`segments/${segment}@1`);
  expect(await members()).toEqual([jana, eva].sort());
  await tell(jana, PartyState.PARTY_STATE_RESTRICTED);
  await suite.settled();
  expect(await members()).toEqual([eva]);
  await marketer.evaluateSegment({ name: `segments/${segment}@1`, requestId: uuidv7() });
  expect(await members()).toEqual([eva]);
  await tell(jana, PartyState.PARTY_STATE_ACTIVE);
  await suite.settled();
  expect(await members()).toEqual([jana, eva].sort());

  const id = jana.slice(8);
  const request = `dataSubjectRequests/${uuidv7()}`;
  const event = PartyErasureRequested.fromPartial({
    party: jana,
    dataSubjectRequest: request,
    organisationPath: '/demo',
  });
  await suite.customer.send(PartyErasureRequested, event, id);
  const answered = async () =>
    suite.deps.db.system.rows<{ payload: Buffer }>(
      sql`SELECT payload FROM kit.outbox WHERE type = ${PartyErased.$type}`,
    );
  for (let tries = 0; (await answered()).length === 0 && tries < 500; tries += 1)
    await new Promise((resolve) => setTimeout(resolve, 50));
  const [receipt] = (await answered()).map(({ payload }) => PartyErased.decode(payload));
  expect(receipt).toMatchObject({
    party: jana,
    dataSubjectRequest: request,
    counts: { membership: 1n, fact_holding: 1n },
  });
  // What is delivered again, and what the other owner of the account brings, does not bring it back.
  await tell(jana, PartyState.PARTY_STATE_ACTIVE);
  await suite.customer.booking(account, { parties: [eva, jana], day: 20260301, cents: 100n });
  await suite.settled();
  expect(await members()).toEqual([eva]);
  const left: string[] = [];
  for await (const { collection } of personalData(suite.deps)([id]))
    if (collection.startsWith('fact_')) left.push(collection);
  expect(left).toEqual([]);
});
