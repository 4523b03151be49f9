import { HoldingKind } from '@rapport/proto/customer/v1';
import { sql } from '@rapport/kit/db';
import { uuidv7 } from '@rapport/kit/runtime';
import { SegmentState } from '@rapport/proto/segmentation/v1';
import { openSuite, type Suite } from '../segmentation.testkit.js';

let suite: Suite;
let north: string[];
let south: string;

beforeAll(async () => {
  suite = await openSuite();
  const { customer } = suite;
  north = [
    await customer.person({ path: '/demo/north/1', born: 19500101 }),
    await customer.person({ path: '/demo/north/2', born: 19900101, manager: 'staff/anna' }),
  ];
  south = await customer.person({ path: '/demo/south', born: 19500101 });
  await customer.holding(north[0] ?? '', HoldingKind.HOLDING_KIND_LOAN, { opened: 20260310 });
  await suite.settled();
}, 60_000);

afterAll(() => suite.close());

const create = (segmentId: string, more: object = {}) => ({
  segmentId,
  title: 'Elders',
  organisationPath: '/demo',
  rule: 'party.age >= 60',
  asOf: undefined,
  requestId: uuidv7(),
  ...more,
});

async function rejection(answer: Promise<unknown>): Promise<Record<string, unknown>> {
  const failure = await answer.then(
    () => {
      throw new Error('it was not refused');
    },
    (error: Record<string, unknown>) => error,
  );
  return failure;
}

async function segmentCount(): Promise<bigint> {
  const { n } = await suite.deps.db.system.one<{ n: bigint }>(sql`
    SELECT (SELECT count(*) FROM segment) + (SELECT count(*) FROM segment_version) + (SELECT count(*) FROM membership)
      + (SELECT count(*) FROM kit.outbox) AS n`);
  return n;
}

describe('createSegment', () => {
  test('makes a draft, once for each request id', async () => {
    const marketer = suite.as(['marketer']);
    const request = create('elders', { asOf: { year: 2026, month: 3, day: 1 } });
    const { segment } = await marketer.createSegment(request);
    expect(segment).toMatchObject({
      name: 'segments/elders',
      organisationPath: '/demo',
      publishedVersion: 0,
      createdBy: 'tester',
      latestVersion: {
        name: 'segments/elders@1',
        state: SegmentState.SEGMENT_STATE_DRAFT,
        description: 'age is at least 60',
        asOf: { year: 2026, month: 3, day: 1 },
      },
    });
    const before = await segmentCount();
    expect(await marketer.createSegment(request)).toEqual({ segment });
    expect((await rejection(marketer.createSegment({ ...request, title: 'Others' })))['reason']).toBe(
      'REQUEST_ID_REUSED',
    );
    expect((await rejection(marketer.createSegment(create('elders'))))['reason']).toBe('SEGMENT_EXISTS');
    expect(await segmentCount()).toBe(before);
    const { audits } = await suite.deps.db.system.one<{ audits: bigint }>(sql`
      SELECT count(*) AS audits FROM kit.audit WHERE resource = 'segments/elders'`);
    expect(audits).toBe(1n);
  });

  test.each([
    ['no id', { segmentId: '' }, 'segment_id'],
    ['an id with capitals', { segmentId: 'Elders' }, 'segment_id'],
    ['an id that is too long', { segmentId: 'a'.repeat(61) }, 'segment_id'],
    ['no title', { title: '' }, 'title'],
    ['a title that is too long', { title: 'x'.repeat(201) }, 'title'],
    ['a path that is none', { organisationPath: 'demo' }, 'organisation_path'],
    ['no rule', { rule: '' }, 'rule'],
    ['a rule that is too long', { rule: `party.region == "${'x'.repeat(5000)}"` }, 'rule'],
    ['an unsound rule', { rule: 'party.shoe > 3' }, 'rule'],
    ['no request id', { requestId: '' }, 'request_id'],
    ['a day that does not exist', { asOf: { year: 2026, month: 2, day: 30 } }, 'as_of'],
    ['half a date', { asOf: { year: 2026, month: 2, day: 0 } }, 'as_of'],
  ])('refuses %s and changes nothing', async (_name, more, field) => {
    const before = await segmentCount();
    const failure = await rejection(suite.as(['marketer']).createSegment(create('refused', more)));
    expect(failure['kind']).toBe('invalid');
    expect((failure['violations'] as { field: string }[]).map((one) => one.field)).toContain(field);
    expect(await segmentCount()).toBe(before);
  });

  test('tells where a rule is unsound', async () => {
    const failure = await rejection(
      suite.as(['marketer']).createSegment(create('x', { rule: 'true &&\n party.shoe > 3' })),
    );
    expect(failure).toMatchObject({
      reason: 'RULE_INVALID',
      metadata: { line: '2', column: '2', rule_reason: 'ATTRIBUTE_UNKNOWN' },
    });
  });

  test('refuses a place out of reach', async () => {
    const northern = suite.as(['marketer'], '/demo/north');
    for (const organisationPath of ['/demo', '/demo/northwest', '/']) {
      const failure = await rejection(northern.createSegment(create('outside', { organisationPath })));
      expect(failure['reason']).toBe('ORGANISATION_PATH_OUTSIDE');
    }
  });
});

describe('the life of a segment', () => {
  test('published, evaluated, replaced by its next version', async () => {
    const marketer = suite.as(['marketer']);
    await marketer.createSegment(create('seniors'));
    const approver = suite.as(['marketing_approver'], '/demo', 'staff/adam');
    const publish = { name: 'segments/seniors@1', requestId: uuidv7() };
    await approver.approveSegmentVersion({ name: 'segments/seniors@1', requestId: uuidv7() });
    const { version } = await marketer.publishSegment(publish);
    expect(version).toMatchObject({ state: SegmentState.SEGMENT_STATE_PUBLISHED, members: 2n });
    const before = await segmentCount();
    expect(await marketer.publishSegment(publish)).toEqual({ version });
    expect((await marketer.publishSegment({ ...publish, requestId: uuidv7() })).version?.members).toBe(2n);
    expect(await segmentCount()).toBe(before);

    const evaluate = { name: 'segments/seniors@1', requestId: uuidv7() };
    const answer = await marketer.evaluateSegment(evaluate);
    expect(answer).toMatchObject({ members: 2n, entered: 0n, exited: 0n, asOf: { year: 2026, month: 3, day: 15 } });
    expect(await marketer.evaluateSegment(evaluate)).toEqual(answer);

    await marketer.createSegmentVersion({
      parent: 'segments/seniors',
      rule: 'party.age >= 60 && holdings.count("loan") == 1',
      asOf: { year: 2026, month: 3, day: 9 },
      requestId: uuidv7(),
    });
    expect((await marketer.getSegment({ name: 'segments/seniors' })).version?.version).toBe(1);
    await suite.publish('segments/seniors@2');
    const { segment, version: used } = await marketer.getSegment({ name: 'segments/seniors' });
    // The loan is of 2026-03-10, a day after the one that the version looks at.
    expect(used).toMatchObject({ version: 2, members: 0n });
    expect(segment?.publishedVersion).toBe(2);
    expect((await marketer.getSegment({ name: 'segments/seniors@1' })).version).toMatchObject({
      state: SegmentState.SEGMENT_STATE_RETIRED,
      members: 0n,
    });
    const events = await suite.deps.db.system.rows<{ type: string; n: bigint }>(sql`
      SELECT type, count(*) AS n FROM kit.outbox WHERE type LIKE '%Segment%' GROUP BY type ORDER BY type`);
    expect(events).toEqual([
      { type: 'rapport.segmentation.v1.SegmentEntered', n: 2n },
      { type: 'rapport.segmentation.v1.SegmentExited', n: 2n },
    ]);
    expect(
      (await rejection(marketer.publishSegment({ name: 'segments/seniors@1', requestId: uuidv7() })))['reason'],
    ).toBe('SEGMENT_RETIRED');
    expect(
      (await rejection(marketer.evaluateSegment({ name: 'segments/seniors@1', requestId: uuidv7() })))['reason'],
    ).toBe('SEGMENT_NOT_PUBLISHED');
  });

  test('what is missing, malformed or out of reach is not found or refused', async () => {
    const marketer = suite.as(['marketer']);
    const northern = suite.as(['marketer'], '/demo/north');
    const requestId = uuidv7();
    for (const client of [marketer, northern]) {
      const name = client === marketer ? 'segments/nowhere@1' : 'segments/seniors@2';
      const segment = name.slice(0, -2);
      const answers = [
        client.getSegment({ name }),
        client.getSegment({ name: segment }),
        client.publishSegment({ name, requestId }),
        client.evaluateSegment({ name, requestId }),
        client.listMembers({ parent: name, pageSize: 0, pageToken: '' }),
        client.createSegmentVersion({ parent: segment, rule: 'true', asOf: undefined, requestId }),
      ];
      for (const answer of answers) expect((await rejection(answer))['reason']).toBe('SEGMENT_NOT_FOUND');
    }
    const malformed: [Promise<unknown>, string][] = [
      [marketer.getSegment({ name: 'parties/1' }), 'name'],
      [marketer.publishSegment({ name: 'segments/seniors', requestId }), 'name'],
      [marketer.publishSegment({ name: 'segments/seniors@2', requestId: 'no' }), 'request_id'],
      [marketer.evaluateSegment({ name: 'segments/seniors@0', requestId }), 'name'],
      [marketer.createSegmentVersion({ parent: 'segments/', rule: 'true', asOf: undefined, requestId }), 'parent'],
      [marketer.createSegmentVersion({ parent: 'segments/seniors', rule: '', asOf: undefined, requestId }), 'rule'],
      [
        marketer.listSegments({ pageSize: -1, pageToken: '', organisationPath: '', state: 0, query: '', inUse: false }),
        'page_size',
      ],
      [
        marketer.listSegments({ pageSize: 0, pageToken: 'x', organisationPath: '', state: 0, query: '', inUse: false }),
        'page_token',
      ],
      [
        marketer.listSegments({ pageSize: 0, pageToken: '', organisationPath: 'x', state: 0, query: '', inUse: false }),
        'organisation_path',
      ],
      [
        marketer.listSegments({
          pageSize: 0,
          pageToken: '',
          organisationPath: '',
          state: 99 as SegmentState,
          query: '',
          inUse: false,
        }),
        'state',
      ],
      [marketer.listMembers({ parent: 'segments/seniors@2', pageSize: 1001, pageToken: '' }), 'page_size'],
      [
        marketer.previewSegment({ rule: 'true', asOf: undefined, organisationPath: '', sampleSize: 101 }),
        'sample_size',
      ],
      [marketer.previewSegment({ rule: '', asOf: undefined, organisationPath: '', sampleSize: 0 }), 'rule'],
      [marketer.checkRule({ rule: '' }), 'rule'],
      [marketer.getMemberships({ party: 'x' }), 'party'],
      [marketer.batchGetMemberships({ parties: [], segmentVersion: '' }), 'parties'],
      [marketer.getSegmentProgress({ organisationPath: 'x' }), 'organisation_path'],
      [marketer.listAttributes({ pageSize: 5000, pageToken: '' }), 'page_size'],
    ];
    const before = await segmentCount();
    for (const [answer, field] of malformed) {
      const failure = await rejection(answer);
      expect(failure['kind']).toBe('invalid');
      expect((failure['violations'] as { field: string }[]).map((one) => one.field)).toContain(field);
    }
    expect(await segmentCount()).toBe(before);
  });

  test('two versions at once get two numbers', async () => {
    const marketer = suite.as(['marketer']);
    await marketer.createSegment(create('twins'));
    const make = () =>
      marketer.createSegmentVersion({ parent: 'segments/twins', rule: 'true', asOf: undefined, requestId: uuidv7() });
    const made = await Promise.all([make(), make()]);
    expect(made.map(({ version }) => version?.version).sort()).toEqual([2, 3]);
  });

  test('who has not seen the newest version is told whose it is, and loses nothing', async () => {
    const marketer = suite.as(['marketer'], '/demo', 'staff/mary');
    await marketer.createSegment(create('both-write'));
    const make = (baseVersion: number | undefined, client = marketer) =>
      client.createSegmentVersion({
        parent: 'segments/both-write',
        rule: 'true',
        asOf: undefined,
        requestId: uuidv7(),
        baseVersion,
      });
    expect((await make(1)).version?.version).toBe(2);
    const failure = await rejection(make(1, suite.as(['analyst'], '/demo', 'staff/ann')));
    expect(failure).toMatchObject({
      reason: 'SEGMENT_CHANGED',
      kind: 'conflict',
      metadata: { newest: 'segments/both-write@2', author: 'staff/mary' },
    });
    expect((await make(undefined)).version?.version).toBe(3);
    expect((await make(3)).version?.version).toBe(4);
  });
});

describe('lists', () => {
  test('segments come in pages, filtered, and only those within reach', async () => {
    const root = suite.as(['analyst'], '/');
    for (const [index, path] of ['/paged', '/paged/a', '/paged/b', '/paged/a/1'].entries()) {
      await root.createSegment(create(`page-${index}`, { organisationPath: path }));
    }
    const names = async (client: ReturnType<Suite['as']>, more: object = {}) => {
      const found: string[] = [];
      let pageToken = '';
      do {
        const request = {
          pageSize: 2,
          pageToken,
          organisationPath: '/paged',
          state: 0,
          query: '',
          inUse: false,
          ...more,
        };
        const page = await client.listSegments(request);
        expect(page.segments.length).toBeLessThanOrEqual(2);
        found.push(...page.segments.map(({ name }) => name));
        pageToken = page.nextPageToken;
      } while (pageToken !== '');
      return found;
    };
    expect(await names(root)).toEqual(['segments/page-0', 'segments/page-1', 'segments/page-2', 'segments/page-3']);
    expect(await names(root, { organisationPath: '/paged/a' })).toEqual(['segments/page-1', 'segments/page-3']);
    expect(await names(suite.as(['analyst'], '/paged/a'))).toEqual(['segments/page-1', 'segments/page-3']);
    expect(await names(suite.as(['analyst'], '/pag'))).toEqual([]);
    expect(await names(root, { state: SegmentState.SEGMENT_STATE_PUBLISHED })).toEqual([]);
    expect(await names(root, { inUse: true })).toEqual([]);
  });

  test('segments are found by words of their titles and ids, whatever stands in them', async () => {
    const root = suite.as(['analyst'], '/');
    const titles = { 'found-gold': 'Gold & 50% off', 'found-old': 'Elders_in debt', 'found-zh': '高净值客户' };
    for (const [id, title] of Object.entries(titles)) {
      await root.createSegment(create(id, { title, organisationPath: '/found' }));
    }
    const find = async (query: string, client = root) =>
      (
        await client.listSegments({
          pageSize: 0,
          pageToken: '',
          organisationPath: '/found',
          state: 0,
          query,
          inUse: false,
        })
      ).segments.map(({ name }) => name.slice('segments/found-'.length));
    expect(await find('')).toEqual(['gold', 'old', 'zh']);
    expect(await find('GOLD')).toEqual(['gold']);
    expect(await find(' debt  eld ')).toEqual(['old']);
    expect(await find('净值')).toEqual(['zh']);
    expect(await find('50%')).toEqual(['gold']);
    // What LIKE reads in a special way is looked for as it stands.
    expect(await find('5_%')).toEqual([]);
    expect(await find('s_i')).toEqual(['old']);
    expect(await find('\\')).toEqual([]);
    expect(await find('gold', suite.as(['analyst'], '/elsewhere'))).toEqual([]);
    await suite.publish('segments/found-zh@1');
    const used = { pageSize: 0, pageToken: '', organisationPath: '/found', state: 0, query: '', inUse: true };
    expect((await root.listSegments(used)).segments.map(({ name }) => name)).toEqual(['segments/found-zh']);
  });

  test('the catalogue comes in pages', async () => {
    const client = suite.as(['analyst']);
    const { attributes: all } = await client.listAttributes({ pageSize: 1000, pageToken: '' });
    const first = await client.listAttributes({ pageSize: 5, pageToken: '' });
    const second = await client.listAttributes({ pageSize: 1000, pageToken: first.nextPageToken });
    expect([...first.attributes, ...second.attributes]).toEqual(all);
    expect(all.map(({ key }) => key)).toEqual(expect.arrayContaining(['party.age', 'tx.sum', 'consent']));
  });

  test('a rule is checked', async () => {
    const client = suite.as(['analyst']);
    expect(await client.checkRule({ rule: 'party.age > 3 && tx.count(duration("24h")) == 0' })).toEqual({
      problem: undefined,
      description: 'age is more than 3 and number of transactions in the last day is 0',
      attributes: ['party.age', 'tx.count'],
    });
    for (const rule of ['segment.member("nowhere")', 'scheme.group("nowhere") == "gold"']) {
      expect((await client.checkRule({ rule })).problem).toMatchObject({
        reason: 'ARGUMENT_INVALID',
        line: 1,
        column: 1,
      });
    }
    const { problem } = await client.checkRule({ rule: 'party.agee > 3' });
    expect(problem).toMatchObject({ line: 1, column: 1, reason: 'ATTRIBUTE_UNKNOWN' });
  });
});

describe('preview', () => {
  const preview = (client: ReturnType<Suite['as']>, more: object = {}) =>
    client.previewSegment({ rule: 'party.age >= 60', asOf: undefined, organisationPath: '', sampleSize: 10, ...more });

  test('counts whom the caller may see and gives the same sample each time', async () => {
    const demo = await preview(suite.as(['analyst']));
    expect(demo).toMatchObject({
      count: 2n,
      sample: [north[0], south].sort(),
      asOf: { year: 2026, month: 3, day: 15 },
    });
    expect(demo.sqlMs).toBeGreaterThan(0);
    expect((await preview(suite.as(['branch_manager'], '/demo/north'))).sample).toEqual([north[0]]);
    expect((await preview(suite.as(['branch_manager'], '/demo/nor'))).count).toBe(0n);
    expect(await preview(suite.as(['analyst']), { organisationPath: '/demo/south', sampleSize: 0 })).toMatchObject({
      count: 1n,
      sample: [],
    });
    expect((await preview(suite.as(['analyst'], '/demo/north'), { organisationPath: '/' })).count).toBe(1n);
  });

  test('looks at the day asked for', async () => {
    const analyst = suite.as(['analyst']);
    const rule = 'holdings.count("loan") > 0';
    expect((await preview(analyst, { rule, asOf: { year: 2026, month: 3, day: 9 } })).count).toBe(0n);
    expect((await preview(analyst, { rule, asOf: { year: 2026, month: 3, day: 10 } })).count).toBe(1n);
    expect((await preview(analyst, { rule: 'party.age >= 0', asOf: { year: 1, month: 1, day: 1 } })).count).toBe(0n);
    expect((await preview(analyst, { rule: 'party.age >= 0', asOf: { year: 9999, month: 12, day: 31 } })).count).toBe(
      3n,
    );
    expect((await rejection(preview(analyst, { rule, asOf: { year: 2026, month: 2, day: 30 } })))['reason']).toBe(
      'DATE_INVALID',
    );
  });
});
