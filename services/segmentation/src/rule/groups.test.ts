import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Analytics, openAnalytics } from '@rapport/kit/analytics';
import { factTables } from '../fact/fact.js';
import { compileLeaves, compileRules, leavesOf, readRule, type Rule, type SegmentRule } from './rule.js';

const party = (number: number) => `00000000-0000-7000-8000-${number.toString(16).padStart(12, '0')}`;
const [anna, berta, clara] = [party(1), party(2), party(3)];

describe('lists, schemes and other segments in rules', () => {
  const folder = mkdtempSync(join(tmpdir(), 'segmentation-groups-'));
  let analytics: Analytics;

  beforeAll(async () => {
    analytics = openAnalytics({ path: folder });
    await analytics.ensure(factTables);
    const person = { kind: 'person', sex: 'female', manager: '', region: 'north', version: 1 };
    await analytics.insert('party', [
      { ...person, party: anna, organisation_path: '/demo/a', birth_date: 20000101 },
      { ...person, party: berta, organisation_path: '/demo/b', birth_date: 20000101 },
      { ...person, party: clara, organisation_path: '/demo/a', birth_date: 19500101 },
    ]);
    await analytics.insert('listed', [
      { party: anna, list: 'vip-2026', from_date: 20260101, until_date: 0, version: 1 },
      { party: berta, list: 'vip-2026', from_date: 20260101, until_date: 20260131, version: 1 },
      { party: clara, list: 'other', from_date: 20260101, until_date: 0, version: 1 },
    ]);
    const tier = { scheme: 'wealth', version: 1 };
    await analytics.insert('assigned', [
      { ...tier, party: anna, from_date: 20260101, group: 'silver', score: 0.4 },
      { ...tier, party: anna, from_date: 20260201, group: 'gold', score: 0.8 },
      { ...tier, party: berta, from_date: 20260101, group: 'gold', score: null },
      { ...tier, party: berta, from_date: 20260215, group: '', score: null },
      { ...tier, party: clara, scheme: 'rfm', from_date: 20260101, group: 'gold', score: 1 },
    ]);
    // A run that was mended: the newer version of the same day counts.
    await analytics.insert('assigned', [
      { ...tier, version: 2, party: berta, from_date: 20260101, group: 'gold', score: 0.9 },
    ]);
  }, 60_000);

  afterAll(async () => {
    await analytics.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const ruleOf = (text: string): Rule => {
    const read = readRule(text);
    if ('problem' in read) throw new Error(read.problem.message);
    return read.rule;
  };
  const used = (text: string, organisationPath: string, asOf?: number): SegmentRule => ({
    rule: ruleOf(text),
    text,
    version: 1,
    organisationPath,
    asOf,
  });
  const young = used('party.age < 30', '/demo/a');
  const gilded = used('segment.member("young") && scheme.group("wealth") == "gold"', '/');
  const before = used('list.has("vip-2026")', '/', 20260115);
  const segments = new Map([
    ['young', young],
    ['gilded', gilded],
    ['before', before],
    // A partition of a part of the bank: its groups are rules.
    ['ages-minor', { ...young, group: { scheme: 'ages', id: 'minor' } }],
    ['ages-grown', { ...young, rule: ruleOf('!(party.age < 30)'), group: { scheme: 'ages', id: 'grown' } }],
  ]);

  async function taken(text: string, asOf: number, merged = false): Promise<string[]> {
    const limits = { segments, merged };
    const { from, conditions, parameters } = compileRules([{ rule: ruleOf(text), asOf }], 'Europe/Prague', limits);
    const rows = await analytics.query<{ party: string }>(
      `SELECT toString(p.party) AS party FROM ${from} WHERE ${conditions[0]} ORDER BY party`,
      parameters,
    );
    return rows.map((row) => ({ [anna]: 'anna', [berta]: 'berta', [clara]: 'clara' })[row.party] ?? row.party);
  }

  test.each<[string, number, string[]]>([
    ['list.has("vip-2026")', 20251231, []],
    ['list.has("vip-2026")', 20260131, ['anna', 'berta']],
    ['list.has("vip-2026")', 20260201, ['anna']],
    ['!list.has("vip-2026")', 20260201, ['berta', 'clara']],
    ['scheme.group("wealth") == "gold"', 20260131, ['berta']],
    ['scheme.group("wealth") == "gold"', 20260201, ['anna', 'berta']],
    ['scheme.group("wealth") != "gold"', 20260215, []],
    ['scheme.group("wealth") in ["gold", "silver"]', 20251231, []],
    ['scheme.score("wealth") >= 0.8', 20260131, ['berta']],
    ['scheme.score("wealth") >= 0.8', 20260215, ['anna']],
    ['scheme.score("wealth") < 2', 20260215, ['anna']],
    ['segment.member("young")', 20260201, ['anna']],
    ['!segment.member("young")', 20260201, ['berta', 'clara']],
    ['segment.member("gilded")', 20260131, []],
    ['segment.member("gilded")', 20260201, ['anna']],
    ['segment.member("before") == true', 20260601, ['anna', 'berta']],
    ['scheme.group("ages") == "minor"', 20260601, ['anna']],
    ['scheme.group("ages") == "minor"', 20310601, []],
    ['scheme.group("ages") != "minor"', 20260601, ['clara']],
    ['scheme.group("ages") in ["minor", "grown"]', 20260601, ['anna', 'clara']],
    ['!(scheme.group("ages").startsWith("g"))', 20260601, ['anna', 'berta']],
  ])('%s at the end of %i', async (text, asOf, expected) => {
    expect(await taken(text, asOf)).toEqual(expected);
    // With nobody merged, the other way of reading gives the same.
    expect(await taken(text, asOf, true)).toEqual(expected);
  });

  test('the values behind a rule can be shown, part by part', async () => {
    const text = 'segment.member("young") && (scheme.score("wealth") > 0.5 || party.age / 2 > 30)';
    const dated = leavesOf(ruleOf(text)).map((leaf) => ({ leaf, asOf: 20260215 }));
    const { from, leaves, parameters } = compileLeaves(dated, 'Europe/Prague', { segments });
    const columns = leaves.flatMap(({ verdict, features }) => [verdict, ...features.map(({ sql }) => sql)]);
    const rows = await analytics.query<{ party: string; values: string }>(
      `SELECT toString(p.party) AS party, toJSONString(tuple(${columns.join(', ')})) AS values
        FROM ${from} ORDER BY party`,
      parameters,
    );
    expect(dated.map(({ leaf }) => text.slice(leaf.span.start, leaf.span.end))).toEqual([
      'segment.member("young")',
      'scheme.score("wealth") > 0.5',
      'party.age / 2 > 30',
    ]);
    expect(rows.map(({ party: id, values }) => [id, JSON.parse(values)])).toEqual([
      [anna, [1, 1, 1, 0.8, 0, 26]],
      [berta, [0, 0, 0, null, 0, 26]],
      [clara, [0, 0, 0, null, 1, 76]],
    ]);
  });
});
