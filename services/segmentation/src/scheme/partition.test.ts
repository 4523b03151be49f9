import { uuidv7 } from '@rapport/kit/runtime';
import { type SchemePlan, SchemeRunState, SegmentState } from '@rapport/proto/segmentation/v1';
import { openSuite, type Suite } from '../segmentation.testkit.js';
import { create, ended, publish, rejection, segmentsOf, title } from './scheme.testkit.js';

let suite: Suite;
let young: string;
let old: string;
let unborn: string;

const bands = (froms: (number | undefined)[], missing = true): SchemePlan => ({
  kind: {
    $case: 'bands',
    value: {
      feature: 'party.age',
      bands: froms.map((from, index) => ({ group: title(`band-${index}`), from })),
      missing: missing ? title('unknown') : undefined,
    },
  },
});
const rules = (groups: Record<string, string>, otherwise?: string): SchemePlan => ({
  kind: {
    $case: 'rules',
    value: {
      groups: Object.entries(groups).map(([id, rule]) => ({ group: title(id), rule })),
      otherwise: otherwise === undefined ? undefined : title(otherwise),
    },
  },
});
beforeAll(async () => {
  suite = await openSuite();
  young = await suite.customer.person({ born: 20100101, region: 'north' });
  old = await suite.customer.person({ born: 19500101, region: 'south', path: '/demo/south' });
  unborn = await suite.customer.person({ born: 0, region: '' });
  await suite.customer.person({ born: 19800101, path: '/other' });
  await suite.settled();
}, 180_000);
afterAll(() => suite.close());

test('bands are published as segments and follow their members; a new version keeps what is the same', async () => {
  const marketer = suite.schemes(['marketer']);
  const { scheme } = await marketer.createScheme(create('ages', bands([undefined, 18, 65])));
  expect(scheme?.latestVersion).toMatchObject({ state: SegmentState.SEGMENT_STATE_DRAFT, version: 1 });
  expect(scheme?.latestVersion?.groups.map(({ segment }) => segment)).toEqual(
    ['band-0', 'band-1', 'band-2', 'unknown'].map((id) => `segments/ages-${id}`),
  );
  expect((await publish(suite, 'schemes/ages@1')).state).toBe(SchemeRunState.SCHEME_RUN_STATE_SUCCEEDED);
  expect(await segmentsOf(suite, young)).toEqual(['segments/ages-band-0@1']);
  expect(await segmentsOf(suite, old)).toEqual(['segments/ages-band-2@1']);
  expect(await segmentsOf(suite, unborn)).toEqual(['segments/ages-unknown@1']);
  const { version } = await marketer.getScheme({ name: 'schemes/ages' });
  expect(version?.groups.map(({ members }) => members)).toEqual([1n, 0n, 1n, 1n]);

  const later = await suite.customer.person({ born: 19900101 });
  await suite.settled();
  expect(await segmentsOf(suite, later)).toEqual(['segments/ages-band-1@1']);

  await marketer.createSchemeVersion({ parent: 'schemes/ages', plan: bands([undefined, 18]), requestId: uuidv7() });
  await publish(suite, 'schemes/ages@2');
  expect(await segmentsOf(suite, young)).toEqual(['segments/ages-band-0@1']); // its rule is the same: nobody left or came
  expect(await segmentsOf(suite, old)).toEqual(['segments/ages-band-1@2']);
  const { scheme: now } = await marketer.getScheme({ name: 'schemes/ages' });
  expect(now?.publishedVersion).toBe(2);
  expect((await marketer.getScheme({ name: 'schemes/ages@1' })).version?.state).toBe(
    SegmentState.SEGMENT_STATE_RETIRED,
  );
  const byHand = suite
    .as(['marketer'])
    .createSegmentVersion({ parent: 'segments/ages-band-0', rule: 'true', asOf: undefined, requestId: uuidv7() });
  expect((await rejection(byHand))['reason']).toBe('SEGMENT_OF_SCHEME');

  const segments = suite.as(['marketer']);
  const onSegment = { name: 'segments/ages-band-0@1', requestId: uuidv7() };
  expect(await rejection(segments.retireSegmentVersion(onSegment))).toMatchObject({
    reason: 'SEGMENT_OF_SCHEME',
    metadata: { scheme: 'schemes/ages' },
  });
  expect((await rejection(segments.publishSegment({ ...onSegment, requestId: uuidv7() })))['reason']).toBe(
    'SEGMENT_OF_SCHEME',
  );

  await marketer.retireScheme({ name: 'schemes/ages@2', requestId: uuidv7() });
  expect(await segmentsOf(suite, young)).toEqual([]);
}, 180_000);

test('rules ask for the groups of a partition, which then cannot go, and never in a circle', async () => {
  const marketer = suite.schemes(['marketer']);
  const segments = suite.as(['marketer']);
  await marketer.createScheme(create('asked', bands([undefined, 18, 65])));
  await publish(suite, 'schemes/asked@1');
  const rule = 'scheme.group("asked") == "band-2" && party.region == "south"';
  const { problem } = await segments.checkRule({ rule: rule.replace('band-2', 'band-3') });
  expect(problem).toMatchObject({ column: 26, message: expect.stringContaining('band-0, band-1, band-2, unknown') });
  const common = { organisationPath: '/demo', asOf: undefined, requestId: uuidv7() };
  await segments.createSegment({ segmentId: 'southern', title: 'Southern', rule, ...common });
  await suite.publish('segments/southern@1');
  expect(await segmentsOf(suite, old)).toContain('segments/southern@1');

  const later = await suite.customer.person({ born: 19400101, region: 'south' });
  await suite.settled();
  expect(await segmentsOf(suite, later)).toContain('segments/southern@1');

  // Its group is gone in a version with two bands, and with the scheme as a whole.
  const inUse = { reason: 'SEGMENT_IN_USE', metadata: { segments: 'segments/southern' } };
  expect(await rejection(marketer.retireScheme({ name: 'schemes/asked@1', requestId: uuidv7() }))).toMatchObject(inUse);
  await marketer.createSchemeVersion({ parent: 'schemes/asked', plan: bands([undefined, 18]), requestId: uuidv7() });
  expect(await publish(suite, 'schemes/asked@2')).toMatchObject({
    state: SchemeRunState.SCHEME_RUN_STATE_FAILED,
    reason: 'SEGMENT_IN_USE',
    message: expect.stringContaining('segments/southern'),
  });
  const dry = await marketer.previewScheme({ name: 'schemes/asked@2', asOf: undefined, sampleSize: 10 });
  expect(dry.moves).toMatchObject([{ fromGroup: 'band-2', toGroup: 'band-1', parties: 2n }]);
  expect(dry.sample.map(({ party }) => party).sort()).toEqual([old, later].sort());
  // Another border, the same groups: members follow it.
  await marketer.createSchemeVersion({
    parent: 'schemes/asked',
    plan: bands([undefined, 18, 80]),
    requestId: uuidv7(),
  });
  await publish(suite, 'schemes/asked@3');
  await suite.settled();
  for (let tries = 0; tries < 100 && (await segmentsOf(suite, old)).includes('segments/southern@1'); tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  expect(await segmentsOf(suite, old)).not.toContain('segments/southern@1');
  expect(await segmentsOf(suite, later)).toContain('segments/southern@1');

  const circles = [
    rules({ south: 'segment.member("southern")' }, 'rest'),
    rules({ south: 'scheme.group("asked") == "south"' }, 'rest'),
  ];
  for (const plan of circles) {
    const refused = await rejection(
      marketer.createSchemeVersion({ parent: 'schemes/asked', plan, requestId: uuidv7() }),
    );
    expect(refused['reason']).toMatch(/RULE_INVALID|PLAN_INVALID/);
  }
}, 180_000);

test('an overlap or a gap is refused with a party that shows it, or else with values', async () => {
  const marketer = suite.schemes(['marketer']);
  const check = (plan: SchemePlan, client = marketer) =>
    client.checkScheme({ plan, organisationPath: '', asOf: undefined });
  const overlapping = rules({ north: 'party.region == "north"', minor: 'party.age < 18' }, 'rest');
  const found = await check(overlapping);
  expect(found).toMatchObject({ proved: false, overlapping: 1n, uncovered: 0n });
  expect(found.problems).toMatchObject([
    {
      reason: 'PARTITION_OVERLAP',
      groups: ['north', 'minor'],
      exampleParty: young,
      example: 'region is north and age is 17',
    },
  ]);
  const refused = await rejection(marketer.createScheme(create('overlapping', overlapping)));
  expect(refused).toMatchObject({ reason: 'PARTITION_NOT_SOUND', kind: 'invalid' });

  // Nobody is that old, and the party that is in no group lies outside of what the caller may see.
  const never = rules({ old: 'party.age >= 200', other: 'party.age < 200', none: '!(party.age < 200)' });
  expect((await check(never)).problems).toMatchObject([
    { reason: 'PARTITION_OVERLAP', exampleParty: '', example: 'age is 200', groups: ['old', 'none'] },
  ]);
  const gap = rules({ minor: 'party.age < 18', unknown: '!(party.age >= 0)' });
  expect((await check(gap)).problems).toMatchObject([{ reason: 'PARTITION_GAP' }]);
  expect((await check(gap, suite.schemes(['marketer'], '/demo/south'))).problems[0]?.exampleParty).toBe(old);
  const elsewhere = await check(gap, suite.schemes(['marketer'], '/demo/north'));
  expect(elsewhere.problems).toMatchObject([{ reason: 'PARTITION_GAP', exampleParty: '', example: 'age is 18' }]);
});

test('what is wrong with a plan is said field by field', async () => {
  const marketer = suite.schemes(['marketer']);
  const fieldsOf = async (plan: SchemePlan) => {
    const failure = await rejection(marketer.createScheme(create('wrong', plan)));
    expect(failure['reason']).toBe('PLAN_INVALID');
    return (failure['violations'] as { field: string }[]).map(({ field }) => field);
  };
  expect(await fieldsOf(bands([undefined, 18, 18]))).toEqual(['plan.bands.bands[2].from']);
  expect(await fieldsOf(bands([1, 18]))).toEqual(['plan.bands.bands[0].from']);
  expect(await fieldsOf(bands([undefined, 18], false))).toEqual(['plan.bands.missing']);
  expect(await fieldsOf(rules({ a: 'party.agee > 1' }, 'b'))).toEqual(['plan.rules.groups[0].rule']);
  expect(await fieldsOf(rules({ a: 'party.age > 1' }, 'a'))).toEqual(['plan.rules']);
});

test('who may not, and who must not alone', async () => {
  const marketer = suite.schemes(['marketer']);
  await marketer.createScheme(create('guarded', bands([undefined, 30])));
  const name = 'schemes/guarded@1';
  const request = { name, requestId: uuidv7() };
  expect((await rejection(marketer.approveScheme(request)))['kind']).toBe('denied');
  expect((await rejection(suite.schemes(['administrator']).approveScheme(request)))['reason']).toBe(
    'SCHEME_APPROVER_IS_AUTHOR',
  );
  expect((await rejection(marketer.publishScheme(request)))['reason']).toBe('SCHEME_STATE');
  const approver = suite.schemes(['marketing_approver'], '/demo', 'staff/adam');
  await approver.rejectScheme({ name, reason: 'too coarse', requestId: uuidv7() });
  expect((await marketer.getScheme({ name })).version?.rejectReason).toBe('too coarse');
  const outside = suite.schemes(['marketer', 'marketing_approver'], '/other', 'staff/eve');
  expect((await rejection(outside.getScheme({ name })))['reason']).toBe('SCHEME_NOT_FOUND');
  expect((await rejection(outside.approveScheme(request)))['reason']).toBe('SCHEME_NOT_FOUND');
  expect((await outside.listSchemes({ pageSize: 0, pageToken: '', organisationPath: '', kind: 0 })).schemes).toEqual(
    [],
  );
  expect((await rejection(outside.createScheme(create('foreign', bands([undefined, 30])))))['reason']).toBe(
    'ORGANISATION_PATH_OUTSIDE',
  );
  for (const call of [
    suite.schemes(['relationship_manager']).listSchemes({ pageSize: 0, pageToken: '', organisationPath: '', kind: 0 }),
    suite.schemes(['auditor']).checkScheme({ plan: bands([undefined, 1]), organisationPath: '', asOf: undefined }),
    suite.schemes(['marketing_approver']).retireScheme(request),
    suite.schemes(['call_centre_agent']).fitScheme(request),
    suite.schemes(['auditor']).assignScheme({ ...request, asOf: undefined }),
    suite.schemes(['marketing_approver']).previewScheme({ name, asOf: undefined, sampleSize: 0 }),
    suite
      .schemes(['relationship_manager'])
      .listSchemeVersions({ parent: 'schemes/guarded', pageSize: 0, pageToken: '' }),
    suite.schemes(['auditor']).rejectScheme({ ...request, reason: 'no' }),
    suite.schemes(['call_centre_agent']).getSchemeRun({ name: `schemeRuns/${uuidv7()}` }),
    suite
      .schemes(['relationship_manager'])
      .createSchemeVersion({ parent: 'schemes/guarded', plan: bands([undefined]), requestId: uuidv7() }),
    suite.schemes(['call_centre_agent']).listSchemeRuns({ parent: 'schemes/guarded', pageSize: 0, pageToken: '' }),
    suite.schemes(['auditor']).listPartyGroups({ party: young, scheme: '', pageSize: 0, pageToken: '' }),
  ]) {
    expect((await rejection(call))['kind']).toBe('denied');
  }
});

test('the same request again answers the same and does nothing twice', async () => {
  const marketer = suite.schemes(['marketer']);
  const request = create('once', bands([undefined, 40]));
  expect(await marketer.createScheme(request)).toEqual(await marketer.createScheme(request));
  expect((await rejection(marketer.createScheme(create('once', bands([undefined, 41])))))['reason']).toBe(
    'SCHEME_EXISTS',
  );
  const name = 'schemes/once@1';
  await suite.schemes(['marketing_approver'], '/demo', 'staff/adam').approveScheme({ name, requestId: uuidv7() });
  const runs = await Promise.all([1, 2].map(() => marketer.publishScheme({ name, requestId: uuidv7() })));
  expect(runs[0]?.schemeRun?.name).toBe(runs[1]?.schemeRun?.name);
  await ended(suite, runs[0]?.schemeRun?.name);
  const { schemeRuns } = await marketer.listSchemeRuns({ parent: 'schemes/once', pageSize: 0, pageToken: '' });
  expect(schemeRuns).toHaveLength(1);
}, 30_000);
