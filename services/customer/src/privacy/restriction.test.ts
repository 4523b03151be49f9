// What this service does no more with a party whose processing is restricted, and does again when that is lifted.
import { sql } from '@rapport/kit/db';
import { uuidv7 } from '@rapport/kit/runtime';
import {
  BehaviourEvent,
  DataSubjectRequestKind as Kind,
  Goal,
  LifeEvent,
  MergePartiesRequest,
  type Party,
  PartyState,
  TagDefinition,
} from '@rapport/proto/customer/v1';
import {
  all,
  as,
  createParty,
  failure,
  importOf,
  operator,
  person,
  type Running,
  startCustomer,
} from '../customer.testkit.js';
import { closeDays } from '../behaviour/close-days.js';
import { matchQueued } from '../matching/live.js';
import { openMatching } from '../matching/matching.testkit.js';
import { followEvents, type PortraitEvent } from '../portrait/follow-events.js';
import { sweepRules } from '../portrait/tend-tags.js';
import { idOf, officer, rightsAt } from './privacy.testkit.js';

const DAY_MS = 86_400_000;
const start = Date.parse('2026-03-02T10:00:00Z');
const at = (day: number) => new Date(start + day * DAY_MS);
let now = at(0);
let running: Running;
let matching: ReturnType<typeof openMatching>;
beforeAll(async () => {
  running = await startCustomer({ now: () => now });
  matching = openMatching(running.address);
});
afterAll(async () => {
  matching.close();
  await running.stop();
});
const { open, decide } = rightsAt(() => running);

const restrict = async (party: Party) =>
  decide((await open(party, Kind.DATA_SUBJECT_REQUEST_KIND_RESTRICTION)).name).then(() => undefined);
const lift = (party: Party) => running.privacy.liftRestriction({ name: party.name, requestId: uuidv7() }, officer());
const tagsOf = async (party: Party) =>
  (await running.portrait.listTags({ parent: party.name, pageSize: 0, pageToken: '' }, operator())).tags.map(
    ({ name }) => name.split('/')[3],
  );
const told = (type: PortraitEvent['type'], event: object) =>
  ({ type, event, meta: { id: uuidv7(), occurred: new Date() } }) as PortraitEvent;
const follow = (type: PortraitEvent['type'], event: object) => followEvents(running.deps)([told(type, event)]);

it('nobody marks it: not staff, not a rule, not a segment, not an import', async () => {
  const child = await createParty(
    running,
    person({
      details: {
        $case: 'person',
        value: { givenName: 'Eva', familyName: 'Malá', birthDate: { year: 2015, month: 1, day: 1 } },
      },
      source: 'berka',
      sourceKey: 'client/restricted',
    }),
  );
  await running.portrait.setTagDefinition(
    {
      tagDefinition: TagDefinition.fromPartial({
        ...{ name: 'tagDefinitions/saver', organisationPath: '/berka', titleEn: 'A saver', titleZh: '储户' },
        ...{ dataClass: 2, setByRoles: ['operator'], segment: 'segments/savers' },
      }),
      requestId: uuidv7(),
    },
    operator(),
  );
  await follow('rapport.customer.v1.PartyCreated', { party: child.name });
  expect(await tagsOf(child)).toEqual(['minor']);

  await restrict(child);
  await follow('rapport.customer.v1.PartyUpdated', { party: child.name });
  const entered = { segment: 'segments/savers', version: 1, party: child.name, enterTime: now };
  await follow('rapport.segmentation.v1.SegmentEntered', entered);
  while (await sweepRules(running.deps));
  expect(await tagsOf(child)).toEqual([]);
  const tag = { definition: 'tagDefinitions/vip', expireTime: undefined, model: '' };
  const byHand = () => running.portrait.setTags({ parent: child.name, tags: [tag], requestId: uuidv7() }, operator());
  expect(await failure(byHand())).toMatchObject({ kind: 'precondition', reason: 'PARTY_RESTRICTED' });
  const row = { $case: 'tag', value: { partySourceKey: 'client/restricted', tag: { definition: tag.definition } } };
  const { rejects } = await running.customer.import(importOf({}, [[{ line: 1n, row }]]), operator());
  expect(rejects).toMatchObject([{ field: 'party_source_key', reason: 'PARTY_RESTRICTED' }]);

  await lift(child);
  await follow('rapport.customer.v1.PartyUpdated', { party: child.name });
  await byHand();
  expect(await tagsOf(child)).toEqual(['minor', 'vip']);
});

it('nothing new is made of its life, its wishes and its behaviour', async () => {
  now = at(0);
  const saver = await createParty(running);
  let keys = 0;
  const read = (day: number, topic: string) =>
    BehaviourEvent.fromPartial({ party: saver.name, time: at(day), kind: 1, topic, channel: 5, key: `k${++keys}` });
  const live = async (from: number, to: number, topics: string[]) => {
    for (let day = from; day <= to; day += 1) {
      now = at(day);
      const events = topics.map((topic) => read(day, topic));
      await running.portrait.recordBehaviour({ source: 'app', events, requestId: uuidv7() }, operator());
    }
  };
  const raised = () =>
    all<{ id: string }>(
      running,
      sql`SELECT id FROM kit.outbox WHERE type LIKE '%.BehaviourChanged' AND aggregate = ${idOf(saver)}`,
    );
  await live(0, 41, ['savings', 'savings']);
  await restrict(saver);
  await live(42, 45, ['savings', 'savings', 'funds', 'funds', 'funds', 'funds']);
  now = at(47);
  while ((await closeDays(running.deps)) > 0);
  expect(await raised()).toEqual([]);

  const refused = { kind: 'precondition', reason: 'PARTY_RESTRICTED' };
  const goal = Goal.fromPartial({ kind: 1, target: { minorUnits: 5n, currencyCode: 'CZK' } });
  const lifeEvent = LifeEvent.fromPartial({ kind: 1, startDate: { year: 2026, month: 1, day: 1 }, certainty: 1 });
  for (const ask of [
    running.portrait.setGoal({ parent: saver.name, goal, requestId: uuidv7() }, operator()),
    running.portrait.recordLifeEvent({ parent: saver.name, lifeEvent, requestId: uuidv7() }, operator()),
    running.households.suggestHouseholdMembers({ parent: saver.name }, operator()),
  ])
    expect(await failure(ask)).toMatchObject(refused);

  // What was kept meanwhile counts from then on.
  await lift(saver);
  while ((await closeDays(running.deps)) > 0);
  expect(await raised()).not.toEqual([]);
});

it('it is not matched, and what was open about it lapses', async () => {
  now = at(50);
  const twin = (over: object = {}) =>
    person({
      details: {
        $case: 'person',
        value: { givenName: 'Bohdana', familyName: 'Dvojčatová', birthDate: { year: 1981, month: 4, day: 9 } },
      },
      contactPoints: [{ point: { $case: 'email', value: 'bohdana@example.com' } }],
      ...over,
    });
  const first = await createParty(running, twin());
  const second = await createParty(running, twin({ contactPoints: [] }));
  const settled = async () => {
    while ((await matchQueued(running.deps)) > 0);
    const [row] = await all<{ open: number }>(
      running,
      sql`SELECT count(*)::int AS open FROM match_candidate WHERE state IN (1, 2)
        AND ${idOf(first)}::uuid IN (party_id, other_party_id)`,
    );
    return row?.open;
  };
  const ask = () => matching.findMatches({ party: first.name }, operator());
  expect(await settled()).toBe(1);
  await restrict(first);
  expect(await settled()).toBe(0);
  expect(await failure(ask())).toMatchObject({ reason: 'PARTY_RESTRICTED' });
  expect((await matching.findMatches({ party: second.name }, operator())).matches).toEqual([]);
  await lift(first);
  expect(await settled()).toBe(1);
  expect((await ask()).matches).toMatchObject([{ party: second.name }]);
});

describe('a restriction that was asked for', () => {
  const stateOf = async ({ name }: Party) => (await running.customer.getParty({ name }, operator())).party?.state;
  const { PARTY_STATE_ACTIVE: active, PARTY_STATE_RESTRICTED: restricted } = PartyState;
  const said = (over: object) => ({ ...{ source: 'berka', sourceKey: 'client/asked' }, ...over });
  const bring = (over: object) => {
    const value = { sourceKey: 'client/asked', party: person({ state: active, ...over }) };
    return running.customer.import(importOf({}, [[{ line: 1n, row: { $case: 'party', value } }]]), operator());
  };
  const update = async (party: Party, paths: string[], over: object) => {
    const { party: now_ } = await running.customer.getParty({ name: party.name }, operator());
    const request = { party: { ...(now_ as Party), ...over }, updateMask: paths, requestId: uuidv7() };
    return running.customer.updateParty(request, operator());
  };

  it('is lifted by no source and no update, only by who decides requests, and then for good', async () => {
    const jana = await createParty(running, person(said({})));
    await restrict(jana);
    const { import: brought } = await bring({ language: 'cs' });
    expect(brought?.counts).toMatchObject([{ updated: 1n }]);
    expect(await stateOf(jana)).toBe(restricted);
    await update(jana, ['language'], { language: 'de' });
    expect(await stateOf(jana)).toBe(restricted);
    expect(await failure(update(jana, ['state'], { state: active }))).toMatchObject({ reason: 'PARTY_RESTRICTED' });
    await lift(jana);
    expect(await stateOf(jana)).toBe(active);
    await bring({ language: 'en' });
    expect(await stateOf(jana)).toBe(active);
  });

  it('stays with both when two that were one are two again', async () => {
    const [first, second] = [await createParty(running), await createParty(running)];
    const steward = as({ sub: 'staff/sam', roles: ['data_steward'], orgPath: '/berka' });
    const etags = { survivorEtag: first.etag, mergedEtag: second.etag };
    const merge = { survivor: first.name, merged: second.name, ...etags, reason: 'same', requestId: uuidv7() };
    const { party } = await running.golden.mergeParties(MergePartiesRequest.fromPartial(merge), steward);
    await restrict(party as Party);
    const { party: read } = await running.customer.getParty({ name: first.name }, operator());
    const apart = { name: second.name, etag: read?.etag ?? '', reason: 'two', requestId: uuidv7() };
    await running.golden.unmergeParties(apart, steward);
    expect(await Promise.all([first, second].map(stateOf))).toEqual([restricted, restricted]);
    await lift(second);
    expect(await Promise.all([first, second].map(stateOf))).toEqual([restricted, active]);
  });

  it('is lifted for good where a source had said it too', async () => {
    const jana = await createParty(running, person({ state: restricted }));
    await lift(jana);
    await update(jana, ['language'], { language: 'de' });
    expect(await stateOf(jana)).toBe(active);
  });
});
