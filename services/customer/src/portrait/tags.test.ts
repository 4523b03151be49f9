import { sql } from '@rapport/kit/db';
import { connectBus, startBatchConsumer, startRelay } from '@rapport/kit/events';
import { uuidv7 } from '@rapport/kit/runtime';
import {
  HoldingOpened,
  HoldingUpdated,
  PartyCreated,
  PartyUpdated,
  TagDefinition,
  TagRemoved,
  TagSet,
  TagSource,
  TransactionBooked,
} from '@rapport/proto/customer/v1';
import { SegmentEntered, SegmentExited } from '@rapport/proto/segmentation/v1';
import { serviceToken, testBus } from '@rapport/test/kit';
import {
  account,
  all,
  allRoles,
  as,
  createHolding,
  createParty,
  eventTypes,
  failure,
  operator,
  person,
  type Running,
  startCustomer,
} from '../customer.testkit.js';
import { followEvents, PORTRAIT, type PortraitEvent } from './follow-events.js';
import { expireTags, sweepRules } from './tend-tags.js';

let running: Running;
let now = new Date();

beforeAll(async () => {
  running = await startCustomer({ now: () => now });
});
afterAll(() => running.stop());

const manager = () => as({ sub: 'staff/rm1', roles: ['relationship_manager'], orgPath: '/berka/prague/1' });
const agent = () => as({ sub: 'staff/cc1', roles: ['call_centre_agent'], orgPath: '/berka' });
const wish = (id: string, over: object = {}) => ({
  definition: `tagDefinitions/${id}`,
  expireTime: undefined,
  model: '',
  ...over,
});
const set = (parent: string, ids: (string | ReturnType<typeof wish>)[], options = operator(), requestId = uuidv7()) =>
  running.portrait.setTags(
    { parent, tags: ids.map((id) => (typeof id === 'string' ? wish(id) : id)), requestId },
    options,
  );
const list = async (parent: string, options = operator()) =>
  (await running.portrait.listTags({ parent, pageSize: 0, pageToken: '' }, options)).tags;
const remove = (name: string, options = operator()) =>
  running.portrait.removeTag({ name, requestId: uuidv7() }, options);
const define = (over: object, options = operator()) =>
  running.portrait.setTagDefinition(
    {
      tagDefinition: TagDefinition.fromPartial({
        organisationPath: '/berka',
        titleEn: 'A tag',
        titleZh: '标签',
        dataClass: 2,
        setByRoles: ['operator'],
        ...over,
      }),
      requestId: uuidv7(),
    },
    options,
  );
const ids = (tags: readonly { name: string }[]) => tags.map(({ name }) => name.split('/')[3]);
async function sweep(): Promise<void> {
  for (let steps = 0; await sweepRules(running.deps); steps += 1) expect(steps).toBeLessThan(100);
}
async function heard<T>(codec: { $type: string; decode(bytes: Uint8Array): T }, party: string): Promise<T[]> {
  const rows = await all<{ payload: Buffer }>(
    running,
    sql`SELECT payload FROM kit.outbox WHERE type = ${codec.$type} AND aggregate = ${party.slice(8)} ORDER BY id`,
  );
  return rows.map(({ payload }) => codec.decode(payload));
}

describe('SetTags', () => {
  it('sets once, says why and until when, and is part of the view', async () => {
    const jana = await createParty(running);
    const requestId = uuidv7();
    const { tags } = await set(jana.name, ['vip', 'investor'], operator(), requestId);
    expect(ids(tags)).toEqual(['investor', 'vip']);
    expect(tags[0]).toEqual({
      name: `${jana.name}/tags/investor`,
      titleEn: 'Interested in investing',
      titleZh: '有投资意向',
      dataClass: 2,
      grounds: [
        {
          source: TagSource.TAG_SOURCE_STAFF,
          reference: '',
          setBy: 'olga',
          setTime: now,
          expireTime: new Date(now.getTime() + 180 * 86_400_000),
        },
      ],
    });
    const before = await eventTypes(running);
    expect((await set(jana.name, ['vip', 'investor'], operator(), requestId)).tags).toEqual(tags);
    expect(await eventTypes(running)).toEqual(before);
    // The same wish of another day: vip stands as it stood, investor ends later.
    now = new Date(now.getTime() + 86_400_000);
    await set(jana.name, ['vip', 'investor']);
    expect((await heard(TagSet, jana.name)).map(({ definition }) => definition)).toEqual([
      'tagDefinitions/vip',
      'tagDefinitions/investor',
      'tagDefinitions/investor',
    ]);
    const { view } = await running.customer.getCustomerView(
      { name: jana.name, timelineSize: 0, parts: [] },
      operator(),
    );
    expect(view?.portrait?.tags).toEqual(await list(jana.name));
    expect(view?.portrait?.tags).toHaveLength(2);
  });

  it('keeps to roles, classes, places and time', async () => {
    const jana = await createParty(running, person({ relationshipManager: 'staff/rm1' }));
    expect(await failure(set(jana.name, ['hardship']))).toMatchObject({ kind: 'denied', reason: 'TAG_NOT_YOURS' });
    expect(await failure(set(jana.name, ['vip'], agent()))).toMatchObject({ reason: 'TAG_NOT_YOURS' });
    await set(jana.name, ['hardship'], manager());
    expect(ids(await list(jana.name, manager()))).toEqual(['hardship']);
    expect(await list(jana.name, agent())).toEqual([]);
    expect(await failure(remove(`${jana.name}/tags/hardship`, agent()))).toMatchObject({ reason: 'TAG_NOT_FOUND' });
    const { view } = await running.customer.getCustomerView({ name: jana.name, timelineSize: 0, parts: [] }, manager());
    expect(view?.portrait?.tags).toEqual([]);
    expect(await failure(set(jana.name, ['unknown']))).toMatchObject({ reason: 'TAG_DEFINITION_NOT_FOUND' });
    expect(await failure(set(jana.name, [wish('vip', { expireTime: now })]))).toMatchObject({
      reason: 'EXPIRE_TIME_PAST',
    });
    expect(await failure(set(jana.name, [wish('vip', { model: 'churn@3' })]))).toMatchObject({
      reason: 'TAG_MODEL_MISSING',
    });
    const brno = as({ sub: 'b', roles: ['branch_manager'], orgPath: '/berka/brno' });
    expect(await failure(set(jana.name, ['vip'], brno))).toMatchObject({ reason: 'PARTY_NOT_FOUND' });
    expect(await failure(list(jana.name, brno))).toMatchObject({ reason: 'PARTY_NOT_FOUND' });
    for (const role of ['marketer', 'marketing_approver', 'analyst', 'administrator', 'auditor']) {
      expect(await failure(set(jana.name, ['vip'], as({ roles: [role] })))).toMatchObject({ kind: 'denied' });
      if (role === 'auditor') continue;
      expect(await failure(list(jana.name, as({ roles: [role] })))).toMatchObject({ kind: 'denied' });
    }
  });

  it('lets a model of a service speak beside staff, and each ground end by itself', async () => {
    const jana = await createParty(running);
    await set(jana.name, ['vip']);
    const model = { token: serviceToken('reporting') };
    await set(jana.name, [wish('vip', { model: 'value@7', expireTime: new Date(now.getTime() + 1000) })], model);
    expect((await list(jana.name))[0]?.grounds).toMatchObject([
      { source: TagSource.TAG_SOURCE_STAFF, setBy: 'olga' },
      { source: TagSource.TAG_SOURCE_MODEL, setBy: 'service:reporting', reference: 'value@7' },
    ]);
    now = new Date(now.getTime() + 2000);
    expect((await list(jana.name))[0]?.grounds).toHaveLength(1);
    expect(await expireTags(running.deps)).toBe(1);
    expect(await expireTags(running.deps)).toBe(0);
    expect(await heard(TagRemoved, jana.name)).toMatchObject([{ reference: 'value@7', reason: 2, stillHeld: true }]);
    expect(await failure(remove(`${jana.name}/tags/vip`, agent()))).toMatchObject({ reason: 'TAG_NOT_YOURS' });
    expect((await remove(`${jana.name}/tags/vip`)).tags).toEqual([]);
    expect(await failure(remove(`${jana.name}/tags/vip`))).toMatchObject({ reason: 'TAG_NOT_FOUND' });
    expect((await heard(TagRemoved, jana.name))[1]).toMatchObject({ reason: 1, stillHeld: false });
  });

  it('pages by id, and a party that moves takes its tags along', async () => {
    const jana = await createParty(running);
    await set(jana.name, ['vip', 'investor', 'home-buyer']);
    const seen: string[] = [];
    let pageToken = '';
    do {
      const page = await running.portrait.listTags({ parent: jana.name, pageSize: 1, pageToken }, operator());
      seen.push(...(ids(page.tags) as string[]));
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    expect(seen).toEqual(['home-buyer', 'investor', 'vip']);
    const party = { ...jana, organisationPath: '/berka/brno/2' };
    await running.customer.updateParty({ party, updateMask: ['organisation_path'], requestId: uuidv7() }, operator());
    const brno = as({ sub: 'b', roles: ['branch_manager'], orgPath: '/berka/brno' });
    expect(ids(await list(jana.name, brno))).toEqual(seen);
  });
});

describe('SetTagDefinition', () => {
  it('is for those who run the bank, inside of their part of it', async () => {
    for (const role of allRoles.filter((one) => one !== 'operator' && one !== 'administrator')) {
      expect(await failure(define({ name: 'tagDefinitions/x' }, as({ roles: [role] })))).toMatchObject({
        kind: 'denied',
      });
    }
    const other = as({ roles: ['administrator'], orgPath: '/other' });
    expect(await failure(define({ name: 'tagDefinitions/x' }, other))).toMatchObject({
      reason: 'ORGANISATION_PATH_OUTSIDE',
    });
    expect(await failure(define({ name: 'tagDefinitions/vip', organisationPath: '/other' }, other))).toMatchObject({
      reason: 'ORGANISATION_PATH_OUTSIDE',
    });
    const balance = { attribute: 6, comparison: 1, value: 1n };
    expect(await failure(define({ name: 'tagDefinitions/x', conditions: [balance] }))).toMatchObject({
      reason: 'TAG_RULE_INVALID',
      fields: ['tag_definition.conditions[0].currency_code'],
    });
    await define({ name: 'tagDefinitions/only-berka' });
    const seen = async (orgPath: string) =>
      (
        await running.portrait.listTagDefinitions(
          { pageSize: 0, pageToken: '', showRetired: false },
          as({ roles: ['marketer'], orgPath }),
        )
      ).tagDefinitions.map(({ name }) => name);
    expect(await seen('/other')).not.toContain('tagDefinitions/only-berka');
    expect(await seen('/other')).toContain('tagDefinitions/vip');
    expect(await seen('/berka/prague/1')).toContain('tagDefinitions/only-berka');
  });

  it('follows a rule that changes, and one that time makes true', async () => {
    const jana = await createParty(running);
    const other = await createParty(running, person({ organisationPath: '/other/1' }));
    await createHolding(running, jana.name, account({ balance: { minorUnits: 500_000n, currencyCode: 'CZK' } }));
    await createHolding(running, jana.name, account({ balance: { minorUnits: 600_000n, currencyCode: 'CZK' } }));
    const condition = { attribute: 6, comparison: 1, value: 1_000_000n, currencyCode: 'CZK' };
    const affluent = { name: 'tagDefinitions/affluent', conditions: [condition] };
    await define(affluent);
    await sweep();
    expect((await list(jana.name)).find(({ name }) => name.endsWith('/affluent'))?.grounds).toMatchObject([
      { source: TagSource.TAG_SOURCE_RULE, reference: 'tagDefinitions/affluent@1', setBy: 'service:customer' },
    ]);
    expect(await failure(remove(`${jana.name}/tags/affluent`))).toMatchObject({ reason: 'TAG_SET_BY_RULE' });
    expect(ids(await list(other.name))).not.toContain('affluent');
    await define({ ...affluent, conditions: [{ ...condition, value: 1_100_001n }] });
    await sweep();
    expect(ids(await list(jana.name))).not.toContain('affluent');
    expect(await heard(TagRemoved, jana.name)).toMatchObject([{ reason: 3, stillHeld: false }]);
    // Born on 13 December 1970: 65 on that day of 2035.
    const today = now;
    now = new Date('2035-12-12T12:00:00Z');
    await sweep();
    expect(ids(await list(jana.name))).not.toContain('senior');
    now = new Date('2035-12-13T12:00:00Z');
    await sweep();
    expect(ids(await list(jana.name))).toContain('senior');
    now = today;
  });
});

describe('the events that portraits follow', () => {
  const event = (type: string, message: object, id = uuidv7()): PortraitEvent =>
    ({ type, event: message, meta: { id, occurred: new Date() } }) as PortraitEvent;

  it('are applied once, in and out of a segment, whatever comes again', async () => {
    const jana = await createParty(running);
    await define({ name: 'tagDefinitions/saver', segment: 'segments/savers' });
    const segment = { segment: 'segments/savers', version: 1, party: jana.name, organisationPath: '/berka' };
    const entered = event('rapport.segmentation.v1.SegmentEntered', { ...segment, enterTime: now });
    const exited = event('rapport.segmentation.v1.SegmentExited', { ...segment, exitTime: now });
    const apply = followEvents(running.deps);
    await apply([entered]);
    expect((await list(jana.name)).map(({ grounds }) => grounds[0])).toMatchObject([
      { source: TagSource.TAG_SOURCE_SEGMENTATION, reference: 'segments/savers' },
    ]);
    await apply([entered, exited]);
    await apply([entered, exited]);
    expect(await list(jana.name)).toEqual([]);
    expect(await heard(TagSet, jana.name)).toHaveLength(1);
    expect(await heard(TagRemoved, jana.name)).toMatchObject([{ reason: 4 }]);
    await apply([event('rapport.segmentation.v1.SegmentEntered', { ...segment, enterTime: now })]);
    await define({ name: 'tagDefinitions/saver', segment: '' });
    await sweep();
    expect(await list(jana.name)).toEqual([]);
  });

  it('reach the portrait through the bus', async () => {
    const bus = await testBus();
    const nats = await connectBus({ url: bus.url, name: 'customer-portrait-test' });
    const relay = startRelay({ db: running.db, nats, domain: 'customer' });
    const consumer = startBatchConsumer({
      db: running.db as never,
      nats,
      name: PORTRAIT,
      events: [
        PartyCreated,
        PartyUpdated,
        HoldingOpened,
        HoldingUpdated,
        TransactionBooked,
        SegmentEntered,
        SegmentExited,
      ],
      handle: followEvents(running.deps),
      maxEvents: 100,
      maxWaitMs: 10,
    });
    try {
      const child = await createParty(
        running,
        person({
          details: {
            $case: 'person',
            value: { givenName: 'Eva', familyName: 'Malá', birthDate: { year: 2015, month: 1, day: 1 } },
          },
        }),
      );
      const found = async (): Promise<unknown> => {
        for (let tries = 0; tries < 100; tries += 1) {
          const tags = ids(await list(child.name));
          if (tags.length > 0) return tags;
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
        return [];
      };
      expect(await found()).toEqual(['minor']);
    } finally {
      await consumer.stop();
      await relay.stop();
      await nats.drain();
      await bus.close();
    }
  }, 30_000);
});
