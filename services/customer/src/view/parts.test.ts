import { uuidv7 } from '@rapport/kit/runtime';
import {
  CreateHouseholdRequest,
  CreateRelationshipRequest,
  CustomerViewPart as Part,
  ListRelationshipsRequest,
  type Party,
  RelationshipKind,
  SetPreferencesRequest,
} from '@rapport/proto/customer/v1';
import { all, as, createParty, failure, operator, person, type Running, startCustomer } from '../customer.testkit.js';
import { sql } from '@rapport/kit/db';

let running: Running;
let jana: Party;
let petr: Party;
const both = [Part.CUSTOMER_VIEW_PART_GOLDEN_RECORD, Part.CUSTOMER_VIEW_PART_HOUSEHOLDS];
const served = [Part.CUSTOMER_VIEW_PART_PREFERENCES, Part.CUSTOMER_VIEW_PART_RELATIONSHIPS];

beforeAll(async () => {
  running = await startCustomer();
  const place = { organisationPath: '/berka/prague/1', relationshipManager: 'staff/rm1' };
  jana = await createParty(running, person({ ...place, source: 'core', sourceKey: 'c/1' }));
  petr = await createParty(running, person({ ...place, source: 'core', sourceKey: 'c/2' }));
  const request = CreateHouseholdRequest.fromPartial({
    household: {
      kind: 1,
      members: [
        { party: jana.name, role: 1 },
        { party: petr.name, role: 2 },
      ],
    },
    requestId: uuidv7(),
  });
  await running.households.createHousehold(request, operator());
}, 60_000);
afterAll(() => running.stop());

const view = async (parts: Part[], options = operator()) =>
  (await running.customer.getCustomerView({ name: jana.name, timelineSize: 1, parts }, options)).view;

it('gives provenance and households where they are asked for, as the methods that give them alone', async () => {
  const plain = await view([]);
  expect([plain?.goldenRecord, plain?.households]).toEqual([undefined, undefined]);
  const whole = await view(both);
  const { goldenRecord } = await running.golden.getGoldenRecord({ name: jana.name }, operator());
  expect(whole?.goldenRecord?.goldenRecord).toEqual({ ...goldenRecord, party: undefined });
  expect(goldenRecord?.fields.length).toBeGreaterThan(3);
  const { households } = await running.households.listHouseholds({ parent: jana.name }, operator());
  expect(whole?.households?.households).toEqual(households);
  expect(households[0]?.members).toHaveLength(2);
  for (const part of [whole?.goldenRecord, whole?.households])
    expect(Math.abs(Number(part?.asOf) - Date.now())).toBeLessThan(60_000);
  expect((await view([Part.CUSTOMER_VIEW_PART_HOUSEHOLDS]))?.goldenRecord).toBeUndefined();
  expect({ ...whole, goldenRecord: undefined, households: undefined }).toMatchObject({ party: plain?.party });
});

it('gives preferences and relationships likewise', async () => {
  const plain = await view([]);
  expect([plain?.preferences, plain?.relationships]).toEqual([undefined, undefined]);
  expect(await view(served)).toMatchObject({
    preferences: { preferences: { etag: '' } },
    relationships: { more: false },
  });
  const preferences = { channel: 1, contactWindows: [], topics: ['savings'], etag: '' };
  const wish = SetPreferencesRequest.fromPartial({ parent: jana.name, preferences, requestId: uuidv7() });
  await running.households.setPreferences(wish, operator());
  const spouses = { fromParty: jana.name, toParty: petr.name, kind: RelationshipKind.RELATIONSHIP_KIND_SPOUSE_OF };
  const made = CreateRelationshipRequest.fromPartial({ parent: jana.name, relationship: spouses, requestId: uuidv7() });
  await running.households.createRelationship(made, operator());
  const given = await view(served);
  expect(given?.preferences?.preferences).toEqual(
    (await running.households.getPreferences({ parent: jana.name }, operator())).preferences,
  );
  expect(given?.preferences?.preferences?.topics).toEqual(['savings']);
  const list = ListRelationshipsRequest.fromPartial({ parent: jana.name });
  const { relationships } = await running.households.listRelationships(list, operator());
  expect(relationships).toHaveLength(1);
  expect(given?.relationships?.relationships).toEqual(relationships);
});

it('leaves out what the caller could not ask for alone', async () => {
  const agent = as({ sub: 'staff/carl', roles: ['call_centre_agent'], orgPath: '/berka' });
  const seen = await view(both, agent);
  expect(seen?.party?.party?.displayName).toBe('Jana Nováková');
  expect(seen?.goldenRecord).toBeUndefined();
  expect(seen?.households?.households).toHaveLength(1);
  const own = await view(both, as({ sub: 'staff/rm1', roles: ['relationship_manager'], orgPath: '/berka/prague/1' }));
  expect(own?.goldenRecord?.goldenRecord?.fields.length).toBeGreaterThan(3);
  const elsewhere = as({ sub: 'staff/carl', roles: ['call_centre_agent'], orgPath: '/berka/brno' });
  expect(await failure(view(both, elsewhere))).toMatchObject({ reason: 'PARTY_NOT_FOUND' });
});

it('refuses parts that there are not, and audits the households that were shown', async () => {
  for (const parts of [[0], [99], [1, 1]])
    expect(await failure(view(parts))).toMatchObject({ reason: 'REQUEST_INVALID' });
  const read = sql`SELECT count(*)::int AS count FROM kit.audit WHERE action LIKE '%GetCustomerView'
    AND resource = ${`${jana.name}/households`}`;
  const [before] = await all<{ count: number }>(running, read);
  await view([]);
  await view(both);
  const [after] = await all<{ count: number }>(running, read);
  expect((after?.count ?? 0) - (before?.count ?? 0)).toBe(1);
});
