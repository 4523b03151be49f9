import { tables } from '../fact/fact.js';
import {
  type ArgumentSpec,
  type Arguments,
  type AttributeSpec,
  type Columns,
  each,
  filterOf,
  filterWords,
  lengthOf,
  type Source,
  textOf,
  window,
  windowWords,
} from './attribute.js';
import { channels } from './consent.js';
import { apart, apartBy, contactsSince } from './contact.js';

/** What parties did in the app and on the web. */
export const done: Source = { alias: 'o', table: tables.behaviour };

/** What that may be asked for by. */
export const doneKeys = {
  kind: { values: { ...each(['page_view', 'login', 'app_event', 'search']), page: ['page_view'] } },
  channel: { values: each(channels) },
  topic: {},
} as const;

const events: ArgumentSpec = {
  name: 'events',
  type: 'filter',
  optional: true,
  values: Object.keys(doneKeys.kind.values),
  short: 'kind',
  keys: doneKeys,
  description: {
    en: 'What was done, or a map such as {"kind": "page_view", "topic": "mortgage", "channel": "web"}; left out, all counts.',
    zh: '所做的事，或映射，如 {"kind": "page_view", "topic": "mortgage", "channel": "web"}；省略则计全部。',
  },
};

const common = {
  type: 'number',
  sensitivity: 'C2',
  range: { least: 0 },
  dated: true,
  sources: ['rapport.customer.v1.BehaviourRecorded'],
} as const;
const inWindow = (args: Arguments, sql: Columns) =>
  contactsSince(filterOf(args, 'events'), lengthOf(args, 'window'), sql);
const words = (noun: string) => (args: Arguments) =>
  `${noun}${filterWords(filterOf(args, 'events'))} in the ${windowWords(lengthOf(args, 'window'))}`;

/** Log-ins, pages read, searches and what else is done in the app and on the web. */
export const onlineAttributes: readonly AttributeSpec[] = [
  {
    ...common,
    key: 'online.count',
    unit: { en: 'times', zh: '次' },
    title: { en: 'Use of the app and the web site', zh: '线上行为次数' },
    description: {
      en: 'How often the party logged in, read a page, searched or did something in the app in the window.',
      zh: '时间窗内客户登录、浏览页面、搜索或使用手机银行的次数。',
    },
    arguments: [events, window],
    column: (args, sql) => ({ sql: sql.from(done, `countIf(${inWindow(args, sql)})`), nullable: false }),
    words: words('number of uses of the app and the web site'),
  },
  {
    ...common,
    key: 'online.distinct',
    unit: { en: 'different ones', zh: '个' },
    title: { en: 'Variety of use of the app and the web site', zh: '线上行为的多样性' },
    description: {
      en: 'How many different topics, kinds, channels or days the use of the app and the web site in the window has. A page without a topic does not count as one.',
      zh: '时间窗内线上行为涉及多少个不同的主题、类型、渠道或日期。没有主题的不计入主题数。',
    },
    arguments: [apart(['topic', 'kind', 'channel', 'day']), events, window],
    column: (args, sql) => {
      const known = textOf(args, 'what') === 'topic' ? ` AND topic != ''` : '';
      const count = `uniqExactIf(${apartBy(args, sql)}, ${inWindow(args, sql)}${known})`;
      return { sql: sql.from(done, count), nullable: false };
    },
    words: (args) => words(`number of different ${textOf(args, 'what')} values of the app and the web site`)(args),
  },
  {
    ...common,
    key: 'online.last_days',
    unit: { en: 'days', zh: '天' },
    title: { en: 'Days since the last use of the app or the web site', zh: '距最近线上行为天数' },
    description: {
      en: 'Days since the party last logged in, read a page, searched or did something in the app. Missing when it never did.',
      zh: '距客户最近一次登录、浏览页面、搜索或使用手机银行的天数。从未有过时缺失。',
    },
    missing: true,
    arguments: [events],
    column: (args, sql) => {
      const last = `maxOrNullIf(time, ${contactsSince(filterOf(args, 'events'), undefined, sql)})`;
      const days = `dateDiff('day', YYYYMMDDToDate32(toInt32(${sql.dayOf(last)})), YYYYMMDDToDate32(${sql.day()}))`;
      return { sql: sql.from(done, days), nullable: true };
    },
    words: (args) => `days since the last use of the app or the web site${filterWords(filterOf(args, 'events'))}`,
  },
];
