import type { Parameter } from '@rapport/kit/analytics';
import type { GroupTitle, RfmPlan, SchemeModel } from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { type Found, measure, type Scan, type ScannedScheme, numbersAt } from '../scan/scan.js';
import { dateMessage } from '../segment/segment.js';

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

/** What the three numbers are where the plan does not say. */
const DEFAULTS = {
  recency: 'tx.last_days()',
  frequency: 'tx.count(duration("8760h"))',
  monetary: 'tx.sum("credit", duration("8760h"))',
} as const;

/** The group and the score in SQL, over the scores `r`, `f` and `m` of 1 to 5; `r` is 0 without any recency. */
export function rfmSql(plan: RfmPlan): { group: string; score: string; parameters: Record<string, Parameter> } {
  const groups = rfmGroups(plan);
  const value = 'intDiv(f + m + 1, 2)';
  const parts = groups.flatMap(({ cells }, index) =>
    cells
      ? [
          `r BETWEEN ${cells.recencyFrom} AND ${cells.recencyTo} AND ${value} BETWEEN ${cells.valueFrom} AND ${cells.valueTo}`,
          `{rfm_ids:Array(String)}[${index + 1}]`,
        ]
      : [],
  );
  return {
    group: `multiIf(${parts.join(', ')}, {rfm_ids:Array(String)}[${groups.length}])`,
    score: 'if(r = 0, 0, r * 100 + f * 10 + m)',
    parameters: { rfm_ids: groups.map(({ title }) => title.groupId) },
  };
}

/** How many fifths a number lies above, from 0 to 4, in SQL; equal numbers get equal scores. */
function above(column: string, cuts: string): string {
  return `arrayCount(cut -> ${column} > cut, {${cuts}:Array(Float64)})`;
}

interface Cuts {
  recency: number[];
  frequency: number[];
  monetary: number[];
  parties: number;
}

const FIFTHS = [0.2, 0.4, 0.6, 0.8];

/** Where fifths of so many numbers end; between two numbers, by the share of the way. Empty where there are none. */
function fifthsOf(numbers: ReadonlyMap<number, number>, count: number): number[] {
  if (count === 0) return [];
  return FIFTHS.map((share) => {
    const place = share * (count - 1);
    const [low, high] = [numbers.get(Math.floor(place)) ?? 0, numbers.get(Math.ceil(place)) ?? 0];
    return low + (high - low) * (place - Math.floor(place));
  });
}

/**
 * Scores every party by the fifths of those who have a recency, which are exact. Gives the groups, and where the fifths
 * lie.
 */
export async function findRfm(
  deps: Deps,
  row: ScannedScheme,
  plan: RfmPlan,
  { day, progress, signal }: Scan,
): Promise<{ found: Found; model: SchemeModel }> {
  const numbers = (['recency', 'frequency', 'monetary'] as const).map((one) => plan[one] || DEFAULTS[one]);
  const { text, parameters } = await measure(deps, row, { numbers, day });
  // A frequency or an amount that is missing is nothing.
  const known = `SELECT *, ifNull(m1, 0) AS often, ifNull(m2, 0) AS much FROM (${text})`;
  const { count, at } = await numbersAt(
    deps,
    { text: known, parameters },
    {
      columns: ['assumeNotNull(m0)', 'often', 'much'],
      where: 'isNotNull(m0)',
      ranks: (parties) =>
        FIFTHS.flatMap((share) => [Math.floor(share * (parties - 1)), Math.ceil(share * (parties - 1))]),
      signal,
    },
  );
  const [recency = [], frequency = [], monetary = []] = at.map((numbers) => fifthsOf(numbers, count));
  const fifths: Cuts = { recency, frequency, monetary, parties: count };
  await progress('ASSIGNING');
  const { group, score, parameters: bound } = rfmSql(plan);
  const found: Found = {
    text: `SELECT *, if(isNull(m0), 0, 5 - ${above('m0', 'cuts_r')}) AS r, 1 + ${above('often', 'cuts_f')} AS f,
      1 + ${above('much', 'cuts_m')} AS m FROM (${known})`,
    parameters: { ...parameters, ...bound, cuts_r: fifths.recency, cuts_f: fifths.frequency, cuts_m: fifths.monetary },
    group,
    score,
    tolerance: 0,
  };
  return {
    found,
    model: {
      kind: {
        $case: 'rfm',
        value: {
          recencyCuts: fifths.recency,
          frequencyCuts: fifths.frequency,
          monetaryCuts: fifths.monetary,
          asOf: dateMessage(day),
          parties: BigInt(fifths.parties),
        },
      },
    },
  };
}
