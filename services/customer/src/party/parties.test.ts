import { sql } from '@rapport/kit/db';
import { uuidv7 } from '@rapport/kit/runtime';
import { type Party, PartyKind, PartyUpdated, type SearchPartiesRequest } from '@rapport/proto/customer/v1';
import {
  all,
  allRoles,
  as,
  counts,
  createHolding,
  createParty,
  eventTypes,
  failure,
  operator,
  person,
  type Running,
  startCustomer,
} from '../customer.testkit.js';

let running: Running;
let jana: Party;
let petr: Party;
let brno: Party;
let company: Party;

beforeAll(async () => {
  running = await startCustomer();
  jana = await createParty(
    running,
    person({ relationshipManager: 'staff/rm1', source: 'berka', sourceKey: 'client/1' }),
  );
  petr = await createParty(
    running,
    person({
      details: { $case: 'person', value: { givenName: 'Petr', familyName: 'Šťastný-Novák' } },
      contactPoints: [{ point: { $case: 'email', value: 'petr@example.com' } }],
    }),
  );
  brno = await createParty(running, person({ organisationPath: '/berka/brno/2', region: 'south Moravia' }));
  company = await createParty(
    running,
    person({
      details: {
        $case: 'organisation',
        value: { legalName: 'Pekárna s.r.o.', legalForm: 's.r.o.', registrationNumber: '4711' },
      },
      identifiers: [{ kind: 5, value: '4711', countryCode: 'CZ' }],
      contactPoints: [],
    }),
  );
});
afterAll(() => running.stop());

const prague = (role: string, sub = 'x') => as({ sub, roles: [role], orgPath: '/berka/prague/1' });
const nobody = { name: `parties/${uuidv7()}` };

describe('GetParty', () => {
  it('gives the whole party to who may see it, and leaves a record of the read', async () => {
    const { party } = await running.customer.getParty({ name: jana.name }, prague('relationship_manager', 'staff/rm1'));
    expect(party).toEqual(jana);
    expect(party?.contactPoints[0]?.point?.value).toBe('Jana.Novakova@example.com');
    const [read] = await all<{ actor: string }>(
      running,
      sql`
      SELECT actor FROM kit.audit WHERE resource = ${jana.name} AND action LIKE '%GetParty'`,
    );
    expect(read?.actor).toBe('staff/rm1');
    const firm = await running.customer.getParty({ name: company.name }, operator());
    expect(firm.party).toMatchObject({ displayName: 'Pekárna s.r.o.', identifiers: [{ value: '4711' }] });
    expect(firm.party?.details?.value).toMatchObject({ registrationNumber: '4711' });
  });

  it('masks what the caller may not see, by class', async () => {
    for (const options of [prague('marketer'), prague('relationship_manager', 'rm2')]) {
      const { party } = await running.customer.getParty({ name: jana.name }, options);
      expect(party).toMatchObject({ displayName: '', sourceKey: '', contactPoints: [], region: 'Prague' });
      expect(party?.masked).toContain('person.family_name');
      expect(JSON.stringify(party)).not.toMatch(/Jana|Nov|601|1970|client/);
    }
  });

  it('does not know of rows outside of the caller', async () => {
    for (const options of [prague('branch_manager'), prague('auditor'), prague('relationship_manager', 'staff/rm1')]) {
      expect(await failure(running.customer.getParty({ name: brno.name }, options))).toMatchObject({
        kind: 'not_found',
        reason: 'PARTY_NOT_FOUND',
      });
    }
    expect(await failure(running.customer.getParty(nobody, operator()))).toMatchObject({ reason: 'PARTY_NOT_FOUND' });
    expect(await failure(running.customer.getParty({ name: `parties/${'-'.repeat(36)}` }, operator()))).toMatchObject({
      reason: 'PARTY_NOT_FOUND',
    });
    expect(await failure(running.customer.getParty({ name: 'parties/1' }, operator()))).toMatchObject({
      kind: 'invalid',
      fields: ['name'],
    });
    expect(await failure(running.customer.getParty({ name: jana.name }, prague('administrator')))).toMatchObject({
      kind: 'denied',
    });
  });

  it('fails closed when the read cannot be recorded', async () => {
    const broken = { ...running.deps, reads: { record: () => Promise.reject(new Error('full')) } };
    const { getParty } = await import('./get-party.js');
    const call = {
      scope: { kind: 'everything' },
      permits: () => true,
      principal: { subject: 's', roles: [], orgPath: '/' },
    };
    await expect(
      getParty(broken, { name: jana.name }, call as unknown as Parameters<typeof getParty>[2]),
    ).rejects.toThrow('full');
  });
});

describe('BatchGetParties', () => {
  it('gives what may be seen in the order asked for, and names the rest', async () => {
    const names = [brno.name, petr.name, nobody.name, jana.name];
    const { parties, missing } = await running.customer.batchGetParties({ names }, prague('branch_manager'));
    expect(parties).toEqual([petr, jana]);
    expect(missing).toEqual([brno.name, nobody.name]);
    for (const bad of [[], [jana.name, jana.name], ['x'], Array.from({ length: 1001 }, () => `parties/${uuidv7()}`)]) {
      expect(await failure(running.customer.batchGetParties({ names: bad }, operator()))).toMatchObject({
        kind: 'invalid',
      });
    }
    expect(await failure(running.customer.batchGetParties({ names }, prague('administrator')))).toMatchObject({
      kind: 'denied',
    });
  });
});

const filters = {
  pageSize: 0,
  pageToken: '',
  organisationPath: '',
  relationshipManager: '',
  kind: 0,
  region: '',
  source: '',
  sourceKey: '',
};

describe('ListParties', () => {
  it('pages through what the caller may see, in the order of creation', async () => {
    const first = await running.customer.listParties({ ...filters, pageSize: 3 }, operator());
    expect(first.parties).toEqual([jana, petr, brno]);
    const second = await running.customer.listParties(
      { ...filters, pageSize: 3, pageToken: first.nextPageToken },
      operator(),
    );
    expect(second).toEqual({ parties: [company], nextPageToken: '' });
    expect((await running.customer.listParties(filters, prague('branch_manager'))).parties).toEqual([
      jana,
      petr,
      company,
    ]);
    expect(
      (
        await running.customer.listParties(
          filters,
          as({ sub: 'staff/rm1', roles: ['relationship_manager'], orgPath: '/berka/brno/2' }),
        )
      ).parties.map(({ name, masked }) => [name, masked === undefined]),
    ).toEqual([
      [jana.name, true],
      [brno.name, false],
    ]);
  });

  it('filters', async () => {
    const list = async (over: object, options = operator()) =>
      (await running.customer.listParties({ ...filters, ...over }, options)).parties.map(({ name }) => name);
    expect(await list({ organisationPath: '/berka/brno' })).toEqual([brno.name]);
    expect(await list({ organisationPath: '/berka/br' })).toEqual([]);
    expect(await list({ relationshipManager: 'staff/rm1' })).toEqual([jana.name]);
    expect(await list({ kind: PartyKind.PARTY_KIND_ORGANISATION })).toEqual([company.name]);
    expect(await list({ region: 'south Moravia' })).toEqual([brno.name]);
    expect(await list({ source: 'berka', sourceKey: 'client/1' })).toEqual([jana.name]);
    expect(await list({ source: 'berka', sourceKey: 'client/1' }, prague('marketer'))).toEqual([]);
  });

  it('refuses bad pages and filters', async () => {
    const list = (over: object, options = operator()) =>
      failure(running.customer.listParties({ ...filters, ...over }, options));
    const { nextPageToken } = await running.customer.listParties({ ...filters, pageSize: 1 }, operator());
    expect(await list({ pageToken: 'nonsense' })).toMatchObject({ reason: 'PAGE_TOKEN_INVALID' });
    expect(await list({ pageToken: nextPageToken, region: 'x' })).toMatchObject({ reason: 'PAGE_TOKEN_INVALID' });
    const forged = Buffer.from(
      JSON.stringify([(JSON.parse(Buffer.from(nextPageToken, 'base64url').toString()) as string[])[0], "'; --"]),
    ).toString('base64url');
    expect(await list({ pageToken: forged })).toMatchObject({ reason: 'PAGE_TOKEN_INVALID' });
    expect(await list({ pageSize: 1001 })).toMatchObject({ kind: 'invalid', fields: ['page_size'] });
    expect(await list({ sourceKey: 'x' })).toMatchObject({ kind: 'invalid' });
    expect(await list({}, prague('administrator'))).toMatchObject({ kind: 'denied' });
  });
});

describe('SearchParties', () => {
  const search = (query: SearchPartiesRequest['query'], options = operator(), over: object = {}) =>
    running.customer.searchParties({ query, organisationPath: '', pageSize: 0, pageToken: '', ...over }, options);
  const names = async (...args: Parameters<typeof search>) =>
    (await search(...args)).parties.map(({ name }) => name).sort();

  it('finds by the beginnings of words, whatever the accents and the case', async () => {
    expect(await names({ $case: 'name', value: 'NOVA ja' })).toEqual([jana.name, brno.name].sort());
    expect(await names({ $case: 'name', value: 'stast nov' })).toEqual([petr.name]);
    expect(await names({ $case: 'name', value: 'vak' })).toEqual([]);
    expect(await names({ $case: 'name', value: 'pekarna' })).toEqual([company.name]);
    expect(await names({ $case: 'name', value: '100%_' })).toEqual([]);
  });

  it('finds whole e-mail addresses and telephone numbers by their blind index', async () => {
    expect(await names({ $case: 'email', value: 'JANA.novakova@example.com' })).toEqual([jana.name, brno.name].sort());
    expect(await names({ $case: 'email', value: 'petr@example.com' })).toEqual([petr.name]);
    expect(await names({ $case: 'email', value: 'petr@example.co' })).toEqual([]);
    expect(await names({ $case: 'phone', value: '+420601123456' }, prague('call_centre_agent'))).toEqual([jana.name]);
  });

  it('stays inside of what the caller may see in full', async () => {
    expect(await names({ $case: 'name', value: 'nova' }, prague('relationship_manager', 'rm2'))).toEqual([]);
    expect(await names({ $case: 'name', value: 'nova' }, prague('relationship_manager', 'staff/rm1'))).toEqual([
      jana.name,
    ]);
    expect(await names({ $case: 'name', value: 'nova' }, operator(), { organisationPath: '/berka/brno' })).toEqual([
      brno.name,
    ]);
    for (const role of ['marketer', 'analyst', 'administrator', 'marketing_approver']) {
      expect(await failure(search({ $case: 'name', value: 'nova' }, prague(role)))).toMatchObject({ kind: 'denied' });
    }
  });

  it('pages, and refuses nonsense', async () => {
    const first = await search({ $case: 'name', value: 'nova' }, operator(), { pageSize: 2 });
    const rest = await search({ $case: 'name', value: 'nova' }, operator(), {
      pageSize: 2,
      pageToken: first.nextPageToken,
    });
    expect([...first.parties, ...rest.parties].map(({ name }) => name).sort()).toEqual(
      [jana.name, brno.name, petr.name].sort(),
    );
    expect(await failure(search(undefined))).toMatchObject({ kind: 'invalid' });
    expect(await failure(search({ $case: 'name', value: '--' }))).toMatchObject({ kind: 'invalid', fields: ['name'] });
    expect(await failure(search({ $case: 'email', value: 'x' }))).toMatchObject({ kind: 'invalid' });
    expect(await failure(search({ $case: 'name', value: 'x'.repeat(101) }))).toMatchObject({ kind: 'invalid' });
  });
});

describe('UpdateParty', () => {
  const update = (party: Party, updateMask: string[], options = operator(), requestId = uuidv7()) =>
    running.customer.updateParty({ party, updateMask, requestId }, options);
  const current = async () => (await running.customer.getParty({ name: petr.name }, operator())).party as Party;

  it('changes what the mask names, publishes the paths, finds by the new values', async () => {
    const before = await current();
    const wish = {
      ...before,
      region: 'Brno',
      contactPoints: [{ point: { $case: 'email' as const, value: 'neu@example.com' }, preferred: true }],
      language: 'zh',
    };
    const requestId = uuidv7();
    const { party } = await update(wish, ['contact_points', 'region'], operator(), requestId);
    expect(party).toMatchObject({ region: 'Brno', language: '', etag: '"2"' });
    const [event] = await all<{ payload: Buffer }>(
      running,
      sql`SELECT payload FROM kit.outbox WHERE type LIKE '%PartyUpdated'`,
    );
    expect(PartyUpdated.decode(event?.payload as Buffer)).toMatchObject({
      party: petr.name,
      region: 'Brno',
      changed: ['region', 'contact_points'],
    });
    expect(event?.payload.includes('neu@')).toBe(false);
    const [kept] = await all<{ answer: Buffer }>(
      running,
      sql`SELECT answer FROM kit.idempotency WHERE request_id = ${requestId}`,
    );
    expect(kept?.answer.includes('neu@')).toBe(false);
    const found = await running.customer.searchParties(
      { query: { $case: 'email', value: 'neu@example.com' }, organisationPath: '', pageSize: 0, pageToken: '' },
      operator(),
    );
    expect(found.parties).toEqual([party]);
    const state = await counts(running);
    expect(await update(wish, ['contact_points', 'region'], operator(), requestId)).toEqual({ party });
    expect(await counts(running)).toEqual(state);
  });

  it('publishes nothing when nothing changes', async () => {
    const before = await eventTypes(running);
    const party = await current();
    expect((await update(party, ['region', 'person.given_name'])).party).toEqual(party);
    expect(await eventTypes(running)).toEqual(before);
  });

  it('refuses a stale etag, frozen fields, bad values and strangers, and changes nothing', async () => {
    const party = await current();
    const before = await counts(running);
    expect(await failure(update({ ...party, etag: '"1"' }, ['region']))).toMatchObject({
      kind: 'conflict',
      reason: 'ETAG_MISMATCH',
    });
    expect(await failure(update({ ...party, etag: '' }, ['region']))).toMatchObject({ kind: 'invalid' });
    expect(await failure(update(party, ['source']))).toMatchObject({ reason: 'FIELD_IMMUTABLE' });
    expect(await failure(update(party, ['create_time']))).toMatchObject({ kind: 'invalid' });
    expect(await failure(update(party, []))).toMatchObject({ kind: 'invalid' });
    expect(await failure(update({ ...party, timeZone: 'Mars/One' }, ['time_zone']))).toMatchObject({
      reason: 'TIME_ZONE_UNKNOWN',
    });
    expect(await failure(update({ ...party, name: nobody.name }, ['region']))).toMatchObject({
      reason: 'PARTY_NOT_FOUND',
    });
    expect(
      await failure(update(party, ['region'], as({ sub: 'b', roles: ['branch_manager'], orgPath: '/berka/brno' }))),
    ).toMatchObject({ reason: 'PARTY_NOT_FOUND' });
    const manager = prague('relationship_manager', 'staff/rm1');
    const { party: managed } = await running.customer.getParty({ name: jana.name }, manager);
    for (const organisationPath of ['/berka/brno/2', '/demo/1', '/']) {
      expect(
        await failure(update({ ...(managed as Party), organisationPath }, ['organisation_path'], manager)),
      ).toMatchObject({
        reason: 'ORGANISATION_PATH_OUTSIDE',
      });
    }
    const outside = { ...party, organisationPath: '/berka/brno/2' };
    expect(await failure(update(outside, ['organisation_path'], prague('branch_manager')))).toMatchObject({
      reason: 'ORGANISATION_PATH_OUTSIDE',
    });
    for (const role of allRoles.filter(
      (one) => !['relationship_manager', 'branch_manager', 'operator', 'data_steward'].includes(one),
    )) {
      expect(await failure(update({ ...party, region: 'x' }, ['region'], prague(role)))).toMatchObject({
        kind: 'denied',
      });
    }
    expect(await counts(running)).toEqual(before);
    expect(await current()).toEqual(party);
  });

  it('takes along what is kept with a party that moves', async () => {
    const party = await current();
    const holding = await createHolding(running, party.name);
    await update({ ...party, organisationPath: '/berka/brno/2', relationshipManager: 'staff/rm9' }, [
      'organisation_path',
      'relationship_manager',
    ]);
    const inBrno = as({ sub: 'staff/rm9', roles: ['relationship_manager'], orgPath: '/nowhere' });
    expect((await running.customer.getHolding({ name: holding.name }, inBrno)).holding?.organisationPath).toBe(
      '/berka/brno/2',
    );
    expect(
      (await running.customer.getCustomerView({ name: party.name, timelineSize: 0, parts: [] }, inBrno)).view?.holdings
        ?.total,
    ).toBe(1);
    expect(await failure(running.customer.getHolding({ name: holding.name }, prague('branch_manager')))).toMatchObject({
      reason: 'HOLDING_NOT_FOUND',
    });
  });
});
