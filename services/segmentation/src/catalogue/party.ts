import { educationLevels, industrySections, occupationGroups, tables } from '../fact/fact.js';
import type { AttributeSpec, Words } from './attribute.js';

const sources = ['rapport.customer.v1.PartyCreated', 'rapport.customer.v1.PartyUpdated'];

/** A text of the party itself; an empty one is missing. */
function text(
  name: Exclude<
    keyof typeof tables.party.columns | keyof typeof tables.party.added,
    'party' | 'version' | 'birth_date' | 'number' | 'income'
  >,
  title: Words,
  description: Words,
  more: Pick<Partial<AttributeSpec>, 'values'> & { sensitivity?: AttributeSpec['sensitivity'] } = {},
): AttributeSpec {
  return {
    key: `party.${name}`,
    type: 'string',
    title,
    description,
    sensitivity: 'C1',
    missing: true,
    sources,
    column: () => ({ sql: `nullIf(p.${name}, '')`, nullable: true }),
    ...more,
  };
}

/** Words without other spellings, by the codes of which they are the meaning. */
const wordsOf = (words: Iterable<string>) => Object.fromEntries([...words].map((one) => [one, []]));

/** What a party is. */
export const partyAttributes: readonly AttributeSpec[] = [
  {
    key: 'party.age',
    type: 'number',
    unit: { en: 'years', zh: '岁' },
    title: { en: 'Age', zh: '年龄' },
    description: {
      en: 'Completed years. Missing without a day of birth, and before birth.',
      zh: '周岁。没有出生日期或尚未出生时缺失。',
    },
    sensitivity: 'C2',
    range: { least: 0, most: 9999 },
    missing: true,
    dated: true,
    sources,
    column: (_args, sql) => {
      const day = sql.day();
      return {
        sql: `if(p.birth_date = 0 OR p.birth_date > ${day}, NULL, intDiv(${day} - p.birth_date, 10000))`,
        nullable: true,
      };
    },
    words: () => 'age',
  },
  {
    key: 'party.birth_date',
    type: 'date',
    title: { en: 'Date of birth', zh: '出生日期' },
    description: {
      en: 'The day of birth. Compare it with date("1950-01-01"), or with timestamp("1950-01-01T00:00:00Z") of which the written day counts.',
      zh: '出生日期。可与 date("1950-01-01") 比较；与 timestamp("1950-01-01T00:00:00Z") 比较时以所写的日期为准。',
    },
    sensitivity: 'C2',
    missing: true,
    sources,
    column: () => ({ sql: 'nullIf(p.birth_date, 0)', nullable: true }),
    words: () => 'date of birth',
  },
  text(
    'branch',
    { en: 'Branch', zh: '网点' },
    { en: 'The branch, as the bank names it.', zh: '所属网点，用本行的名称。' },
  ),
  text(
    'district',
    { en: 'District', zh: '区县' },
    { en: 'The district, as the bank names it.', zh: '所在区县，用本行的名称。' },
  ),
  text(
    'education',
    { en: 'Education', zh: '学历' },
    {
      en: 'The highest education that a person completed, by the levels of ISCED 2011.',
      zh: '个人已完成的最高学历，按 ISCED 2011 分级。',
    },
    { values: wordsOf(educationLevels), sensitivity: 'C2' },
  ),
  {
    key: 'party.education_level',
    type: 'number',
    title: { en: 'Level of education', zh: '学历等级' },
    description: {
      en: 'The same as the number of the level of ISCED 2011, to compare: 3 is upper secondary, 6 a bachelor, 8 a doctor.',
      zh: '同上，以 ISCED 2011 等级数字表示，便于比较：3 为高中，6 为本科，8 为博士。',
    },
    sensitivity: 'C2',
    range: { least: 0, most: educationLevels.length - 1 },
    missing: true,
    sources,
    column: (_args, sql) => ({
      sql: `nullIf(indexOf(${sql.bind([...educationLevels], 'Array(String)')}, toString(p.education)) - 1, -1)`,
      nullable: true,
    }),
    words: () => 'level of education',
  },
  {
    key: 'party.income',
    type: 'number',
    decimals: true,
    unit: { en: 'currency units in a year', zh: '货币单位/年' },
    title: { en: 'Income', zh: '年收入' },
    description: {
      en: 'What a person earns in a year before tax, as it was said last. 50000 means 50,000 of the currency. Missing when not known.',
      zh: '个人税前年收入，以最近一次登记为准。50000 表示五万元。未知时缺失。',
    },
    sensitivity: 'C2',
    range: { least: 0 },
    missing: true,
    sources,
    column: () => ({ sql: 'toFloat64(p.income)', nullable: true }),
    words: () => 'income',
  },
  text(
    'industry',
    { en: 'Industry', zh: '行业' },
    {
      en: 'What an organisation, or the employer of a person, does: the section of ISIC Rev. 4.',
      zh: '机构客户或个人雇主所属行业，按 ISIC Rev. 4 门类。',
    },
    { values: wordsOf(Object.values(industrySections)), sensitivity: 'C2' },
  ),
  text(
    'industry_code',
    { en: 'Industry, exactly', zh: '行业代码' },
    {
      en: 'The same as the code of ISIC Rev. 4, as exact as it is known: startsWith("K64") takes all banks.',
      zh: '同上的 ISIC Rev. 4 代码，细到已知的程度：startsWith("K64") 取全部银行业。',
    },
    { sensitivity: 'C2' },
  ),
  text(
    'kind',
    { en: 'Kind of party', zh: '客户类型' },
    { en: 'Whether the party is a person or an organisation.', zh: '个人（person）或机构（organisation）。' },
    { values: { person: ['individual', 'natural_person'], organisation: ['organization', 'company', 'legal_entity'] } },
  ),
  text(
    'language',
    { en: 'Language', zh: '语言' },
    {
      en: 'The language it is addressed in, BCP 47, for example "cs". Missing where it is that of the bank.',
      zh: '与客户沟通的语言（BCP 47），例如 "cs"。使用本行默认语言时缺失。',
    },
  ),
  text(
    'manager',
    { en: 'Relationship manager', zh: '客户经理' },
    {
      en: 'The employee who looks after the party, "staff/12". Missing when nobody does.',
      zh: '负责该客户的员工，如 "staff/12"。无人负责时缺失。',
    },
  ),
  text(
    'occupation',
    { en: 'Occupation', zh: '职业' },
    {
      en: 'What a person does for a living: the major group of ISCO-08.',
      zh: '个人从事的职业，按 ISCO-08 大类。',
    },
    { values: wordsOf(Object.values(occupationGroups)), sensitivity: 'C2' },
  ),
  text(
    'occupation_code',
    { en: 'Occupation, exactly', zh: '职业代码' },
    {
      en: 'The same as the code of ISCO-08, as exact as it is known: startsWith("221") takes medical doctors.',
      zh: '同上的 ISCO-08 代码，细到已知的程度：startsWith("221") 取全部医师。',
    },
    { sensitivity: 'C2' },
  ),
  text(
    'region',
    { en: 'Region', zh: '地区' },
    { en: 'The region, as the bank names it.', zh: '所在地区，用本行的名称。' },
  ),
  text(
    'sex',
    { en: 'Sex', zh: '性别' },
    {
      en: 'The sex of a person, as the bank recorded it. Missing for an organisation.',
      zh: '本行登记的个人性别。机构客户缺失。',
    },
    { values: { male: ['m', 'man'], female: ['f', 'w', 'woman'], other: ['x', 'o'] }, sensitivity: 'C2' },
  ),
  text(
    'source',
    { en: 'Source system', zh: '来源系统' },
    { en: 'The system that the party came from.', zh: '客户数据的来源系统。' },
  ),
  text(
    'state',
    { en: 'State', zh: '状态' },
    {
      en: 'Whether the relationship lives or has ended. Parties whose processing is restricted are in no segment at all.',
      zh: '关系有效（active）或已结束（closed）。限制处理的客户不属于任何客群。',
    },
    { values: { active: [], closed: [] } },
  ),
];
