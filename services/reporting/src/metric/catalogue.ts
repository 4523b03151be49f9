import { MetricUnit } from '@rapport/proto/reporting/v1';
import type { FactDimension, FactKind } from '../fact/fact.js';

/** How the facts of a metric become its value. */
export type Aggregate = 'count' | 'amount' | 'average_score' | 'average_hours' | 'share_in_time' | 'golden_records';

/** One metric of the catalogue. */
export interface CatalogueEntry {
  id: string;
  titleEn: string;
  titleZh: string;
  unit: MetricUnit;
  fact: FactKind;
  aggregate: Aggregate;
  dimensions: readonly FactDimension[];
  description: string;
}

const { METRIC_UNIT_COUNT, METRIC_UNIT_HOURS, METRIC_UNIT_MONEY, METRIC_UNIT_PERCENT, METRIC_UNIT_SCORE } = MetricUnit;

const ofParty = ['organisation_path', 'party_kind', 'region', 'district', 'branch', 'source'] as const;
const ofTransaction = ['organisation_path', 'direction', 'holding_kind', 'operation', 'currency', 'source'] as const;
const ofMembership = ['organisation_path', 'segment', 'reason'] as const;
const ofMessage = ['organisation_path', 'campaign', 'channel', 'purpose'] as const;
const ofCase = ['organisation_path', 'case_type', 'complaint', 'channel', 'priority', 'unit', 'source'] as const;
const ofReferral = ['organisation_path', 'product', 'unit'] as const;

type Row = readonly [
  id: string,
  titleEn: string,
  titleZh: string,
  unit: MetricUnit,
  fact: FactKind,
  aggregate: Aggregate,
  dimensions: readonly FactDimension[],
  description: string,
];

const rows: readonly Row[] = [
  [
    'case-hours',
    'Hours until a case is closed',
    '结案用时（小时）',
    METRIC_UNIT_HOURS,
    'cases_closed',
    'average_hours',
    [...ofCase, 'in_time'],
    'The mean time from the receipt of a case to its close, over the cases closed in the period.',
  ],
  [
    'cases-closed',
    'Cases closed',
    '已结工单',
    METRIC_UNIT_COUNT,
    'cases_closed',
    'count',
    [...ofCase, 'in_time'],
    'Closes of cases, on the day of the close. A case that was reopened counts again when it is closed again.',
  ],
  [
    'cases-in-time',
    'Cases resolved in time',
    '按时解决率',
    METRIC_UNIT_PERCENT,
    'cases_closed',
    'share_in_time',
    ofCase,
    'Of the closes in the period, the share of cases that were resolved by their due time.',
  ],
  [
    'cases-opened',
    'Cases opened',
    '新建工单',
    METRIC_UNIT_COUNT,
    'cases_opened',
    'count',
    ofCase,
    'Cases opened, on the day the bank received them.',
  ],
  [
    'cases-reopened',
    'Cases reopened',
    '重开工单',
    METRIC_UNIT_COUNT,
    'cases_reopened',
    'count',
    ofCase,
    'Resolved or closed cases that counted as open again.',
  ],
  [
    'complaint-steps',
    'Steps of complaints',
    '投诉处理步骤',
    METRIC_UNIT_COUNT,
    'complaint_steps',
    'count',
    [...ofCase, 'step'],
    'Steps that complaints reached, on the day they reached them.',
  ],
  [
    'consents-changed',
    'Consents given and taken back',
    '授权变更',
    METRIC_UNIT_COUNT,
    'consents',
    'count',
    ['organisation_path', 'purpose', 'channel', 'consent_state'],
    'Changes of consents, from the day they hold.',
  ],
  [
    'customers',
    'Customers',
    '客户数',
    METRIC_UNIT_COUNT,
    'parties',
    'golden_records',
    ['organisation_path'],
    'Golden records: parties that became known, less those found to be a customer known before, where they belong by themselves. Over a period, how many there are more at its end than before it.',
  ],
  [
    'holdings-opened',
    'Holdings opened',
    '新开产品',
    METRIC_UNIT_COUNT,
    'holdings',
    'count',
    ['organisation_path', 'holding_kind', 'source'],
    'Accounts, loans, cards and standing orders, on the day they were opened; one without a date on the day it became known.',
  ],
  [
    'interactions',
    'Interactions',
    '互动次数',
    METRIC_UNIT_COUNT,
    'interactions',
    'count',
    ['organisation_path', 'channel', 'direction'],
    'Contacts with customers that were recorded.',
  ],
  [
    'messages-held',
    'Messages held',
    '暂缓消息',
    METRIC_UNIT_COUNT,
    'holds',
    'count',
    [...ofMessage, 'reason'],
    'Decisions to put a message off, once for each reason. A held message may be sent later.',
  ],
  [
    'messages-sent',
    'Messages sent',
    '已发送消息',
    METRIC_UNIT_COUNT,
    'sends',
    'count',
    ofMessage,
    'Messages that campaigns sent.',
  ],
  [
    'messages-suppressed',
    'Messages suppressed',
    '拦截消息',
    METRIC_UNIT_COUNT,
    'suppressions',
    'count',
    [...ofMessage, 'reason', 'decision'],
    'Parties that will not get a message: suppressed, in the holdout, or failed for good.',
  ],
  [
    'parties',
    'Customer records',
    '客户记录数',
    METRIC_UNIT_COUNT,
    'parties',
    'count',
    ofParty,
    'Parties created, on the day they became known; region, district and branch are those of that day. Parties that were merged since count each: see customers.',
  ],
  [
    'referral-volume',
    'Sales from referrals',
    '转介成交额',
    METRIC_UNIT_MONEY,
    'referrals_won',
    'amount',
    [...ofReferral, 'currency'],
    'The amounts of the sales that referrals came to.',
  ],
  [
    'referrals-lost',
    'Referrals lost',
    '转介失败',
    METRIC_UNIT_COUNT,
    'referrals_lost',
    'count',
    [...ofReferral, 'reason'],
    'Referrals that came to nothing.',
  ],
  [
    'referrals-made',
    'Referrals made',
    '转介数',
    METRIC_UNIT_COUNT,
    'referrals',
    'count',
    ofReferral,
    'Referrals from one employee to another; the unit is that of the one who made it.',
  ],
  [
    'referrals-won',
    'Referrals won',
    '转介成功',
    METRIC_UNIT_COUNT,
    'referrals_won',
    'count',
    [...ofReferral, 'currency'],
    'Referrals that came to a sale.',
  ],
  [
    'scoring-runs',
    'Scoring runs',
    '考核计算次数',
    METRIC_UNIT_COUNT,
    'scores',
    'count',
    ['organisation_path', 'plan'],
    'How often a plan was scored.',
  ],
  [
    'segment-entries',
    'Segment entries',
    '进入客群',
    METRIC_UNIT_COUNT,
    'segment_entries',
    'count',
    ofMembership,
    'Parties that came into a segment.',
  ],
  [
    'segment-exits',
    'Segment exits',
    '离开客群',
    METRIC_UNIT_COUNT,
    'segment_exits',
    'count',
    ofMembership,
    'Parties that left a segment.',
  ],
  [
    'survey-score',
    'Satisfaction',
    '满意度',
    METRIC_UNIT_SCORE,
    'surveys',
    'average_score',
    ofCase,
    'The mean answer of surveys, from 1 (very dissatisfied) to 5 (very satisfied).',
  ],
  [
    'surveys',
    'Surveys answered',
    '问卷回复',
    METRIC_UNIT_COUNT,
    'surveys',
    'count',
    ofCase,
    'Surveys that parties answered.',
  ],
  [
    'transaction-volume',
    'Transaction volume',
    '交易金额',
    METRIC_UNIT_MONEY,
    'transactions',
    'amount',
    ofTransaction,
    'The amounts of transactions, money in and money out added up alike: split by direction.',
  ],
  [
    'transactions',
    'Transactions',
    '交易笔数',
    METRIC_UNIT_COUNT,
    'transactions',
    'count',
    ofTransaction,
    'Transactions, on the day they were booked for.',
  ],
];

/** The kinds of facts that a metric is computed from. */
export function factsOf({ fact, aggregate }: CatalogueEntry): readonly FactKind[] {
  return aggregate === 'golden_records' ? [fact, 'merges', 'unmerges'] : [fact];
}

/** Every metric, by id. */
export const catalogue: ReadonlyMap<string, CatalogueEntry> = new Map(
  rows.map(([id, titleEn, titleZh, unit, fact, aggregate, dimensions, description]) => [
    id,
    { id, titleEn, titleZh, unit, fact, aggregate, dimensions, description },
  ]),
);
