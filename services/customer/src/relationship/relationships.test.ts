import { uuidv7 } from '@rapport/kit/runtime';
import { type Party, Relationship, RelationshipKind as Kind } from '@rapport/proto/customer/v1';
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
let firm: Party;
let holding: Party;
let anna: Party;
let boris: Party;
let brno: Party;

const prague = () => as({ sub: 'bruno', roles: ['branch_manager'], orgPath: '/berka/prague' });
const organisation = (legalName: string, over: object = {}) =>
  person({ details: { $case: 'organisation', value: { legalName } }, contactPoints: [], ...over });
const relate = (from: Party, to: Party, kind: Kind, over: object = {}, options = operator(), requestId = uuidv7()) =>
  running.households
    .createRelationship(
      { parent: from.name, relationship: Relationship.fromPartial({ toParty: to.name, kind, ...over }), requestId },
      options,
    )
    .then(({ relationship }) => relationship as Relationship);
const list = (party: Party, options = operator(), over: object = {}) =>
  running.households.listRelationships(
    { parent: party.name, pageSize: 0, pageToken: '', history: false, ...over },
    options,
  );
const end = (name: string, options = operator(), over: object = {}) =>
  running.households.endRelationship({ name, endDate: undefined, etag: '', requestId: uuidv7(), ...over }, options);
const owners = (leastShare = 0, options = operator()) =>
  running.households.listBeneficialOwners({ parent: firm.name, leastShare }, options);

beforeAll(async () => {
  running = await startCustomer();
  firm = await createParty(running, organisation('Firma s.r.o.'));
  holding = await createParty(running, organisation('Holding a.s.', { organisationPath: '/berka/brno/2' }));
  anna = await createParty(running);
  boris = await createParty(running);
  brno = await createParty(running, person({ organisationPath: '/berka/brno/2', contactPoints: [] }));
});
afterAll(() => running.stop());

describe('relationships', () => {
  it('stand with both parties until they end', async () => {
    const requestId = uuidv7();
    const over = { startDate: { year: 2001, month: 5, day: 1 }, evidence: 'register of companies' };
    const made = await relate(anna, firm, Kind.RELATIONSHIP_KIND_DIRECTOR_OF, over, operator(), requestId);
    expect(made).toMatchObject({ fromParty: anna.name, toParty: firm.name, recordedBy: 'olga', ...over });
    const before = await counts(running);
    expect(await relate(anna, firm, Kind.RELATIONSHIP_KIND_DIRECTOR_OF, over, operator(), requestId)).toEqual(made);
    expect(await counts(running)).toEqual(before);
    expect(await relate(anna, firm, Kind.RELATIONSHIP_KIND_DIRECTOR_OF, over)).toEqual(made);
    for (const party of [anna, firm]) expect((await list(party)).relationships).toEqual([made]);
    expect(await failure(end(made.name, operator(), { etag: '"7"' }))).toMatchObject({ reason: 'ETAG_MISMATCH' });
    const early = { endDate: { year: 2000, month: 1, day: 1 } };
    expect(await failure(end(made.name, operator(), early))).toMatchObject({ reason: 'RELATIONSHIP_INVALID' });
    const { relationship: ended } = await end(made.name, operator(), { endDate: { year: 2020, month: 2, day: 29 } });
    expect(ended).toMatchObject({ endDate: { year: 2020, month: 2, day: 29 }, etag: '"2"' });
    for (const party of [anna, firm]) {
      expect((await list(party)).relationships).toEqual([]);
      expect((await list(party, operator(), { history: true })).relationships).toEqual([ended]);
    }
  });

  it('say the same in both directions where they are symmetric', async () => {
    const made = await relate(anna, boris, Kind.RELATIONSHIP_KIND_SPOUSE_OF);
    expect(await relate(boris, anna, Kind.RELATIONSHIP_KIND_SPOUSE_OF)).toEqual(made);
    expect((await list(boris)).relationships).toEqual([made]);
  });

  it('come in pages', async () => {
    const child = await createParty(running);
    for (const parent of [anna, boris, brno]) await relate(parent, child, Kind.RELATIONSHIP_KIND_PARENT_OF);
    const first = await list(child, operator(), { pageSize: 2 });
    const rest = await list(child, operator(), { pageSize: 2, pageToken: first.nextPageToken });
    expect([...first.relationships, ...rest.relationships].map(({ fromParty }) => fromParty)).toEqual(
      [anna, boris, brno].map(({ name }) => name),
    );
    expect(rest.nextPageToken).toBe('');
  });

  it('are refused where the parties cannot stand so, and outside of the scope', async () => {
    const before = await counts(running);
    const refused = (from: Party, to: Party, kind: Kind, over: object = {}, options = operator()) =>
      failure(relate(from, to, kind, over, options));
    const invalid = { kind: 'invalid', reason: 'RELATIONSHIP_INVALID' };
    expect(await refused(anna, anna, Kind.RELATIONSHIP_KIND_SIBLING_OF)).toMatchObject(invalid);
    expect(await refused(anna, firm, Kind.RELATIONSHIP_KIND_SPOUSE_OF)).toMatchObject(invalid);
    expect(await refused(firm, anna, Kind.RELATIONSHIP_KIND_EMPLOYEE_OF)).toMatchObject(invalid);
    expect(await refused(firm, holding, Kind.RELATIONSHIP_KIND_BENEFICIAL_OWNER_OF)).toMatchObject(invalid);
    expect(await refused(anna, boris, Kind.RELATIONSHIP_KIND_OWNER_OF)).toMatchObject(invalid);
    expect(await refused(anna, firm, Kind.RELATIONSHIP_KIND_GUARANTOR_OF, { share: 1 })).toMatchObject(invalid);
    const noDay = { startDate: { year: 2001, month: 2, day: 29 } };
    expect(await refused(anna, firm, Kind.RELATIONSHIP_KIND_GUARANTOR_OF, noDay)).toMatchObject(invalid);
    const kind = Kind.RELATIONSHIP_KIND_SIBLING_OF;
    expect(await refused(anna, brno, kind, {}, prague())).toMatchObject({ reason: 'PARTY_NOT_FOUND' });
    expect(await refused(brno, anna, kind, {}, prague())).toMatchObject({ reason: 'PARTY_NOT_FOUND' });
    expect(await failure(list(brno, prague()))).toMatchObject({ reason: 'PARTY_NOT_FOUND' });
    const [theirs] = (await list(brno)).relationships;
    expect(await failure(end(theirs?.name as string, prague()))).toMatchObject({ reason: 'RELATIONSHIP_NOT_FOUND' });
    expect(await counts(running)).toEqual(before);
  });
});

describe('ListBeneficialOwners', () => {
  it('follows chains as far as the caller may see', async () => {
    await relate(holding, firm, Kind.RELATIONSHIP_KIND_OWNER_OF, { share: 6_000 });
    await relate(anna, firm, Kind.RELATIONSHIP_KIND_OWNER_OF, { share: 3_000 });
    await relate(anna, holding, Kind.RELATIONSHIP_KIND_OWNER_OF, { share: 3_333 });
    await relate(brno, holding, Kind.RELATIONSHIP_KIND_OWNER_OF, { share: 5_000 });
    await relate(boris, firm, Kind.RELATIONSHIP_KIND_BENEFICIAL_OWNER_OF);
    expect(await owners()).toEqual({
      owners: [
        { party: anna.name, share: 4_999, declared: false },
        { party: brno.name, share: 3_000, declared: false },
        { party: boris.name, share: 0, declared: true },
      ],
      circular: false,
      unexplainedShare: 2_000,
      partial: false,
    });
    expect((await owners(4_000)).owners.map(({ party }) => party)).toEqual([anna.name, boris.name]);
    expect(await owners(0, prague())).toMatchObject({
      owners: [{ party: anna.name, share: 3_000 }, { party: boris.name }],
      partial: true,
      unexplainedShare: 7_000,
    });
    await relate(firm, holding, Kind.RELATIONSHIP_KIND_OWNER_OF, { share: 1_000 });
    expect((await owners()).circular).toBe(true);
  });

  it('never lets known shares pass the whole, also when two come at once', async () => {
    const target = await createParty(running, organisation('Race a.s.'));
    const share = 6_000;
    const both = await Promise.all(
      [anna, boris].map((party) => failure(relate(party, target, Kind.RELATIONSHIP_KIND_OWNER_OF, { share }))),
    );
    expect(both.map(({ reason }) => reason).sort()).toEqual(['', 'SHARES_EXCEEDED']);
    expect(await failure(relate(brno, target, Kind.RELATIONSHIP_KIND_OWNER_OF, { share: 4_001 }))).toMatchObject({
      reason: 'SHARES_EXCEEDED',
    });
    await relate(brno, target, Kind.RELATIONSHIP_KIND_OWNER_OF, { share: 4_000 });
    expect(await failure(relate(brno, target, Kind.RELATIONSHIP_KIND_OWNER_OF, { share: 100 }))).toMatchObject({
      reason: 'RELATIONSHIP_EXISTS',
    });
  });
});

describe('who may', () => {
  const readers = [
    'data_steward',
    'relationship_manager',
    'call_centre_agent',
    'branch_manager',
    'auditor',
    'operator',
  ];
  const writers = ['relationship_manager', 'branch_manager', 'operator', 'data_steward'];
  it.each(allRoles)('%s', async (role) => {
    const options = as({ sub: 'staff/rm1', roles: [role], orgPath: '/berka' });
    for (const read of [() => list(anna, options), () => owners(0, options)]) {
      expect((await failure(read())).kind === 'denied').toBe(!readers.includes(role));
    }
    const name = `${anna.name}/relationships/${uuidv7()}`;
    for (const write of [
      () => relate(anna, anna, Kind.RELATIONSHIP_KIND_HEIR_OF, {}, options),
      () => end(name, options),
    ]) {
      expect((await failure(write())).kind === 'denied').toBe(!writers.includes(role));
    }
  });
});
