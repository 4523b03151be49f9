import { sql } from '@rapport/kit/db';
import { uuidv7 } from '@rapport/kit/runtime';
import { type Party, PartyUpdated } from '@rapport/proto/customer/v1';
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
let now = new Date('2026-03-01T10:00:00Z');

const tick = () => {
  now = new Date(now.getTime() + 60_000);
};
const assign = (over: object, options = operator(), requestId = uuidv7()) =>
  running.households.assignParties(
    { parties: [], fromRelationshipManager: '', relationshipManager: '', reason: 'handover', requestId, ...over },
    options,
  );
const history = (party: Party, options = operator(), over: object = {}) =>
  running.households.listAssignments({ parent: party.name, pageSize: 0, pageToken: '', ...over }, options);
const book = (manager: string) =>
  running.customer
    .listParties(
      {
        pageSize: 1000,
        pageToken: '',
        organisationPath: '',
        relationshipManager: manager,
        kind: 0,
        region: '',
        source: '',
        sourceKey: '',
      },
      operator(),
    )
    .then(({ parties }) => parties.map(({ name }) => name));

beforeAll(async () => {
  running = await startCustomer({ now: () => now });
});
afterAll(() => running.stop());

describe('assignments', () => {
  it('are noted whenever who looks after a party, or where, changes', async () => {
    const party = await createParty(running, person({ relationshipManager: 'staff/rm1' }));
    tick();
    const moved = { name: party.name, organisationPath: '/berka/prague/2', branch: 'd2', etag: party.etag };
    await running.customer.updateParty(
      { party: person(moved), updateMask: ['organisation_path', 'branch'], requestId: uuidv7() },
      operator(),
    );
    tick();
    await assign({ parties: [party.name], relationshipManager: 'staff/rm2', reason: 'retirement' });
    const { assignments } = await history(party);
    expect(
      assignments.map(({ relationshipManager, organisationPath, branch, reason, endTime }) => [
        relationshipManager,
        organisationPath,
        branch,
        reason,
        endTime?.toISOString().slice(11, 16),
      ]),
    ).toEqual([
      ['staff/rm2', '/berka/prague/2', 'd2', 'retirement', undefined],
      ['staff/rm1', '/berka/prague/2', 'd2', '', '10:02'],
      ['staff/rm1', '/berka/prague/1', 'd1', '', '10:01'],
    ]);
    expect(assignments[0]?.startTime).toEqual(assignments[1]?.endTime);
    expect(assignments[2]?.startTime).toEqual(party.createTime);
    const first = await history(party, operator(), { pageSize: 2 });
    const rest = await history(party, operator(), { pageSize: 2, pageToken: first.nextPageToken });
    expect([...first.assignments, ...rest.assignments]).toEqual(assignments);
    expect(rest.nextPageToken).toBe('');
  });

  it('stay as they are when something else changes', async () => {
    const party = await createParty(running);
    await running.customer.updateParty(
      {
        party: person({ name: party.name, region: 'Elsewhere', etag: party.etag }),
        updateMask: ['region'],
        requestId: uuidv7(),
      },
      operator(),
    );
    expect((await history(party)).assignments).toHaveLength(1);
  });
});

describe('AssignParties', () => {
  it('hands over a book, a part at a time, with everything that belongs to the parties', async () => {
    const parties = await Promise.all(
      Array.from({ length: 3 }, () => createParty(running, person({ relationshipManager: 'staff/old' }))),
    );
    const holding = await createHolding(running, (parties[0] as Party).name);
    const requestId = uuidv7();
    const wish = { fromRelationshipManager: 'staff/old', relationshipManager: 'staff/new' };
    const events = (await eventTypes(running)).length;
    expect(await assign(wish, operator(), requestId)).toEqual({ assigned: 3, remaining: 0, missing: [] });
    const before = await counts(running);
    expect(await assign(wish, operator(), requestId)).toEqual({ assigned: 3, remaining: 0, missing: [] });
    expect(await counts(running)).toEqual(before);
    expect((await book('staff/new')).sort()).toEqual(parties.map(({ name }) => name).sort());
    const told = await all<{ payload: Buffer }>(
      running,
      sql`SELECT payload FROM kit.outbox WHERE type LIKE '%PartyUpdated' ORDER BY id OFFSET 0`,
    );
    expect((await eventTypes(running)).length - events).toBe(3);
    expect(PartyUpdated.decode((told.at(-1) as { payload: Buffer }).payload)).toMatchObject({
      relationshipManager: 'staff/new',
      changed: ['relationship_manager'],
    });
    const options = as({ sub: 'staff/new', roles: ['relationship_manager'], orgPath: '/berka/prague/1' });
    expect((await running.customer.getHolding({ name: holding.name }, options)).holding?.name).toBe(holding.name);
  });

  it('hands over named parties inside the scope, and names those outside', async () => {
    const inside = await createParty(running);
    const outside = await createParty(running, person({ organisationPath: '/berka/brno/2' }));
    const options = as({ sub: 'bruno', roles: ['branch_manager'], orgPath: '/berka/prague' });
    const wish = { parties: [inside.name, outside.name], relationshipManager: 'staff/rm7' };
    expect(await assign(wish, options)).toEqual({ assigned: 1, remaining: 0, missing: [outside.name] });
    expect(await assign(wish, options)).toEqual({ assigned: 0, remaining: 0, missing: [outside.name] });
    expect(await book('staff/rm7')).toEqual([inside.name]);
  });

  it('refuses what it cannot carry out, and changes nothing', async () => {
    const before = await counts(running);
    const invalid = { kind: 'invalid', reason: 'ASSIGNMENT_INVALID' };
    const party = `parties/${uuidv7()}`;
    expect(await failure(assign({}))).toMatchObject(invalid);
    expect(await failure(assign({ parties: [party], fromRelationshipManager: 'staff/a' }))).toMatchObject(invalid);
    const same = { fromRelationshipManager: 'staff/a', relationshipManager: 'staff/a' };
    expect(await failure(assign(same))).toMatchObject(invalid);
    expect(await failure(assign({ parties: [party], reason: '' }))).toMatchObject({ kind: 'invalid' });
    expect(await failure(assign({ parties: [party, party] }))).toMatchObject({ kind: 'invalid' });
    expect(await counts(running)).toEqual(before);
  });

  it.each(allRoles)('who may: %s', async (role) => {
    const options = as({ sub: 'staff/rm1', roles: [role], orgPath: '/berka' });
    const denied = !['branch_manager', 'operator'].includes(role);
    expect((await failure(assign({}, options))).kind).toBe(denied ? 'denied' : 'invalid');
  });
});
