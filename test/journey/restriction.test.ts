// Somebody asks that the data be kept and no more: every service of the running suite keeps to it until it is lifted.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { client, type Failure } from '@rapport/kit/rpc';
import { CasesServiceService, OpenCaseRequest } from '@rapport/proto/cases/v1';
import {
  Consent,
  CustomerServiceService,
  DataSubjectRequest,
  Party,
  PortraitServiceService,
  PrivacyServiceService,
} from '@rapport/proto/customer/v1';
import { Campaign, MarketingServiceService, Product, Referral, TemplateVersion } from '@rapport/proto/marketing/v1';
import { SegmentationServiceService } from '@rapport/proto/segmentation/v1';
import { Channel } from '@rapport/proto/type/v1';
import { type TestSuite, testSuite } from '@rapport/test/kit';

jest.setTimeout(300_000);

const bank = '/demo';
let suite: TestSuite;
beforeAll(async () => {
  suite = await testSuite('restriction');
}, 180_000);
afterAll(() => suite?.stop(), 60_000);

const as = (...roles: string[]) => ({
  identity: {
    token: async () => suite.token({ sub: `staff/${roles[0]}`, roles, orgPath: '/', signedBy: 'operator' }),
  },
  timeoutMs: 30_000,
});

/** The reason of a refusal; '' where nothing was refused. */
const reasonOf = (ask: Promise<unknown>): Promise<string> =>
  ask.then(
    () => '',
    (failure: Failure) => failure.reason,
  );

/** Waits until it is as expected. */
async function until<T>(look: () => Promise<T>, expected: T): Promise<void> {
  for (const end = Date.now() + 60_000; ; await sleep(250)) {
    const now = await look();
    if (JSON.stringify(now) === JSON.stringify(expected)) return;
    if (Date.now() > end) expect(now).toEqual(expected);
  }
}

test('who is restricted is in no segment, gets no message, no referral, no tag and no work on a case, until it is lifted', async () => {
  const customer = client({ service: CustomerServiceService }, suite.grpc('customer'), as('operator'));
  const portrait = client({ service: PortraitServiceService }, suite.grpc('customer'), as('operator'));
  const privacy = client({ service: PrivacyServiceService }, suite.grpc('customer'), as('privacy_officer'));
  const cases = client({ service: CasesServiceService }, suite.grpc('cases'), as('operator'));
  const segmentation = client({ service: SegmentationServiceService }, suite.grpc('segmentation'), as('marketer'));
  const approver = as('marketing_approver');
  const segmentApprover = client({ service: SegmentationServiceService }, suite.grpc('segmentation'), approver);
  const marketing = client({ service: MarketingServiceService }, suite.grpc('marketing'), as('marketer'));
  const campaignApprover = client({ service: MarketingServiceService }, suite.grpc('marketing'), approver);
  const admin = client({ service: MarketingServiceService }, suite.grpc('marketing'), as('administrator'));
  const clerk = client({ service: MarketingServiceService }, suite.grpc('marketing'), as('call_centre_agent'));
  const clients = [customer, portrait, privacy, cases, segmentation, segmentApprover];

  const become = async (givenName: string, familyName: string): Promise<string> => {
    const { party } = await customer.createParty({
      party: Party.fromJSON({
        person: { givenName, familyName },
        contactPoints: [{ email: `${givenName}@example.com`, preferred: true }],
        organisationPath: bank,
      }),
      requestId: randomUUID(),
    });
    const parent = (party as Party).name;
    const granted = {
      purpose: 'marketing',
      channel: 'CHANNEL_EMAIL',
      state: 'CONSENT_STATE_GRANTED',
      textVersion: '1',
    };
    await customer.setConsent({ parent, consent: Consent.fromJSON(granted), requestId: randomUUID() });
    return parent;
  };
  const jana = await become('Jana', 'Omezena');
  const petr = await become('Petr', 'Volny');
  const complaint = { type: 'caseTypes/complaint', channel: 'CHANNEL_PHONE', subject: 'Charged twice' };
  const { case: opened } = await cases.openCase(
    OpenCaseRequest.fromJSON({ ...complaint, party: jana, organisationPath: bank, requestId: randomUUID() }),
  );

  await segmentation.createSegment({
    ...{ segmentId: 'all', title: 'All', organisationPath: bank, asOf: undefined, requestId: randomUUID() },
    rule: 'holdings.count("account") == 0',
  });
  await segmentApprover.approveSegmentVersion({ name: 'segments/all@1', requestId: randomUUID() });
  await segmentation.publishSegment({ name: 'segments/all@1', requestId: randomUUID() });
  const members = async () =>
    (await segmentation.listMembers({ parent: 'segments/all@1', pageSize: 100, pageToken: '' })).members
      .map(({ party }) => party)
      .sort();
  await admin.setContactPolicy({
    policy: {
      ...{ organisationPath: bank, quietHours: undefined, etag: '' },
      frequencyCaps: [{ purpose: '', messages: 100, days: 1 }],
    },
    requestId: randomUUID(),
  });
  const variants = [{ language: 'en', subject: 'Hello', textBody: 'Dear {{ party.display_name }}' }];
  await marketing.createTemplate({
    ...{ templateId: 'hello', title: 'Hello', organisationPath: bank, requestId: randomUUID() },
    version: TemplateVersion.fromJSON({ variables: [], variants }),
  });
  await marketing.createProduct({
    productId: 'loan',
    product: Product.fromJSON({ title: 'A loan', category: 'loan', organisationPath: bank }),
    requestId: randomUUID(),
  });
  const campaign = async (title: string): Promise<bigint> => {
    const { campaign: made } = await marketing.createCampaign({
      campaign: {
        ...Campaign.fromJSON({ title, purpose: 'marketing', organisationPath: bank }),
        ...{ channel: Channel.CHANNEL_EMAIL, segmentVersion: 'segments/all@1', templateVersion: 'templates/hello@1' },
      },
      requestId: randomUUID(),
    });
    const name = made?.name ?? '';
    await marketing.submitCampaign({ name, etag: '', requestId: randomUUID() });
    await campaignApprover.approveCampaign({ name, etag: '', requestId: randomUUID() });
    await marketing.launchCampaign({ name, etag: '', requestId: randomUUID() });
    for (const end = Date.now() + 60_000; ; await sleep(100)) {
      const { audience, sent, pending, held } = await marketing.getCampaignSummary({ name });
      if (audience > 0n && pending === 0n && held.length === 0) return sent;
      if (Date.now() > end) throw new Error(`${title}: ${audience} in the audience, ${sent} sent, ${pending} pending`);
    }
  };
  const tag = { definition: 'tagDefinitions/vip', expireTime: undefined, model: '' };
  const asked = {
    tag: () => portrait.setTags({ parent: jana, tags: [tag], requestId: randomUUID() }),
    referral: () =>
      clerk.createReferral({
        referral: Referral.fromJSON({
          ...{ party: jana, product: 'products/loan', organisationPath: bank, creditSplitBasisPoints: 3000 },
          ...{ fromStaff: 'staff/call_centre_agent', toStaff: 'staff/ben' },
          ...{ fromUnit: 'organisationUnits/one', toUnit: 'organisationUnits/two' },
        }),
        requestId: randomUUID(),
      }),
    note: () =>
      cases.addNote({ name: opened?.name ?? '', text: 'called', requestId: randomUUID(), occurTime: undefined }),
  };
  const refusals = async () => ({
    tag: await reasonOf(asked.tag()),
    referral: await reasonOf(asked.referral()),
    note: await reasonOf(asked.note()),
  });

  await until(members, [jana, petr].sort());
  expect(await refusals()).toEqual({ tag: '', referral: '', note: '' });
  expect(await campaign('To both')).toBe(2n);

  const { dataSubjectRequest } = await privacy.createDataSubjectRequest({
    dataSubjectRequest: DataSubjectRequest.fromJSON({
      ...{ party: jana, kind: 'DATA_SUBJECT_REQUEST_KIND_RESTRICTION', identityCheck: 'IDENTITY_CHECK_DOCUMENT' },
    }),
    requestId: randomUUID(),
  });
  const decided = { name: dataSubjectRequest?.name ?? '', refusalReason: 0, identityCheck: 0 };
  await privacy.decideDataSubjectRequest({ ...decided, requestId: randomUUID() });
  const restricted = 'PARTY_RESTRICTED';
  await until(refusals, { tag: restricted, referral: restricted, note: restricted });
  await until(members, [petr]);
  expect(await campaign('To one')).toBe(1n);

  await privacy.liftRestriction({ name: jana, requestId: randomUUID() });
  await until(members, [jana, petr].sort());
  await until(refusals, { tag: '', referral: '', note: '' });
  expect(await campaign('To both again')).toBe(2n);
  for (const one of [...clients, marketing, campaignApprover, admin, clerk]) one.close();
});
