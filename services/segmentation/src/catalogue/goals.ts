import { tables } from '../fact/fact.js';
import {
  type ArgumentSpec,
  type Arguments,
  type AttributeSpec,
  type Columns,
  lengthOf,
  type Source,
  textOf,
  window,
  windowWords,
} from './attribute.js';

/** Each goal by itself, as it was told from time to time. */
const goals: Source = { alias: 'f', table: tables.goal, per: ['goal'] };

const kind: ArgumentSpec = {
  name: 'kind',
  type: 'string',
  optional: true,
  values: ['home', 'education', 'retirement', 'travel', 'reserve', 'vehicle', 'business', 'other'],
  description: { en: 'What for; left out, every goal counts.', zh: '目标用途；省略则计全部目标。' },
};

const ofKind = (args: Arguments, sql: Columns): string =>
  args['kind'] === undefined ? '' : ` AND kind = ${sql.bind(textOf(args, 'kind'), 'String')}`;

/** A value of each goal that is being saved for at the end of the day, as it was told last; `none` for the others. */
function active(value: string, none: string, args: Arguments, sql: Columns, also = ''): string {
  const told = `if(state = 'active'${ofKind(args, sql)}${also}, ${value}, ${none})`;
  return `argMaxIf(${told}, (time, version), time < ${sql.moment()})`;
}

const sources = ['rapport.customer.v1.GoalSet', 'rapport.customer.v1.GoalReached'];
const wordsFor = (args: Arguments) => (args['kind'] === undefined ? 'any goal' : `the goal ${textOf(args, 'kind')}`);

/** What parties save for. */
export const goalAttributes: readonly AttributeSpec[] = [
  {
    key: 'goals.days_left',
    type: 'number',
    unit: { en: 'days', zh: '天' },
    title: { en: 'Days until a goal is due', zh: '距目标日期天数' },
    description: {
      en: 'Days until the nearest day by which the party wants to have saved enough for a goal. Missing without such a day, today or later.',
      zh: '距客户最近一个储蓄目标日期的天数。没有今天或以后的目标日期时缺失。',
    },
    sensitivity: 'C2',
    range: { least: 0 },
    missing: true,
    dated: true,
    sources,
    arguments: [kind],
    column: (args, sql) => {
      const due = active('target_date', 'toInt32(0)', args, sql, ` AND target_date >= ${sql.day()}`);
      const next = sql.from(goals, due, (part) => `minIf(${part}, ${part} > 0)`);
      const days = `dateDiff('day', YYYYMMDDToDate32(${sql.day()}), YYYYMMDDToDate32(nullIf(${next}, 0)))`;
      return { sql: days, nullable: true };
    },
    words: (args) => `days until ${wordsFor(args)} is due`,
  },
  {
    key: 'goals.has',
    type: 'bool',
    title: { en: 'Saves for a goal', zh: '有储蓄目标' },
    description: {
      en: 'Whether the party has a goal on the day that is neither reached nor given up.',
      zh: '当日客户是否有尚未达成也未放弃的目标。',
    },
    sensitivity: 'C2',
    dated: true,
    sources,
    arguments: [kind],
    column: (args, sql) => {
      const has = sql.from(goals, active('1', '0', args, sql), (part) => `max(${part})`);
      return { sql: `(${has} = 1)`, nullable: false };
    },
    words: (args) => `saves for ${wordsFor(args)}`,
  },
  {
    key: 'goals.reached',
    type: 'number',
    unit: { en: 'goals', zh: '个' },
    title: { en: 'Goals reached', zh: '已达成目标数' },
    description: {
      en: 'How many goals of the party were reached in the window.',
      zh: '时间窗内客户达成的目标数。',
    },
    sensitivity: 'C2',
    range: { least: 0 },
    dated: true,
    sources: ['rapport.customer.v1.GoalReached'],
    arguments: [kind, window],
    column: (args, sql) => {
      const within = `time >= ${sql.moment(lengthOf(args, 'window'))} AND time < ${sql.moment()}`;
      const part = `toUInt64(countIf(reached AND ${within}${ofKind(args, sql)}) > 0)`;
      return { sql: sql.from(goals, part), nullable: false };
    },
    words: (args) =>
      `number of times that ${wordsFor(args)} was reached in the ${windowWords(lengthOf(args, 'window'))}`,
  },
  {
    key: 'goals.target',
    type: 'number',
    decimals: true,
    unit: { en: 'currency units', zh: '货币单位' },
    title: { en: 'Sum of goals', zh: '目标金额合计' },
    description: {
      en: 'How much the party wants to save for its goals together, those that are neither reached nor given up. 50000 means 50,000 of the currency.',
      zh: '客户尚未达成也未放弃的目标金额合计。50000 表示五万元。',
    },
    sensitivity: 'C2',
    range: { least: 0 },
    dated: true,
    sources,
    arguments: [kind],
    column: (args, sql) => {
      const wanted = active('toFloat64(target)', '0', args, sql);
      return { sql: sql.from(goals, wanted, (part) => `sum(${part})`), nullable: false };
    },
    words: (args) => `sum of ${wordsFor(args)}`,
  },
];
