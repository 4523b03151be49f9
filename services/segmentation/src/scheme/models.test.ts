import { HoldingKind } from '@rapport/proto/customer/v1';
import { uuidv7 } from '@rapport/kit/runtime';
import { type SchemePlan, SchemeRunState } from '@rapport/proto/segmentation/v1';
import { openSuite, type Suite } from '../segmentation.testkit.js';
import { create, ended, publish, rejection, segmentsOf } from './scheme.testkit.js';

let suite: Suite;
/** Forty young with little, forty old with much; three of four of those are the seed. */
const young: string[] = [];
const old: string[] = [];
const accounts = new Map<string, string>();

beforeAll(async () => {
  suite = await openSuite();
  const person = async (born: number, balance: bigint, region: string) => {
    const party = await suite.customer.person({ born, region });
    const account = await suite.customer.holding(party, HoldingKind.HOLDING_KIND_ACCOUNT);
    accounts.set(party, account);
    await suite.customer.booking(account, { parties: [party], day: 20260301, cents: 1n, balance });
    return party;
  };
  for (let n = 0; n < 40; n += 1) {
    young.push(await person(20000101 + ((n >> 1) % 2) * 10_000, 100_000n, 'north'));
    old.push(await person(19400101 + ((n >> 1) % 2) * 10_000, 9_000_000n, n % 4 > 0 ? 'seed' : 'north'));
  }
  await suite.settled();
}, 120_000);
afterAll(() => suite.close());

async function fitted(name: string) {
  const { schemeRun } = await suite.schemes(['marketer']).fitScheme({ name, requestId: uuidv7() });
  const run = await ended(suite, schemeRun?.name);
  expect(run).toMatchObject({ state: SchemeRunState.SCHEME_RUN_STATE_SUCCEEDED, message: '' });
  return (await suite.schemes(['marketer']).getScheme({ name })).version?.model?.kind;
}

const clusters = (features: string[], more: object = {}): SchemePlan => ({
  kind: { $case: 'clusters', value: { features, clusters: 0, sampleSize: 0, seed: 3, ...more } },
});

test('clusters are found, described, approved with their model, published, and keep their names in the next fit', async () => {
  const marketer = suite.schemes(['marketer']);
  await marketer.createScheme(create('alike', clusters(['party.age', 'holdings.balance'], { clusters: 2 })));
  const approver = suite.schemes(['marketing_approver'], '/demo', 'staff/adam');
  const early = approver.approveScheme({ name: 'schemes/alike@1', requestId: uuidv7() });
  expect((await rejection(early))['reason']).toBe('SCHEME_NOT_FITTED');
  const model = await fitted('schemes/alike@1');
  if (model?.$case !== 'clusters') throw new Error('no clusters');
  expect(model.value.clusters.map(({ groupId, share }) => [groupId, share])).toEqual([
    ['c1', 0.5],
    ['c2', 0.5],
  ]);
  expect(model.value.silhouette).toBeGreaterThan(0.5);
  const rich = model.value.clusters.find(({ means }) => (means[1] ?? 0) > 50_000);
  expect(rich?.profile).toContain('high balance');
  expect(rich?.profileZh).toMatch(/[高]/);
  expect(await publish(suite, 'schemes/alike@1')).toMatchObject({ message: '', changed: 80n });
  const groups = await Promise.all([young[5], old[5]].map((party) => segmentsOf(suite, party ?? '')));
  expect(groups[1]).toEqual([`segments/alike-${rich?.groupId}@1`]);
  expect(groups[0]).not.toEqual(groups[1]);

  await marketer.createSchemeVersion({
    parent: 'schemes/alike',
    plan: clusters(['party.age'], { seed: 99, clusters: 3 }),
    requestId: uuidv7(),
  });
  const again = await fitted('schemes/alike@2');
  if (again?.$case !== 'clusters') throw new Error('no clusters');
  const names = again.value.clusters.map(({ groupId }) => groupId);
  expect(names).toEqual(['c1', 'c2', 'c3']);
  const still = again.value.clusters.find(({ groupId }) => groupId === rich?.groupId);
  expect(still?.means[0]).toBeGreaterThan(50);
  expect(again.value.kept).toBeGreaterThan(0.5);

  // Some got richer, and the random choices are others: the clusters are the same, and so are their names.
  for (const party of old.slice(0, 4)) {
    const account = accounts.get(party) ?? '';
    await suite.customer.booking(account, { parties: [party], day: 20260310, cents: 1n, balance: 9_500_000n });
  }
  await suite.settled();
  const { version } = await marketer.createSchemeVersion({
    parent: 'schemes/alike',
    plan: clusters(['party.age', 'holdings.balance'], { seed: 41, clusters: 2 }),
    requestId: uuidv7(),
  });
  const later = await fitted(version?.name ?? '');
  if (later?.$case !== 'clusters') throw new Error('no clusters');
  expect(later.value.kept).toBe(1);
  expect(later.value.clusters.map(({ groupId, share }) => [groupId, share])).toEqual(
    model.value.clusters.map(({ groupId, share }) => [groupId, share]),
  );
  expect(later.value.clusters.find(({ groupId }) => groupId === rich?.groupId)?.profile).toContain('high balance');
}, 180_000);

test('the data choose the number of clusters, and show why', async () => {
  await suite.schemes(['marketer']).createScheme(create('free', clusters(['party.age', 'holdings.balance'])));
  const model = await fitted('schemes/free@1');
  if (model?.$case !== 'clusters') throw new Error('no clusters');
  const { choices } = model.value;
  expect(choices.length).toBeGreaterThanOrEqual(2);
  const best = choices.reduce((one, other) => (other.silhouette > one.silhouette ? other : one));
  expect(model.value.clusters).toHaveLength(best.clusters);
  expect(model.value.silhouette).toBeCloseTo(best.silhouette);
  for (const [index, { inertia }] of choices.entries()) {
    if (index > 0) expect(inertia).toBeLessThanOrEqual((choices[index - 1]?.inertia ?? 0) + 1e-9);
  }
}, 180_000);

test('look-alikes of a seed are those that are like it, without the seed', async () => {
  const marketer = suite.schemes(['marketer']);
  const plan = (more: object): SchemePlan => ({
    kind: {
      $case: 'lookalike',
      value: {
        seedRule: 'party.region == "seed"',
        features: ['party.age', 'holdings.balance', 'tx.last_days()'],
        cut: { $case: 'top', value: 8n },
        keepSeed: false,
        ...more,
      },
    },
  });
  await marketer.createScheme(create('like', plan({})));
  const model = await fitted('schemes/like@1');
  if (model?.$case !== 'lookalike') throw new Error('no model');
  expect(model.value.auc).toBeGreaterThan(0.7);
  expect(model.value.lift).toBeGreaterThan(1);
  expect(model.value).toMatchObject({ seedParties: 30n, otherParties: 50n });
  expect(model.value.cuts.map(({ share }) => share)).toEqual([0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5]);
  expect(model.value.cuts.at(-1)?.recall).toBeGreaterThan(0.5);
  // Everybody's last transaction was on the same day: it tells nothing.
  const importance = model.value.features.map((one) => one.importance);
  expect(importance[2]).toBeCloseTo(0);
  expect((importance[0] ?? 0) + (importance[1] ?? 0)).toBeCloseTo(1);
  expect(await publish(suite, 'schemes/like@1')).toMatchObject({ message: '', changed: 8n });
  const { members, total } = await suite
    .as(['marketer'])
    .listMembers({ parent: 'segments/like-similar@1', pageSize: 100, pageToken: '' });
  expect(total).toBe(8n);
  const taken = members.map(({ party }) => party);
  expect(taken.filter((party) => old.indexOf(party) >= 0 && old.indexOf(party) % 4 === 0)).toHaveLength(8);

  // A tenth of the 50 outside of the seed.
  await marketer.createScheme(create('share', plan({ cut: { $case: 'share', value: 0.1 } })));
  await fitted('schemes/share@1');
  const dry = await marketer.previewScheme({ name: 'schemes/share@1', asOf: undefined, sampleSize: 3 });
  expect(dry.groups).toMatchObject([{ group: { groupId: 'similar' }, parties: 5n, before: 0n }]);
  expect(dry.moves).toEqual([{ fromGroup: '', toGroup: 'similar', parties: 5n }]);
  expect(dry.sample).toHaveLength(3);

  await marketer.createScheme(create('tiny', plan({ seedRule: 'party.region == "nowhere"' })));
  const { schemeRun } = await marketer.fitScheme({ name: 'schemes/tiny@1', requestId: uuidv7() });
  expect(await ended(suite, schemeRun?.name)).toMatchObject({
    state: SchemeRunState.SCHEME_RUN_STATE_FAILED,
    reason: 'SEED_TOO_SMALL',
  });
}, 180_000);
