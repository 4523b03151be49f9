import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readMapping } from './mapping.js';
import { openTable } from './read.js';
import { rowsOf } from './rows.js';

const mapping = `rows: party
date: d.M.yyyy
decimal: ","
fields:
  source_key: id
  person.given_name: first
  person.occupation: { column: job, map: { lékař: "2212" } }
  person.industry: nace
  person.education: { column: school, map: { VŠ: master, SŠ: upper_secondary } }
  person.income: pay
  person.income_as_of: told
  currency: { column: money, default: CZK }
`;

async function detailsIn(content: string): Promise<unknown[]> {
  const file = path.join(await mkdtemp(path.join(tmpdir(), 'rapport-livelihood-')), 'people.csv');
  await writeFile(file, content);
  const read = readMapping(mapping);
  if ('mistakes' in read) throw new Error(JSON.stringify(read.mistakes));
  const rows: unknown[] = [];
  for await (const { row } of rowsOf(await openTable(file, 'people.csv', read.mapping), read.mapping)) {
    if (row?.$case === 'party') rows.push(row.value.party?.details?.value);
    else if (row?.$case === 'unreadable')
      rows.push(`${row.value.field} ${row.value.reason} ${row.value.originalValue}`);
  }
  return rows;
}

it('reads what people do and earn, in the currency of the row or of the file', async () => {
  const rows = await detailsIn(
    [
      'id,first,job,nace,school,pay,told,money',
      '1,Jana,lékař,86.21,VŠ,"1200000,50",1.5.2024,',
      '2,Petr,25,J62,SŠ,90000,,EUR',
      '3,Eva,,,,,1.5.2024,',
      '4,Jan,,,základní,,,',
      '5,Ota,,,,viel,,',
    ].join('\n'),
  );
  expect(rows[0]).toMatchObject({
    occupation: '2212',
    industry: '86.21',
    education: 8,
    income: {
      perYear: { minorUnits: 120_000_050n, currencyCode: 'CZK' },
      asOf: { year: 2024, month: 5, day: 1 },
    },
  });
  expect(rows[1]).toMatchObject({
    occupation: '25',
    education: 4,
    income: { perYear: { minorUnits: 9_000_000n, currencyCode: 'EUR' }, asOf: undefined },
  });
  // A day without an amount says nothing.
  expect(rows[2]).toMatchObject({ givenName: 'Eva', occupation: '', income: undefined });
  expect(rows.slice(3)).toEqual(['school WORD_UNKNOWN základní', expect.stringMatching(/^pay \w+ viel$/)]);
});
