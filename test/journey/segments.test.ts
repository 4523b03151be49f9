// The life of segments from the command line, in a running suite with a bank in it.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestSuite, testSuite } from '@rapport/test/kit';

const LIMIT_MS = 8 * 60_000;
const out = mkdtempSync(path.join(tmpdir(), 'rapport-segments-'));
let suite: TestSuite;
let campaign: string;

beforeAll(async () => {
  suite = await testSuite('segments');
  const told = await suite.rapport(['story', '--parties', '80', '--cases', '3', '--out', out, '--json'], LIMIT_MS);
  campaign = (JSON.parse(told) as { campaign: { name: string } }).campaign.name;
}, LIMIT_MS);

afterAll(async () => {
  rmSync(out, { recursive: true, force: true });
  await suite?.stop();
}, 60_000);

const run = (...args: string[]) => suite.rapport(['segment', ...args]);
const ask = async <T>(...args: string[]): Promise<T> => JSON.parse(await run(...args, '--json')) as T;
const refusal = (...args: string[]): Promise<string> =>
  run(...args).then(
    () => 'it was not refused',
    (error: Error) => error.message,
  );

interface Version {
  name: string;
  state: string;
  members: string;
  createdBy: string;
  approvedBy: string;
}

test('what the story publishes was approved by somebody else, and stays while its campaign runs', async () => {
  const segments = await ask<{ name: string; latestVersion: Version }[]>('list', '--state', 'published');
  expect(segments).toHaveLength(5);
  for (const { latestVersion } of segments) {
    expect(latestVersion).toMatchObject({ createdBy: 'staff/operator', approvedBy: 'staff/demo-approver' });
  }
  const refused = await refusal('retire', 'demo-active-savers@1');
  expect(refused).toContain('SEGMENT_IN_USE');
  expect(refused).toContain(campaign);
}, 60_000);

test('a segment lives: made, refused to its author, approved, published, explained, compared, retired', async () => {
  await run('create', 'grown', '--rule', 'party.age >= 18');
  expect(await refusal('publish', 'grown@1')).toContain('SEGMENT_NOT_APPROVED');
  expect(await refusal('approve', 'grown@1')).toContain('FOUR_EYES');
  expect(await refusal('approve', 'grown')).toContain('names no version');
  await run('reject', 'grown@1', '--reason', 'say why', '--as', 'demo-approver');
  expect(await run('show', 'grown')).toContain('say why');
  await run('approve', 'grown@1', '--as', 'demo-approver');
  const published = await ask<Version>('publish', 'grown@1', '--as', 'demo-marketer');
  expect(published).toMatchObject({ state: 'SEGMENT_STATE_PUBLISHED', approvedBy: 'staff/demo-approver' });
  const members = Number(published.members);
  expect(members).toBeGreaterThan(0);

  const why = await run('explain', 'client/1', 'grown');
  expect(why).toMatch(/age is at least 18 {2}\(age: \d+\)/);
  expect(await run('explain', 'client/1', 'grown', '--as', 'demo-marketer')).toContain('age: not for you');

  await run('version', 'grown', '--rule', 'party.age >= 40');
  const difference = await ask<{ changes: object[]; baseCount: string; leaving: string; entering?: string }>(
    'compare',
    'grown@1',
    'grown@2',
  );
  expect(difference).toMatchObject({ changes: [{ kind: 'RULE_CHANGE_KIND_CHANGED' }], baseCount: String(members) });

  const history = await ask<{ members: string }[]>('history', 'grown');
  expect(history.map((day) => day.members)).toEqual([String(members)]);
  await run('approve', 'grown@2', '--as', 'demo-approver');
  await run('publish', 'grown@2');
  expect(await run('show', 'grown')).toMatch(/1 +retired +0/);
  expect(await refusal('approve', 'grown@1', '--as', 'demo-approver')).toContain('SEGMENT_STATE');
}, 180_000);

test('a dry run, flows and templates', async () => {
  const dry = await ask<{ steps: { count: string }[] }>(
    'changes',
    ...['--rule', 'party.age >= 30', '--from', '2020-01-01', '--to', '2020-02-01', '--weeks'],
  );
  expect(dry.steps).toHaveLength(6);
  // What came in today was in none of them the day before.
  const today = new Date();
  const before = new Date(today.getTime() - 2 * 86_400_000).toISOString().slice(0, 10);
  let flows: { source?: string; target?: string; parties: string }[] = [];
  for (let tries = 0; flows.length === 0 && tries < 20; tries += 1) {
    flows = (await ask<{ flows: typeof flows }>('flows', 'demo-borrowers', 'demo-young-adults', '--from', before))
      .flows;
  }
  expect(flows.every(({ source }) => !source)).toBe(true);
  const templates = await ask<{ name: string }[]>('templates');
  expect(templates).toHaveLength(5);
  const made = await run('from-template', 'age-bands', 'ages', '--set', 'senior=62');
  expect(made).toContain('segments/ages-senior  party.age >= 62');
  expect(await refusal('from-template', 'age-bands', 'more', '--set', 'old=62')).toContain('PARAMETER_INVALID');
}, 120_000);

test('a scheme lives: checked, made from a file, approved by another, published, profiled, retired', async () => {
  const scheme = (...args: string[]) => suite.rapport(['scheme', ...args]);
  const told = async <T>(...args: string[]): Promise<T> => JSON.parse(await scheme(...args, '--json')) as T;
  const file = path.join(out, 'tiers.yaml');
  const plan = (match: string) => `tiers:
  assets: holdings.balance
  match: ${match}
  grace_days: 30
  tiers:
    - { group: { group_id: basic, title: Basic } }
    - { group: { group_id: gold, title: Gold, title_zh: 黄金 }, enter_assets: 1000, keep_assets: 800 }
`;
  writeFileSync(file, plan('any'));
  expect(await scheme('check', '-f', file).catch((error: Error) => error.message)).toContain('is not understood');
  writeFileSync(file, plan('TIER_MATCH_ANY'));
  const { counts } = await told<{ counts: { groupId: string; parties?: string }[] }>('check', '-f', file);
  expect(counts.reduce((sum, { parties = '0' }) => sum + Number(parties), 0)).toBe(80);
  await scheme('create', 'wealth', '-f', file, '--title', 'Wealth');
  expect(await scheme('approve', 'wealth@1').catch((error: Error) => error.message)).toContain('APPROVER_IS_AUTHOR');
  await scheme('approve', 'wealth@1', '--as', 'demo-approver');
  const run = await told<{ state: string; changed: string }>('publish', 'wealth@1', '--as', 'demo-marketer');
  expect(run).toMatchObject({ state: 'SCHEME_RUN_STATE_SUCCEEDED', changed: '80' });
  const { version } = await told<{ version: { groups: { members?: string }[] } }>('show', 'wealth');
  const members = version.groups.map((group) => Number(group.members ?? 0));
  expect(members.reduce((sum, one) => sum + one, 0)).toBe(80);
  expect(await scheme('run', 'wealth@1', '--dry-run')).toContain('Nobody would move.');
  await scheme('run', 'wealth@1', '--as-of', '2024-12-31');
  expect(await scheme('run', 'wealth@1', '--as-of', '2024-06-30').catch((error: Error) => error.message)).toContain(
    '2024-12-31 is filled in already',
  );
  expect(await scheme('profile', 'wealth')).toContain('segments/wealth-gold');
  expect(await scheme('list', '--kind', 'tiers')).toContain('basic, gold');

  writeFileSync(file, 'clusters: { features: [party.age, holdings.balance], clusters: 2, sample_size: 100 }');
  await scheme('create', 'alike', '-f', file);
  await scheme('run', 'alike@1');
  expect(await scheme('profile', 'alike')).toMatch(/2 clusters of 80 parties[^]*c1[^]*(high|low|average)[^]*[高低均]/);
  await scheme('retire', 'wealth@1', '--as', 'demo-marketer');
  expect(await scheme('runs', 'wealth')).toContain('succeeded');
}, 400_000);
