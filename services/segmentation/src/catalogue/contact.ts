import { tables } from '../fact/fact.js';
import {
  type ArgumentSpec,
  type Arguments,
  type AttributeSpec,
  type Columns,
  conditionsOf,
  dayBehind,
  each,
  type Filter,
  filterOf,
  filterWords,
  lastDay,
  lengthOf,
  type Source,
  textOf,
  window,
  windowWords,
} from './attribute.js';
import { channels } from './consent.js';

/** Contacts between the bank and a party. */
export const interactions: Source = { alias: 'i', table: tables.interaction };
/** Departures from what was usual for a party. */
export const departures: Source = { alias: 'd', table: tables.behaviourChange };

/** What contacts may be asked for by. */
export const interactionKeys = {
  direction: { values: each(['inbound', 'outbound']) },
  channel: { values: each(channels) },
  kind: {},
} as const;

/** What departures may be asked for by. */
export const departureKeys = {
  measure: { values: each(['balance', 'spending', 'interest', 'channel', 'login']) },
  code: {},
  direction: { values: each(['more', 'less']) },
} as const;

const contacts: ArgumentSpec = {
  name: 'contacts',
  type: 'filter',
  optional: true,
  values: channels,
  short: 'channel',
  keys: interactionKeys,
  description: {
    en: 'A channel, or a map such as {"direction": "inbound", "channel": "phone", "kind": "complaint"}; left out, all contacts count.',
    zh: '渠道，或映射，如 {"direction": "inbound", "channel": "phone", "kind": "complaint"}；省略则计全部接触。',
  },
};

const changes: ArgumentSpec = {
  name: 'changes',
  type: 'filter',
  optional: true,
  short: 'measure',
  keys: departureKeys,
  description: {
    en: 'What changed, or a map such as {"measure": "spending", "code": "groceries:CZK", "direction": "less"}; left out, all changes count.',
    zh: '变化的指标，或映射，如 {"measure": "spending", "code": "groceries:CZK", "direction": "less"}；省略则计全部变化。',
  },
};

/** The condition of contacts from a time up to the end of the day. */
export function contactsSince(filter: Filter, windowMs: number | undefined, sql: Columns): string {
  const parts = [`time < ${sql.moment()}`, ...conditionsOf(filter, sql)];
  return (windowMs === undefined ? parts : [`time >= ${sql.moment(windowMs)}`, ...parts]).join(' AND ');
}

/** The condition of departures that were noticed in a window. */
export function departuresIn(filter: Filter, windowMs: number, sql: Columns): string {
  const days = `notice_date >= ${sql.firstDay(windowMs)} AND notice_date <= ${sql.day()}`;
  return [days, ...conditionsOf(filter, sql)].join(' AND ');
}

/** What is counted apart: one of some columns, or the day. */
export function apart(values: readonly string[]): ArgumentSpec {
  const description = { en: 'What is counted apart.', zh: '按什么去重计数。' };
  return { name: 'what', type: 'string', values, description };
}

/** The expression for what is counted apart; days are those of the bank. */
export function apartBy(args: Arguments, sql: Columns): string {
  const what = textOf(args, 'what');
  return what === 'day' ? sql.dayOf('time') : what;
}

const wordsOf = (noun: string, name: string) => (args: Arguments) =>
  `number of ${noun}${filterWords(filterOf(args, name))} in the ${windowWords(lengthOf(args, 'window'))}`;

/** How the bank and a party met, and what became different about a party. */
export const contactAttributes: readonly AttributeSpec[] = [
  {
    key: 'behaviour.changes',
    type: 'number',
    unit: { en: 'changes', zh: '次' },
    title: { en: 'Changes of behaviour', zh: '行为变化次数' },
    description: {
      en: 'How often the behaviour departed from what was usual for the party: noticed in the window.',
      zh: '时间窗内发现的、偏离该客户平常行为的次数。',
    },
    sensitivity: 'C2',
    range: { least: 0 },
    dated: true,
    sources: ['rapport.customer.v1.BehaviourChanged'],
    arguments: [changes, window],
    column: (args, sql) => {
      const inWindow = departuresIn(filterOf(args, 'changes'), lengthOf(args, 'window'), sql);
      return { sql: sql.from(departures, `countIf(${inWindow})`), nullable: false };
    },
    comesFrom: (args, sql) => {
      const inWindow = departuresIn(filterOf(args, 'changes'), lengthOf(args, 'window'), sql);
      return [dayBehind('last of them on', '最近一次', sql.from(departures, `maxIf(notice_date, ${inWindow})`))];
    },
    words: wordsOf('changes of behaviour', 'changes'),
  },
  {
    key: 'interaction.count',
    type: 'number',
    unit: { en: 'contacts', zh: '次' },
    title: { en: 'Number of contacts', zh: '接触次数' },
    description: {
      en: 'How many contacts the bank and the party had in the window.',
      zh: '时间窗内本行与客户的接触次数。',
    },
    sensitivity: 'C1',
    range: { least: 0 },
    dated: true,
    sources: ['rapport.customer.v1.InteractionRecorded'],
    arguments: [contacts, window],
    column: (args, sql) => {
      const inWindow = contactsSince(filterOf(args, 'contacts'), lengthOf(args, 'window'), sql);
      return { sql: sql.from(interactions, `countIf(${inWindow})`), nullable: false };
    },
    comesFrom: (args, sql) => {
      const inWindow = contactsSince(filterOf(args, 'contacts'), lengthOf(args, 'window'), sql);
      return [dayBehind('last of them on', '最近一次', sql.from(interactions, lastDay('time', inWindow, sql)))];
    },
    words: wordsOf('contacts', 'contacts'),
  },
  {
    key: 'interaction.distinct',
    type: 'number',
    unit: { en: 'different ones', zh: '个' },
    title: { en: 'Variety of contacts', zh: '接触的多样性' },
    description: {
      en: 'How many different channels, kinds or days the contacts of the window have.',
      zh: '时间窗内接触涉及多少个不同的渠道、类型或日期。',
    },
    sensitivity: 'C1',
    range: { least: 0 },
    dated: true,
    sources: ['rapport.customer.v1.InteractionRecorded'],
    arguments: [apart(['channel', 'kind', 'day']), contacts, window],
    column: (args, sql) => {
      const inWindow = contactsSince(filterOf(args, 'contacts'), lengthOf(args, 'window'), sql);
      return { sql: sql.from(interactions, `uniqExactIf(${apartBy(args, sql)}, ${inWindow})`), nullable: false };
    },
    words: (args) => wordsOf(`different ${textOf(args, 'what')} values of contacts`, 'contacts')(args),
  },
  {
    key: 'interaction.last_days',
    type: 'number',
    unit: { en: 'days', zh: '天' },
    title: { en: 'Days since the last contact', zh: '距最近接触天数' },
    description: {
      en: 'Days since the last contact. Missing when there was none.',
      zh: '距最近一次接触的天数。没有接触时缺失。',
    },
    sensitivity: 'C1',
    range: { least: 0 },
    missing: true,
    dated: true,
    sources: ['rapport.customer.v1.InteractionRecorded'],
    arguments: [contacts],
    column: (args, sql) => {
      const last = `maxOrNullIf(time, ${contactsSince(filterOf(args, 'contacts'), undefined, sql)})`;
      const days = `dateDiff('day', YYYYMMDDToDate32(toInt32(${sql.dayOf(last)})), YYYYMMDDToDate32(${sql.day()}))`;
      return { sql: sql.from(interactions, days), nullable: true };
    },
    comesFrom: (args, sql) => {
      const upTo = contactsSince(filterOf(args, 'contacts'), undefined, sql);
      return [dayBehind('the last on', '最近一次', sql.from(interactions, lastDay('time', upTo, sql)))];
    },
    words: (args) => `days since the last of all contacts${filterWords(filterOf(args, 'contacts'))}`,
  },
];
