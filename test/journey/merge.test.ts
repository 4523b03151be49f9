// Two parties are found to be one customer, and then not to be, in the running suite: every service shows one, then two.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { client } from '@rapport/kit/rpc';
import { CasesServiceService, ListCasesRequest, OpenCaseRequest } from '@rapport/proto/cases/v1';
import { Consent, CustomerServiceService, GoldenServiceService, Party } from '@rapport/proto/customer/v1';
import { Campaign, MarketingServiceService, TemplateVersion } from '@rapport/proto/marketing/v1';
import { QueryMetricRequest, ReportingServiceService } from '@rapport/proto/reporting/v1';
import { SegmentationServiceService } from '@rapport/proto/segmentation/v1';
import { Channel } from '@rapport/proto/type/v1';
import { type TestSuite, testSuite } from '@rapport/test/kit';

jest.setTimeout(300_000);

const bank = '/demo';
let suite: TestSuite;
beforeAll(async () => {
  suite = await testSuite('merge');
}, 180_000);
afterAll(() => suite?.stop(), 60_000);

/** How a person calls. */
const as = (role: string) => ({
  identity: {
    token: async () => suite.token({ sub: `staff/${role}`, roles: [role], orgPath: '/', signedBy: 'operator' }),
  },
  timeoutMs: 30_000,
});

test('a merge makes two customers one in every service, and an unmerge two again', async () => {
  const customer = client({ service: CustomerServiceService }, suite.grpc('customer'), as('operator'));
  const golden = client({ service: GoldenServiceService }, suite.grpc('customer'), as('data_steward'));
  const cases = client({ service: CasesServiceService }, suite.grpc('cases'), as('operator'));
  const segmentation = client({ service: SegmentationServiceService }, suite.grpc('segmentation'), as('marketer'));
  const segmentApprover = client(
    { service: SegmentationServiceService },
    suite.grpc('segmentation'),
    as('marketing_approver'),
  );
  const marketing = client({ service: MarketingServiceService }, suite.grpc('marketing'), as('marketer'));
  const approver = client({ service: MarketingServiceService }, suite.grpc('marketing'), as('marketing_approver'));
  const admin = client({ service: MarketingServiceService }, suite.grpc('marketing'), as('administrator'));
  const reporting = client({ service: ReportingServiceService }, suite.grpc('reporting'), as('analyst'));
  const clients = [customer, golden, cases, segmentation, segmentApprover, marketing, approver, admin, reporting];

  const opened = new Map<string, string>();
  async function become(
    givenName: string,
    familyName: string,
    year: number,
    organisationPath: string,
  ): Promise<string> {
    const { party } = await customer.createParty({
      party: Party.fromJSON({
        person: { givenName, familyName, birthDate: { year, month: 3, day: 17 } },
        contactPoints: [{ email: `${givenName}@example.com`, preferred: true }],
        organisationPath,
      }),
      requestId: randomUUID(),
    });
    const { name } = party as Party;
    const consent = {
      purpose: 'marketing',
      channel: 'CHANNEL_EMAIL',
      state: 'CONSENT_STATE_GRANTED',
      textVersion: '1',
    };
    await customer.setConsent({ parent: name, consent: Consent.fromJSON(consent), requestId: randomUUID() });
    const complaint = { type: 'caseTypes/complaint', party: name, channel: 'CHANNEL_PHONE', subject: 'Charged twice' };
    const { case: one } = await cases.openCase(
      OpenCaseRequest.fromJSON({ ...complaint, organisationPath, requestId: randomUUID() }),
    );
    opened.set(name, one?.name ?? '');
    return name;
  }

  /** What every service says of the customers of the bank, as somebody sees it who asks for each by each of the names. */
  async function seen(names: readonly string[]) {
    const listed = async (party: string) =>
      (await cases.listCases(ListCasesRequest.fromPartial({ party }))).cases.map((one) => one.name).sort();
    const delivered = async (party: string) => {
      const page = { campaign: '', party, decision: 0, reason: 0, pageSize: 100, pageToken: '' };
      return (await marketing.listDeliveries(page)).deliveries.map((one) => one.party).sort();
    };
    const { members } = await segmentation.listMembers({ parent: 'segments/all@1', pageSize: 100, pageToken: '' });
    const asked = { metrics: ['metrics/customers'], dimensions: ['organisation_path'], grain: 'GRAIN_NONE' };
    const { rows } = await reporting.queryMetric(QueryMetricRequest.fromJSON({ ...asked, organisationPath: bank }));
    return {
      golden: await Promise.all(names.map(async (name) => (await customer.getParty({ name })).party?.name)),
      cases: await Promise.all(names.map(listed)),
      deliveries: await Promise.all(names.map(delivered)),
      members: members.map(({ party }) => party).sort(),
      customers: Object.fromEntries(rows.map(({ dimensionValues, values }) => [dimensionValues[0], values[0]?.value])),
    };
  }
  /** Waits until all services have heard and say so. */
  async function until(names: readonly string[], expected: Partial<Awaited<ReturnType<typeof seen>>>): Promise<void> {
    for (const end = Date.now() + 60_000; ; await sleep(250)) {
      const now = await seen(names);
      const told = Object.fromEntries(Object.keys(expected).map((key) => [key, now[key as keyof typeof now]]));
      if (JSON.stringify(told) === JSON.stringify(expected)) return;
      if (Date.now() > end) expect(told).toEqual(expected);
    }
  }

  /** Launches a campaign to the segment and waits until everything is decided; how many it mailed. */
  async function campaign(title: string): Promise<{ audience: bigint; sent: bigint }> {
    const { campaign: made } = await marketing.createCampaign({
      campaign: {
        ...Campaign.fromJSON({ title, purpose: 'marketing', organisationPath: bank }),
        channel: Channel.CHANNEL_EMAIL,
        segmentVersion: 'segments/all@1',
        templateVersion: 'templates/hello@1',
      },
      requestId: randomUUID(),
    });
    const name = made?.name ?? '';
    await marketing.submitCampaign({ name, etag: '', requestId: randomUUID() });
    await approver.approveCampaign({ name, etag: '', requestId: randomUUID() });
    await marketing.launchCampaign({ name, etag: '', requestId: randomUUID() });
    for (const end = Date.now() + 60_000; ; await sleep(100)) {
      const { audience, sent, pending, held } = await marketing.getCampaignSummary({ name });
      if (audience > 0n && pending === 0n && held.length === 0) return { audience, sent };
      if (Date.now() > end) throw new Error(`${title}: ${audience} in the audience, ${sent} sent, ${pending} pending`);
    }
  }

  // So different that matching leaves them apart: it is a steward who errs.
  const first = await become('Jana', 'Nová', 1971, `${bank}/north`);
  const second = await become('Petra', 'Zemanová', 1984, `${bank}/south`);
  const names = [first, second];
  await admin.setContactPolicy({
    policy: {
      organisationPath: bank,
      frequencyCaps: [{ purpose: '', messages: 100, days: 1 }],
      quietHours: undefined,
      etag: '',
    },
    requestId: randomUUID(),
  });
  const variants = [{ language: 'en', subject: 'Hello', textBody: 'Dear {{ party.display_name }}' }];
  await marketing.createTemplate({
    templateId: 'hello',
    title: 'Hello',
    organisationPath: bank,
    version: TemplateVersion.fromJSON({ variables: [], variants }),
    requestId: randomUUID(),
  });
  const rule = 'holdings.count("account") == 0';
  const common = { organisationPath: bank, asOf: undefined, title: 'All', requestId: randomUUID() };
  await segmentation.createSegment({ ...common, segmentId: 'all', rule });
  const two = { members: names.toSorted(), customers: { [`${bank}/north`]: 1, [`${bank}/south`]: 1 } };
  await until(names, { customers: two.customers });
  await segmentApprover.approveSegmentVersion({ name: 'segments/all@1', requestId: randomUUID() });
  await segmentation.publishSegment({ name: 'segments/all@1', requestId: randomUUID() });
  const apart = names.map((name) => [opened.get(name) ?? '']);
  const own = names.map((name) => [name]);
  await until(names, { golden: names, cases: apart, ...two });
  expect(await campaign('To two')).toEqual({ audience: 2n, sent: 2n });
  await until(names, { deliveries: own });

  const etagOf = async (name: string) => (await customer.getParty({ name })).party?.etag ?? '';
  await golden.mergeParties({
    survivor: first,
    merged: second,
    survivorEtag: await etagOf(first),
    mergedEtag: await etagOf(second),
    reason: 'changed her name',
    identifiersMayDiffer: false,
    legalHoldKnown: false,
    requestId: randomUUID(),
  });
  const both = apart.flat().sort();
  const merged = { members: [first], customers: { [`${bank}/north`]: 1, [`${bank}/south`]: 0 } };
  await until(names, {
    golden: [first, first],
    cases: [both, both],
    deliveries: [two.members, two.members],
    ...merged,
  });
  expect(await campaign('To one')).toEqual({ audience: 1n, sent: 1n });

  await golden.unmergeParties({
    name: second,
    etag: await etagOf(second),
    reason: 'two people',
    requestId: randomUUID(),
  });
  // What was sent meanwhile is the survivor's.
  await until(names, { golden: names, cases: apart, deliveries: [[first, first], [second]], ...two });
  expect(await campaign('To two again')).toEqual({ audience: 2n, sent: 2n });
  for (const one of clients) one.close();
});
