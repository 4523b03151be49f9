import { uuidv7 } from '@rapport/kit/runtime';
import { type Party, Preferences } from '@rapport/proto/customer/v1';
import { Channel } from '@rapport/proto/type/v1';
import { serviceToken } from '@rapport/test/kit';
import {
  allRoles,
  as,
  counts,
  createParty,
  failure,
  operator,
  person,
  type Running,
  startCustomer,
} from '../customer.testkit.js';

let running: Running;
let party: Party;
let brno: Party;

const wish = (over: object = {}) =>
  Preferences.fromPartial({
    channel: Channel.CHANNEL_EMAIL,
    contactWindows: [{ days: [1, 2], start: '09:00', end: '17:30' }],
    topics: ['funds'],
    ...over,
  });
const set = (preferences: Preferences, options = operator(), requestId = uuidv7(), parent = party.name) =>
  running.households.setPreferences({ parent, preferences, requestId }, options);
const get = (parent = party.name, options = operator()) => running.households.getPreferences({ parent }, options);

beforeAll(async () => {
  running = await startCustomer();
  party = await createParty(running, person({ relationshipManager: 'staff/rm1' }));
  brno = await createParty(running, person({ organisationPath: '/berka/brno/2' }));
});
afterAll(() => running.stop());

describe('preferences', () => {
  it('are empty until something is said, then what was said last', async () => {
    expect((await get()).preferences).toEqual(Preferences.fromPartial({}));
    const requestId = uuidv7();
    const { preferences: first } = await set(wish(), operator(), requestId);
    expect(first).toMatchObject({ channel: Channel.CHANNEL_EMAIL, topics: ['funds'] });
    expect((await set(wish(), operator(), requestId)).preferences).toEqual(first);
    const { preferences: second } = await set(wish({ topics: [], etag: first?.etag }));
    expect((await get()).preferences).toEqual(second);
    expect(await failure(set(wish({ etag: first?.etag })))).toMatchObject({ reason: 'ETAG_MISMATCH' });
    expect((await get(brno.name)).preferences).toEqual(Preferences.fromPartial({}));
  });

  it('are told to whoever sends', async () => {
    await set(wish());
    const request = { parties: [party.name, brno.name], channel: Channel.CHANNEL_EMAIL, purpose: 'marketing' };
    const { contactabilities } = await running.customer.batchGetContactability(request, {
      token: serviceToken('marketing'),
    });
    expect(contactabilities.map(({ preferredChannel, contactWindows }) => [preferredChannel, contactWindows])).toEqual([
      [Channel.CHANNEL_EMAIL, [{ days: [1, 2], start: '09:00', end: '17:30' }]],
      [Channel.CHANNEL_UNSPECIFIED, []],
    ]);
  });

  it('are refused when they are none, and outside of the scope', async () => {
    const before = await counts(running);
    const backwards = wish({ contactWindows: [{ days: [], start: '17:00', end: '09:00' }] });
    expect(await failure(set(backwards))).toEqual({
      kind: 'invalid',
      reason: 'PREFERENCES_INVALID',
      fields: ['preferences.contact_windows[0].end'],
    });
    for (const over of [
      { contactWindows: [{ days: [], start: '9:00', end: '10:00' }] },
      { contactWindows: [{ days: [8], start: '09:00', end: '10:00' }] },
      { topics: ['Not a code'] },
      { topics: ['twice', 'twice'] },
      { channel: 99 },
    ])
      expect(await failure(set(wish(over)))).toMatchObject({ kind: 'invalid', reason: 'REQUEST_INVALID' });
    const options = as({ sub: 'bruno', roles: ['branch_manager'], orgPath: '/berka/prague' });
    expect(await failure(get(brno.name, options))).toMatchObject({ reason: 'PARTY_NOT_FOUND' });
    expect(await failure(set(wish(), options, uuidv7(), brno.name))).toMatchObject({ reason: 'PARTY_NOT_FOUND' });
    expect(await counts(running)).toEqual(before);
  });

  it.each(allRoles)('who may: %s', async (role) => {
    const options = as({ sub: 'staff/rm1', roles: [role], orgPath: '/berka' });
    const readers = [
      'data_steward',
      'relationship_manager',
      'call_centre_agent',
      'branch_manager',
      'auditor',
      'operator',
    ];
    const writers = readers.filter((reader) => reader !== 'auditor');
    expect((await failure(get(party.name, options))).kind).toBe(readers.includes(role) ? 'ok' : 'denied');
    const backwards = wish({ contactWindows: [{ days: [], start: '17:00', end: '09:00' }] });
    expect((await failure(set(backwards, options))).kind).toBe(writers.includes(role) ? 'invalid' : 'denied');
  });
});
