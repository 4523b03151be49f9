import fc from 'fast-check';
import { sql } from '@rapport/kit/db';
import { uuidv7 } from '@rapport/kit/runtime';
import { CampaignCompleted, CampaignLaunched, CampaignPaused, CampaignResumed } from '@rapport/proto/marketing/v1';
import { SegmentState } from '@rapport/proto/segmentation/v1';
import { openMarketing, openSuite, type Suite } from '../segmentation.testkit.js';
import { type Step, stateAfter } from '../lifecycle/lifecycle.js';

let suite: Suite;
let marketing: Awaited<ReturnType<typeof openMarketing>>;

beforeAll(async () => {
  suite = await openSuite();
  marketing = await openMarketing(suite.nats);
  await suite.customer.person({ path: '/demo/north' });
  await suite.customer.person({ path: '/demo/south' });
  await suite.settled();
}, 60_000);

afterAll(async () => {
  await marketing.close();
  await suite.close();
});

const { SEGMENT_STATE_DRAFT: draft, SEGMENT_STATE_APPROVED: approved } = SegmentState;
const { SEGMENT_STATE_PUBLISHED: published, SEGMENT_STATE_RETIRED: retired } = SegmentState;

type Client = ReturnType<Suite['as']>;
const author = (): Client => suite.as(['marketer'], '/demo', 'staff/mary');
const approver = (path = '/demo'): Client => suite.as(['marketing_approver'], path, 'staff/adam');

async function made(segmentId: string, rule = 'true', client = author()): Promise<string> {
  const more = { title: segmentId, organisationPath: '/demo', asOf: undefined, requestId: uuidv7() };
  await client.createSegment({ segmentId, rule, ...more });
  return `segments/${segmentId}@1`;
}

const reasonOf = (answer: Promise<unknown>): Promise<string> =>
  answer.then(
    () => 'OK',
    (failure: { reason: string }) => failure.reason,
  );

test('four eyes: approved by another person, shown with who and when, and published only then', async () => {
  const name = await made('eyes');
  const both = suite.as(['marketer', 'marketing_approver', 'administrator'], '/demo', 'staff/mary');
  expect(await reasonOf(both.approveSegmentVersion({ name, requestId: uuidv7() }))).toBe('FOUR_EYES');
  expect(await reasonOf(author().publishSegment({ name, requestId: uuidv7() }))).toBe('SEGMENT_NOT_APPROVED');
  const request = { name, requestId: uuidv7() };
  const { version } = await approver().approveSegmentVersion(request);
  expect(version).toMatchObject({
    state: approved,
    createdBy: 'staff/mary',
    approvedBy: 'staff/adam',
    approveTime: suite.deps.clock.now(),
  });
  expect(await approver().approveSegmentVersion(request)).toEqual({ version });
  expect((await approver().approveSegmentVersion({ name, requestId: uuidv7() })).version).toEqual(version);
  const used = (await author().publishSegment({ name, requestId: uuidv7() })).version;
  expect(used).toMatchObject({ state: published, members: 2n, approvedBy: 'staff/adam', publishedBy: 'staff/mary' });
});

test('the database itself refuses an author as approver', async () => {
  await made('walls');
  const stolen = suite.deps.db.system.run(sql`UPDATE segment_version SET approved_by = created_by, state = 2
    WHERE segment_id = 'walls'`);
  await expect(stolen).rejects.toMatchObject({ code: '23514' });
});

test('a rejection goes back to the author with its reason, and an approval settles it', async () => {
  const name = await made('better');
  await approver().approveSegmentVersion({ name, requestId: uuidv7() });
  const reason = 'Leave out those who left the bank';
  const { version } = await approver().rejectSegmentVersion({ name, reason, requestId: uuidv7() });
  expect(version).toMatchObject({ state: draft, rejectedBy: 'staff/adam', rejectReason: reason, approvedBy: '' });
  expect(version?.approveTime).toBeUndefined();
  expect(await reasonOf(author().publishSegment({ name, requestId: uuidv7() }))).toBe('SEGMENT_NOT_APPROVED');
  const again = await approver().approveSegmentVersion({ name, requestId: uuidv7() });
  expect(again.version).toMatchObject({ state: approved, rejectedBy: '', rejectReason: '' });
});

test('out of reach there is nothing to approve, reject, retire or list', async () => {
  const name = await made('reach');
  const elsewhere = approver('/demo/north');
  const requestId = uuidv7();
  expect(await reasonOf(elsewhere.approveSegmentVersion({ name, requestId }))).toBe('SEGMENT_NOT_FOUND');
  expect(await reasonOf(elsewhere.rejectSegmentVersion({ name, reason: 'x', requestId }))).toBe('SEGMENT_NOT_FOUND');
  const northern = suite.as(['marketer'], '/demo/north');
  expect(await reasonOf(northern.retireSegmentVersion({ name, requestId }))).toBe('SEGMENT_NOT_FOUND');
  const list = { parent: 'segments/reach', pageSize: 0, pageToken: '' };
  expect(await reasonOf(northern.listSegmentVersions(list))).toBe('SEGMENT_NOT_FOUND');
});

test('versions come in pages, the newest first', async () => {
  await made('pages');
  for (let count = 0; count < 4; count += 1) {
    await author().createSegmentVersion({
      parent: 'segments/pages',
      rule: 'true',
      asOf: undefined,
      requestId: uuidv7(),
    });
  }
  const seen: number[] = [];
  let pageToken = '';
  do {
    const page = await author().listSegmentVersions({ parent: 'segments/pages', pageSize: 2, pageToken });
    seen.push(...page.versions.map(({ version }) => version));
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
  expect(seen).toEqual([5, 4, 3, 2, 1]);
});

test('retiring is for good, and everybody leaves', async () => {
  const name = await made('ending');
  await suite.publish(name);
  const request = { name, requestId: uuidv7() };
  const { version } = await author().retireSegmentVersion(request);
  expect(version).toMatchObject({ state: retired, members: 0n, retiredBy: 'staff/mary' });
  expect(await author().retireSegmentVersion(request)).toEqual({ version });
  expect(await reasonOf(author().publishSegment({ name, requestId: uuidv7() }))).toBe('SEGMENT_RETIRED');
  expect(await reasonOf(approver().approveSegmentVersion({ name, requestId: uuidv7() }))).toBe('SEGMENT_STATE');
  const { exits } = await suite.deps.db.system.one<{ exits: bigint }>(sql`
    SELECT coalesce(sum(events), 0)::bigint AS exits FROM kit.outbox WHERE type LIKE '%.SegmentExited'`);
  expect(exits).toBe(2n);
});

test('nothing is retired or replaced while a campaign sends to it', async () => {
  const name = await made('sending');
  await suite.publish(name);
  const campaign = `campaigns/${uuidv7()}`;
  const common = { campaign, organisationPath: '/demo', segmentVersion: name };
  const at = (minute: number) => new Date(Date.UTC(2026, 2, 15, 9, minute));
  await marketing.send(CampaignLaunched, CampaignLaunched.fromPartial({ ...common, launchTime: at(0) }), campaign);
  const inUse = async (wanted: boolean) => {
    for (let tries = 0; tries < 500; tries += 1) {
      const [row] = await suite.deps.db.system.rows<{ active: boolean }>(sql`SELECT active FROM campaign_use`);
      if (row?.active === wanted) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error('the event was not heard within ten seconds');
  };
  await inUse(true);
  const refusal = await author()
    .retireSegmentVersion({ name, requestId: uuidv7() })
    .catch((error: unknown) => error);
  expect(refusal).toMatchObject({ reason: 'SEGMENT_IN_USE', metadata: { segment: name, campaigns: campaign } });
  await author().createSegmentVersion({
    parent: 'segments/sending',
    rule: 'false || true',
    asOf: undefined,
    requestId: uuidv7(),
  });
  await approver().approveSegmentVersion({ name: 'segments/sending@2', requestId: uuidv7() });
  const replace = () => author().publishSegment({ name: 'segments/sending@2', requestId: uuidv7() });
  expect(await reasonOf(replace())).toBe('SEGMENT_IN_USE');
  await marketing.send(CampaignPaused, CampaignPaused.fromPartial({ ...common, pauseTime: at(1) }), campaign);
  await inUse(false);
  await marketing.send(CampaignResumed, CampaignResumed.fromPartial({ ...common, resumeTime: at(2) }), campaign);
  await inUse(true);
  await marketing.send(CampaignCompleted, CampaignCompleted.fromPartial({ ...common, completeTime: at(3) }), campaign);
  await inUse(false);
  expect(await reasonOf(replace())).toBe('OK');
}, 30_000);

test('a campaign that is about to start keeps its version in use, whatever order things are heard in', async () => {
  const name = await made('starting');
  await suite.publish(name);
  const campaign = `campaigns/${uuidv7()}`;
  const reserve = (client = author()) => client.reserveSegmentVersion({ name, campaign, requestId: uuidv7() });
  const retire = () => reasonOf(author().retireSegmentVersion({ name, requestId: uuidv7() }));
  expect(await reasonOf(reserve(approver('/demo/north')))).toBe('SEGMENT_NOT_FOUND');
  const { expireTime, version } = await reserve();
  expect(version).toMatchObject({ name, state: published });
  expect(expireTime).toEqual(new Date(suite.deps.clock.now().getTime() + 600_000));
  const refusal = await author()
    .retireSegmentVersion({ name, requestId: uuidv7() })
    .catch((error: unknown) => error);
  expect(refusal).toMatchObject({ reason: 'SEGMENT_IN_USE', metadata: { campaigns: campaign } });
  const common = { campaign, organisationPath: '/demo', segmentVersion: name };
  const use = async (wanted: { active: boolean; reserved: boolean }) => {
    for (let tries = 0; tries < 500; tries += 1) {
      const row = await suite.deps.db.system.maybe(sql`
        SELECT active, reserved_until IS NOT NULL AS reserved FROM campaign_use
        WHERE campaign_id = ${campaign.slice('campaigns/'.length)}::uuid`);
      if (JSON.stringify(row) === JSON.stringify(wanted)) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error('the event was not heard');
  };
  const at = (minute: number) => new Date(Date.UTC(2026, 2, 15, 10, minute));
  await marketing.send(CampaignLaunched, CampaignLaunched.fromPartial({ ...common, launchTime: at(0) }), campaign);
  await use({ active: true, reserved: false });
  expect(await retire()).toBe('SEGMENT_IN_USE');
  // It is started again before its pause is heard.
  await reserve();
  await marketing.send(CampaignPaused, CampaignPaused.fromPartial({ ...common, pauseTime: at(1) }), campaign);
  await use({ active: false, reserved: true });
  expect(await retire()).toBe('SEGMENT_IN_USE');
  // The start failed after all: the reservation ends by itself.
  await suite.deps.db.system.run(sql`UPDATE campaign_use SET reserved_until = ${suite.deps.clock.now()}`);
  expect(await retire()).toBe('OK');
  expect(await reasonOf(reserve())).toBe('SEGMENT_NOT_PUBLISHED');
}, 30_000);

test('of a reservation and a retirement at the same time one is refused, never none', async () => {
  for (let round = 0; round < 8; round += 1) {
    const name = await made(`race-${round}`, 'party.age > 200');
    await suite.publish(name);
    const [reserved, retiredNow] = await Promise.all([
      reasonOf(author().reserveSegmentVersion({ name, campaign: `campaigns/${uuidv7()}`, requestId: uuidv7() })),
      reasonOf(author().retireSegmentVersion({ name, requestId: uuidv7() })),
    ]);
    expect([
      ['OK', 'SEGMENT_IN_USE'],
      ['SEGMENT_NOT_PUBLISHED', 'OK'],
    ]).toContainEqual([reserved, retiredNow]);
  }
}, 30_000);

test('a segment that the rule of another asks for stays', async () => {
  const inner = await made('inner');
  await suite.publish(inner);
  const outer = await made('outer', 'segment.member("inner")');
  await suite.publish(outer);
  const refusal = await author()
    .retireSegmentVersion({ name: inner, requestId: uuidv7() })
    .catch((error: unknown) => error);
  expect(refusal).toMatchObject({ reason: 'SEGMENT_IN_USE', metadata: { segment: inner, segments: 'segments/outer' } });
  await author().retireSegmentVersion({ name: outer, requestId: uuidv7() });
  expect(await reasonOf(author().retireSegmentVersion({ name: inner, requestId: uuidv7() }))).toBe('OK');
});

interface Model {
  state: SegmentState;
  approvedBy: string;
}
const people = ['staff/mary', 'staff/adam'] as const;
const steps: readonly Step[] = ['approve', 'reject', 'publish', 'retire'];

test('any order of steps by anybody ends where the life of a version allows, and nowhere else', async () => {
  let count = 0;
  const clients = new Map(people.map((sub) => [sub, suite.as(['administrator', 'marketer'], '/demo', sub)]));
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ step: fc.constantFrom(...steps), who: fc.constantFrom(...people) }), { maxLength: 8 }),
      async (orders) => {
        count += 1;
        const name = await made(`life-${count}`, 'party.age > 200', clients.get('staff/mary'));
        const model: Model = { state: draft, approvedBy: '' };
        for (const { step, who } of orders) {
          const client = clients.get(who) as Client;
          const request = { name, requestId: uuidv7() };
          const answer = {
            approve: () => client.approveSegmentVersion(request),
            reject: () => client.rejectSegmentVersion({ ...request, reason: 'again' }),
            publish: () => client.publishSegment(request),
            retire: () => client.retireSegmentVersion(request),
          }[step]();
          const next = stateAfter(model.state, step);
          const allowed = next !== undefined && !(step === 'approve' && who === 'staff/mary');
          expect({ step, who, from: model.state, ok: (await reasonOf(answer)) === 'OK' }).toEqual({
            step,
            who,
            from: model.state,
            ok: allowed,
          });
          if (!allowed || next === 'unchanged') continue;
          model.state = next;
          if (step === 'approve') model.approvedBy = who;
          if (step === 'reject') model.approvedBy = '';
        }
        const { version } = await author().getSegment({ name });
        expect(version).toMatchObject({ state: model.state, approvedBy: model.approvedBy });
        // Whatever came before, nothing is in use that nobody else has approved.
        if (version?.state === published) expect(version.approvedBy).toBe('staff/adam');
      },
    ),
    { numRuns: Number(process.env['LIFECYCLE_RUNS'] ?? 25) },
  );
}, 120_000);

test('the steps of a version: every pair of state and step', () => {
  const table = [draft, approved, published, retired].map((state) => steps.map((step) => stateAfter(state, step)));
  expect(table).toEqual([
    [approved, draft, undefined, retired],
    ['unchanged', draft, published, retired],
    ['unchanged', undefined, 'unchanged', retired],
    [undefined, undefined, undefined, 'unchanged'],
  ]);
});
