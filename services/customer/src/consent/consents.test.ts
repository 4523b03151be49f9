import { sql } from '@rapport/kit/db';
import { uuidv7 } from '@rapport/kit/runtime';
import { Consent, ConsentChanged, ConsentState, type Party } from '@rapport/proto/customer/v1';
import { Channel } from '@rapport/proto/type/v1';
import { serviceToken } from '@rapport/test/kit';
import {
  all,
  allRoles,
  as,
  counts,
  createParty,
  eventTypes,
  failure,
  operator,
  person,
  type Running,
  startCustomer,
} from '../customer.testkit.js';
import { addressFor } from './batch-get-contactability.js';

let running: Running;
let jana: Party;
let brno: Party;

beforeAll(async () => {
  running = await startCustomer();
  jana = await createParty(
    running,
    person({ relationshipManager: 'staff/rm1', timeZone: 'Asia/Shanghai', language: 'cs' }),
  );
  brno = await createParty(running, person({ organisationPath: '/berka/brno/2', contactPoints: [] }));
});
afterAll(() => running.stop());

function consent(over: object = {}): Consent {
  return Consent.fromPartial({
    purpose: 'marketing',
    channel: Channel.CHANNEL_EMAIL,
    state: 1,
    textVersion: '2026-01',
    ...over,
  });
}
const set = (wish: Consent | undefined, options = operator(), requestId = uuidv7(), parent = jana.name) =>
  running.customer.setConsent({ parent, consent: wish, requestId }, options);
const list = (options = operator(), over: object = {}) =>
  running.customer.listConsents({ parent: jana.name, pageSize: 0, pageToken: '', history: false, ...over }, options);
const states = async (history: boolean) => (await list(operator(), { history })).consents.map(({ state }) => state);

describe('SetConsent', () => {
  it('keeps what was said beside what was said before, and tells what changed', async () => {
    const requestId = uuidv7();
    const { consent: granted } = await set(consent({ proof: 'form 7' }), operator(), requestId);
    expect(granted).toMatchObject({ state: 1, recordedBy: 'olga', proof: 'form 7' });
    const before = await counts(running);
    expect((await set(consent({ proof: 'form 7' }), operator(), requestId)).consent).toEqual(granted);
    expect(await counts(running)).toEqual(before);
    expect((await set(consent({ proof: 'form 7' }))).consent).toEqual(granted);
    expect((await eventTypes(running)).filter((type) => type === 'ConsentChanged')).toHaveLength(1);
    await set(consent({ state: 2 }));
    expect(await states(false)).toEqual([2]);
    expect(await states(true)).toEqual([2, 1]);
    const events = await all<{ payload: Buffer }>(
      running,
      sql`SELECT payload FROM kit.outbox WHERE type LIKE '%ConsentChanged' ORDER BY id`,
    );
    expect(events.map(({ payload }) => ConsentChanged.decode(payload).state)).toEqual([1, 2]);
    expect(events.some(({ payload }) => payload.includes('form'))).toBe(false);
  });

  it('does not let what was said earlier replace what holds', async () => {
    const before = (await eventTypes(running)).length;
    await set(consent({ state: 1, effectiveTime: new Date('2020-01-01') }));
    expect(await states(false)).toEqual([2]);
    expect(await states(true)).toEqual([2, 1, 1]);
    expect((await eventTypes(running)).length).toBe(before);
    const first = await list(operator(), { history: true, pageSize: 2 });
    const rest = await list(operator(), { history: true, pageSize: 2, pageToken: first.nextPageToken });
    expect([...first.consents, ...rest.consents].map(({ state }) => state)).toEqual([2, 1, 1]);
  });

  it('refuses bad input and strangers, and changes nothing', async () => {
    const before = await counts(running);
    for (const bad of [
      undefined,
      consent({ purpose: '' }),
      consent({ channel: 0 }),
      consent({ state: 0 }),
      consent({ textVersion: '' }),
      consent({ proof: 'x'.repeat(501) }),
    ]) {
      expect(await failure(set(bad))).toMatchObject({ kind: 'invalid' });
    }
    expect(await failure(set(consent({ effectiveTime: new Date(Date.now() + 3_600_000) })))).toMatchObject({
      reason: 'TIME_IN_FUTURE',
    });
    const colleague = as({ sub: 'staff/rm2', roles: ['relationship_manager'], orgPath: '/berka/prague/1' });
    expect(await failure(set(consent(), colleague))).toMatchObject({ reason: 'PARTY_NOT_FOUND' });
    expect(await failure(list(colleague))).toMatchObject({ reason: 'PARTY_NOT_FOUND' });
    for (const role of ['marketer', 'marketing_approver', 'analyst', 'auditor', 'administrator']) {
      expect(await failure(set(consent(), as({ roles: [role] })))).toMatchObject({ kind: 'denied' });
    }
    for (const role of ['marketer', 'marketing_approver', 'analyst', 'administrator']) {
      expect(await failure(list(as({ roles: [role] })))).toMatchObject({ kind: 'denied' });
    }
    expect(await failure(list(operator(), { pageToken: 'x' }))).toMatchObject({ reason: 'PAGE_TOKEN_INVALID' });
    expect(await counts(running)).toEqual(before);
  });
});

describe('BatchGetContactability', () => {
  const ask = (parties: string[], options = { token: serviceToken('marketing') }, over: object = {}) =>
    running.customer.batchGetContactability(
      { parties, channel: Channel.CHANNEL_EMAIL, purpose: 'marketing', ...over },
      options,
    );

  it('gives address, consent, time zone and language, and names whom it does not know', async () => {
    const nobody = `parties/${uuidv7()}`;
    const { contactabilities, missing } = await ask([brno.name, nobody, jana.name]);
    expect(missing).toEqual([nobody]);
    expect(contactabilities).toEqual([
      expect.objectContaining({
        party: brno.name,
        address: '',
        consentState: ConsentState.CONSENT_STATE_UNSPECIFIED,
        timeZone: 'Europe/Prague',
        language: 'en',
      }),
      expect.objectContaining({
        party: jana.name,
        address: 'Jana.Novakova@example.com',
        consentState: 2,
        timeZone: 'Asia/Shanghai',
        language: 'cs',
        givenName: 'Jana',
        relationshipManager: 'staff/rm1',
      }),
    ]);
    const [reads] = await all<{ count: number }>(
      running,
      sql`SELECT count(*)::int AS count FROM kit.audit WHERE action LIKE '%Contactability'`,
    );
    expect(reads?.count).toBe(2);
  });

  it('is for marketing only, and no other service sees whom it names', async () => {
    for (const role of allRoles)
      expect(await failure(ask([jana.name], as({ roles: [role] })))).toMatchObject({ kind: 'denied' });
    for (const service of ['customer', 'segmentation', 'cases', 'performance', 'reporting'] as const) {
      const options = { token: serviceToken(service) };
      expect(await failure(ask([jana.name], options))).toMatchObject({ kind: 'denied' });
      const { party } = await running.customer.getParty({ name: jana.name }, options);
      expect([service, party?.displayName, party?.contactPoints.length]).toEqual(
        service === 'cases' ? [service, jana.displayName, jana.contactPoints.length] : [service, '', 0],
      );
    }
    expect(await failure(ask([]))).toMatchObject({ kind: 'invalid' });
    expect(await failure(ask([jana.name], undefined, { channel: 0 }))).toMatchObject({ kind: 'invalid' });
    expect(await failure(ask([jana.name], undefined, { purpose: '' }))).toMatchObject({ kind: 'invalid' });
  });
});

describe('addressFor', () => {
  const points = [
    { point: { $case: 'email' as const, value: 'a@example.com' }, preferred: false },
    { point: { $case: 'email' as const, value: 'b@example.com' }, preferred: true },
    {
      point: {
        $case: 'postalAddress' as const,
        value: { lines: ['Dlouhá 1'], locality: 'Praha', region: '', postalCode: '110 00', countryCode: 'CZ' },
      },
      preferred: false,
    },
  ];
  it('prefers the preferred of the kind that the channel needs', () => {
    expect(addressFor(Channel.CHANNEL_EMAIL, points)).toBe('b@example.com');
    expect(addressFor(Channel.CHANNEL_POST, points)).toBe('Dlouhá 1\n110 00 Praha\nCZ');
    expect(addressFor(Channel.CHANNEL_SMS, points)).toBe('');
    expect(addressFor(Channel.CHANNEL_BRANCH, points)).toBe('');
  });
});
