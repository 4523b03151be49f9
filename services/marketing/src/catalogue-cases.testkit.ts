// One case for each RPC about products, offers, templates, contact policies and suppressions.
import { Offer, Product } from '@rapport/proto/marketing/v1';
import {
  type Case,
  colleagues,
  makers,
  world,
  version,
  blocked,
  page,
  path,
  badPage,
  badName,
  badId,
  within,
} from './cases.testkit.js';
import { request } from './marketing.testkit.js';

export const catalogueCases: Case[] = [
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
    roles: colleagues,
    sound: () => ({ name: world.things.product }),
    broken: badName,
    elsewhere: 'not_found',
  },
  {
    rpc: 'listProducts',
    roles: colleagues,
    sound: () => ({ ...page, organisationPath: path }),
    broken: badPage,
    elsewhere: { empty: 'products' },
  },
  {
    rpc: 'createOffer',
    roles: makers,
    sound: () => ({
      offer: Offer.fromJSON({ product: world.things.product, title: 'Cheap', organisationPath: '/demo' }),
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
    roles: colleagues,
    sound: () => ({ name: world.things.offer }),
    broken: badName,
    elsewhere: 'not_found',
  },
  {
    rpc: 'listOffers',
    roles: colleagues,
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
    sound: () => ({ parent: world.things.template.split('@')[0], version: version(), requestId: request() }),
    broken: [
      ...badId,
      [(r: object) => ({ ...r, parent: world.things.template }), 'parent'],
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
    sound: () => ({ name: world.things.template }),
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
    sound: () => ({ name: world.things.template, language: '', values: {} }),
    broken: [...badName, [(r: object) => ({ ...r, values: { nobody: '1' } }), 'values[nobody]']],
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
      const { suppression } = await world.suite.marketer.addSuppression({
        suppression: blocked(),
        requestId: request(),
      });
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
];
