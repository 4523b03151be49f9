import { sql } from '@rapport/kit/db';
import { uuidv7 } from '@rapport/kit/runtime';
import { PartyCreated, type Party } from '@rapport/proto/customer/v1';
import {
  allRoles,
  all,
  as,
  counts,
  eventTypes,
  failure,
  operator,
  person,
  type Running,
  startCustomer,
} from '../customer.testkit.js';

let running: Running;
beforeAll(async () => {
  running = await startCustomer();
});
afterAll(() => running.stop());

const create = (party: Party | undefined, options = operator(), requestId: string = uuidv7()) =>
  running.customer.createParty({ party, requestId }, options);

describe('CreateParty', () => {
  it('stores a person, seals contact points, publishes what others may know', async () => {
    const { party } = await create(person({ source: 'berka', sourceKey: 'client/1' }));
    expect(party).toMatchObject({
      displayName: 'Jana Nováková',
      source: 'berka',
      sourceKey: 'client/1',
      organisationPath: '/berka/prague/1',
      etag: '"1"',
      masked: undefined,
    });
    const [row] = await all<{ text: string; sealed: Buffer }>(
      running,
      sql`SELECT party::text AS text, sealed FROM party`,
    );
    expect(row?.text).not.toContain('example.com');
    expect(row?.sealed.includes('example.com')).toBe(false);
    const [event] = await all<{ type: string; payload: Buffer; subject: string }>(
      running,
      sql`SELECT * FROM kit.outbox`,
    );
    expect(event).toMatchObject({ type: 'rapport.customer.v1.PartyCreated', subject: party?.name });
    expect(event?.payload.includes('Nov')).toBe(false);
    expect(PartyCreated.decode(event?.payload as Buffer)).toMatchObject({
      party: party?.name,
      sex: 1,
      birthDate: { year: 1970, month: 12, day: 13 },
      region: 'Prague',
    });
    const audited = await all(running, sql`SELECT actor, action FROM kit.audit WHERE resource = ${party?.name}`);
    expect(audited).toEqual([{ actor: 'olga', action: 'rapport.customer.v1.CustomerService/CreateParty' }]);
  });

  it('answers the same request the same and does nothing again', async () => {
    const requestId = uuidv7();
    const first = await create(person(), operator(), requestId);
    const before = await counts(running);
    expect(await create(person(), operator(), requestId)).toEqual(first);
    // What the row keeps sealed is not kept in clear beside it.
    const kept = await running.db.system.one<{ answer: Buffer }>(sql`
      SELECT answer FROM kit.idempotency WHERE request_id = ${requestId}`);
    expect(kept.answer.toString('latin1')).not.toMatch(/Jana|example\.com|\+420/);
    expect(await counts(running)).toEqual(before);
    expect(await failure(create(person({ region: 'other' }), operator(), requestId))).toMatchObject({
      reason: 'REQUEST_ID_REUSED',
    });
  });

  it('refuses a source key that is taken', async () => {
    await create(person({ source: 'berka', sourceKey: 'client/2' }));
    const before = await counts(running);
    const again = await failure(create(person({ source: 'berka', sourceKey: 'client/2' })));
    expect(again).toMatchObject({ kind: 'already_exists', reason: 'DUPLICATE_SOURCE_KEY' });
    expect(await counts(running)).toEqual(before);
  });

  it.each<[string, Party | undefined, string]>([
    ['no party', undefined, 'party'],
    ['no details', person({ details: undefined }), 'party'],
    ['no path', person({ organisationPath: '' }), 'party'],
    ['a malformed path', person({ organisationPath: 'berka' }), 'party.organisation_path'],
    [
      'an impossible birth date',
      person({
        details: {
          $case: 'person',
          value: { givenName: 'A', familyName: 'B', birthDate: { year: 1970, month: 2, day: 30 } },
        },
      }),
      'party.person.birth_date',
    ],
    [
      'a birth date to come',
      person({
        details: {
          $case: 'person',
          value: { givenName: 'A', familyName: 'B', birthDate: { year: 2970, month: 2, day: 3 } },
        },
      }),
      'party.person.birth_date',
    ],
    ['an unknown time zone', person({ timeZone: 'Europe/Atlantis' }), 'party.time_zone'],
    ['an oversized region', person({ region: 'x'.repeat(101) }), 'party.region'],
    ['a key without a source', person({ sourceKey: 'client/3' }), 'party.source'],
    [
      'a malformed e-mail',
      person({ contactPoints: [{ point: { $case: 'email', value: 'no' } }] }),
      'party.contact_points[0].email',
    ],
    ['a NUL character', person({ region: 'a\0b' }), ''],
  ])('refuses %s and changes nothing', async (_what, party, field) => {
    const before = await counts(running);
    const { kind, fields } = await failure(create(party));
    expect(kind).toBe('invalid');
    if (field !== '') expect(fields).toContain(field);
    expect(await counts(running)).toEqual(before);
  });

  it('is for those who may, where they may', async () => {
    const before = await counts(running);
    for (const role of allRoles.filter(
      (one) => !['relationship_manager', 'branch_manager', 'operator'].includes(one),
    )) {
      expect(await failure(create(person(), as({ sub: 'x', roles: [role], orgPath: '/' })))).toMatchObject({
        kind: 'denied',
      });
    }
    expect(await failure(running.customer.createParty({ party: person(), requestId: uuidv7() }))).toMatchObject({
      kind: 'unauthenticated',
    });
    const elsewhere = as({ sub: 'b', roles: ['branch_manager'], orgPath: '/berka/brno' });
    expect(await failure(create(person(), elsewhere))).toMatchObject({
      kind: 'denied',
      reason: 'ORGANISATION_PATH_OUTSIDE',
    });
    const manager = as({ sub: 'staff/rm1', roles: ['relationship_manager'], orgPath: '/berka/prague/1' });
    expect(await failure(create(person(), manager))).toMatchObject({ reason: 'ORGANISATION_PATH_OUTSIDE' });
    // Who looks after it may see it anywhere, and still puts nobody into another branch or bank.
    for (const organisationPath of ['/berka/brno/2', '/berka', '/demo/1', '/']) {
      const own = person({ relationshipManager: 'staff/rm1', organisationPath });
      expect(await failure(create(own, manager))).toMatchObject({ reason: 'ORGANISATION_PATH_OUTSIDE' });
    }
    expect(await counts(running)).toEqual(before);
    const { party } = await create(person({ relationshipManager: 'staff/rm1' }), manager);
    expect(party?.relationshipManager).toBe('staff/rm1');
    expect((await eventTypes(running)).at(-1)).toBe('PartyCreated');
  });
});
