import { sql } from '@rapport/kit/db';
import { SegmentState } from '@rapport/proto/segmentation/v1';
import { CampaignState } from '@rapport/proto/marketing/v1';
import { failureOf, openSuite, request, rowCounts, type Suite } from '../marketing.testkit.js';

let suite: Suite;
beforeAll(async () => {
  suite = await openSuite();
});
afterAll(() => suite.close());

const change = (name: string, etag = '') => ({ name, etag, requestId: request() });

describe('a campaign', () => {
  it('needs two people', async () => {
    const both = suite.as(['marketer', 'marketing_approver'], '/demo', 'staff/mary');
    const name = await suite.campaign(suite.segment([]));
    await both.submitCampaign(change(name));
    expect(await failureOf(both.approveCampaign(change(name)))).toMatchObject({
      kind: 'precondition',
      reason: 'FOUR_EYES',
    });
    const { campaign } = await suite.approver.approveCampaign(change(name));
    expect(campaign).toMatchObject({
      state: CampaignState.CAMPAIGN_STATE_APPROVED,
      createdBy: 'staff/mary',
      approvedBy: 'staff/adam',
    });
  });

  it('goes through its states in order and through no other', async () => {
    const { marketer, approver } = suite;
    const name = await suite.campaign(suite.segment([]), { onEnter: true });
    const steps = {
      submit: () => marketer.submitCampaign(change(name)),
      approve: () => approver.approveCampaign(change(name)),
      launch: () => marketer.launchCampaign(change(name)),
      pause: () => marketer.pauseCampaign(change(name)),
    };
    type Step = keyof typeof steps;
    const way: Step[] = ['submit', 'approve', 'launch', 'pause', 'launch'];
    const onlyNow: Step[][] = [['submit'], ['approve'], ['launch'], ['pause'], ['launch'], ['pause']];
    for (const [index, open] of onlyNow.entries()) {
      for (const step of (Object.keys(steps) as Step[]).filter((one) => !open.includes(one))) {
        expect(await failureOf(steps[step]())).toMatchObject({ kind: 'precondition', reason: 'CAMPAIGN_STATE' });
      }
      const next = way[index];
      if (next) await steps[next]();
    }
    const events = await suite.rows<{ type: string }>(sql`
      SELECT type FROM kit.outbox WHERE aggregate = ${name.slice('campaigns/'.length)} ORDER BY id`);
    expect(events.map(({ type }) => type.split('.').pop())).toEqual([
      'CampaignLaunched',
      'CampaignPaused',
      'CampaignResumed',
    ]);
  });

  it('is not approved as something else than what was read', async () => {
    const name = await suite.campaign(suite.segment([]));
    const { campaign: seen } = await suite.marketer.getCampaign({ name });
    await suite.marketer.submitCampaign(change(name));
    expect(await failureOf(suite.approver.approveCampaign(change(name, seen?.etag)))).toMatchObject({
      kind: 'conflict',
      reason: 'ETAG_MISMATCH',
    });
    const { campaign } = await suite.marketer.getCampaign({ name });
    await suite.approver.approveCampaign(change(name, campaign?.etag));
  });

  it('is not made for a segment that is not there, and not launched for one that is not in use', async () => {
    const before = await rowCounts(suite);
    expect(await failureOf(suite.campaign('segments/nobody@1', { templateVersion: 'templates/none@1' }))).toMatchObject(
      {
        reason: 'TEMPLATE_NOT_FOUND',
      },
    );
    expect(await rowCounts(suite)).toEqual(before);
    expect(await failureOf(suite.campaign('segments/nobody@1'))).toMatchObject({ reason: 'SEGMENT_NOT_FOUND' });
    const segment = suite.segment([]);
    const found = suite.segmentation.segments.get(segment);
    if (!found) throw new Error('no segment');
    found.state = SegmentState.SEGMENT_STATE_DRAFT;
    const name = await suite.campaign(segment);
    await suite.marketer.submitCampaign(change(name));
    await suite.approver.approveCampaign(change(name));
    expect(await failureOf(suite.marketer.launchCampaign(change(name)))).toMatchObject({
      kind: 'precondition',
      reason: 'SEGMENT_NOT_PUBLISHED',
    });
  });

  it('has its segment kept in use before it starts, each time, and not when it cannot start', async () => {
    const segment = suite.segment([suite.customer.party()]);
    const name = await suite.campaign(segment);
    const { reserved } = suite.segmentation;
    const kept = () => reserved.filter(({ campaign }) => campaign === name);
    expect(await failureOf(suite.marketer.launchCampaign(change(name)))).toMatchObject({ reason: 'CAMPAIGN_STATE' });
    expect(kept()).toEqual([]);
    await suite.marketer.submitCampaign(change(name));
    await suite.approver.approveCampaign(change(name));
    const launch = change(name);
    await suite.marketer.launchCampaign(launch);
    expect(kept()).toEqual([{ name: segment, campaign: name }]);
    await suite.marketer.launchCampaign(launch);
    expect(kept()).toHaveLength(1);
  });

  it('is neither made nor launched while segmentation is away; what was answered stays answered', async () => {
    const segment = suite.segment([]);
    const name = await suite.campaign(segment);
    await suite.marketer.submitCampaign(change(name));
    await suite.approver.approveCampaign(change(name));
    suite.segmentation.broken = true;
    const before = await rowCounts(suite);
    const launch = change(name);
    const impatient = { timeoutMs: 3000 };
    expect(await failureOf(suite.marketer.launchCampaign(launch, { ...impatient, retry: false }))).toMatchObject({
      kind: 'unavailable',
      reason: 'SEGMENTATION_UNAVAILABLE',
    });
    expect(await rowCounts(suite)).toEqual(before);
    suite.segmentation.broken = false;
    const first = await suite.marketer.launchCampaign(launch);
    suite.segmentation.broken = true;
    expect(await suite.marketer.launchCampaign(launch, { retry: false })).toEqual(first);
    suite.segmentation.broken = false;
  });

  it('uses no text or offer of a sister branch', async () => {
    const brno = suite.as(['marketer'], '/demo/brno', 'staff/brno');
    const { template } = await brno.createTemplate({
      templateId: `brno-${request()}`,
      title: 'Only here',
      organisationPath: '/demo/brno',
      version: {
        name: '',
        version: 0,
        variables: [],
        variants: [{ language: 'en', subject: 'x', textBody: 'x', htmlBody: '' }],
        createdBy: '',
      },
      requestId: request(),
    });
    const failure = await failureOf(
      suite.campaign(suite.segment([]), { templateVersion: `${template?.name}@1`, organisationPath: '/demo/prague' }),
    );
    expect(failure).toMatchObject({ reason: 'TEMPLATE_NOT_FOUND' });
    await suite.campaign(suite.segment([]), {
      templateVersion: `${template?.name}@1`,
      organisationPath: '/demo/brno/2',
    });
  });

  it('is listed page by page, newest first, each once', async () => {
    const made: string[] = [];
    const lister = suite.as(['marketer'], '/demo/pages', 'staff/pages');
    const templateVersion = await suite.template();
    for (let index = 0; index < 5; index += 1) {
      made.push(await suite.campaign(suite.segment([]), { templateVersion, organisationPath: '/demo/pages' }));
    }
    const seen: string[] = [];
    let pageToken = '';
    do {
      const page = await lister.listCampaigns({ pageSize: 2, pageToken, organisationPath: '', state: 0 });
      seen.push(...page.campaigns.map(({ name }) => name));
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    expect(seen).toEqual(made.toReversed());
    const drafts = await lister.listCampaigns({
      pageSize: 0,
      pageToken: '',
      organisationPath: '/demo',
      state: CampaignState.CAMPAIGN_STATE_RUNNING,
    });
    expect(drafts.campaigns).toEqual([]);
  });
});
