import fc from 'fast-check';
import { cleanIndustry, cleanOccupation, isIndustry, isOccupation } from './classification.js';

test.each([
  ['2', '2', 0],
  [' 22.12 ', '2212', 1],
  ['ISCO-08: 2512', '2512', 1],
  ['0', '0', 0],
  ['0310', '0310', 0],
  ['', '', 0],
])('the occupation %j is %j', (raw, code, issues) => {
  expect(cleanOccupation(raw, 'person.occupation')).toMatchObject({ value: code, key: code });
  expect(cleanOccupation(raw, 'person.occupation').issues).toHaveLength(issues);
  expect(isOccupation(code)).toBe(true);
});

// 27, 84, 97 and 04 are no sub-major groups; a name and five digits are no code.
test.each(['27', '2712', '84', '97', '04', 'teacher', '22121', '-2'])('%j is no occupation', (raw) => {
  const { value, issues } = cleanOccupation(raw, 'person.occupation');
  expect([value, issues, isOccupation(value)]).toEqual([raw, [], false]);
});

test.each([
  ['K', 'K', 0],
  ['k64', 'K64', 1],
  ['64', 'K64', 1],
  ['64.19', 'K6419', 1],
  ['01', 'A01', 1],
  ['K-64.19', 'K6419', 1],
  ['', '', 0],
])('the industry %j is %j', (raw, code, issues) => {
  const clean = cleanIndustry(raw, 'organisation.industry');
  expect(clean).toMatchObject({ value: code, key: code });
  expect(clean.issues).toHaveLength(issues);
  expect(isIndustry(code)).toBe(true);
});

// 04, 34, 40, 67, 83 and 89 are divisions of no section; 64 is not of A; V is no section.
test.each(['04', '34', '40', '67', '83', '89', 'A64', 'V', 'V01', 'K6', 'bank', '6'])('%j is no industry', (raw) => {
  const { value, issues } = cleanIndustry(raw, 'person.industry');
  expect([value, issues, isIndustry(value)]).toEqual([raw, [], false]);
});

test('there are as many groups as the standards have', () => {
  const two = Array.from({ length: 100 }, (_, number) => String(number).padStart(2, '0'));
  expect(two.filter(isOccupation)).toHaveLength(43);
  expect(two.filter((code) => isIndustry(cleanIndustry(code, 'f').value))).toHaveLength(88);
  const letters = Array.from({ length: 26 }, (_, at) => String.fromCharCode(65 + at));
  expect(letters.filter(isIndustry)).toHaveLength(21);
});

test('cleaning again changes nothing', () => {
  const code = fc.oneof(fc.string({ maxLength: 8 }), fc.stringMatching(/^[A-Za-u]?[0-9 .]{0,6}$/));
  for (const clean of [cleanOccupation, cleanIndustry]) {
    fc.assert(
      fc.property(code, (raw) => {
        const once = clean(raw, 'f').value;
        expect(clean(once, 'f')).toEqual({ value: once, key: once, issues: [] });
      }),
      { numRuns: 500 },
    );
  }
});
