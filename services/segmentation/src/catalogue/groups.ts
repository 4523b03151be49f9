import { tables } from '../fact/fact.js';
import { type ArgumentSpec, type AttributeSpec, type Columns, dayBehind, type Source, textOf } from './attribute.js';

const lists: Source = { alias: 'l', table: tables.listed };
const schemes: Source = { alias: 'a', table: tables.assigned };

const scheme: ArgumentSpec = {
  name: 'scheme',
  type: 'string',
  description: { en: 'The id of the scheme, for example "wealth".', zh: '分组方案的标识，例如 "wealth"。' },
};

/** The newest assignment of a scheme on the day. */
function assigned(column: string, id: string, sql: Columns): string {
  const told = `scheme = ${sql.bind(id, 'String')} AND from_date <= ${sql.day()}`;
  return sql.from(schemes, `argMaxIf(tuple(${column}), (from_date, version), ${told}).1`);
}

/** Lists that were uploaded, groups that were computed, and other segments. */
export const groupAttributes: readonly AttributeSpec[] = [
  {
    key: 'list.has',
    type: 'bool',
    title: { en: 'On a list', zh: '在名单中' },
    description: {
      en: 'Whether the party stands on a static list on the day.',
      zh: '当日客户是否在静态名单中。',
    },
    sensitivity: 'C2',
    dated: true,
    sources: ['rapport.segmentation.v1.StaticList'],
    arguments: [
      {
        name: 'list',
        type: 'string',
        description: { en: 'The id of the list, for example "vip-2026".', zh: '名单的标识，例如 "vip-2026"。' },
      },
    ],
    column: (args, sql) => {
      const day = sql.day();
      const list = sql.bind(textOf(args, 'list'), 'String');
      const on = `list = ${list} AND from_date <= ${day} AND (until_date = 0 OR until_date >= ${day})`;
      return { sql: `(${sql.from(lists, `countIf(${on})`)} > 0)`, nullable: false };
    },
    comesFrom: (args, sql) => {
      const [day, list] = [sql.day(), sql.bind(textOf(args, 'list'), 'String')];
      const on = `list = ${list} AND from_date <= ${day} AND (until_date = 0 OR until_date >= ${day})`;
      return [
        dayBehind('since', '自', sql.from(lists, `minIf(from_date, ${on})`)),
        dayBehind(
          'until',
          '至',
          sql.from(lists, `if(countIf(${on} AND until_date = 0) > 0, 0, maxIf(until_date, ${on}))`),
        ),
      ];
    },
    words: (args) => `on the list ${textOf(args, 'list')}`,
  },
  {
    key: 'scheme.group',
    type: 'string',
    title: { en: 'Group of a scheme', zh: '分组方案中的组' },
    description: {
      en: 'The group that a scheme (a partition, value tiers, RFM, clusters) has the party in on the day. Missing when in none.',
      zh: '分组方案（划分、价值等级、RFM、聚类）中客户当日所属的组。不属于任何组时缺失。',
    },
    sensitivity: 'C2',
    missing: true,
    dated: true,
    sources: ['rapport.segmentation.v1.Scheme'],
    freshness: 'scheme_run',
    arguments: [scheme],
    column: (args, sql) => {
      const id = textOf(args, 'scheme');
      return { sql: sql.partition(id) ?? `nullIf(${assigned('`group`', id, sql)}, '')`, nullable: true };
    },
    comesFrom: (args, sql) => [dayBehind('since', '自', assigned('from_date', textOf(args, 'scheme'), sql))],
    words: (args) => `group of ${textOf(args, 'scheme')}`,
  },
  {
    key: 'scheme.score',
    type: 'number',
    decimals: true,
    title: { en: 'Score of a scheme', zh: '分组方案的得分' },
    description: {
      en: 'The score that a scheme or a model gives the party on the day. Missing when it gives none.',
      zh: '分组方案或模型当日给客户的得分。没有得分时缺失。',
    },
    sensitivity: 'C2',
    missing: true,
    dated: true,
    sources: ['rapport.segmentation.v1.Scheme'],
    freshness: 'scheme_run',
    arguments: [scheme],
    column: (args, sql) => ({ sql: assigned('score', textOf(args, 'scheme'), sql), nullable: true }),
    comesFrom: (args, sql) => [dayBehind('since', '自', assigned('from_date', textOf(args, 'scheme'), sql))],
    words: (args) => `score of ${textOf(args, 'scheme')}`,
  },
  {
    key: 'segment.member',
    type: 'bool',
    title: { en: 'In another segment', zh: '属于另一客群' },
    description: {
      en: 'Whether the party is in the version in use of another segment. The rule of that version is asked itself, on the same day unless it has a day of its own.',
      zh: '客户是否属于另一客群的在用版本。直接按该版本的规则判断；除非该版本固定了日期，否则按同一天判断。',
    },
    sensitivity: 'C2',
    dated: true,
    sources: ['rapport.segmentation.v1.Segment'],
    arguments: [
      {
        name: 'segment',
        type: 'string',
        description: {
          en: 'The id of the segment, for example "young-families".',
          zh: '客群的标识，例如 "young-families"。',
        },
      },
    ],
    column: (args, sql) => ({ sql: sql.member(textOf(args, 'segment')), nullable: false }),
    words: (args) => `in the segment ${textOf(args, 'segment')}`,
  },
];
