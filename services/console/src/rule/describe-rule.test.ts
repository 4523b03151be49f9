import type { Attribute } from '../api/segmentation.js';
import * as english from '../i18n/segment.en.js';
import * as chinese from '../i18n/segment.zh.js';
import { describeRule, type Naming } from './describe-rule.js';
import { readCel } from './read-cel.js';

const argument = {
  name: '',
  type: 'ATTRIBUTE_TYPE_STRING',
  optional: false,
  description: '',
  descriptionZh: '',
  values: [] as string[],
  keys: [],
};
const attribute = (key: string, more: Partial<Attribute> = {}): Attribute => ({
  key,
  type: 'ATTRIBUTE_TYPE_INT',
  unit: '',
  unitZh: '',
  titleEn: '',
  titleZh: '',
  description: '',
  descriptionZh: '',
  sources: [],
  freshWithin: '',
  dataClass: '',
  missing: false,
  values: [],
  dated: false,
  arguments: [],
  ...more,
});
const optional = { ...argument, optional: true };
const catalogue = new Map(
  [
    attribute('party.age', { unit: 'years', unitZh: '岁', titleEn: 'age', titleZh: '年龄' }),
    attribute('party.sex', { type: 'ATTRIBUTE_TYPE_STRING', titleEn: 'sex', titleZh: '性别' }),
    attribute('holdings.count', {
      arguments: [optional],
      unit: 'holdings',
      unitZh: '件',
      titleEn: 'number of holdings',
      titleZh: '持有产品数',
    }),
    attribute('tx.sum', {
      arguments: [optional, { ...argument, type: 'ATTRIBUTE_TYPE_DURATION' }],
      titleEn: 'sum of transactions',
      titleZh: '交易总额',
    }),
    attribute('consent', {
      type: 'ATTRIBUTE_TYPE_BOOL',
      arguments: [argument, argument],
      titleEn: 'consent',
      titleZh: '授权同意',
    }),
  ].map((one) => [one.key, one]),
);

function naming({ sections, codes }: { sections: object; codes: object }, language: 'en' | 'zh'): Naming {
  const words = (sections as typeof english.sections).describe as Record<string, string>;
  const code = (value: string) => (codes as Record<string, string>)[value.replaceAll('.', '_')] ?? value;
  return {
    t: (key, values = {}) =>
      (words[key.replace('describe.', '')] ?? '').replaceAll(/\{\{(\w+)\}\}/g, (_, name: string) => values[name] ?? ''),
    code,
    attribute: (key) => catalogue.get(key)?.[language === 'en' ? 'titleEn' : 'titleZh'] ?? key,
    unit: ({ unit, unitZh }) => (language === 'en' ? unit : unitZh),
    number: (value) => value,
    day: (value) => value,
  };
}

it.each([
  ['party.age >= 30', 'age at least 30 years', '年龄 不少于 30 岁'],
  [
    'party.sex == "female" && holdings.count("loan") == 0',
    'sex is female and number of holdings (loan) is 0 holdings',
    '性别 等于 女 且 持有产品数（贷款） 等于 0 件',
  ],
  [
    'tx.sum({"direction": "debit", "kind": "card"}, duration("720h")) > 100',
    'sum of transactions (debit, card, last 30 days) above 100',
    '交易总额（支出、银行卡、最近 30 天） 大于 100',
  ],
  [
    '!consent("marketing", "email") || (party.age < 18 && a.b > c.d)',
    'consent (marketing, e-mail): no or (age below 18 years and a.b > c.d)',
    '授权同意（marketing、电子邮件）：否 或 （年龄 小于 18 岁 且 a.b > c.d）',
  ],
  ['!(party.age < 30)', 'not (age below 30 years)', '并非（年龄 小于 30 岁）'],
])('%s in both languages', (rule, inEnglish, inChinese) => {
  const tree = readCel(rule) ?? { combinator: 'and', rules: [] };
  expect(describeRule(tree, catalogue, naming(english, 'en'))).toBe(inEnglish);
  expect(describeRule(tree, catalogue, naming(chinese, 'zh'))).toBe(inChinese);
});
