import { readFilter, writeFilter } from './filter.js';

const keys = ['direction', 'kind', 'least'];

it.each([
  ['', {}],
  ['"credit"', { direction: '"credit"' }],
  ['{"direction": "debit", "kind": "card"}', { direction: '"debit"', kind: '"card"' }],
  ['{"kind": "card", "least": 100.5}', { kind: '"card"', least: '100.5' }],
])('%s is read and written again', (argument, filter) => {
  expect(readFilter(argument, keys)).toEqual(filter);
  expect(writeFilter(filter, keys)).toBe(argument);
});

it.each(['{"shoe": "x"}', '{"kind": "a" + "b"}', 'party.age', '{"kind": "a", "kind": "b"}', '{"kind"}'])(
  '%s is left as it is written',
  (argument) => {
    expect(readFilter(argument, keys)).toBeUndefined();
  },
);
