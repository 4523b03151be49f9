import { HoldingKind } from '@rapport/proto/customer/v1';
import { TierChanged, TierDirection, TierMatch, type SchemePlan, SchemeRunState } from '@rapport/proto/segmentation/v1';
import { sql } from '@rapport/kit/db';
import { on, startConsumer } from '@rapport/kit/events';
import { uuidv7 } from '@rapport/kit/runtime';
import { create, ended, publish, rejection, segmentsOf, title } from '../scheme/scheme.testkit.js';
import { openSuite, type Suite } from '../segmentation.testkit.js';

let suite: Suite;
let clock: Date;
const accounts = new Map<string, string>();

const tier = (id: string, enterAssets?: number, keepAssets?: number, privileges: string[] = []) => ({
  group: title(id),
  enterAssets,
  keepAssets,
  enterProfit: undefined,
  keepProfit: undefined,
  privileges: privileges.map((code) => ({ code, title: code, titleZh: '' })),
});
const plan: SchemePlan = {
  kind: {
    $case: 'tiers',
    value: {
      assets: 'holdings.balance',
      profit: '',
      match: TierMatch.TIER_MATCH_ANY,
      graceDays: 10,
      tiers: [tier('basic'), tier('silver', 1000, 800), tier('gold', 5000, 4000, ['lounge'])],
    },
  },
};

async function person(balance: bigint, more: object = {}): Promise<string> {
  const party = await suite.customer.person(more);
  const account = await suite.customer.holding(party, HoldingKind.HOLDING_KIND_ACCOUNT);
  accounts.set(party, account);
  await book(party, balance, 20260301);
  return party;
}
async function book(party: string, balance: bigint, day: number): Promise<void> {
  const account = accounts.get(party) ?? '';
  await suite.customer.booking(account, { parties: [party], day, cents: 1n, balance: balance * 100n });
}

/** The clock of the service shows noon of that day; its own run for it is waited for. */
async function dayIs(day: string): Promise<void> {
  clock.setTime(Date.parse(`${day}T12:00:00Z`));
  for (let tries = 0; tries < 500; tries += 1) {
    const { version } = await suite.schemes(['analyst']).getScheme({ name: 'schemes/wealth' });
    const { year = 0, month = 0, day: date = 0 } = version?.assignedDate ?? {};
    if (`${year}-${String(month).padStart(2, '0')}-${String(date).padStart(2, '0')}` === day) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`tiers were not decided for ${day}`);
}

async function groupsOf(party: string) {
  const answer = await suite
    .schemes(['relationship_manager'], '/demo', 'staff/anna')
    .listPartyGroups({ party, scheme: 'schemes/wealth', pageSize: 0, pageToken: '' });
  return answer.groups;
}

beforeAll(async () => {
  clock = new Date('2026-03-15T12:00:00Z');
  suite = await openSuite(clock);
}, 60_000);
afterAll(() => suite.close());

test('parties go up at once and down after their grace; each change is told once', async () => {
  const rich = await person(6000n, { manager: 'staff/anna' });
  const riser = await person(900n);
  await person(2000n, { path: '/other' });
  await suite.settled();
  const told: TierChanged[] = [];
  const listener = startConsumer({
    db: suite.customer.db,
    nats: suite.nats,
    name: 'tier-listener',
    handlers: [on(TierChanged, async (_tx, event) => void told.push(event))],
    shards: 1,
  });
  await suite.schemes(['marketer']).createScheme(create('wealth', plan));
  const run = await publish(suite, 'schemes/wealth@1');
  expect(run).toMatchObject({ state: SchemeRunState.SCHEME_RUN_STATE_SUCCEEDED, changed: 2n, message: '' });
  expect(await segmentsOf(suite, rich)).toEqual(['segments/wealth-gold@1']);
  expect(await segmentsOf(suite, riser)).toEqual(['segments/wealth-basic@1']);
  const { version } = await suite.schemes(['analyst']).getScheme({ name: 'schemes/wealth' });
  expect(version?.groups.map(({ members }) => members)).toEqual([1n, 0n, 1n]);
  expect(told).toEqual([]); // the first tier is no change

  await book(rich, 3000n, 20260316);
  await book(riser, 1000n, 20260316);
  await suite.settled();
  await dayIs('2026-03-16');
  expect((await groupsOf(rich)).map(({ group }) => group?.groupId)).toEqual(['gold']);

  await dayIs('2026-03-25'); // nine days below
  expect((await groupsOf(rich)).map(({ group }) => group?.groupId)).toEqual(['gold']);
  await dayIs('2026-03-26');
  const groups = await groupsOf(rich);
  expect(groups.map(({ group, current, fromDate }) => [group?.groupId, current, fromDate?.day])).toEqual([
    ['silver', true, 26],
    ['gold', false, 15],
  ]);
  // Asking again for a day that is decided changes nothing.
  const again = await suite
    .schemes(['marketer'])
    .assignScheme({ name: 'schemes/wealth@1', asOf: undefined, requestId: uuidv7() });
  expect(await ended(suite, again.schemeRun?.name)).toMatchObject({ state: SchemeRunState.SCHEME_RUN_STATE_SUCCEEDED });
  for (let tries = 0; told.length < 2 && tries < 100; tries += 1) await new Promise((done) => setTimeout(done, 50));
  await listener.stop();
  const shown = told.map(({ party, fromTier, toTier, direction, privileges }) => ({
    party,
    fromTier,
    toTier,
    direction,
    privileges,
  }));
  const { TIER_DIRECTION_UP, TIER_DIRECTION_DOWN } = TierDirection;
  expect(shown).toEqual([
    { party: riser, fromTier: 'basic', toTier: 'silver', direction: TIER_DIRECTION_UP, privileges: [] },
    { party: rich, fromTier: 'gold', toTier: 'silver', direction: TIER_DIRECTION_DOWN, privileges: [] },
  ]);
  // The first tiers are kept as well, though nothing is told of them.
  const kept = await suite.deps.db.system.rows<{ from: string; to: string; score: number }>(sql`
    SELECT from_tier AS from, to_tier AS to, score FROM tier_change ORDER BY day, to_tier`);
  expect(kept).toEqual([
    { from: '', to: 'basic', score: 900 },
    { from: '', to: 'gold', score: 6000 },
    { from: 'basic', to: 'silver', score: 1000 },
    { from: 'gold', to: 'silver', score: 3000 },
  ]);
}, 180_000);

const schemeDay = (day: number) => ({ year: 2026, month: 3, day });
const rowsOf = async (table: 'assigned' | 'tier_watch') => {
  const [row] = await suite.deps.analytics.query<{ n: number }>(`SELECT count() AS n FROM ${table} FINAL`);
  return Number(row?.n);
};

test('a dry run tells sizes and who would move on any day, and changes nothing', async () => {
  const marketer = suite.schemes(['marketer']);
  if (plan.kind?.$case !== 'tiers') throw new Error('no tiers');
  const tiers = [tier('basic'), tier('mid', 900, 800), tier('silver', 1500, 1200)];
  const value = { ...plan.kind.value, graceDays: 0, tiers };
  await marketer.createSchemeVersion({
    parent: 'schemes/wealth',
    plan: { kind: { $case: 'tiers', value } },
    requestId: uuidv7(),
  });
  const before = await rowsOf('assigned');
  const dry = await marketer.previewScheme({ name: 'schemes/wealth@2', asOf: undefined, sampleSize: 5 });
  const sizes = dry.groups.map(({ group, parties, before: was }) => [group?.groupId, parties, was]);
  // One has 3000 and one has 1000; both are in silver since the 26th at the latest.
  expect(sizes).toEqual([
    ['basic', 0n, 0n],
    ['mid', 1n, 0n],
    ['silver', 1n, 2n],
  ]);
  expect(dry.moves).toEqual([{ fromGroup: 'silver', toGroup: 'mid', parties: 1n }]);
  expect(dry.sample).toMatchObject([{ fromGroup: 'silver', toGroup: 'mid' }]);
  const then = await marketer.previewScheme({ name: 'schemes/wealth@2', asOf: schemeDay(16), sampleSize: 0 });
  expect(then.groups.map(({ group, before: was }) => [group?.groupId, was])).toEqual([
    ['basic', 0n],
    ['mid', 0n],
    ['silver', 1n],
    ['gold', 1n],
  ]);
  expect(then.sample).toEqual([]);
  expect(await rowsOf('assigned')).toBe(before);
  const elsewhere = suite.schemes(['marketer'], '/demo/north');
  await expect(elsewhere.previewScheme({ name: 'schemes/wealth@2', asOf: undefined, sampleSize: 0 })).rejects.toThrow();
  const ahead = marketer.previewScheme({ name: 'schemes/wealth@2', asOf: schemeDay(31), sampleSize: 0 });
  expect((await rejection(ahead))['reason']).toBe('DATE_INVALID');
  const { versions, nextPageToken } = await marketer.listSchemeVersions({
    parent: 'schemes/wealth',
    pageSize: 1,
    pageToken: '',
  });
  const rest = await marketer.listSchemeVersions({ parent: 'schemes/wealth', pageSize: 1, pageToken: nextPageToken });
  expect([...versions, ...rest.versions].map(({ name }) => name)).toEqual(['schemes/wealth@2', 'schemes/wealth@1']);
}, 180_000);

test('history before the first use is filled in from the earliest day on, and rules can ask for it', async () => {
  const marketer = suite.schemes(['marketer']);
  const fill = async (day: number) =>
    ended(
      suite,
      (await marketer.assignScheme({ name: 'schemes/wealth@1', asOf: schemeDay(day), requestId: uuidv7() })).schemeRun
        ?.name,
    );
  const goldOn = async (day: number) => {
    const rule = 'scheme.group("wealth") == "gold"';
    const asked = { rule, asOf: schemeDay(day), organisationPath: '', sampleSize: 0 };
    return (await suite.as(['marketer']).previewSegment(asked)).count;
  };
  expect(await goldOn(5)).toBe(0n);
  expect(await fill(5)).toMatchObject({ state: SchemeRunState.SCHEME_RUN_STATE_SUCCEEDED, changed: 2n });
  expect(await goldOn(4)).toBe(0n);
  expect(await goldOn(5)).toBe(1n);
  expect(await goldOn(15)).toBe(1n);
  for (const day of [4, 15, 20]) expect((await rejection(fill(day)))['reason']).toBe('SCHEME_DAY_DECIDED');
  const { version } = await marketer.getScheme({ name: 'schemes/wealth' });
  expect(version?.assignedDate).toEqual(schemeDay(26));
  const { told } = await suite.deps.db.system.one<{ told: bigint }>(sql`
    SELECT count(*) AS told FROM tier_change WHERE from_tier <> ''`);
  expect(told).toBe(2n);
}, 180_000);

test('tiers and grace that ClickHouse has lost come back from Postgres', async () => {
  const faller = await person(5000n, { manager: 'staff/anna' });
  await suite.settled();
  await ended(
    suite,
    (await suite.schemes(['marketer']).assignScheme({ name: 'schemes/wealth@1', asOf: undefined, requestId: uuidv7() }))
      .schemeRun?.name,
  );
  await book(faller, 100n, 20260327);
  await suite.settled();
  await dayIs('2026-03-27');
  const historyOf = async (party: string) =>
    (await groupsOf(party)).map(({ group, fromDate }) => [group?.groupId, fromDate?.day]);
  expect(await historyOf(faller)).toEqual([['gold', 26]]);
  const lost = await Promise.all([rowsOf('assigned'), rowsOf('tier_watch')]);
  await suite.pause();
  for (const table of ['assigned', 'tier_watch']) await suite.deps.analytics.command(`TRUNCATE TABLE ${table}`);
  await suite.restart();
  for (let tries = 0; tries < 300 && (await rowsOf('assigned')) < lost[0]; tries += 1) {
    await new Promise((done) => setTimeout(done, 100));
  }
  expect(await historyOf(faller)).toEqual([['gold', 26]]);
  // The ten days of grace count from the 27th still.
  await dayIs('2026-04-05');
  expect(await historyOf(faller)).toEqual([['gold', 26]]);
  await dayIs('2026-04-06');
  expect(await historyOf(faller)).toEqual([
    ['basic', 6],
    ['gold', 26],
  ]);
}, 240_000);

test('the groups of a party are for those who may see the party', async () => {
  const party = await person(6000n, { path: '/demo/north', manager: 'staff/bert' });
  await suite.settled();
  await suite.schemes(['marketer']).assignScheme({ name: 'schemes/wealth@1', asOf: undefined, requestId: uuidv7() });
  const asked = { party, scheme: '', pageSize: 0, pageToken: '' };
  const anna = suite.schemes(['relationship_manager'], '/demo/south', 'staff/anna');
  expect((await rejection(anna.listPartyGroups(asked)))['reason']).toBe('PARTY_NOT_FOUND');
  const bert = suite.schemes(['relationship_manager'], '/demo/south', 'staff/bert');
  let groups = await bert.listPartyGroups(asked);
  for (let tries = 0; groups.groups.length === 0 && tries < 100; tries += 1) {
    await new Promise((done) => setTimeout(done, 50));
    groups = await bert.listPartyGroups(asked);
  }
  expect(groups.groups).toMatchObject([{ scheme: 'schemes/wealth', current: true, privileges: [{ code: 'lounge' }] }]);
}, 30_000);
