import { uuidv7 } from '@rapport/kit/runtime';
import { openSuite, type Suite } from './segmentation.testkit.js';

let suite: Suite;

beforeAll(async () => {
  suite = await openSuite();
}, 60_000);

afterAll(() => suite.close());

const allRoles = [
  'relationship_manager',
  'call_centre_agent',
  'marketer',
  'marketing_approver',
  'branch_manager',
  'auditor',
  'analyst',
  'administrator',
  'operator',
];

const allowed: Record<string, string[]> = {
  listAttributes: [
    'relationship_manager',
    'call_centre_agent',
    'marketer',
    'marketing_approver',
    'branch_manager',
    'auditor',
    'analyst',
    'administrator',
    'operator',
  ],
  checkRule: ['marketer', 'marketing_approver', 'branch_manager', 'auditor', 'analyst', 'administrator', 'operator'],
  previewSegment: ['marketer', 'marketing_approver', 'branch_manager', 'analyst', 'administrator', 'operator'],
  createSegment: ['marketer', 'analyst', 'administrator', 'operator'],
  createSegmentVersion: ['marketer', 'analyst', 'administrator', 'operator'],
  publishSegment: ['marketer', 'analyst', 'administrator', 'operator'],
  approveSegmentVersion: ['marketing_approver', 'administrator', 'operator'],
  rejectSegmentVersion: ['marketing_approver', 'administrator', 'operator'],
  reserveSegmentVersion: ['marketer', 'marketing_approver', 'administrator', 'operator'],
  retireSegmentVersion: ['marketer', 'analyst', 'administrator', 'operator'],
  compareSegmentVersions: ['marketer', 'marketing_approver', 'branch_manager', 'analyst', 'administrator', 'operator'],
  previewChanges: ['marketer', 'marketing_approver', 'branch_manager', 'analyst', 'administrator', 'operator'],
  listSegmentTemplates: [
    'marketer',
    'marketing_approver',
    'branch_manager',
    'auditor',
    'analyst',
    'administrator',
    'operator',
  ],
  renderSegmentTemplate: ['marketer', 'branch_manager', 'analyst', 'administrator', 'operator'],
  getSegmentHistory: [
    'marketer',
    'marketing_approver',
    'branch_manager',
    'auditor',
    'analyst',
    'administrator',
    'operator',
  ],
  getSegmentFlows: [
    'marketer',
    'marketing_approver',
    'branch_manager',
    'auditor',
    'analyst',
    'administrator',
    'operator',
  ],
  explainMembership: [
    'relationship_manager',
    'call_centre_agent',
    'marketer',
    'marketing_approver',
    'branch_manager',
    'analyst',
    'administrator',
    'operator',
  ],
  listSegmentVersions: [
    'marketer',
    'marketing_approver',
    'branch_manager',
    'auditor',
    'analyst',
    'administrator',
    'operator',
  ],
  evaluateSegment: ['marketer', 'analyst', 'administrator', 'operator'],
  getSegment: ['marketer', 'marketing_approver', 'branch_manager', 'auditor', 'analyst', 'administrator', 'operator'],
  listSegments: ['marketer', 'marketing_approver', 'branch_manager', 'auditor', 'analyst', 'administrator', 'operator'],
  listMembers: ['marketer', 'branch_manager', 'analyst', 'administrator', 'operator'],
  getMemberships: [
    'relationship_manager',
    'call_centre_agent',
    'marketer',
    'branch_manager',
    'analyst',
    'administrator',
    'operator',
  ],
  batchGetMemberships: [
    'relationship_manager',
    'call_centre_agent',
    'marketer',
    'branch_manager',
    'analyst',
    'administrator',
    'operator',
  ],
  getSegmentProgress: [
    'marketer',
    'marketing_approver',
    'branch_manager',
    'auditor',
    'analyst',
    'administrator',
    'operator',
  ],
};
const missing = 'segments/missing';
const requests: Record<string, object> = {
  listAttributes: { pageSize: 0, pageToken: '' },
  checkRule: { rule: 'true' },
  previewSegment: { rule: 'true', asOf: undefined, organisationPath: '', sampleSize: 0 },
  createSegment: {
    segmentId: 'denied',
    title: 'Elders',
    organisationPath: '/elsewhere',
    rule: 'party.age >= 60',
    asOf: undefined,
    requestId: uuidv7(),
  },
  createSegmentVersion: { parent: missing, rule: 'true', asOf: undefined, requestId: uuidv7() },
  publishSegment: { name: `${missing}@1`, requestId: uuidv7() },
  approveSegmentVersion: { name: `${missing}@1`, requestId: uuidv7() },
  rejectSegmentVersion: { name: `${missing}@1`, reason: 'no', requestId: uuidv7() },
  retireSegmentVersion: { name: `${missing}@1`, requestId: uuidv7() },
  reserveSegmentVersion: { name: `${missing}@1`, campaign: `campaigns/${uuidv7()}`, requestId: uuidv7() },
  compareSegmentVersions: { base: `${missing}@1`, name: `${missing}@2`, asOf: undefined, sampleSize: 0 },
  previewChanges: {
    rule: 'true',
    from: { year: 2026, month: 3, day: 1 },
    to: { year: 2026, month: 3, day: 2 },
    step: 0,
    organisationPath: '',
    sampleSize: 0,
  },
  listSegmentTemplates: { pageSize: 0, pageToken: '' },
  renderSegmentTemplate: { name: 'segmentTemplates/missing', parameters: [] },
  getSegmentHistory: { name: missing, from: undefined, to: undefined, pageSize: 0, pageToken: '' },
  getSegmentFlows: { segments: [missing], from: { year: 2026, month: 3, day: 1 }, to: undefined },
  explainMembership: { party: `parties/${uuidv7()}`, segment: missing, asOf: undefined },
  listSegmentVersions: { parent: missing, pageSize: 0, pageToken: '' },
  evaluateSegment: { name: `${missing}@1`, requestId: uuidv7() },
  getSegment: { name: missing },
  listSegments: { pageSize: 0, pageToken: '', organisationPath: '', state: 0, query: '', inUse: false },
  listMembers: { parent: `${missing}@1`, pageSize: 0, pageToken: '' },
  getMemberships: { party: `parties/${uuidv7()}` },
  batchGetMemberships: { parties: [`parties/${uuidv7()}`], segmentVersion: '' },
  getSegmentProgress: { organisationPath: '' },
};

test.each(Object.keys(allowed))('who may call %s', async (method) => {
  for (const role of allRoles) {
    const client = suite.as([role]) as unknown as Record<string, (request: object) => Promise<unknown>>;
    const outcome = await client[method]?.(requests[method] ?? {}).then(
      () => 'OK',
      (failure: { reason: string }) => failure.reason,
    );
    const permitted = allowed[method]?.includes(role);
    expect({ role, refused: outcome === 'PERMISSION_DENIED' }).toEqual({ role, refused: !permitted });
  }
});
