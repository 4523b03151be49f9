import type { Attribute } from '../api/segmentation.js';
import * as english from '../i18n/segment.en.js';
import * as chinese from '../i18n/segment.zh.js';
import { describeRule, type Naming } from './describe-rule.js';
import { readCel } from './read-cel.js';

const argument = { name: '', type: 'ATTRIBUTE_TYPE_STRING', optional: false, description: '', values: [] as string[] };
const attribute = (key: string, more: Partial<Attribute> = {}): Attribute => ({
  key,
  type: 'ATTRIBUTE_TYPE_INT',
  unit: '',
  description: '',
  values: [],
  dated: false,
  arguments: [],
  ...more,
});
const optional = { ...argument, optional: true };
const catalogue = new Map(
  [
    attribute('party.age', { unit: 'years' }),
    attribute('party.sex', { type: 'ATTRIBUTE_TYPE_STRING' }),
    attribute('holdings.count', { arguments: [optional], unit: 'holdings' }),
    attribute('tx.sum', { arguments: [optional, { ...argument, type: 'ATTRIBUTE_TYPE_DURATION' }] }),
    attribute('consent', { type: 'ATTRIBUTE_TYPE_BOOL', arguments: [argument, argument] }),
  ].map((one) => [one.key, one]),
);

function naming({ sections, codes }: { sections: object; codes: object }): Naming {
  const words = (sections as typeof english.sections).describe as Record<string, string>;
  const code = (value: string) => (codes as Record<string, string>)[value.replaceAll('.', '_')] ?? value;
  return {
    t: (key, values = {}) =>
      (words[key.replace('describe.', '')] ?? '').replaceAll(/\{\{(\w+)\}\}/g, (_, name: string) => values[name] ?? ''),
    code,
    attribute: code,
    number: (value) => value,
    day: (value) => value,
  };
}

it.each([
  ['party.age >= 30', 'Age at least 30 years', '年龄 不少于 30 岁'],
  [
    'party.sex == "female" && holdings.count("loan") == 0',
    'Sex is female and Number of holdings (loan) is 0 holdings',
    '性别 等于 女 且 持有产品数（贷款） 等于 0 个产品',
  ],
  [
    'tx.sum({"direction": "debit", "kind": "card"}, duration("720h")) > 100',
    'Sum of transactions (debit, card, last 30 days) above 100',
    '交易总额（支出、银行卡、最近 30 天） 大于 100',
  ],
  [
    '!consent("marketing", "email") || (party.age < 18 && a.b > c.d)',
    'Consent (marketing, e-mail): no or (Age below 18 years and a.b > c.d)',
    '授权同意（marketing、电子邮件）：否 或 （年龄 小于 18 岁 且 a.b > c.d）',
  ],
  ['!(party.age < 30)', 'not (Age below 30 years)', '并非（年龄 小于 30 岁）'],
])('%s in both languages', (rule, inEnglish, inChinese) => {
  const tree = readCel(rule) ?? { combinator: 'and', rules: [] };
  expect(describeRule(tree, catalogue, naming(english))).toBe(inEnglish);
  expect(describeRule(tree, catalogue, naming(chinese))).toBe(inChinese);
});
