import fc from 'fast-check';
import { pool } from './matching.testkit.js';
import { beginsWith, editDistance, jaroWinkler } from './similarity.js';

const jw = (a: string, b: string): number => jaroWinkler(pool(a, b), 1, 2);
const distance = (a: string, b: string, limit = 20): number => editDistance(pool(a, b), 1, 2, limit);
const word = fc.stringMatching(/^[a-z]{1,12}$/);

describe('jaroWinkler', () => {
  // The examples of Winkler's own papers.
  it.each([
    ['martha', 'marhta', 0.9611],
    ['dwayne', 'duane', 0.84],
    ['dixon', 'dicksonx', 0.8133],
    ['jones', 'johnson', 0.8324],
    ['abc', 'xyz', 0],
  ])('of %s and %s is %d', (a, b, expected) => expect(jw(a, b)).toBeCloseTo(expected, 3));

  it('is the same both ways, 1 for equal words and never outside of 0 to 1', () => {
    fc.assert(
      fc.property(word, word, (a, b) => {
        const value = jw(a, b);
        expect(value).toBeCloseTo(jw(b, a), 12);
        expect(value).toBeGreaterThanOrEqual(0);
        expect(value).toBeLessThanOrEqual(1);
        expect(jw(a, a)).toBe(1);
      }),
    );
  });
});

describe('editDistance', () => {
  it.each([
    ['jacob', 'jakob', 1],
    ['jacob', 'jaocb', 1],
    ['jacob', 'jacb', 1],
    ['kitten', 'sitting', 3],
    ['ca', 'abc', 3],
  ])('of %s and %s is %d', (a, b, expected) => expect(distance(a, b)).toBe(expected));

  it('is the same both ways and at most as many as the edits that were made', () => {
    const edit = fc.tuple(
      fc.constantFrom('insert', 'delete', 'replace', 'swap'),
      fc.nat(11),
      fc.constantFrom(...'xyz'),
    );
    fc.assert(
      fc.property(word, fc.array(edit, { maxLength: 3 }), (a, edits) => {
        let b = a;
        // The alignment is "optimal string": it counts one edit of each place, so the edits must not touch each other.
        const [first] = edits;
        if (first) {
          const [kind, place, letter] = first;
          const at = place % b.length;
          if (kind === 'insert') b = b.slice(0, at) + letter + b.slice(at);
          else if (kind === 'delete' && b.length > 1) b = b.slice(0, at) + b.slice(at + 1);
          else if (kind === 'replace') b = b.slice(0, at) + letter + b.slice(at + 1);
          else if (at + 1 < b.length) b = b.slice(0, at) + b[at + 1] + b[at] + b.slice(at + 2);
        }
        expect(distance(a, b)).toBeLessThanOrEqual(first ? 1 : 0);
        expect(distance(a, b)).toBe(distance(b, a));
      }),
    );
  });

  it('stops at its limit', () => expect(distance('aaaaaaaa', 'bbbbbbbb', 2)).toBe(3));
});

test('beginsWith is about beginnings', () => {
  expect(beginsWith(pool('rob', 'robert'), 1, 2)).toBe(true);
  expect(beginsWith(pool('bert', 'robert'), 1, 2)).toBe(false);
});
