import type { Attribute } from '../api/segmentation.js';
import { alignArguments, beginning, daysOf, operatorsOf, textOf, withEditors } from './attributes.js';
import { readCel } from './read-cel.js';
import { writeCel } from './write-cel.js';

const argument = {
  name: '',
  type: 'ATTRIBUTE_TYPE_STRING',
  optional: false,
  description: '',
  descriptionZh: '',
  values: [] as string[],
  keys: [],
};
const sum: Attribute = {
  key: 'tx.sum',
  type: 'ATTRIBUTE_TYPE_DOUBLE',
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
  dated: true,
  arguments: [
    { ...argument, name: 'transactions', optional: true, values: ['credit', 'debit'] },
    { ...argument, name: 'window', type: 'ATTRIBUTE_TYPE_DURATION' },
  ],
};

it('finds the place of arguments when optional ones are left out', () => {
  expect(alignArguments(sum, ['duration("24h")'])).toEqual(['', 'duration("24h")']);
  expect(alignArguments(sum, ['"credit"', 'duration("24h")'])).toEqual(['"credit"', 'duration("24h")']);
});

it('begins a line with something that the language accepts', () => {
  expect(beginning(sum)).toEqual({ args: ['', 'duration("720h")'], kind: 'number', values: ['0'] });
  expect(beginning({ ...sum, type: 'ATTRIBUTE_TYPE_BOOL', arguments: [] })).toEqual({ kind: 'none', values: [] });
});

it('offers operators that fit the type', () => {
  expect(operatorsOf({ ...sum, type: 'ATTRIBUTE_TYPE_BOOL' })).toEqual(['is true', 'is false']);
  expect(operatorsOf(sum)).toContain('>=');
  expect(operatorsOf({ ...sum, type: 'ATTRIBUTE_TYPE_STRING' })).toContain('startsWith');
});

it('reads days and texts, and nothing else', () => {
  expect(daysOf('duration("720h")')).toBe(30);
  expect(daysOf('duration("1h")')).toBeUndefined();
  expect(textOf('"credit"')).toBe('credit');
  expect(textOf('{"direction": "debit"}')).toBeUndefined();
});

it('leaves a line that it has no editor for as text, and the rule as it was', () => {
  const byKey = new Map([[sum.key, sum]]);
  const rule = 'tx.sum(duration("24h")) > 5 && (tx.sum() > 3 || shoe.size == 4 || tx.sum(duration("24h")) == "a")';
  const tree = withEditors(readCel(rule) ?? { combinator: 'and', rules: [] }, byKey);
  expect(writeCel(tree)).toBe(rule);
  expect(JSON.stringify(tree).match(/"field":"text"/g)).toHaveLength(3);
  expect(JSON.stringify(tree).match(/"field":"tx.sum"/g)).toHaveLength(1);
});
