import { tables } from '../fact/fact.js';
import {
  type ArgumentSpec,
  type Arguments,
  type AttributeSpec,
  type Columns,
  dayBehind,
  lastDay,
  lengthOf,
  type Source,
  textOf,
  window,
  windowWords,
} from './attribute.js';

/** What happened in the life of a party. */
export const lifeEvents: Source = { alias: 'e', table: tables.lifeEvent, where: `kind != ''` };
/** Each ground of a tag by itself. */
const grounds: Source = { alias: 'g', table: tables.tag, per: ['definition', 'source', 'reference', 'member'] };

const kind: ArgumentSpec = {
  name: 'kind',
  type: 'string',
  optional: true,
  description: {
    en: 'birth, marriage, move, new_job, retirement, home_purchase, graduation, business_founded, or a code of the bank; left out, all count. Divorce, bereavement and inheritance are of class C3: no rule is made of them.',
    zh: 'birth（生育）、marriage（结婚）、move（搬迁）、new_job（换工作）、retirement（退休）、home_purchase（购房）、graduation（毕业）、business_founded（创业），或本行自定代码；省略则计全部。离婚、丧亲、继承属 C3 级，不用于规则。',
  },
};

const spared = ['divorce', 'bereavement', 'inheritance'];
const fault = (args: Arguments) =>
  spared.includes(textOf(args, 'kind')) ? `No rule is made of ${textOf(args, 'kind')}: it is of class C3.` : undefined;

/** The condition of life events that began in a window. */
export function lifeEventsIn(wanted: string, windowMs: number | undefined, sql: Columns): string {
  const parts = [`start_date > 0 AND start_date <= ${sql.day()}`];
  if (windowMs !== undefined) parts.push(`start_date >= ${sql.firstDay(windowMs)}`);
  if (wanted !== '') parts.push(`kind = ${sql.bind(wanted, 'String')}`);
  return parts.join(' AND ');
}

const definition: ArgumentSpec = {
  name: 'definition',
  type: 'string',
  description: { en: 'The id of the tag, for example "home-owner".', zh: '标签的标识，例如 "home-owner"。' },
};
const source: ArgumentSpec = {
  name: 'source',
  type: 'string',
  optional: true,
  values: ['staff', 'rule', 'segmentation', 'import', 'model'],
  description: { en: 'Only on the word of this; left out, of anybody.', zh: '仅计该来源；省略则不限来源。' },
};

const lived = ['rapport.customer.v1.LifeEventRecorded', 'rapport.customer.v1.LifeEventRetracted'];
const tagged = ['rapport.customer.v1.TagSet', 'rapport.customer.v1.TagRemoved'];
const lifeWords = (args: Arguments) => (textOf(args, 'kind') || 'any life event').replaceAll('_', ' ');

/** What the bank has noticed about a party. */
export const portraitAttributes: readonly AttributeSpec[] = [
  {
    key: 'life_event.count',
    type: 'number',
    unit: { en: 'events', zh: '件' },
    title: { en: 'Number of life events', zh: '人生事件数' },
    description: {
      en: 'How many life events began in the window.',
      zh: '时间窗内开始的人生事件数。',
    },
    sensitivity: 'C2',
    range: { least: 0 },
    dated: true,
    sources: lived,
    arguments: [kind, window],
    fault,
    column: (args, sql) => {
      const inWindow = lifeEventsIn(textOf(args, 'kind'), lengthOf(args, 'window'), sql);
      return { sql: sql.from(lifeEvents, `countIf(${inWindow})`), nullable: false };
    },
    comesFrom: (args, sql) => {
      const inWindow = lifeEventsIn(textOf(args, 'kind'), lengthOf(args, 'window'), sql);
      return [dayBehind('last of them on', '最近一次', sql.from(lifeEvents, `maxIf(start_date, ${inWindow})`))];
    },
    words: (args) => `number of times of ${lifeWords(args)} in the ${windowWords(lengthOf(args, 'window'))}`,
  },
  {
    key: 'life_event.last_days',
    type: 'number',
    unit: { en: 'days', zh: '天' },
    title: { en: 'Days since the last life event', zh: '距最近人生事件天数' },
    description: {
      en: 'Days since the last life event began. Missing when there was none.',
      zh: '距最近一次人生事件开始的天数。没有时缺失。',
    },
    sensitivity: 'C2',
    range: { least: 0 },
    missing: true,
    dated: true,
    sources: lived,
    arguments: [kind],
    fault,
    column: (args, sql) => {
      const last = `maxOrNullIf(start_date, ${lifeEventsIn(textOf(args, 'kind'), undefined, sql)})`;
      const days = `dateDiff('day', YYYYMMDDToDate32(${last}), YYYYMMDDToDate32(${sql.day()}))`;
      return { sql: sql.from(lifeEvents, days), nullable: true };
    },
    comesFrom: (args, sql) => {
      const upTo = lifeEventsIn(textOf(args, 'kind'), undefined, sql);
      return [dayBehind('the last on', '最近一次', sql.from(lifeEvents, `maxIf(start_date, ${upTo})`))];
    },
    words: (args) => `days since the last ${lifeWords(args)}`,
  },
  {
    key: 'tag.has',
    type: 'bool',
    title: { en: 'Has a tag', zh: '有标签' },
    description: {
      en: 'Whether the party has a tag on the day, on whatever ground or on that of one source: staff, a rule, a segment, an import, a model.',
      zh: '当日客户是否有该标签；可限定来源：员工、规则、客群、导入、模型。',
    },
    sensitivity: 'C2',
    dated: true,
    sources: tagged,
    arguments: [definition, source],
    column: (args, sql) => {
      const end = sql.moment();
      const only = args['source'] === undefined ? '' : ` AND source = ${sql.bind(textOf(args, 'source'), 'String')}`;
      const told = `definition = ${sql.bind(textOf(args, 'definition'), 'String')}${only} AND time < ${end}`;
      const held = `argMaxIf(held_until, (time, version), ${told}) >= ${end}`;
      return { sql: `(${sql.from(grounds, held, (part) => `max(${part})`)} = 1)`, nullable: false };
    },
    comesFrom: (args, sql) => {
      const end = sql.moment();
      const only = args['source'] === undefined ? '' : ` AND source = ${sql.bind(textOf(args, 'source'), 'String')}`;
      const told = `definition = ${sql.bind(textOf(args, 'definition'), 'String')}${only} AND time < ${end}`;
      const set = `if(argMaxIf(held_until, (time, version), ${told}) >= ${end}, ${lastDay('time', told, sql)}, 0)`;
      return [
        dayBehind(
          'set on',
          '设置于',
          sql.from(grounds, set, (part) => `max(${part})`),
        ),
      ];
    },
    words: (args) => `tag ${textOf(args, 'definition')}${args['source'] ? ` by ${textOf(args, 'source')}` : ''}`,
  },
  {
    key: 'tag.value',
    type: 'string',
    title: { en: 'Value of a family of tags', zh: '标签族的取值' },
    description: {
      en: 'What follows a beginning in the id of a tag that the party has on the day: with "occupation-" it is "teacher" for the tag occupation-teacher; of several the one that was set last. Missing without one.',
      zh: '当日客户所持标签标识中某前缀之后的部分：对 "occupation-"，标签 occupation-teacher 得 "teacher"；有多个时取最近设置的。没有时缺失。',
    },
    sensitivity: 'C2',
    missing: true,
    dated: true,
    sources: tagged,
    arguments: [
      {
        name: 'beginning',
        type: 'string',
        description: { en: 'How the ids begin, for example "occupation-".', zh: '标识的前缀，例如 "occupation-"。' },
      },
    ],
    column: (args, sql) => {
      const beginning = sql.bind(textOf(args, 'beginning'), 'String');
      const end = sql.moment();
      const told = `startsWith(definition, ${beginning}) AND time < ${end}`;
      const held = `argMaxIf(held_until, (time, version), ${told}) >= ${end}`;
      const since = `if(${held}, maxIf(tuple(time, version), ${told}), tuple(toDateTime64(0, 3, 'UTC'), toUInt64(0)))`;
      const value = `substring(toString(definition), length(${beginning}) + 1)`;
      const part = `tuple(${since}, if(${held}, ${value}, ''))`;
      return { sql: `nullIf(${sql.from(grounds, part, (one) => `max(${one}).2`)}, '')`, nullable: true };
    },
    words: (args) => textOf(args, 'beginning').replace(/-$/, ''),
  },
];
