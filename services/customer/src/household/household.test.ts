import { sql } from '@rapport/kit/db';
import { uuidv7 } from '@rapport/kit/runtime';
import {
  HouseholdChanged,
  HouseholdEvidence as Evidence,
  HouseholdKind,
  HouseholdRole as Role,
  type Party,
  Relationship,
  RelationshipKind,
} from '@rapport/proto/customer/v1';
import {
  account,
  all,
  allRoles,
  as,
  counts,
  createHolding,
  createParty,
  failure,
  operator,
  owner,
  person,
  type Running,
  startCustomer,
} from '../customer.testkit.js';

let running: Running;
let households: Running['households'];
let jana: Party;
let petr: Party;
let eva: Party;
let faraway: Party;

const manager = () => as({ sub: 'staff/rm1', roles: ['relationship_manager'], orgPath: '/berka/prague/1' });
const prague = (role = 'branch_manager') => as({ sub: 'bruno', roles: [role], orgPath: '/berka/prague' });
const member = (party: Party, role = Role.HOUSEHOLD_ROLE_MEMBER) => ({
  party: party.name,
  role,
  joinTime: undefined,
  leaveTime: undefined,
});
const head = (party: Party) => member(party, Role.HOUSEHOLD_ROLE_HEAD);
const family = HouseholdKind.HOUSEHOLD_KIND_FAMILY;
const create = (members: object[], options = operator(), requestId = uuidv7(), kind = family) =>
  households.createHousehold(
    { household: { name: '', kind, members, balances: [], partial: false, etag: '' } as never, requestId },
    options,
  );
const add = (name: string, wish: ReturnType<typeof member>, options = operator()) =>
  households.addHouseholdMember({ name, member: wish, requestId: uuidv7() }, options);
const remove = (name: string, party: Party, options = operator()) =>
  households.removeHouseholdMember({ name, party: party.name, requestId: uuidv7() }, options);
const get = (name: string, options = operator(), history = false) =>
  households.getHousehold({ name, history }, options);

async function balance(holding: string, minorUnits: bigint): Promise<void> {
  const id = holding.split('/')[3] as string;
  await running.db.system.run(sql`UPDATE holding SET balance = ${minorUnits}, balance_time = now(), currency = 'CZK'
    WHERE holding_id = ${id}`);
}

beforeAll(async () => {
  running = await startCustomer();
  households = running.households;
  const address = {
    point: {
      $case: 'postalAddress' as const,
      value: { lines: ['Dlouhá 1'], locality: 'Praha', region: '', postalCode: '110 00', countryCode: 'CZ' },
    },
  };
  jana = await createParty(running, person({ relationshipManager: 'staff/rm1', contactPoints: [address] }));
  petr = await createParty(
    running,
    person({
      details: { $case: 'person', value: { givenName: 'Petr', familyName: 'Novakova' } },
      contactPoints: [
        {
          point: {
            $case: 'postalAddress',
            value: { ...address.point.value, lines: ['dlouha  1'], postalCode: '11000' },
          },
        },
      ],
    }),
  );
  eva = await createParty(running, person({ contactPoints: [] }));
  faraway = await createParty(running, person({ organisationPath: '/berka/brno/2', contactPoints: [] }));
  const joint = await createHolding(
    running,
    jana.name,
    account({ owners: [jana, petr].map(({ name: party }) => ({ party, role: owner })) }),
  );
  await balance(joint.name, 100_00n);
  await balance((await createHolding(running, petr.name)).name, 50_00n);
  await balance((await createHolding(running, faraway.name)).name, 7_00n);
});
afterAll(() => running.stop());

describe('a household', () => {
  it('adds up what its members own, joint holdings once, and tells the world', async () => {
    const requestId = uuidv7();
    const { household } = await create([member(petr), head(jana)], operator(), requestId);
    expect(household?.members.map(({ party, role }) => [party, role])).toEqual([
      [jana.name, Role.HOUSEHOLD_ROLE_HEAD],
      [petr.name, Role.HOUSEHOLD_ROLE_MEMBER],
    ]);
    expect(household?.balances).toEqual([
      { kind: 1, holdings: 2, balance: { minorUnits: 150_00n, currencyCode: 'CZK' } },
    ]);
    const before = await counts(running);
    expect((await create([member(petr), head(jana)], operator(), requestId)).household).toEqual(household);
    expect(await counts(running)).toEqual(before);
    const events = await all<{ payload: Buffer }>(
      running,
      sql`SELECT payload FROM kit.outbox WHERE type LIKE '%HouseholdChanged' ORDER BY id`,
    );
    const told = events.map(({ payload }) => HouseholdChanged.decode(payload));
    expect(told.map(({ party, members }) => [party, members])).toEqual(
      [jana.name, petr.name].sort().map((party) => [party, 2]),
    );
    const listed = await households.listHouseholds({ parent: petr.name }, operator());
    expect(listed.households).toEqual([household]);
  });

  it('is joined once only, left, and headed by whoever joined first when the head leaves', async () => {
    const name = (await households.listHouseholds({ parent: jana.name }, operator())).households[0]?.name as string;
    expect(await failure(create([head(petr)]))).toMatchObject({ reason: 'ALREADY_IN_HOUSEHOLD' });
    await add(name, member(eva, Role.HOUSEHOLD_ROLE_DEPENDANT));
    expect(await failure(add(name, member(jana)))).toMatchObject({ reason: 'HOUSEHOLD_INVALID' });
    const { household: led } = await add(name, head(eva));
    expect(led?.members.map(({ party, role }) => [party, role])[0]).toEqual([eva.name, Role.HOUSEHOLD_ROLE_HEAD]);
    const { household: left } = await remove(name, eva);
    expect(left?.members.map(({ role }) => role)).toEqual([Role.HOUSEHOLD_ROLE_HEAD, Role.HOUSEHOLD_ROLE_MEMBER]);
    expect(await failure(remove(name, eva))).toMatchObject({ reason: 'PARTY_NOT_FOUND' });
    const { household: history } = await get(name, operator(), true);
    expect(history?.members.filter(({ leaveTime }) => leaveTime).map(({ party }) => party)).toEqual([eva.name]);
  });

  it('hides members outside of the scope, and says so', async () => {
    const name = (await households.listHouseholds({ parent: jana.name }, operator())).households[0]?.name as string;
    await add(name, member(faraway));
    const { household: whole } = await get(name);
    expect(whole).toMatchObject({ partial: false, balances: [{ balance: { minorUnits: 157_00n } }] });
    const { household: part } = await get(name, prague());
    expect(part?.members.map(({ party }) => party)).toEqual([jana.name, petr.name].sort(byJoin(whole?.members ?? [])));
    expect(part).toMatchObject({ partial: true, balances: [{ balance: { minorUnits: 150_00n } }] });
    // Whoever looks after one member is shown them all.
    expect((await get(name, manager())).household).toEqual(whole);
    const elsewhere = as({ sub: 'b', roles: ['branch_manager'], orgPath: '/berka/ostrava' });
    expect(await failure(get(name, elsewhere))).toMatchObject({ kind: 'not_found', reason: 'HOUSEHOLD_NOT_FOUND' });
    expect(await failure(remove(name, faraway, prague()))).toMatchObject({ reason: 'PARTY_NOT_FOUND' });
    expect(await failure(add(name, member(eva), elsewhere))).toMatchObject({ reason: 'HOUSEHOLD_NOT_FOUND' });
    await remove(name, faraway);
  });

  it('shows a merged member once, and both again after the merge is taken back', async () => {
    const name = (await households.listHouseholds({ parent: jana.name }, operator())).households[0]?.name as string;
    const [survivor, merged] = [jana, petr].map((party) => party.name.slice('parties/'.length)) as [string, string];
    await running.db.system.run(sql`WITH alias AS (UPDATE party SET merged_into = ${survivor}, golden_id = ${survivor},
        own_organisation_path = organisation_path, own_manager = manager WHERE party_id = ${merged})
      UPDATE party SET aliases = ARRAY[${merged}]::uuid[] WHERE party_id = ${survivor}`);
    const { household } = await get(name);
    expect(household?.members.map(({ party }) => party)).toEqual([jana.name]);
    expect(household).toMatchObject({ partial: false, balances: [{ holdings: 2, balance: { minorUnits: 150_00n } }] });
    await running.db.system.run(sql`WITH alias AS (UPDATE party SET merged_into = NULL, golden_id = party_id,
        own_organisation_path = NULL, own_manager = NULL WHERE party_id = ${merged})
      UPDATE party SET aliases = '{}' WHERE party_id = ${survivor}`);
    expect((await get(name)).household?.members).toHaveLength(2);
  });

  it('ends when the last member leaves', async () => {
    const name = (await households.listHouseholds({ parent: jana.name }, operator())).households[0]?.name as string;
    await remove(name, petr);
    expect((await remove(name, jana)).household).toBeUndefined();
    expect(await failure(get(name))).toMatchObject({ reason: 'HOUSEHOLD_NOT_FOUND' });
    expect((await get(name, operator(), true)).household?.members).toHaveLength(4);
  });

  it('refuses members that make none', async () => {
    const before = await counts(running);
    expect(await failure(create([member(jana)]))).toMatchObject({ reason: 'HOUSEHOLD_INVALID' });
    expect(await failure(create([head(jana), head(petr)]))).toMatchObject({ reason: 'HOUSEHOLD_INVALID' });
    expect(await failure(create([head(jana), member(jana)]))).toMatchObject({ reason: 'HOUSEHOLD_INVALID' });
    expect(await failure(create([head(faraway)], prague()))).toMatchObject({ reason: 'PARTY_NOT_FOUND' });
    expect(await counts(running)).toEqual(before);
  });
});

const byJoin =
  (members: readonly { party: string }[]) =>
  (a: string, b: string): number =>
    members.findIndex(({ party }) => party === a) - members.findIndex(({ party }) => party === b);

describe('SuggestHouseholdMembers', () => {
  it('names what speaks for each, and nobody that the caller may not see', async () => {
    const relationship = Relationship.fromPartial({
      toParty: faraway.name,
      kind: RelationshipKind.RELATIONSHIP_KIND_SIBLING_OF,
    });
    await households.createRelationship({ parent: jana.name, relationship, requestId: uuidv7() }, operator());
    const suggest = async (options = operator()) =>
      (await households.suggestHouseholdMembers({ parent: jana.name }, options)).suggestions.map(
        ({ party, evidence }) => [party, evidence],
      );
    expect(await suggest()).toEqual([
      [
        petr.name,
        [
          Evidence.HOUSEHOLD_EVIDENCE_JOINT_HOLDING,
          Evidence.HOUSEHOLD_EVIDENCE_SAME_ADDRESS,
          Evidence.HOUSEHOLD_EVIDENCE_SAME_FAMILY_NAME,
        ],
      ],
      [faraway.name, [Evidence.HOUSEHOLD_EVIDENCE_RELATIVE, Evidence.HOUSEHOLD_EVIDENCE_SAME_FAMILY_NAME]],
    ]);
    expect((await suggest(prague())).map(([party]) => party)).toEqual([petr.name]);
    // No household is theirs yet, so the manager of one sees neither of the others.
    expect(await suggest(manager())).toEqual([]);
  });

  it('finds who has the address and the family name, however both are written, and not the neighbours', async () => {
    const living = (givenName: string, familyName: string, line: string, over: object = {}) =>
      createParty(
        running,
        person({
          details: { $case: 'person', value: { givenName, familyName } },
          contactPoints: [
            {
              point: {
                $case: 'postalAddress',
                value: { lines: [line], locality: 'Olomouc', postalCode: '77900', countryCode: 'CZ' },
              },
            },
          ],
          ...over,
        }),
      );
    const karel = await living('Karel', 'Vrba', 'Horní náměstí 12');
    const eva = await living('Eva', 'Vrbová', 'Horni namesti 12');
    const brno = await living('Adam', 'Vrba', 'Horní náměstí 12', { organisationPath: '/berka/brno/1' });
    await living('Petr', 'Soused', 'Horní náměstí 12');
    await living('Jana', 'Vrbová', 'Horní náměstí 14');
    const suggest = async (options = operator()) =>
      (await households.suggestHouseholdMembers({ parent: karel.name }, options)).suggestions.map(
        ({ party, evidence }) => [party, evidence],
      );
    const evidence = [Evidence.HOUSEHOLD_EVIDENCE_SAME_ADDRESS, Evidence.HOUSEHOLD_EVIDENCE_SAME_FAMILY_NAME];
    expect(await suggest()).toEqual([
      [eva.name, evidence],
      [brno.name, evidence],
    ]);
    expect(await suggest(prague())).toEqual([[eva.name, evidence]]);
    // In a block of flats everybody would be family.
    for (let flat = 0; flat < 40; flat += 1) await living(`Host${flat}`, 'Jiný', 'Horní náměstí 12');
    expect(await suggest()).toEqual([]);
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
    const read = await failure(households.listHouseholds({ parent: jana.name }, options));
    expect(read.kind).toBe(readers.includes(role) ? 'ok' : 'denied');
    const write = await failure(create([member(jana)], options));
    expect(write.kind).toBe(writers.includes(role) ? 'invalid' : 'denied');
  });
});
