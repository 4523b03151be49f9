import { sql } from '@rapport/kit/db';
import { uuidv7 } from '@rapport/kit/runtime';
import { HoldingKind, PartyMerged, PartyState, PartyUpdated } from '@rapport/proto/customer/v1';
import { ExplanationReason, RulePartKind, SchemeKind } from '@rapport/proto/segmentation/v1';
import fc from 'fast-check';
import { attributes } from '../catalogue/catalogue.js';
import { openSuite, type Suite } from '../segmentation.testkit.js';

let suite: Suite;
let jana: string;
let young: string;
let unknown: string;
let southern: string;

beforeAll(async () => {
  suite = await openSuite();
  const { customer } = suite;
  jana = await customer.person({ path: '/demo/north/1', born: 19500101, manager: 'staff/anna' });
  young = await customer.person({ path: '/demo/north/2', born: 20000101, region: 'west' });
  unknown = await customer.person({ path: '/demo/north/1', born: 0, region: '' });
  southern = await customer.person({ path: '/demo/south', born: 19600101, woman: false });
  await customer.holding(jana, HoldingKind.HOLDING_KIND_LOAN, { opened: 20260310 });
  await suite.settled();
}, 60_000);

afterAll(() => suite.close());

const branch = () => suite.as(['branch_manager'], '/demo', 'staff/boss');

async function made(segmentId: string, rule: string, organisationPath = '/demo'): Promise<string> {
  const more = { title: segmentId, organisationPath, asOf: undefined, requestId: uuidv7() };
  await suite.as(['marketer'], '/', 'staff/mary').createSegment({ segmentId, rule, ...more });
  return `segments/${segmentId}`;
}

const reasonOf = (answer: Promise<unknown>): Promise<string> =>
  answer.then(
    () => 'OK',
    (failure: { reason: string }) => failure.reason,
  );

test('tells of members and of others part by part, with their own values, and audits it', async () => {
  const segment = await made(
    'elders-in-debt',
    'party.age >= 60 && (holdings.count("loan") > 0 || party.sex == "male")',
  );
  await suite.publish(`${segment}@1`);
  const of = (party: string) => branch().explainMembership({ party, segment, asOf: undefined });
  const member = await of(jana);
  expect(member).toMatchObject({
    party: jana,
    segmentVersion: `${segment}@1`,
    belongs: true,
    member: true,
    reason: ExplanationReason.EXPLANATION_REASON_RULE_TAKES,
    asOf: { year: 2026, month: 3, day: 15 },
    summary: 'The party belongs to the segment: age is at least 60; number of owned loans is more than 0.',
  });
  expect(member.enterTime).toBeInstanceOf(Date);
  const value = (attribute: string, text: string) => ({ attribute, value: text, missing: false, masked: false });
  const opened = { description: 'the newest since', descriptionZh: '最近开立', value: '2026-03-10' };
  expect(member.parts).toMatchObject([
    { kind: RulePartKind.RULE_PART_KIND_ALL, depth: 0, holds: true, decides: true, values: [] },
    { depth: 1, holds: true, decides: true, values: [value('party.age', '76')] },
    { kind: RulePartKind.RULE_PART_KIND_ANY, depth: 1, holds: true, decides: true },
    {
      depth: 2,
      holds: true,
      decides: true,
      rule: 'holdings.count("loan") > 0',
      values: [{ ...value('holdings.count', '1'), sources: [opened] }],
    },
    { depth: 2, holds: false, decides: false, values: [value('party.sex', 'female')] },
  ]);
  expect(await of(young)).toMatchObject({
    belongs: false,
    member: false,
    reason: ExplanationReason.EXPLANATION_REASON_RULE_PASSES,
    enterTime: undefined,
  });
  // What is missing is shown as missing, and every comparison with it is false.
  const missing = await of(unknown);
  expect(missing.parts[1]).toMatchObject({ holds: false, values: [{ value: '', missing: true, masked: false }] });
  const { reads } = await suite.deps.db.system.one<{ reads: bigint }>(sql`
    SELECT count(*) AS reads FROM kit.audit WHERE resource = ${jana} AND action LIKE '%/ExplainMembership'`);
  expect(reads).toBe(1n);
});

test('looks at the day asked for, at a version asked for, and at a draft', async () => {
  const segment = await made('in-debt', 'holdings.count("loan") > 0');
  const client = suite.as(['branch_manager'], '/demo');
  const on = (day: number, name = segment) =>
    client.explainMembership({ party: jana, segment: name, asOf: { year: 2026, month: 3, day } });
  expect((await on(9)).belongs).toBe(false);
  expect((await on(10)).belongs).toBe(true);
  expect((await on(10, `${segment}@1`)).segmentVersion).toBe(`${segment}@1`);
  expect(await reasonOf(on(10, `${segment}@2`))).toBe('SEGMENT_NOT_FOUND');
});

test('opens the segments that a rule asks for, with the days that values come from', async () => {
  const grown = await made('opened-grown', 'party.age >= 60');
  await suite.publish(`${grown}@1`);
  const south = await made('opened-south', 'party.sex == "male"', '/demo/south');
  await suite.publish(`${south}@1`);
  const { customer, deps } = suite;
  const rich = await customer.person({ path: '/demo/north/1', born: 19550101 });
  const account = await customer.holding(rich, HoldingKind.HOLDING_KIND_ACCOUNT);
  for (const [day, cents] of [
    [20251220, 40_000n],
    [20260120, 10_000n],
    [20260302, 15_000n],
    [20260304, 5_000n],
  ] as const) {
    await customer.booking(account, { parties: [rich], day, cents });
  }
  await suite.settled();
  await deps.analytics.insert('listed', [
    { party: rich.slice('parties/'.length), list: 'vip', from_date: 20260201, until_date: 0, version: 1 },
  ]);
  await deps.analytics.insert('assigned', [
    {
      party: rich.slice('parties/'.length),
      scheme: 'wealth',
      from_date: 20260215,
      group: 'gold',
      score: 0.5,
      version: 1,
    },
  ]);
  await deps.db.system.run(sql`
    INSERT INTO static_list (list_id, title, organisation_path, created_by) VALUES ('vip', 'VIP', '/demo', 'staff/mary')`);
  await deps.db.system.run(sql`
    INSERT INTO scheme (scheme_id, title, organisation_path, kind, created_by)
    VALUES ('wealth', 'Wealth', '/demo', ${SchemeKind.SCHEME_KIND_TIERS}, 'staff/mary')`);
  await deps.db.system.run(sql`
    INSERT INTO scheme_version (scheme_id, version, plan, state, assigned_day, created_by, approved_by)
    VALUES ('wealth', 1, '{}', 3, '2026-03-15', 'staff/mary', 'staff/adam')`);
  const gold = await made('wealth-gold', 'party.age > 200 || !(party.age > 200)');
  await suite.publish(`${gold}@1`);
  await deps.db.system.run(sql`UPDATE segment SET scheme_id = 'wealth' WHERE segment_id = 'wealth-gold'`);
  const segment = await made(
    'opened',
    [
      'segment.member("opened-grown")',
      'list.has("vip")',
      'scheme.group("wealth") == "gold"',
      'tx.trend("credit", duration("720h")) > 0.5',
      'sequence.days({"direction": "credit"}, {"direction": "credit"}, duration("72h"), duration("720h")) >= 1',
      '!segment.member("opened-south")',
    ].join(' && '),
  );
  const { parts, belongs, summary } = await branch().explainMembership({ party: rich, segment, asOf: undefined });
  expect(belongs).toBe(true);
  expect(summary).toContain('in the segment opened-grown (age is at least 60)');
  const shown = parts.slice(1).map(({ depth, description, segmentVersion, decides, values }) => ({
    at: `${depth} ${segmentVersion}`,
    decides,
    is: values.map(({ value, sources }) => [value, ...sources.map((one) => `${one.description} ${one.value}`)]),
    description: description.slice(0, 20),
  }));
  expect(shown).toMatchObject([
    { at: '1 ', description: 'in the segment opene', decides: true, is: [['true']] },
    { at: '2 segments/opened-grown@1', description: 'age is at least 60', decides: true, is: [['71']] },
    { at: '1 ', is: [['true', 'since 2026-02-01']] },
    { at: '1 ', is: [['gold', 'since 2026-02-15']] },
    { at: '1 ', is: [['1', 'sum of the window 200', 'sum of the window before 100']] },
    { at: '1 ', is: [['1', 'last of the first on 2026-03-02', 'followed on 2026-03-04']] },
    { at: '1 ', decides: true, is: [] },
    { at: '2 ', is: [['false']] },
    // The party is not where that segment looks: its rule says nothing about it.
    { at: '3 segments/opened-south@1', decides: false, is: [['female']] },
  ]);
  // Whoever reaches neither the party nor the segment by its path is not shown the rule of it.
  const manager = suite.as(['relationship_manager'], '/demo/north/1', 'staff/anna');
  const mine = await customer.person({ path: '/demo/north/1', born: 19550101, manager: 'staff/anna' });
  await suite.settled();
  await suite.publish(`${segment}@1`);
  const narrow = await manager.explainMembership({ party: mine, segment, asOf: undefined });
  expect(narrow.parts.map((part) => part.segmentVersion).filter(Boolean)).toEqual(['segments/opened-grown@1']);
});

test('what values come from is found for every attribute that there is', async () => {
  const written = attributes().map((spec) => {
    const words: Record<string, string> = { list: 'vip', scheme: 'wealth', segment: 'opened-grown' };
    const given = (spec.arguments ?? []).flatMap(({ name, type, optional, values }) => {
      if (optional) return [];
      if (type === 'duration') return ['duration("720h")'];
      return [
        type === 'filter' ? '{"direction": "credit"}' : JSON.stringify(words[name] ?? values?.[0] ?? 'marketing'),
      ];
    });
    const value = spec.arguments ? `${spec.key}(${given.join(', ')})` : spec.key;
    const constant = JSON.stringify(Object.keys(spec.values ?? {})[0] ?? 'gold');
    return {
      number: `${value} >= 0`,
      string: `${value} == ${constant}`,
      bool: value,
      date: `${value} > date("2000-01-01")`,
    }[spec.type];
  });
  const half = Math.ceil(written.length / 2);
  for (const [index, rules] of [written.slice(0, half), written.slice(half)].entries()) {
    const segment = await made(`opened-all-${index}`, rules.join(' || '));
    const { parts } = await branch().explainMembership({ party: jana, segment, asOf: undefined });
    expect(parts.filter(({ depth, segmentVersion }) => depth === 1 && !segmentVersion)).toHaveLength(rules.length);
  }
});

test('values are masked where their class is not for the caller, what they led to is not', async () => {
  const segment = await made('masked', 'party.age >= 60 || holdings.balance > 5000');
  await suite.publish(`${segment}@1`);
  const ask = (client: ReturnType<Suite['as']>) => client.explainMembership({ party: jana, segment, asOf: undefined });
  const marketer = await ask(suite.as(['marketer'], '/demo'));
  const money = marketer.parts.flatMap(({ values }) => values).filter((one) => one.attribute === 'holdings.balance');
  expect(money).toMatchObject([{ value: '', masked: true, missing: false }]);
  expect(marketer.belongs).toBe(true);
  // Who looks after the customer sees them; a colleague of the branch does not.
  const values = async (sub: string) =>
    (await ask(suite.as(['relationship_manager'], '/demo/north/1', sub))).parts
      .flatMap((part) => part.values)
      .filter((one) => one.attribute === 'holdings.balance');
  expect(await values('staff/anna')).toMatchObject([{ value: '0', masked: false }]);
  expect(await values('staff/ben')).toMatchObject([{ value: '', masked: true }]);
});

test('who is out of reach is not explained, and neither is a segment that is none of the caller’s business', async () => {
  const everywhere = await made('everywhere', 'true');
  await suite.publish(`${everywhere}@1`);
  const south = await made('south-only', 'party.age >= 0', '/demo/south');
  await suite.publish(`${south}@1`);
  const manager = suite.as(['relationship_manager'], '/demo/north/1', 'staff/anna');
  const ask = (party: string, segment: string, client = manager) =>
    reasonOf(client.explainMembership({ party, segment, asOf: undefined }));
  expect(await ask(jana, everywhere)).toBe('OK');
  expect(await ask(southern, everywhere)).toBe('PARTY_NOT_FOUND');
  expect(await ask(`parties/${uuidv7()}`, everywhere)).toBe('PARTY_NOT_FOUND');
  expect(await ask(jana, south)).toBe('SEGMENT_NOT_FOUND');
  expect(await ask(jana, 'segments/nowhere')).toBe('SEGMENT_NOT_FOUND');
  // A draft of above is not for somebody below.
  expect(await ask(jana, await made('draft-above', 'true'))).toBe('SEGMENT_NOT_FOUND');
  const outside = await branch().explainMembership({ party: jana, segment: south, asOf: undefined });
  expect(outside).toMatchObject({ belongs: false, reason: ExplanationReason.EXPLANATION_REASON_OUTSIDE_SEGMENT });
});

test('a merged party is told of as its golden record, a restricted one as in no segment', async () => {
  const segment = await made('with-loan', 'holdings.count("loan") > 0');
  await suite.publish(`${segment}@1`);
  const other = await suite.customer.person({ path: '/demo/north/1' });
  const merge = { survivor: other, merged: [jana], organisationPath: '/demo', mergeTime: suite.deps.clock.now() };
  await suite.customer.send(PartyMerged, PartyMerged.fromPartial(merge), other);
  await suite.settled();
  const merged = await branch().explainMembership({ party: jana, segment, asOf: undefined });
  expect(merged).toMatchObject({ party: other, belongs: true, member: true });

  const restricted = PartyUpdated.fromPartial({
    party: young,
    organisationPath: '/demo/north/2',
    state: PartyState.PARTY_STATE_RESTRICTED,
  });
  await suite.customer.send(PartyUpdated, restricted, young);
  await suite.settled();
  expect(await branch().explainMembership({ party: young, segment, asOf: undefined })).toMatchObject({
    belongs: false,
    reason: ExplanationReason.EXPLANATION_REASON_RESTRICTED,
    parts: [],
  });
});

const conditions = fc.letrec<{ rule: string }>((tie) => ({
  rule: fc.oneof(
    { maxDepth: 4, depthIdentifier: 'rule' },
    fc.constantFrom(
      'party.age >= 60',
      'party.age < 30',
      'party.region == "north"',
      'party.region != "north"',
      'party.sex == "male"',
      'holdings.count() > 0',
      'holdings.balance <= 0',
      'tx.last_days() > 3',
      'consent("marketing", "email")',
    ),
    tie('rule').map((one) => `!(${one})`),
    fc.tuple(tie('rule'), tie('rule')).map(([a, b]) => `(${a}) && (${b})`),
    fc.tuple(tie('rule'), tie('rule')).map(([a, b]) => `(${a}) || (${b})`),
  ),
})).rule;

test('what is explained is what membership is, for rules and customers by chance', async () => {
  let count = 0;
  const analyst = suite.as(['analyst'], '/demo');
  await fc.assert(
    fc.asyncProperty(conditions, async (rule) => {
      // A rule that contradicts itself is refused when it is saved; there is nothing to explain then.
      if ((await analyst.checkRule({ rule })).problem) return;
      count += 1;
      const segment = await made(`chance-${count}`, rule);
      await suite.publish(`${segment}@1`);
      const { members } = await analyst.listMembers({ parent: `${segment}@1`, pageSize: 100, pageToken: '' });
      const taken = new Set(members.map(({ party }) => party));
      for (const party of [young, unknown, southern]) {
        const { belongs, member, parts } = await branch().explainMembership({ party, segment, asOf: undefined });
        expect({ rule, party, belongs, member }).toEqual({
          rule,
          party,
          belongs: taken.has(party),
          member: taken.has(party),
        });
        if (party !== young) expect(parts[0]?.holds).toBe(taken.has(party));
      }
    }),
    { numRuns: Number(process.env['EXPLAIN_RUNS'] ?? 12) },
  );
  expect(count).toBeGreaterThan(5);
}, 120_000);
