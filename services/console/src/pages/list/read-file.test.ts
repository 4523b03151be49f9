import fc from 'fast-check';
import { guessColumns, rowOf } from './columns.js';
import { OpenQuote, readRecords, separatorIn } from './read-file.js';

async function* pieces(text: string, size = 3): AsyncGenerator<string> {
  for (let start = 0; start < text.length; start += size) yield text.slice(start, start + size);
}
async function read(text: string, separator = ',', size = 3) {
  const found: { line: number; cells: string[] }[] = [];
  for await (const one of readRecords(pieces(text, size), separator)) found.push(one);
  return found;
}

it('reads records with quotes, any line end and a byte order mark, and knows their lines', async () => {
  expect(await read('\uFEFFparty,note\r\n1,"a ""b"", c"\r\n\r\n2,"two\nlines"\n3,x')).toEqual([
    { line: 1, cells: ['party', 'note'] },
    { line: 2, cells: ['1', 'a "b", c'] },
    { line: 4, cells: ['2', 'two\nlines'] },
    { line: 6, cells: ['3', 'x'] },
  ]);
  await expect(read('a,b\n1,"open\n2,c\n')).rejects.toBeInstanceOf(OpenQuote);
});

it('reads what was written, however it comes in pieces', async () => {
  const cell = fc.string({ unit: fc.constantFrom('a', 'é', '"', ',', '\n', ' ', '客', '😀') });
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(cell, cell)), fc.integer({ min: 1, max: 7 }), async (rows, size) => {
      const text = rows.map((row) => row.map((one) => `"${one.replaceAll('"', '""')}"`).join(',')).join('\r\n');
      // A piece never parts a letter: that is the decoder's work.
      const letters = [...text];
      const parts = async function* () {
        for (let start = 0; start < letters.length; start += size) yield letters.slice(start, start + size).join('');
      };
      const found: string[][] = [];
      for await (const { cells } of readRecords(parts(), ',')) found.push(cells);
      expect(found).toEqual(rows);
    }),
  );
});

it('knows separators and columns by their names, and tells broken lines', () => {
  expect(separatorIn('a;b;c\n1,2,3,4')).toBe(';');
  expect(separatorIn('party')).toBe(',');
  const columns = guessColumns(['Name', 'IBAN', 'Note']);
  expect(columns).toEqual({ way: 'account', key: 1, source: '', until: -1, note: 2 });
  expect(rowOf({ line: 2, cells: ['x', ' CZ1 ', 'hi'] }, 3, columns)).toMatchObject({ account: 'CZ1', note: 'hi' });
  expect(rowOf({ line: 3, cells: ['a', 'b'] }, 3, columns)).toEqual({
    ...{ line: 3, party: 'a b', unreadable: 'COLUMN_COUNT' },
  });
  const keyed = { way: 'sourceKey' as const, key: 0, source: ' core ', until: -1, note: -1 };
  expect(rowOf({ line: 2, cells: ['client/1'] }, 1, keyed)).toMatchObject({ sourceKey: 'client/1', source: 'core' });
});
