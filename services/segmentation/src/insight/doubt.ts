import { type RuleDoubt, RuleDoubtReason } from '@rapport/proto/segmentation/v1';
import type { FactTable } from '../fact/fact.js';
import { tables } from '../fact/fact.js';
import {
  type DayNumber,
  describeRule,
  type Feature,
  featuresOf,
  featureWords,
  firstDayOfWindow,
  type Leaf,
  type Operand,
  valueWords,
} from '../rule/rule.js';

/** A constant text that a leaf compares a value of parties with, and the leaf that asks for just that. */
export interface AskedText {
  left: Operand & { feature: Feature };
  text: string;
  /** Whether the text is only how values begin. */
  beginning: boolean;
  asks: Leaf;
}

/** The texts that a leaf asks for; none for one that asks for something else. Pure. */
export function textsOf(leaf: Leaf): AskedText[] {
  if (leaf.kind !== 'compare' && leaf.kind !== 'in' && leaf.kind !== 'startsWith') return [];
  const { left, span } = leaf;
  if (!('feature' in left) || left.type !== 'string') return [];
  const equal = (text: string): AskedText => {
    const asks: Leaf = { kind: 'compare', op: '==', left, right: { type: 'string', value: text }, span };
    return { left, text, beginning: false, asks };
  };
  if (leaf.kind === 'startsWith') return [{ left, text: leaf.prefix, beginning: true, asks: leaf }];
  if (leaf.kind === 'in') return leaf.values.map((value) => equal(String(value)));
  return 'value' in leaf.right ? [equal(String(leaf.right.value))] : [];
}

/** Where the days of windows come from, by how the keys of attributes begin. */
const sources: readonly { keys: readonly string[]; table: FactTable; column: string; en: string; zh: string }[] = [
  {
    keys: ['tx.', 'holdings.average_balance', 'holdings.balance_trend'],
    table: tables.transaction,
    column: 'booking_date',
    en: 'transaction',
    zh: '交易',
  },
  { keys: ['interaction.'], table: tables.interaction, column: 'toYYYYMMDD(time)', en: 'contact', zh: '接触' },
  { keys: ['behaviour.'], table: tables.behaviourChange, column: 'notice_date', en: 'change', zh: '行为变化' },
];

/** A window that a leaf looks at. */
export interface Looked {
  table: string;
  /** The day of a row. */
  column: string;
  /** Its first day. */
  from: DayNumber;
  en: string;
  zh: string;
}

/** The windows of a leaf on a day; of a trend that of before, too. Pure. */
export function windowsOf(leaf: Leaf, asOf: DayNumber, zone: string): Looked[] {
  return featuresOf(leaf).flatMap(({ key, args }) => {
    const source = sources.find(({ keys }) => keys.some((one) => key.startsWith(one)));
    const { window, ago = 0 } = args;
    if (!source || typeof window !== 'number' || typeof ago !== 'number') return [];
    const length = key.endsWith('trend') ? 2 * window : window + ago;
    const { table, column, en, zh } = source;
    return [{ table: table.name, column, from: firstDayOfWindow(asOf, length, zone), en, zh }];
  });
}

/** That nobody has a text; `there` are the most frequent ones that there are. */
export function unknownText({ left, text, beginning }: AskedText, there: readonly string[]): RuleDoubt {
  const what = featureWords(left.feature);
  const listed = there.map((one) => JSON.stringify(one));
  const said = JSON.stringify(text);
  return {
    reason: RuleDoubtReason.RULE_DOUBT_REASON_VALUE_UNKNOWN,
    message: `Nobody in reach has a ${what} that ${beginning ? 'starts with' : 'is'} ${said}.${listed.length > 0 ? ` There are ${listed.join(', ')}.` : ''}`,
    messageZh: `范围内没有客户的该项取值${beginning ? '以' : '为'}${said}${beginning ? '开头' : ''}。${listed.length > 0 ? `现有取值：${listed.join('、')}。` : ''}`,
  };
}

/** That a window begins before the first day that anything is known of; `first` is 0 when nothing is. */
export function beforeFacts({ from, en, zh }: Looked, first: DayNumber): RuleDoubt {
  const [began, known] = [valueWords('date', from), valueWords('date', first)];
  const reason = RuleDoubtReason.RULE_DOUBT_REASON_BEFORE_FACTS;
  if (first === 0) return { reason, message: `No ${en} is known at all.`, messageZh: `尚无任何${zh}记录。` };
  return {
    reason,
    message: `It looks back to ${began}, but the first ${en} that is known is of ${known}.`,
    messageZh: `该条件回溯到 ${began}，而最早的${zh}记录是 ${known}。`,
  };
}

/** That nobody meets a leaf. */
export function nobodyMeets(leaf: Leaf): RuleDoubt {
  return {
    reason: RuleDoubtReason.RULE_DOUBT_REASON_NOBODY,
    message: `Nobody in reach meets this: ${describeRule(leaf)}.`,
    messageZh: '范围内没有客户满足这一条件。',
  };
}

/** That everybody meets a leaf. */
export const everybodyMeets: RuleDoubt = {
  reason: RuleDoubtReason.RULE_DOUBT_REASON_EVERYBODY,
  message: 'Everybody in reach meets this: it leaves nobody out.',
  messageZh: '范围内所有客户都满足这一条件：它不排除任何人。',
};
