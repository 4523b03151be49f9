import { sql } from '@rapport/kit/db';
import { uuidv7 } from '@rapport/kit/runtime';
import {
  Consent,
  type Household,
  HouseholdKind,
  HouseholdMember,
  HouseholdRole,
  Interaction,
  ListTimelineRequest,
  type Party,
} from '@rapport/proto/customer/v1';
import {
  as,
  createHolding,
  createParty,
  failure,
  operator,
  person,
  type Running,
  startCustomer,
} from '../customer.testkit.js';

let running: Running;
let mine: Party;
let partner: Party;
let colleague: Party;
let stranger: Party;
let household: string;

const manager = (claims: Record<string, unknown> = {}) =>
  as({ sub: 'staff/rm1', roles: ['relationship_manager'], orgPath: '/berka/prague/1', claims });
const named = (name: string, relationshipManager: string, organisationPath: string) =>
  createParty(
    running,
    person({
      details: { $case: 'person', value: { givenName: name, familyName: 'Sdílená' } },
      relationshipManager,
      organisationPath,
      contactPoints: [{ point: { $case: 'email', value: `${relationshipManager.slice(6)}@example.com` } }],
    }),
  );

beforeAll(async () => {
  running = await startCustomer();
  mine = await named('Moje', 'staff/rm1', '/berka/prague/1');
  partner = await named('Partner', 'staff/rm2', '/berka/brno/2');
  colleague = await named('Kolega', 'staff/rm3', '/berka/ostrava/3');
  stranger = await named('Cizí', 'staff/rm4', '/berka/ostrava/3');
  for (const party of [partner, colleague, stranger]) {
    await createHolding(running, party.name);
    const interaction = Interaction.fromPartial({
      channel: 1,
      direction: 1,
      kind: 'call',
      time: new Date(Date.now() - 60_000),
    });
    await running.customer.recordInteraction({ parent: party.name, interaction, requestId: uuidv7() }, operator());
    const consent = Consent.fromPartial({ purpose: 'marketing', channel: 1, state: 1, textVersion: '1' });
    await running.customer.setConsent({ parent: party.name, consent, requestId: uuidv7() }, operator());
  }
  const members = [
    { party: mine.name, role: HouseholdRole.HOUSEHOLD_ROLE_HEAD },
    { party: partner.name, role: HouseholdRole.HOUSEHOLD_ROLE_MEMBER },
  ].map((member) => HouseholdMember.fromPartial(member));
  const kind = HouseholdKind.HOUSEHOLD_KIND_FAMILY;
  const made = await running.households.createHousehold(
    {
      household: {
        name: '',
        kind,
        members,
        balances: [],
        partial: false,
        createTime: undefined,
        updateTime: undefined,
        etag: '',
      },
      requestId: uuidv7(),
    },
    operator(),
  );
  household = (made.household as Household).name;
});
afterAll(() => running.stop());

type Options = ReturnType<typeof manager>;
const page = { pageSize: 0, pageToken: '' };

/** By every way of reading there is: what somebody with these claims finds of a party. */
async function found(party: Party, options: Options): Promise<Record<string, unknown>> {
  const { customer } = running;
  const parent = party.name;
  const one = <T>(answer: Promise<T>, pick: (answer: T) => unknown) =>
    answer.then(pick, (error: { reason: string }) => error.reason);
  const filters = { organisationPath: '', relationshipManager: '', kind: 0, region: '', source: '', sourceKey: '' };
  const point = party.contactPoints[0]?.point;
  const email = point?.$case === 'email' ? point.value : '';
  return {
    get: await one(customer.getParty({ name: parent }, options), ({ party: read }) => read?.displayName),
    batch: await one(customer.batchGetParties({ names: [parent] }, options), ({ parties }) => parties.length),
    list: await one(
      customer.listParties({ ...page, ...filters, pageSize: 1000 }, options),
      ({ parties }) => parties.filter(({ name, displayName }) => name === parent && displayName !== '').length,
    ),
    search: await one(
      customer.searchParties({ ...page, query: { $case: 'email', value: email }, organisationPath: '' }, options),
      ({ parties }) => parties.length,
    ),
    holdings: await one(
      customer.listHoldings({ ...page, parent, kind: 0, status: 0, role: 0 }, options),
      ({ holdings }) => holdings.length,
    ),
    timeline: await one(
      customer.listTimeline(ListTimelineRequest.fromPartial({ parent }), options),
      ({ entries }) => entries.length,
    ),
    consents: await one(
      customer.listConsents({ ...page, parent, history: false }, options),
      ({ consents }) => consents.length,
    ),
    view: await one(customer.getCustomerView({ name: parent, timelineSize: 0, parts: [] }, options), ({ view }) => [
      view?.party?.party?.displayName,
      view?.holdings?.total,
      view?.interactions?.interactions.length,
      view?.consents?.consents.length,
    ]),
  };
}

const all = (name: string) => ({
  get: name,
  batch: 1,
  list: 1,
  search: 1,
  holdings: 1,
  timeline: 1,
  consents: 1,
  view: [name, 1, 1, 1],
});
const nothing = {
  get: 'PARTY_NOT_FOUND',
  batch: 0,
  list: 0,
  search: 0,
  holdings: 'PARTY_NOT_FOUND',
  timeline: 'PARTY_NOT_FOUND',
  consents: 'PARTY_NOT_FOUND',
  view: 'PARTY_NOT_FOUND',
};

describe('a relationship manager', () => {
  it('reads whoever shares a household with an own customer, and nobody else', async () => {
    expect(await found(partner, manager())).toEqual(all('Partner Sdílená'));
    expect(await found(colleague, manager())).toEqual(nothing);
    expect(await found(stranger, manager())).toEqual(nothing);
  });

  it('does not write to them', async () => {
    const update = {
      party: person({ name: partner.name, etag: partner.etag }),
      updateMask: ['region'],
      requestId: uuidv7(),
    };
    expect(await failure(running.customer.updateParty(update, manager()))).toMatchObject({ reason: 'PARTY_NOT_FOUND' });
    const consent = Consent.fromPartial({ purpose: 'survey', channel: 1, state: 1, textVersion: '1' });
    const set = running.customer.setConsent({ parent: partner.name, consent, requestId: uuidv7() }, manager());
    expect(await failure(set)).toMatchObject({ reason: 'PARTY_NOT_FOUND' });
  });

  it('sees the household as a whole', async () => {
    const { household: whole } = await running.households.getHousehold({ name: household, history: false }, manager());
    expect(whole?.members.map(({ party }) => party)).toEqual([mine.name, partner.name]);
    expect(whole?.partial).toBe(false);
  });

  it('loses sight of them when either leaves the household, or the own customer goes to somebody else', async () => {
    const other = as({ sub: 'staff/rm5', roles: ['relationship_manager'], orgPath: '/berka/prague/1' });
    const assign = (relationshipManager: string) =>
      running.households.assignParties(
        { parties: [mine.name], fromRelationshipManager: '', relationshipManager, reason: 'test', requestId: uuidv7() },
        operator(),
      );
    await assign('staff/rm5');
    expect(await found(partner, manager())).toEqual(nothing);
    expect(await found(partner, other)).toEqual(all('Partner Sdílená'));
    await assign('staff/rm1');
    await running.households.removeHouseholdMember(
      { name: household, party: partner.name, requestId: uuidv7() },
      operator(),
    );
    expect(await found(partner, manager())).toEqual(nothing);
  });

  it('serves the customers of those whom it stands in for, and nobody else', async () => {
    expect(await found(colleague, manager({ team: ['staff/rm3'] }))).toEqual(all('Kolega Sdílená'));
    expect(await found(stranger, manager({ team: ['staff/rm3'] }))).toEqual(nothing);
    const consent = Consent.fromPartial({ purpose: 'survey', channel: 1, state: 1, textVersion: '1' });
    const request = { parent: colleague.name, consent, requestId: uuidv7() };
    expect(await failure(running.customer.setConsent(request, manager()))).toMatchObject({ kind: 'not_found' });
    expect(await failure(running.customer.setConsent(request, manager({ team: ['staff/rm3'] })))).toMatchObject({
      kind: 'ok',
    });
  });
});

it('gives nobody else a reach: other roles see what stands below them', async () => {
  for (const role of ['branch_manager', 'call_centre_agent', 'auditor']) {
    const options = as({ sub: 'staff/rm1', roles: [role], orgPath: '/berka/prague', claims: { team: ['staff/rm3'] } });
    expect(await found(colleague, options)).toEqual(nothing);
  }
});

it('guards every table of parties with both policies', async () => {
  const unguarded = await running.db.system.rows<{ table: string }>(sql`
    SELECT c.relname AS table FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'party_id'
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND c.relrowsecurity
      AND NOT c.relispartition
      AND (SELECT array_agg(polname::text ORDER BY polname) FROM pg_policy p WHERE p.polrelid = c.oid)
        IS DISTINCT FROM ARRAY['seen', 'shared']`);
  expect(unguarded).toEqual([]);
});
