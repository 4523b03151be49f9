import { sql } from '@rapport/kit/db';
import { uuidv7 } from '@rapport/kit/runtime';
import {
  BehaviourEvent,
  CreateDataSubjectRequestRequest,
  CreateHouseholdRequest,
  CreateRelationshipRequest,
  type CustomerView,
  CustomerViewPart as Part,
  LifeEvent,
  ListDataSubjectRequestsRequest,
  ListTimelineRequest,
  type Party,
  RelationshipKind,
  TagDefinition,
  Transaction,
} from '@rapport/proto/customer/v1';
import {
  all,
  allRoles,
  as,
  createHolding,
  createParty,
  failure,
  operator,
  person,
  type Running,
  startCustomer,
} from '../customer.testkit.js';
import { merge } from '../golden/golden.testkit.js';

const place = { organisationPath: '/berka/prague/1', relationshipManager: 'staff/rm1', branch: 'd1' };
const page = { pageSize: 0, pageToken: '' };
const everyPart = Object.values(Part).filter((part): part is Part => typeof part === 'number' && part > 0);
const manager = () => as({ sub: 'staff/rm1', roles: ['relationship_manager'], orgPath: '/berka/prague/1' });
let running: Running;
let jana: Party;
let petr: Party;

beforeAll(async () => {
  running = await startCustomer();
  jana = await createParty(running, person({ ...place, source: 'core', sourceKey: 'a/1' }));
  petr = await createParty(running, person({ ...place, source: 'core', sourceKey: 'a/2' }));
  const double = await createParty(running, person({ ...place, source: 'app', sourceKey: 'a/1' }));
  const account = await createHolding(running, jana.name);
  const other = await createHolding(running, double.name);
  for (const [at, parent] of [account, account, other].entries()) {
    for (const [month, category] of [
      [1, 'groceries'],
      [3, 'groceries'],
      [3, 'travel'],
    ] as const) {
      const transaction = Transaction.fromPartial({
        direction: 2,
        operation: 5,
        category,
        amount: { minorUnits: BigInt(100 + at), currencyCode: 'CZK' },
        bookingDate: { year: 2024, month, day: 5 + at },
      });
      await running.customer.bookTransaction({ parent: parent.name, transaction, requestId: uuidv7() }, operator());
    }
  }
  await merge(running, jana.name, double.name);
  for (const manager of ['staff/rm2', 'staff/rm1']) {
    const moved = { parties: [jana.name], fromRelationshipManager: '', relationshipManager: manager };
    await running.households.assignParties({ ...moved, reason: `to ${manager}`, requestId: uuidv7() }, operator());
  }
  for (const [id, dataClass] of [
    ['open', 2],
    ['secret', 3],
  ] as const) {
    const tagDefinition = TagDefinition.fromPartial({
      ...{ name: `tagDefinitions/${id}`, organisationPath: '/berka', titleEn: id, titleZh: '标签', dataClass },
      setByRoles: ['relationship_manager'],
    });
    await running.portrait.setTagDefinition({ tagDefinition, requestId: uuidv7() }, operator());
    const tags = [{ definition: `tagDefinitions/${id}`, expireTime: undefined, model: '' }];
    await running.portrait.setTags({ parent: jana.name, tags, requestId: uuidv7() }, manager());
  }
  for (const kind of [1, 3]) {
    const said = { kind, startDate: { year: 2024, month: kind, day: 1 }, certainty: 1, source: 'conversation' };
    const request = { parent: jana.name, lifeEvent: LifeEvent.fromPartial(said), requestId: uuidv7() };
    await running.portrait.recordLifeEvent(request, manager());
  }
  const events = [1, 2].map((at) =>
    BehaviourEvent.fromPartial({
      ...{ party: jana.name, time: new Date(Date.now() - at * 86_400_000), kind: 1, channel: 5, topic: 'loans' },
      key: `k${at}`,
    }),
  );
  await running.portrait.recordBehaviour({ source: 'app', events, requestId: uuidv7() }, operator());
  const asked = CreateDataSubjectRequestRequest.fromPartial({
    dataSubjectRequest: { party: jana.name, kind: 1 },
    requestId: uuidv7(),
  });
  await running.privacy.createDataSubjectRequest(
    asked,
    as({ sub: 'staff/p', roles: ['privacy_officer'], orgPath: '/berka' }),
  );
  const members = [
    { party: jana.name, role: 1 },
    { party: petr.name, role: 2 },
  ];
  await running.households.createHousehold(
    CreateHouseholdRequest.fromPartial({ household: { kind: 1, members }, requestId: uuidv7() }),
    operator(),
  );
  const spouses = { fromParty: jana.name, toParty: petr.name, kind: RelationshipKind.RELATIONSHIP_KIND_SPOUSE_OF };
  await running.households.createRelationship(
    CreateRelationshipRequest.fromPartial({ parent: jana.name, relationship: spouses, requestId: uuidv7() }),
    operator(),
  );
}, 60_000);
afterAll(() => running.stop());

const view = async (parts: Part[], options = operator(), timelineSize = 3) =>
  (await running.customer.getCustomerView({ name: jana.name, timelineSize, parts }, options)).view as CustomerView;
type Caller = ReturnType<typeof operator>;

/** What a part holds, beside what the method that gives the same alone answers. */
const alone: [
  part: keyof CustomerView,
  held: (view: CustomerView) => unknown,
  ask: (as: Caller) => Promise<unknown>,
][] = [
  [
    'spending',
    (one) => one.spending?.spending,
    async (caller) => {
      const [startDate, endDate] = [
        { year: 2023, month: 4, day: 1 },
        { year: 2024, month: 4, day: 1 },
      ];
      return (await running.spending.getSpending({ name: jana.name, startDate, endDate }, caller)).spending;
    },
  ],
  [
    'assignments',
    (one) => one.assignments?.assignments,
    async (caller) => (await running.households.listAssignments({ parent: jana.name, ...page }, caller)).assignments,
  ],
  [
    'quality',
    (one) => one.quality?.quality,
    async (caller) => (await running.quality.getPartyQuality({ name: jana.name }, caller)).quality,
  ],
  [
    'merges',
    (one) => one.merges?.merges,
    async (caller) => (await running.golden.listMerges({ parent: jana.name, ...page }, caller)).merges,
  ],
  [
    'baselines',
    (one) => one.baselines?.baselines,
    async (caller) => (await running.portrait.listBaselines({ parent: jana.name, ...page }, caller)).baselines,
  ],
  [
    'dataSubjectRequests',
    (one) => one.dataSubjectRequests?.dataSubjectRequests,
    async (caller) => {
      const request = ListDataSubjectRequestsRequest.fromPartial({ party: jana.name });
      return (await running.privacy.listDataSubjectRequests(request, caller)).dataSubjectRequests;
    },
  ],
];

it.each([...allRoles])('gives a %s each part as the method that gives it alone, or not at all', async (role) => {
  const caller = as({ sub: 'staff/rm1', roles: [role], orgPath: '/berka/prague/1' });
  const permitted = await failure(view([], caller));
  if (permitted.kind !== 'ok') return expect(['denied', 'not_found']).toContain(permitted.kind);
  const whole = await view(everyPart, caller);
  for (const [part, held, ask] of alone) {
    const answer = await ask(caller).catch(() => undefined);
    expect({ part, held: held(whole) }).toEqual({ part, held: answer });
  }
});

it('holds something in every part, and nothing of it unless it was asked for', async () => {
  const whole = await view(everyPart);
  for (const [part, held] of alone)
    expect([part, (held(whole) as unknown[] | undefined)?.length ?? 1]).not.toEqual([part, 0]);
  expect(whole.spending).toMatchObject({ startDate: { year: 2023, month: 4 }, endDate: { year: 2024, month: 4 } });
  expect(whole.spending?.spending).toHaveLength(3);
  expect(whole.assignments?.assignments.map(({ reason }) => reason)).toEqual(['to staff/rm1', 'to staff/rm2', '']);
  expect(whole.merges?.merges).toHaveLength(1);
  const plain = await view([]);
  for (const [part] of alone) expect([part, plain[part]]).toEqual([part, undefined]);
  expect(plain.partyNames).toBeUndefined();
  // The parts that every view has are the same whatever else is asked for.
  const read = ({ holdings, balances, interactions, consents, goals, behaviourChanges }: CustomerView) =>
    JSON.stringify([holdings, balances, interactions, consents, goals, behaviourChanges], (key, value: unknown) =>
      key === 'asOf' ? '' : typeof value === 'bigint' ? `${value}` : value,
    );
  expect(read(whole)).toEqual(read(plain));
});

it('shows the most sensitive tags and life events to whom the lists show them', async () => {
  const seen = (one: CustomerView) => [
    one.portrait?.tags.map(({ titleEn }) => titleEn),
    one.lifeEvents?.lifeEvents.map(({ kind }) => kind),
  ];
  expect(seen(await view([]))).toEqual([['open'], [1]]);
  for (const role of ['operator', 'relationship_manager', 'call_centre_agent', 'branch_manager', 'auditor']) {
    const caller = as({ sub: 'staff/rm1', roles: [role], orgPath: '/berka/prague/1' });
    const tags = running.portrait.listTags({ parent: jana.name, ...page }, caller).then((answer) => answer.tags);
    const wish = { parent: jana.name, ...page, showRetracted: false };
    const lived = running.portrait.listLifeEvents(wish, caller).then((answer) => answer.lifeEvents);
    const whole = await view([Part.CUSTOMER_VIEW_PART_SENSITIVE], caller);
    expect({ role, tags: whole.portrait?.tags, lived: whole.lifeEvents?.lifeEvents }).toEqual({
      role,
      tags: await tags,
      lived: await lived,
    });
    // What is most sensitive stands on no timeline.
    expect(whole.timeline?.entries.some(({ entry }) => entry?.$case === 'lifeEvent' && entry.value.kind === 3)).toBe(
      false,
    );
  }
});

it('goes on with the timeline where its first page ends', async () => {
  const first = (await view([], operator(), 4)).timeline;
  const whole = (
    await running.customer.listTimeline(ListTimelineRequest.fromPartial({ parent: jana.name }), operator())
  ).entries;
  const next = ListTimelineRequest.fromPartial({ parent: jana.name, pageToken: first?.nextPageToken ?? '' });
  const { entries, nextPageToken } = await running.customer.listTimeline(next, operator());
  expect(whole.length).toBeGreaterThan(8);
  expect([...(first?.entries ?? []), ...entries]).toEqual(whole);
  expect(nextPageToken).toBe('');
  expect((await view([], operator(), 100)).timeline?.nextPageToken).toBe('');
});

it('names the parties that are spoken of, of those that the caller sees in full', async () => {
  const parts = [
    Part.CUSTOMER_VIEW_PART_HOUSEHOLDS,
    Part.CUSTOMER_VIEW_PART_RELATIONSHIPS,
    Part.CUSTOMER_VIEW_PART_PARTY_NAMES,
  ];
  const names = async (caller: Caller) => (await view(parts, caller)).partyNames?.labels.map(({ party }) => party);
  expect((await view(parts)).partyNames?.labels).toEqual(
    [jana, petr]
      .map(({ name, displayName }) => ({ party: name, displayName }))
      .sort((a, b) => (a.party < b.party ? -1 : 1)),
  );
  const elsewhere = { etag: (await running.customer.getParty({ name: petr.name }, operator())).party?.etag ?? '' };
  await running.customer.updateParty(
    {
      party: { ...petr, ...elsewhere, organisationPath: '/berka/brno/1', relationshipManager: 'staff/x' },
      updateMask: ['organisation_path', 'relationship_manager'],
      requestId: uuidv7(),
    },
    operator(),
  );
  expect(await names(as({ sub: 'staff/b', roles: ['branch_manager'], orgPath: '/berka/prague/1' }))).toEqual([
    jana.name,
  ]);
  const [{ count } = { count: 0 }] = await all<{ count: number }>(
    running,
    sql`SELECT count(*)::int AS count FROM kit.audit WHERE action LIKE '%GetCustomerView' AND resource = ${petr.name}`,
  );
  expect(count).toBeGreaterThan(0);
});
