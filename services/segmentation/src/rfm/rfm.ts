import type { GroupTitle, RfmPlan } from '@rapport/proto/segmentation/v1';

/** Which scores make a group, ends included. */
interface Cells {
  recencyFrom: number;
  recencyTo: number;
  valueFrom: number;
  valueTo: number;
}

/** A group of an RFM scheme; without cells it takes the parties without any recency. */
export interface ScoredGroup {
  title: GroupTitle;
  cells?: Cells;
}

const group = (
  groupId: string,
  title: string,
  titleZh: string,
  [recencyFrom, recencyTo, valueFrom, valueTo]: [number, number, number, number],
): ScoredGroup => ({ title: { groupId, title, titleZh }, cells: { recencyFrom, recencyTo, valueFrom, valueTo } });

/** The eleven names in common use, over recency (across) and the mean of frequency and monetary. The first that fits wins. */
const usual: readonly ScoredGroup[] = [
  group('champions', 'Champions', '冠军客户', [5, 5, 4, 5]),
  group('loyal', 'Loyal', '忠诚客户', [3, 4, 4, 5]),
  group('potential-loyalist', 'Potential loyalists', '潜力客户', [4, 5, 2, 3]),
  group('new', 'New', '新客户', [5, 5, 1, 1]),
  group('promising', 'Promising', '有望客户', [4, 4, 1, 1]),
  group('need-attention', 'Need attention', '需要关注', [3, 3, 3, 3]),
  group('about-to-sleep', 'About to sleep', '即将沉睡', [3, 3, 1, 2]),
  group('cannot-lose', 'Cannot lose', '不可流失', [1, 2, 5, 5]),
  group('at-risk', 'At risk', '流失风险', [1, 2, 3, 4]),
  group('lost', 'Lost', '已流失', [1, 1, 1, 1]),
  group('hibernating', 'Hibernating', '休眠客户', [1, 2, 1, 2]),
];

/** The groups of a plan in their order, the inactive last. */
export function rfmGroups(plan: RfmPlan): ScoredGroup[] {
  const named = plan.groups.flatMap(({ group: title, ...cells }) => (title ? [{ title, cells }] : []));
  const inactive = plan.inactive ?? { groupId: 'inactive', title: 'Inactive', titleZh: '无活动' };
  return [...(named.length > 0 ? named : usual), { title: inactive }];
}
