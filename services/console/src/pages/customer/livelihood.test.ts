import type { Party } from '../../api/customer.js';
import { codes } from '../../i18n/catalogue.zh.js';
import {
  codeOf,
  fieldsOf,
  fitsGroup,
  industryOf,
  industrySections,
  occupationGroups,
  occupationOf,
} from './livelihood.js';

it('calls codes by the group that they are in', () => {
  expect([occupationOf('2212'), occupationOf('0'), occupationOf('')]).toEqual(['professionals', 'armed_forces', '']);
  expect([industryOf('K6419'), industryOf('')]).toEqual(['finance_insurance', '']);
  const words: Record<string, string> = codes;
  for (const word of [...occupationGroups, ...Object.values(industrySections)])
    expect([word, words[word]]).toEqual([word, expect.any(String)]);
});

it('makes one code of the group and of what is known exactly', () => {
  expect([codeOf('2', ''), codeOf('2', '22.12'), codeOf(undefined, undefined), codeOf('K', 'k64')]).toEqual([
    '2',
    '2212',
    '',
    'K64',
  ]);
  expect([
    fitsGroup('2', '2212'),
    fitsGroup('3', '2212'),
    fitsGroup('K', '64'),
    fitsGroup('K', 'A01'),
    fitsGroup('K', ''),
  ]).toEqual([true, false, true, false, true]);
});

it('begins with what is known', () => {
  const person = { occupation: '2212', industry: 'Q', education: 'EDUCATION_LEVEL_UNSPECIFIED' };
  expect(fieldsOf({ person } as Party, '', 'CZK')).toEqual({
    occupation: '2',
    occupationCode: '2212',
    industry: 'Q',
    currency: 'CZK',
  });
  const income = { perYear: { minorUnits: '100', currencyCode: 'EUR' } };
  expect(fieldsOf({ person: { ...person, income } } as Party, '1.00', 'CZK')).toMatchObject({
    income: '1.00',
    currency: 'EUR',
  });
});
