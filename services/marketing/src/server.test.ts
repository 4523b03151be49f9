// What holds for every RPC alike: who may call it, what a broken request answers, that a repeated change happens once,
// that rows of other parts of the bank are absent, and that changes are audited. Each feature's own tests say the rest.
import { sql } from '@rapport/kit/db';
import { client } from '@rapport/kit/rpc';
import {
  Campaign,
  MarketingServiceClient,
  Offer,
  Product,
  Referral,
  Suppression,
  TemplateVersion,
} from '@rapport/proto/marketing/v1';
import { Channel } from '@rapport/proto/type/v1';
import { type Client, failureOf, openSuite, request, rowCounts, type Suite } from './marketing.testkit.js';

let suite: Suite;

const everyone = [
  'relationship_manager',
  'call_centre_agent',
  'marketer',
  'marketing_approver',
  'branch_manager',
  'auditor',
  'analyst',
  'administrator',
  'operator',
] as const;
type Role = (typeof everyone)[number];

const sellers: Role[] = ['relationship_manager', 'call_centre_agent', 'branch_manager'];
const campaignReaders: Role[] = [
  'marketer',
  'marketing_approver',
  'branch_manager',
  'auditor',
  'analyst',
  'administrator',
  'operator',
];
const deliveryReaders: Role[] = [
  'relationship_manager',
  'call_centre_agent',
  'marketer',
  'marketing_approver',
  'branch_manager',
  'auditor',
  'operator',
];
const referralReaders: Role[] = [...sellers, 'auditor', 'operator'];
const makers: Role[] = ['marketer', 'administrator'];

interface Things {
  product: string;
  offer: string;
  template: string;
  segment: string;
  party: string;
  draft: string;
  sent: string;
  suppression: string;
  referral: string;
}
let things: Things;

/** A person of `/demo` in one role; referrals are of the person who asks. */
const person = (role: Role, orgPath = '/demo'): Client => suite.as([role], orgPath, `staff/${role}`);
const me = (role: Role): string => `staff/${role}`;

const texts = { variables: [], variants: [{ language: 'en', subject: 'Hello', textBody: 'Hello' }] };
const version = (): TemplateVersion => TemplateVersion.fromJSON(texts);
const draft = (): Campaign => ({
  ...Campaign.fromJSON({ title: 'A campaign', purpose: 'marketing', organisationPath: '/demo' }),
  channel: Channel.CHANNEL_EMAIL,
  segmentVersion: things.segment,
  templateVersion: things.template,
});
const hint = (from: string, to = 'staff/colleague'): Referral =>
  Referral.fromJSON({
    party: things.party,
    product: things.product,
    fromStaff: from,
    fromUnit: 'organisationUnits/one',
    toStaff: to,
    toUnit: 'organisationUnits/two',
    creditSplitBasisPoints: 4000,
    organisationPath: '/demo/prague/1',
  });
const blocked = (): Suppression =>
  Suppression.fromJSON({
    party: things.party,
    purpose: `p${request().slice(-6)}`,
    reason: 'complaint',
    organisationPath: '/demo',
  });

async function submitted(): Promise<string> {
  const name = await suite.campaign(things.segment, { templateVersion: things.template });
  await suite.marketer.submitCampaign({ name, etag: '', requestId: request() });
  return name;
}
async function approved(): Promise<string> {
  const name = await submitted();
  await suite.approver.approveCampaign({ name, etag: '', requestId: request() });
  return name;
}
async function running(): Promise<string> {
  const name = await approved();
  await suite.marketer.launchCampaign({ name, etag: '', requestId: request() });
  return name;
}
async function referred(to: string, accepted: boolean): Promise<string> {
  const { referral } = await person('call_centre_agent').createReferral({
    referral: hint(me('call_centre_agent'), to === me('call_centre_agent') ? 'staff/other' : to),
    requestId: request(),
  });
  const name = referral?.name ?? '';
  if (to === me('call_centre_agent')) {
    await suite.db.system.run(sql`
      UPDATE referral SET to_staff = ${to}, from_staff = 'staff/other' WHERE referral_id = ${name.slice(10)}::uuid`);
  }
  if (accepted) {
    await suite.db.system.run(sql`
      UPDATE referral SET state = 2, accept_time = now() WHERE referral_id = ${name.slice(10)}::uuid`);
  }
  return name;
}

interface Case {
  rpc: keyof Client;
  roles: Role[];
  /** A request that succeeds for the role; fresh each time. */
  sound: (role: Role) => Promise<object> | object;
  /** Broken variants of a sound request, with the field that is named. */
  broken: [(request: never) => object, string][];
  change?: true;
  /** What somebody of another part of the bank gets: a status, or an empty list of that name. */
  elsewhere: 'not_found' | 'denied' | { empty: string };
}

const page = { pageSize: 0, pageToken: '' };
const path = '';
const badPage: Case['broken'] = [
  [(r: object) => ({ ...r, pageSize: -1 }), 'page_size'],
  [(r: object) => ({ ...r, pageSize: 1001 }), 'page_size'],
  [(r: object) => ({ ...r, pageToken: 'x'.repeat(3000) }), 'page_token'],
  [(r: object) => ({ ...r, pageToken: 'bm9uc2Vuc2U' }), 'page_token'],
];
const badName: Case['broken'] = [
  [(r: object) => ({ ...r, name: '' }), 'name'],
  [(r: object) => ({ ...r, name: 'nonsense/1' }), 'name'],
];
const badId: Case['broken'] = [
  [(r: object) => ({ ...r, requestId: '' }), 'request_id'],
  [(r: object) => ({ ...r, requestId: 'not-a-uuid' }), 'request_id'],
];
const within =
  (field: string, patch: object): ((r: never) => object) =>
  (r: Record<string, object>) => ({
    ...r,
    [field]: { ...r[field], ...patch },
  });

const cases: Case[] = [
  {
    rpc: 'createProduct',
    roles: makers,
    sound: () => ({
      productId: `p${request()}`,
      product: Product.fromJSON({ title: 'A loan', category: 'loan', organisationPath: '/demo' }),
      requestId: request(),
    }),
    broken: [
      ...badId,
      [(r: object) => ({ ...r, productId: 'Not A Slug' }), 'product_id'],
      [(r: object) => ({ ...r, product: undefined }), 'product'],
      [within('product', { title: '' }), 'product.title'],
      [within('product', { title: 'x'.repeat(201) }), 'product.title'],
      [within('product', { category: 'Loan!' }), 'product.category'],
      [within('product', { organisationPath: 'demo' }), 'product.organisation_path'],
    ],
    change: true,
    elsewhere: 'denied',
  },
  {
    rpc: 'getProduct',
    roles: [...everyone],
    sound: () => ({ name: things.product }),
    broken: badName,
    elsewhere: 'not_found',
  },
  {
    rpc: 'listProducts',
    roles: [...everyone],
    sound: () => ({ ...page, organisationPath: path }),
    broken: badPage,
    elsewhere: { empty: 'products' },
  },
  {
    rpc: 'createOffer',
    roles: makers,
    sound: () => ({
      offer: Offer.fromJSON({ product: things.product, title: 'Cheap', organisationPath: '/demo' }),
      requestId: request(),
    }),
    broken: [
      ...badId,
      [(r: object) => ({ ...r, offer: undefined }), 'offer'],
      [within('offer', { product: 'loan' }), 'offer.product'],
      [within('offer', { terms: 'x'.repeat(4001) }), 'offer.terms'],
      [within('offer', { startDate: { year: 2026, month: 2, day: 30 } }), 'offer.start_date'],
      [
        within('offer', { startDate: { year: 2026, month: 2, day: 2 }, endDate: { year: 2026, month: 2, day: 1 } }),
        'offer.end_date',
      ],
    ],
    change: true,
    elsewhere: 'denied',
  },
  {
    rpc: 'getOffer',
    roles: [...everyone],
    sound: () => ({ name: things.offer }),
    broken: badName,
    elsewhere: 'not_found',
  },
  {
    rpc: 'listOffers',
    roles: [...everyone],
    sound: () => ({ ...page, organisationPath: path, product: '' }),
    broken: badPage,
    elsewhere: { empty: 'offers' },
  },
  {
    rpc: 'createTemplate',
    roles: makers,
    sound: () => ({
      templateId: `t${request()}`,
      title: 'A text',
      organisationPath: '/demo',
      version: version(),
      requestId: request(),
    }),
    broken: [
      ...badId,
      [(r: object) => ({ ...r, templateId: '9' }), 'template_id'],
      [(r: object) => ({ ...r, version: undefined }), 'version'],
      [within('version', { variants: [] }), 'version.variants'],
      [
        within('version', { variants: [{ language: 'en', subject: 'x', textBody: '{{ who }}', htmlBody: '' }] }),
        'version.variants[0].text_body',
      ],
      [
        within('version', { variants: [{ language: 'en', subject: 'x', textBody: 'x'.repeat(50_001), htmlBody: '' }] }),
        'version.variants[0].text_body',
      ],
    ],
    change: true,
    elsewhere: 'denied',
  },
  {
    rpc: 'createTemplateVersion',
    roles: makers,
    sound: () => ({ parent: things.template.split('@')[0], version: version(), requestId: request() }),
    broken: [
      ...badId,
      [(r: object) => ({ ...r, parent: things.template }), 'parent'],
      [
        within('version', { variants: [{ language: 'en', subject: '{% if %}', textBody: 'x', htmlBody: '' }] }),
        'version.variants[0].subject',
      ],
    ],
    change: true,
    elsewhere: 'not_found',
  },
  {
    rpc: 'getTemplate',
    roles: ['marketer', 'marketing_approver', 'auditor', 'analyst', 'administrator', 'operator'],
    sound: () => ({ name: things.template }),
    broken: badName,
    elsewhere: 'not_found',
  },
  {
    rpc: 'listTemplates',
    roles: ['marketer', 'marketing_approver', 'auditor', 'analyst', 'administrator', 'operator'],
    sound: () => ({ ...page, organisationPath: path }),
    broken: badPage,
    elsewhere: { empty: 'templates' },
  },
  {
    rpc: 'renderTemplate',
    roles: ['marketer', 'marketing_approver', 'administrator'],
    sound: () => ({ name: things.template, language: '', values: {} }),
    broken: [...badName, [(r: object) => ({ ...r, values: { nobody: '1' } }), 'values[nobody]']],
    elsewhere: 'not_found',
  },
  {
    rpc: 'createCampaign',
    roles: ['marketer'],
    sound: () => ({ campaign: draft(), requestId: request() }),
    broken: [
      ...badId,
      [(r: object) => ({ ...r, campaign: undefined }), 'campaign'],
      [within('campaign', { segmentVersion: 'segments/x' }), 'campaign.segment_version'],
      [within('campaign', { channel: Channel.CHANNEL_SMS }), 'campaign.channel'],
      [within('campaign', { holdoutPercent: 91 }), 'campaign.holdout_percent'],
      [within('campaign', { values: { nobody: '1' } }), 'campaign.values[nobody]'],
      [within('campaign', { purpose: '' }), 'campaign.purpose'],
    ],
    change: true,
    elsewhere: 'denied',
  },
  {
    rpc: 'submitCampaign',
    roles: ['marketer'],
    sound: async () => ({
      name: await suite.campaign(things.segment, { templateVersion: things.template }),
      etag: '',
      requestId: request(),
    }),
    broken: [...badId, ...badName],
    change: true,
    elsewhere: 'not_found',
  },
  {
    rpc: 'approveCampaign',
    roles: ['marketing_approver'],
    sound: async () => ({ name: await submitted(), etag: '', requestId: request() }),
    broken: [...badId, ...badName],
    change: true,
    elsewhere: 'not_found',
  },
  {
    rpc: 'launchCampaign',
    roles: ['marketer', 'marketing_approver'],
    sound: async () => ({ name: await approved(), etag: '', requestId: request() }),
    broken: [...badId, ...badName],
    change: true,
    elsewhere: 'not_found',
  },
  {
    rpc: 'pauseCampaign',
    roles: ['marketer', 'marketing_approver', 'operator'],
    sound: async () => ({ name: await running(), etag: '', requestId: request() }),
    broken: [...badId, ...badName],
    change: true,
    elsewhere: 'not_found',
  },
  {
    rpc: 'getCampaign',
    roles: campaignReaders,
    sound: () => ({ name: things.sent }),
    broken: badName,
    elsewhere: 'not_found',
  },
  {
    rpc: 'listCampaigns',
    roles: campaignReaders,
    sound: () => ({ ...page, organisationPath: path, state: 0 }),
    broken: [...badPage, [(r: object) => ({ ...r, state: 77 }), 'state']],
    elsewhere: { empty: 'campaigns' },
  },
  {
    rpc: 'getCampaignSummary',
    roles: campaignReaders,
    sound: () => ({ name: things.sent }),
    broken: badName,
    elsewhere: 'not_found',
  },
  {
    rpc: 'listDeliveries',
    roles: deliveryReaders,
    sound: () => ({ ...page, campaign: things.sent, party: '', decision: 0, reason: 0 }),
    broken: [
      ...badPage,
      [(r: object) => ({ ...r, campaign: 'campaigns/x' }), 'campaign'],
      [(r: object) => ({ ...r, campaign: '' }), ''],
    ],
    elsewhere: { empty: 'deliveries' },
  },
  {
    rpc: 'explainDelivery',
    roles: deliveryReaders,
    sound: () => ({ campaign: things.sent, party: things.party }),
    broken: [
      [(r: object) => ({ ...r, campaign: '' }), 'campaign'],
      [(r: object) => ({ ...r, party: 'Jana' }), 'party'],
    ],
    elsewhere: 'not_found',
  },
  {
    rpc: 'getContactPolicy',
    roles: ['marketer', 'marketing_approver', 'branch_manager', 'auditor', 'analyst', 'administrator', 'operator'],
    sound: () => ({ organisationPath: '/demo/prague' }),
    broken: [[() => ({ organisationPath: '' }), 'organisation_path']],
    elsewhere: 'not_found',
  },
  {
    rpc: 'setContactPolicy',
    roles: ['marketing_approver', 'administrator'],
    sound: () => ({
      policy: {
        organisationPath: `/demo/x${request().slice(-6)}`,
        frequencyCaps: [{ purpose: '', messages: 2, days: 7 }],
        quietHours: { start: '21:00', end: '08:00' },
        etag: '',
      },
      requestId: request(),
    }),
    broken: [
      ...badId,
      [(r: object) => ({ ...r, policy: undefined }), 'policy'],
      [
        within('policy', { frequencyCaps: [{ purpose: '', messages: 0, days: 7 }] }),
        'policy.frequency_caps[0].messages',
      ],
      [within('policy', { quietHours: { start: '25:00', end: '08:00' } }), 'policy.quiet_hours.start'],
      [within('policy', { quietHours: { start: '08:00', end: '08:00' } }), 'policy.quiet_hours'],
      [
        within('policy', { frequencyCaps: [1, 2].map((messages) => ({ purpose: '', messages, days: 7 })) }),
        'policy.frequency_caps',
      ],
    ],
    change: true,
    elsewhere: 'denied',
  },
  {
    rpc: 'addSuppression',
    roles: ['call_centre_agent', 'marketer', 'marketing_approver', 'branch_manager', 'administrator'],
    sound: () => ({ suppression: blocked(), requestId: request() }),
    broken: [
      ...badId,
      [(r: object) => ({ ...r, suppression: undefined }), 'suppression'],
      [within('suppression', { party: 'Jana' }), 'suppression.party'],
      [within('suppression', { reason: '' }), 'suppression.reason'],
      [within('suppression', { expireTime: new Date('2020-01-01') }), 'suppression.expire_time'],
    ],
    change: true,
    elsewhere: 'denied',
  },
  {
    rpc: 'removeSuppression',
    roles: ['marketing_approver', 'administrator'],
    sound: async () => {
      const { suppression } = await suite.marketer.addSuppression({ suppression: blocked(), requestId: request() });
      return { name: suppression?.name, requestId: request() };
    },
    broken: [...badId, ...badName],
    change: true,
    elsewhere: 'not_found',
  },
  {
    rpc: 'listSuppressions',
    roles: [
      'call_centre_agent',
      'marketer',
      'marketing_approver',
      'branch_manager',
      'auditor',
      'administrator',
      'operator',
    ],
    sound: () => ({ ...page, organisationPath: path, party: '' }),
    broken: badPage,
    elsewhere: { empty: 'suppressions' },
  },
  {
    rpc: 'createReferral',
    roles: sellers,
    sound: (role) => ({ referral: hint(me(role)), requestId: request() }),
    broken: [
      ...badId,
      [(r: object) => ({ ...r, referral: undefined }), 'referral'],
      [within('referral', { creditSplitBasisPoints: 10_001 }), 'referral.credit_split_basis_points'],
      [within('referral', { toStaff: me('branch_manager'), fromStaff: me('branch_manager') }), 'referral'],
      [within('referral', { note: 'x'.repeat(2001) }), 'referral.note'],
    ],
    change: true,
    elsewhere: 'denied',
  },
  {
    rpc: 'acceptReferral',
    roles: sellers,
    sound: async (role) => ({ name: await referred(me(role), false), etag: '', requestId: request() }),
    broken: [...badId, ...badName],
    change: true,
    elsewhere: 'not_found',
  },
  {
    rpc: 'winReferral',
    roles: sellers,
    sound: async (role) => ({
      name: await referred(me(role), true),
      amount: { minorUnits: 100n, currencyCode: 'CZK' },
      etag: '',
      requestId: request(),
    }),
    broken: [
      ...badId,
      ...badName,
      [(r: object) => ({ ...r, amount: undefined }), 'amount'],
      [(r: object) => ({ ...r, amount: { minorUnits: 0n, currencyCode: 'CZK' } }), 'amount'],
    ],
    change: true,
    elsewhere: 'not_found',
  },
  {
    rpc: 'loseReferral',
    roles: sellers,
    sound: async (role) => ({
      name: await referred(me(role), true),
      reason: 'competitor',
      etag: '',
      requestId: request(),
    }),
    broken: [...badId, ...badName, [(r: object) => ({ ...r, reason: 'No!' }), 'reason']],
    change: true,
    elsewhere: 'not_found',
  },
  {
    rpc: 'getReferral',
    roles: referralReaders,
    sound: async (role) => ({ name: sellers.includes(role) ? await referred(me(role), false) : things.referral }),
    broken: badName,
    elsewhere: 'not_found',
  },
  {
    rpc: 'listReferrals',
    roles: referralReaders,
    sound: () => ({ ...page, organisationPath: path, party: '', fromStaff: '', toStaff: '', state: 0 }),
    broken: [...badPage, [(r: object) => ({ ...r, fromStaff: 'Jana' }), 'from_staff']],
    elsewhere: { empty: 'referrals' },
  },
];

const ask = (who: Client, rpc: keyof Client, message: object): Promise<Record<string, unknown>> =>
  (who[rpc] as (message: object) => Promise<Record<string, unknown>>)(message);

const firstRole = ({ roles }: Case): Role => roles.at(-1) ?? 'marketer';

beforeAll(async () => {
  suite = await openSuite();
  await suite.policy();
  const { product } = await suite.marketer.createProduct({
    productId: 'loan',
    product: Product.fromJSON({ title: 'A loan', category: 'loan', organisationPath: '/demo' }),
    requestId: request(),
  });
  const { offer } = await suite.marketer.createOffer({
    offer: Offer.fromJSON({ product: 'products/loan', title: 'Cheap', organisationPath: '/demo' }),
    requestId: request(),
  });
  const template = await suite.template();
  const party = suite.customer.party({ relationshipManager: me('relationship_manager') });
  const segment = suite.segment([party]);
  suite.startWorkers();
  const sent = await suite.launched(segment, { templateVersion: template });
  await suite.until(sent, (summary) => summary.sent === 1n);
  await suite.stopWorkers();
  things = {
    product: product?.name ?? '',
    offer: offer?.name ?? '',
    template,
    segment,
    party,
    draft: '',
    sent,
    suppression: '',
    referral: '',
  };
  const { suppression } = await suite.marketer.addSuppression({ suppression: blocked(), requestId: request() });
  things.suppression = suppression?.name ?? '';
  const { referral } = await person('call_centre_agent').createReferral({
    referral: hint(me('call_centre_agent')),
    requestId: request(),
  });
  things.referral = referral?.name ?? '';
});
afterAll(() => suite.close());

it('has a case for every RPC', () => {
  expect(cases.map(({ rpc }) => rpc).sort()).toEqual(Object.keys(MarketingServiceClient.service).sort());
});

describe.each(cases.map((one) => [one.rpc, one] as const))('%s', (rpc, one) => {
  it('answers those who may ask and refuses the others, who change nothing', async () => {
    for (const role of one.roles) await ask(person(role), rpc, await one.sound(role));
    const message = await one.sound(firstRole(one));
    const before = await rowCounts(suite);
    for (const role of everyone.filter((some) => !one.roles.includes(some))) {
      expect(await failureOf(ask(person(role), rpc, message))).toMatchObject({
        kind: 'denied',
        reason: 'PERMISSION_DENIED',
      });
    }
    const nobody = client(MarketingServiceClient, suite.address, { attempts: 1 });
    expect(await failureOf(ask(nobody as Client, rpc, message))).toMatchObject({ kind: 'unauthenticated' });
    nobody.close();
    expect(await rowCounts(suite)).toEqual(before);
  });

  it('names the field that is wrong and changes nothing', async () => {
    const role = firstRole(one);
    for (const [spoil, field] of one.broken) {
      const message = spoil((await one.sound(role)) as never);
      const before = await rowCounts(suite);
      const failure = await failureOf(ask(person(role), rpc, message));
      expect({ kind: failure.kind, fields: failure.violations.map((violation) => violation.field) }).toEqual({
        kind: 'invalid',
        fields: expect.arrayContaining([field]) as unknown,
      });
      expect(await rowCounts(suite)).toEqual(before);
    }
  });

  it('shows nothing of other parts of the bank', async () => {
    const role = firstRole(one);
    const message = await one.sound(role);
    const before = await rowCounts(suite);
    // Another person of that role, in a sister bank.
    const stranger = suite.as([role], '/other', rpc === 'createReferral' ? me(role) : 'staff/stranger');
    if (typeof one.elsewhere === 'object') {
      expect((await ask(stranger, rpc, message))[one.elsewhere.empty]).toEqual([]);
      const { organisationPath: _path, ...rest } = message as { organisationPath?: string };
      const named = _path === undefined ? rest : { ...rest, organisationPath: '/demo' };
      expect((await ask(stranger, rpc, named))[one.elsewhere.empty]).toEqual([]);
    } else {
      expect((await failureOf(ask(stranger, rpc, message))).kind).toBe(one.elsewhere);
    }
    expect(await rowCounts(suite)).toEqual(before);
  });

  if (one.change) {
    it('happens once however often it is asked for, and leaves an audit record', async () => {
      const role = firstRole(one);
      const message = await one.sound(role);
      const first = await ask(person(role), rpc, message);
      const before = await rowCounts(suite);
      expect(await ask(person(role), rpc, message)).toEqual(first);
      const other = await failureOf(ask(person(role), rpc, spoiled(message)));
      expect(other.reason).toBe('REQUEST_ID_REUSED');
      expect(await rowCounts(suite)).toEqual(before);
      const method = `rapport.marketing.v1.MarketingService/${rpc[0]?.toUpperCase()}${rpc.slice(1)}`;
      const records = await suite.rows(sql`
        SELECT FROM kit.audit WHERE action = ${method} AND actor = ${me(role)} AND resource <> ''`);
      expect(records.length).toBeGreaterThan(0);
    });
  }
});

/** The same request id with other, still sound arguments. */
function spoiled(message: object): object {
  const fields = message as Record<string, unknown>;
  for (const [key, value] of Object.entries(fields)) {
    if (key === 'etag') return { ...fields, etag: '"another"' };
    if (key === 'title') return { ...fields, title: 'Another' };
    if (typeof value === 'object' && value !== null && 'title' in value)
      return { ...fields, [key]: { ...value, title: 'Another' } };
    if (key === 'suppression') return { ...fields, [key]: { ...(value as object), reason: 'another' } };
    if (key === 'referral') return { ...fields, [key]: { ...(value as object), note: 'another' } };
    if (key === 'policy') return { ...fields, [key]: { ...(value as object), frequencyCaps: [] } };
    if (key === 'parent')
      return {
        ...fields,
        version: { ...version(), variants: [{ language: 'zh', subject: 'x', textBody: 'x', htmlBody: '' }] },
      };
    if (key === 'name' && !('etag' in fields)) return { ...fields, name: things.suppression };
  }
  return fields;
}

it('tells audit who read about whom', async () => {
  await person('auditor').listDeliveries({ ...page, campaign: things.sent, party: '', decision: 0, reason: 0 });
  const records = await suite.rows(sql`
    SELECT FROM kit.audit WHERE resource = ${things.party} AND actor = ${me('auditor')}
      AND action = 'rapport.marketing.v1.MarketingService/ListDeliveries'`);
  expect(records.length).toBeGreaterThan(0);
});

it('refuses a message that is too large', async () => {
  const huge = { name: things.template, language: '', values: { 'party.given_name': 'x'.repeat(5_000_000) } };
  expect((await failureOf(suite.marketer.renderTemplate(huge))).kind).toBe('exhausted');
});
