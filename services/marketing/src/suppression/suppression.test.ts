import { Suppression } from '@rapport/proto/marketing/v1';
import { Channel } from '@rapport/proto/type/v1';
import { NOON, openSuite, request, type Suite } from '../marketing.testkit.js';
import { forbids } from './suppression.js';

let suite: Suite;
beforeAll(async () => {
  suite = await openSuite();
});
afterAll(() => suite.close());

const party = 'parties/01890000-0000-7000-8000-000000000001';
const add = (wish: object = {}) =>
  suite.marketer.addSuppression({
    suppression: {
      ...Suppression.fromJSON({ party, purpose: 'marketing', reason: 'complaint', organisationPath: '/demo' }),
      ...wish,
    },
    requestId: request(),
  });
const listed = async () =>
  (await suite.marketer.listSuppressions({ party, pageSize: 0, pageToken: '', organisationPath: '' })).suppressions;

it('added again answers the one that is there; added for longer holds longer', async () => {
  const expireTime = new Date(NOON.getTime() + 86_400_000);
  const first = await add({ expireTime });
  const again = await add({ reason: 'legal', expireTime });
  expect(again).toEqual(first);
  const longer = await add();
  expect(longer.suppression).toMatchObject({ name: first.suppression?.name, expireTime: undefined });
  expect(await listed()).toHaveLength(1);
});

it('holds until it ends; then a new one takes its place', async () => {
  const expireTime = new Date(NOON.getTime() + 1000);
  const first = await add({ purpose: 'survey', expireTime });
  suite.clock.at = expireTime;
  expect((await listed()).map(({ purpose }) => purpose)).not.toContain('survey');
  const second = await add({ purpose: 'survey', reason: 'legal' });
  expect(second.suppression?.name).not.toBe(first.suppression?.name);
  expect(second.suppression).toMatchObject({ reason: 'legal', expireTime: undefined });
  expect((await listed()).map(({ purpose }) => purpose)).toContain('survey');
});

it('of one channel or purpose forbids that alone, of none forbids all', () => {
  const email = Channel.CHANNEL_EMAIL;
  expect(forbids({ channel: 0, purpose: '' }, email, 'marketing')).toBe(true);
  expect(forbids({ channel: email, purpose: 'marketing' }, email, 'marketing')).toBe(true);
  expect(forbids({ channel: Channel.CHANNEL_SMS, purpose: '' }, email, 'marketing')).toBe(false);
  expect(forbids({ channel: 0, purpose: 'survey' }, email, 'marketing')).toBe(false);
});
