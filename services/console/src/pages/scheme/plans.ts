import type { GroupTitle, RfmGroup, SchemePlan } from '../../api/schemes.js';

export const kinds = [
  'SCHEME_KIND_PARTITION',
  'SCHEME_KIND_TIERS',
  'SCHEME_KIND_RFM',
  'SCHEME_KIND_CLUSTERS',
  'SCHEME_KIND_LOOKALIKE',
] as const;

/** The forms that a plan can have; a partition has two. */
export type Form = keyof SchemePlan;

export const formsOf: Readonly<Record<string, readonly Form[]>> = {
  SCHEME_KIND_PARTITION: ['bands', 'rules'],
  SCHEME_KIND_TIERS: ['tiers'],
  SCHEME_KIND_RFM: ['rfm'],
  SCHEME_KIND_CLUSTERS: ['clusters'],
  SCHEME_KIND_LOOKALIKE: ['lookalike'],
};

/** Whether a model is fitted before the version can be approved. */
export const isFitted = (kind: string): boolean => kind === 'SCHEME_KIND_CLUSTERS' || kind === 'SCHEME_KIND_LOOKALIKE';

const group = (groupId: string, title: string, titleZh: string): GroupTitle => ({ groupId, title, titleZh });

const cells = (
  groupId: string,
  title: string,
  titleZh: string,
  [recencyFrom, recencyTo, valueFrom, valueTo]: [number, number, number, number],
): RfmGroup => ({ group: group(groupId, title, titleZh), recencyFrom, recencyTo, valueFrom, valueTo });

/** The usual groups of RFM, as the service makes them where a plan has none of its own. */
export const usualRfm: readonly RfmGroup[] = [
  cells('champions', 'Champions', '冠军客户', [5, 5, 4, 5]),
  cells('loyal', 'Loyal', '忠诚客户', [3, 4, 4, 5]),
  cells('potential-loyalist', 'Potential loyalists', '潜力客户', [4, 5, 2, 3]),
  cells('new', 'New', '新客户', [5, 5, 1, 1]),
  cells('promising', 'Promising', '有望客户', [4, 4, 1, 1]),
  cells('need-attention', 'Need attention', '需要关注', [3, 3, 3, 3]),
  cells('about-to-sleep', 'About to sleep', '即将沉睡', [3, 3, 1, 2]),
  cells('cannot-lose', 'Cannot lose', '不可流失', [1, 2, 5, 5]),
  cells('at-risk', 'At risk', '流失风险', [1, 2, 3, 4]),
  cells('lost', 'Lost', '已流失', [1, 1, 1, 1]),
  cells('hibernating', 'Hibernating', '休眠客户', [1, 2, 1, 2]),
];

/** The usual group of customers without any recency. */
export const usualInactive: GroupTitle = group('inactive', 'Inactive', '无活动');

/** What a new plan of each form begins with: something sound that a bank can work on. */
export const beginnings: Readonly<Record<Form, SchemePlan>> = {
  bands: {
    bands: {
      feature: 'party.age',
      bands: [
        { group: group('young', 'Young', '青年') },
        { group: group('middle', 'Middle', '中年'), from: 30 },
        { group: group('senior', 'Senior', '老年'), from: 60 },
      ],
      missing: group('unknown', 'Unknown', '未知'),
    },
  },
  rules: {
    rules: {
      groups: [{ group: group('borrowers', 'Borrowers', '有贷款'), rule: 'holdings.count("loan") > 0' }],
      otherwise: group('others', 'Others', '其他'),
    },
  },
  tiers: {
    tiers: {
      assets: 'holdings.balance',
      profit: '',
      match: 'TIER_MATCH_ANY',
      graceDays: 90,
      tiers: [
        { group: group('standard', 'Standard', '普通'), privileges: [] },
        { group: group('gold', 'Gold', '黄金'), enterAssets: 50_000, keepAssets: 40_000, privileges: [] },
        { group: group('platinum', 'Platinum', '白金'), enterAssets: 500_000, keepAssets: 400_000, privileges: [] },
      ],
    },
  },
  rfm: { rfm: { recency: '', frequency: '', monetary: '' } },
  clusters: {
    clusters: {
      features: ['party.age', 'holdings.balance', 'holdings.count()'],
      clusters: 0,
      sampleSize: 0,
      seed: 1,
    },
  },
  lookalike: {
    lookalike: {
      seedRule: '',
      features: ['party.age', 'holdings.balance', 'holdings.count()'],
      top: '100',
      keepSeed: false,
    },
  },
};

/** The form that a plan has. */
export function formOf(plan: SchemePlan): Form {
  return (Object.keys(beginnings) as Form[]).find((form) => plan[form] !== undefined) ?? 'bands';
}

/** The kind of scheme that a plan is of. */
export function kindOf(plan: SchemePlan): (typeof kinds)[number] {
  const form = formOf(plan);
  return kinds.find((kind) => formsOf[kind]?.includes(form)) ?? kinds[0];
}
