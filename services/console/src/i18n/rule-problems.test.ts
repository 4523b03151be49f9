import { problemInChinese } from './rule-problems.zh.js';

it.each([
  ['party.shoe is no attribute.', '没有属性 party.shoe。'],
  ['party.sex is never "x"; it is one of male, female, other.', 'party.sex 不会是“x”；可取值：male, female, other。'],
  [
    'A number cannot be compared with a date. Write a day as date("1994-03-31").',
    '数值不能与日期比较。日期写作 date("1994-03-31")。',
  ],
  ['A string is compared with ==, !=, in and startsWith.', '文本用 ==、!=、in 和 startsWith 比较。'],
  ['No party can meet this: party.age is a whole number of at least 0.', '没有客户能满足此条件：party.age 至少为 0。'],
  [
    'No party can meet this: holdings.kinds is a whole number of at least 0 and at most 8.',
    '没有客户能满足此条件：holdings.kinds 至少为 0，至多为 8。',
  ],
  ['The kind is one of account, loan.', 'kind 可取：account, loan。'],
  ['It is written tx.count([transactions], window, [ago]).', '写法为 tx.count([transactions], window, [ago])。'],
  ['has is not part of the rule language.', '规则语言中没有 has。'],
])('%s', (english, chinese) => {
  expect(problemInChinese(english)).toBe(chinese);
});

it('leaves what it has no sentence for', () => {
  expect(problemInChinese('Expected ")" but end of input found.')).toBe('Expected ")" but end of input found.');
});
