import fc from 'fast-check';
import { csvText } from './csv.js';

/** Reads what RFC 4180 says, to see that nothing is lost. */
function read(text: string): string[][] {
  const rows: string[][] = [];
  const pattern = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/gy;
  let row: string[] = [];
  for (const [, quoted, plain = '', end] of text.slice(1).matchAll(pattern)) {
    row.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end === ',') continue;
    rows.push(row);
    row = [];
  }
  return rows;
}

it('keeps every cell, whatever is in it', () => {
  const texts = fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r', ' ', '=', '-', '1', '行') });
  const tables = fc.array(fc.tuple(texts, texts), { maxLength: 5 });
  fc.assert(
    fc.property(tables, (rows) => {
      const back = read(csvText(['a', 'b'], rows)).map((row) =>
        row.map((value) => value.replace(/^'(?=[=+\-@\t\r])/, '')),
      );
      expect(back).toEqual([['a', 'b'], ...rows]);
    }),
  );
});

it('gives no formula to a spreadsheet, and leaves numbers alone', () => {
  expect(csvText(['value'], [['=1+1'], ['@sum'], ['-12.5'], ['+420 601']])).toBe(
    "\uFEFFvalue\r\n'=1+1\r\n'@sum\r\n-12.5\r\n'+420 601\r\n",
  );
});
