import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { ImportRow } from '@rapport/proto/customer/v1';
import fc from 'fast-check';
import { type Mapping, readMapping } from './mapping.js';
import { openTable } from './read.js';
import { rowsOf } from './rows.js';
import { readDay, readMoney, readTime } from './values.js';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'rapport-csv-'));
});

function mappingOf(yaml: string): Mapping {
  const read = readMapping(yaml);
  if ('mistakes' in read) throw new Error(JSON.stringify(read.mistakes));
  return read.mapping;
}
const mistakesIn = (yaml: string): string[] => {
  const read = readMapping(yaml);
  return 'mistakes' in read ? read.mistakes.map((one) => `${one.line}:${one.column} ${one.message}`) : [];
};
let files = 0;
async function rowsIn(content: string | Buffer, yaml: string): Promise<ImportRow[]> {
  const file = path.join(folder, `${(files += 1)}.csv`);
  await writeFile(file, content);
  const mapping = mappingOf(yaml);
  const rows: ImportRow[] = [];
  for await (const row of rowsOf(await openTable(file, 'people.csv', mapping), mapping)) rows.push(row);
  return rows;
}
const brief = (rows: ImportRow[]) =>
  rows.map(({ line, row }) =>
    row?.$case === 'unreadable'
      ? [Number(line), row.value.field, row.value.reason, row.value.originalValue]
      : [Number(line), row?.$case === 'party' ? row.value.sourceKey : (row?.$case ?? '')],
  );

const people = `rows: party
separator: ";"
date: d.M.yyyy
empty: ["NULL", "?"]
fields:
  source_key: { column: id, prefix: "client/" }
  person.given_name: first
  person.family_name: last
  person.sex: { column: sex, map: { M: male, F: female } }
  person.birth_date: born
  email: { column: mail, split: "," }
`;

describe('readMapping', () => {
  it('names line and column of every mistake, and what is allowed', () => {
    const mistakes = mistakesIn(`rows: party
separator: "::"
encoding: utf-9
colour: red
fields:
  source_key: id
  person.givn_name: first
  person.sex: { column: sex, map: { M: mann } }
  person.birth_date: { column: born, format: yyyy-MM }
  region: {}
  email: { column: a, value: b, clumn: c }
`);
    expect(mistakes).toEqual([
      '2:12 separator must be one character, or tab',
      '3:11 unknown encoding "utf-9": did you mean "utf-8"? allowed are utf-8, utf-16le, utf-16be, gb18030, gbk, big5, windows-1250, windows-1252, iso-8859-1, iso-8859-2, shift_jis, euc-kr',
      expect.stringMatching(/^4:1 unknown key "colour": allowed are rows, encoding, separator,/),
      expect.stringMatching(
        /^7:3 a party has no field "person.givn_name": did you mean "person.given_name"\? allowed are source_key, /,
      ),
      expect.stringMatching(/^8:40 "mann" is none of the words of "person.sex": .*allowed are female, male, other$/),
      expect.stringMatching(/^9:46 "yyyy-MM" is no date format: it lacks d; letters are /),
      '10:11 field "region" needs a column or a value',
      '11:30 field "email" has a column and a value; give one of them',
      expect.stringMatching(/^11:33 unknown key of field "email" "clumn": did you mean "column"\?/),
    ]);
  });

  it('names what is missing, what is no YAML and what is no mapping', () => {
    expect(mistakesIn('fields: {}')).toEqual([expect.stringMatching(/^1:1 "rows" is missing/)]);
    expect(mistakesIn('rows: party')).toEqual([expect.stringMatching(/^1:1 "fields" is missing/)]);
    expect(mistakesIn('rows: transaction\nfields:\n  source_key: id')).toEqual([
      '3:3 field "holding" is missing: a transaction needs it',
      '3:3 field "amount" is missing: a transaction needs it',
      '3:3 field "booking_date" is missing: a transaction needs it',
    ]);
    expect(mistakesIn('rows: [')[0]).toMatch(/^\d+:\d+ /);
    expect(mistakesIn('- a')).toEqual([expect.stringMatching(/^1:1 a mapping is a list of keys/)]);
    expect(mistakesIn('rows: party\nrows: holding\nfields: {}')[0]).toMatch(/^2:1 /);
  });

  it('never throws, whatever it is given', () => {
    fc.assert(fc.property(fc.string({ maxLength: 200 }), (text) => void readMapping(text)));
  });
});

describe('a file read through its mapping', () => {
  it('makes rows, and rejects with line, column, reason and value of those it cannot', async () => {
    const rows = await rowsIn(
      [
        'id;first;last;sex;born;mail',
        '1;Jana;"Nová;ková";F;13.12.1970;a@example.com, b@example.com',
        '2;Petr;Malý;X;1.1.1980;?',
        '3;Eva;Malá;F;31.2.1980;NULL',
        ';Eva;Malá;F;1.2.1980;',
        '5;zu;wenig',
        '',
        '6;=cmd|/c calc;@x;M;1.2.1980;',
      ].join('\r\n'),
      people,
    );
    expect(brief(rows)).toEqual([
      [2, 'client/1'],
      [3, 'sex', 'WORD_UNKNOWN', 'X'],
      [4, 'born', 'DATE_INVALID', '31.2.1980'],
      [5, 'id', 'VALUE_MISSING', ''],
      [6, '', 'COLUMN_COUNT', '5 zu wenig'],
      [8, 'client/6'],
    ]);
    expect(rows[0]?.row).toMatchObject({
      value: {
        party: {
          details: {
            $case: 'person',
            value: {
              givenName: 'Jana',
              familyName: 'Nová;ková',
              sex: 1,
              birthDate: { year: 1970, month: 12, day: 13 },
            },
          },
          contactPoints: [
            { point: { $case: 'email', value: 'a@example.com' }, preferred: true },
            { point: { $case: 'email', value: 'b@example.com' }, preferred: false },
          ],
        },
      },
    });
    // A formula stays the text that it is.
    expect(rows[5]?.row).toMatchObject({ value: { party: { details: { value: { givenName: '=cmd|/c calc' } } } } });
  });

  it('counts lines through cells of several lines', async () => {
    const rows = await rowsIn('id;first;last;sex;born;mail\n1;"A\nB";c;F;1.1.1990;\n2;x;y;Q;1.1.1990;\n', people);
    expect(brief(rows)).toEqual([
      [2, 'client/1'],
      [4, 'sex', 'WORD_UNKNOWN', 'Q'],
    ]);
  });

  it('ends at a quote that closes too early, opens in a cell or never closes, naming the line', async () => {
    const head = 'id;first;last;sex;born;mail\n1;Jana;x;F;1.1.1990;\n';
    const early = `${head}2;"Ja"na;x;F;1.1.1990;\n3;Eva;y;F;1.1.1990;\n`;
    await expect(rowsIn(early, people)).rejects.toThrow('people.csv:3: a quote closes before its cell ends');
    const inside = `${head}2;5" pipe;x;F;1.1.1990;\n`;
    await expect(rowsIn(inside, people)).rejects.toThrow('people.csv:3: a quote stands inside of a cell');
    expect(await rowsIn(inside, `quote: none\n${people}`)).toHaveLength(2);
    const open = `${head}2;"Eva;y;F;1.1.1990;\n3;Petr;y;M;1.1.1990;\n`;
    await expect(rowsIn(open, people)).rejects.toThrow('people.csv:3: a quote opens');
    const huge = `${head}2;${'x'.repeat(2_000_000)};y;F;1.1.1990;\n`;
    await expect(rowsIn(huge, people)).rejects.toThrow('people.csv:3: the record that begins here is longer');
  });

  it.each([
    ['utf-8 with a mark', 'utf-8', (text: string) => Buffer.from(`\uFEFF${text}`)],
    [
      'utf-16 with a mark, whatever the mapping says',
      'windows-1250',
      (text: string) => Buffer.from(`\uFEFF${text}`, 'utf16le'),
    ],
  ])('reads %s', async (_name, encoding, encode) => {
    const text = 'id;first;last;sex;born;mail\n1;Žofie;王;F;1.1.1990;\n';
    const rows = await rowsIn(encode(text), `encoding: ${encoding}\n${people}`);
    expect(rows[0]?.row).toMatchObject({
      value: { party: { details: { value: { givenName: 'Žofie', familyName: '王' } } } },
    });
  });

  it('reads GB18030 and windows-1250, and rejects bytes that are neither', async () => {
    const head = Buffer.from('id;first;last;sex;born;mail\n');
    const chinese = Buffer.concat([
      head,
      Buffer.from('1;'),
      Buffer.from([0xcd, 0xf5]),
      Buffer.from(';x;F;1.1.1990;\n'),
    ]);
    expect((await rowsIn(chinese, `encoding: gb18030\n${people}`))[0]?.row).toMatchObject({
      value: { party: { details: { value: { givenName: '王' } } } },
    });
    const czech = Buffer.concat([head, Buffer.from('1;'), Buffer.from([0x8e]), Buffer.from('ofie;x;F;1.1.1990;\n')]);
    expect((await rowsIn(czech, `encoding: windows-1250\n${people}`))[0]?.row).toMatchObject({
      value: { party: { details: { value: { givenName: 'Žofie' } } } },
    });
    expect(brief(await rowsIn(czech, people))).toEqual([[2, '', 'ENCODING_INVALID', expect.any(String)]]);
  });

  it('names columns that the file lacks with their place in the mapping', async () => {
    await expect(rowsIn('id;first;last;sex;mail\n', people)).rejects.toThrow(
      /mapping 10:3: the file has no column "born"\n {2}it has id, first, last, sex, mail/,
    );
    await expect(rowsIn('id;id\n', people)).rejects.toThrow('the column "id" occurs twice');
  });

  it('takes files without a header, lines before it, and only the rows that are asked for', async () => {
    const yaml = `rows: transaction
separator: tab
columns: [type, id, account, day, amount]
skip_lines: 2
currency: CZK
decimal: ","
group: "."
only: { type: [T, U] }
fields:
  source_key: id
  holding: account
  booking_date: { column: day, format: yyyyMMdd }
  amount: amount
  operation: { value: other }
`;
    const rows = await rowsIn('title\nmore\nT\t1\ta\t20240102\t-1.234,50\nX\t2\ta\t\t\nU\t3\ta\t20240103\t7\n', yaml);
    expect(rows.map(({ line, row }) => [Number(line), row?.value])).toMatchObject([
      [
        3,
        {
          sourceKey: '1',
          holdingSourceKey: 'a',
          transaction: { direction: 2, amount: { minorUnits: 123_450n, currencyCode: 'CZK' }, operation: 8 },
        },
      ],
      [5, { sourceKey: '3', transaction: { direction: 1, amount: { minorUnits: 700n } } }],
    ]);
  });

  it('makes relationships and behaviour', async () => {
    const related = await rowsIn(
      'a,b,r,s,d\nc/1,c/2,OWN,2500,31.01.2020\nc/1,c/3,PARTNER,,\n',
      'rows: relationship\ndate: dd.MM.yyyy\nfields:\n  party: a\n  other_party: b\n  kind: { column: r, map: { OWN: owner_of } }\n  share_basis_points: s\n  start_date: d\n',
    );
    expect(related[0]?.row?.value).toMatchObject({
      partySourceKey: 'c/1',
      otherPartySourceKey: 'c/2',
      relationship: { kind: 1, share: 2500, startDate: { year: 2020, month: 1, day: 31 } },
    });
    expect(related[1]?.row).toMatchObject({
      $case: 'unreadable',
      value: { kind: 21, field: 'r', reason: 'WORD_UNKNOWN', originalValue: 'PARTNER' },
    });
    const did = await rowsIn(
      'k,p,w,t\ne/1,c/1,2024-07-01 10:00,funds\n',
      'rows: behaviour\nzone: Europe/Prague\nfields:\n  key: k\n  party: p\n  kind: { value: page_view }\n  channel: { value: app }\n  topic: t\n  time: w\n',
    );
    expect(did[0]?.row?.value).toMatchObject({
      partySourceKey: 'c/1',
      event: { key: 'e/1', kind: 1, channel: 5, topic: 'funds', time: new Date('2024-07-01T08:00:00Z') },
    });
  });

  it('makes tags and consents that end, and says whom an unreadable row is about', async () => {
    const tags = await rowsIn(
      'p,t,u\nc/1,vip,2026-12-31 00:00\nc/2,,\nc/3,vip,soon\n',
      'rows: tag\nzone: Europe/Prague\nfields:\n  party: p\n  tag: t\n  expire_time: u\n',
    );
    expect(tags[0]?.row).toMatchObject({
      $case: 'tag',
      value: {
        partySourceKey: 'c/1',
        tag: { definition: 'tagDefinitions/vip', expireTime: new Date('2026-12-30T23:00:00Z') },
      },
    });
    expect(tags.slice(1).map(({ row }) => row)).toMatchObject([
      { $case: 'unreadable', value: { field: 't', reason: 'VALUE_MISSING', keys: ['c/2'] } },
      { $case: 'unreadable', value: { field: 'u', originalValue: 'soon', keys: ['c/3'] } },
    ]);
    const [consent] = await rowsIn(
      'p,e\nc/1,2026-12-31T00:00:00Z\n',
      'rows: consent\nfields:\n  party: p\n  purpose: { value: marketing }\n  channel: { value: email }\n  state: { value: granted }\n  text_version: { value: "1" }\n  expire_time: e\n',
    );
    expect(consent?.row?.value).toMatchObject({ consent: { expireTime: new Date('2026-12-31T00:00:00Z') } });
    const [holding] = await rowsIn(
      'k,o,g,t,d\nov/1,c/1,c/2|c/3,loan,never\n',
      'rows: holding\ncurrency: EUR\nfields:\n  source_key: k\n  owner: o\n  guarantors: g\n  kind: t\n  opened_date: d\n',
    );
    expect(holding?.row?.value).toMatchObject({ field: 'd', keys: ['ov/1', 'c/1', 'c/2', 'c/3'] });
  });

  it('makes holdings, interactions and consents', async () => {
    const holdings = await rowsIn(
      'k,o,g,t,d,lim\nov/1,c/1,c/2|c/3,overdraft,2024-01-02,500\n',
      'rows: holding\ncurrency: EUR\nfields:\n  source_key: k\n  owner: o\n  guarantors: g\n  kind: t\n  opened_date: d\n  overdraft.limit: lim\n',
    );
    expect(holdings[0]?.row?.value).toMatchObject({
      sourceKey: 'ov/1',
      otherOwners: [
        { partySourceKey: 'c/2', role: 3 },
        { partySourceKey: 'c/3', role: 3 },
      ],
      holding: { details: { $case: 'overdraft', value: { limit: { minorUnits: 50_000n, currencyCode: 'EUR' } } } },
    });
    const calls = await rowsIn(
      'k,p,w\ncall/1,c/1,2024-07-01 10:00\n',
      'rows: interaction\nzone: Europe/Prague\nfields:\n  source_key: k\n  party: p\n  channel: { value: phone }\n  direction: { value: inbound }\n  kind: { value: enquiry }\n  time: w\n',
    );
    expect(calls[0]?.row?.value).toMatchObject({ interaction: { channel: 3, time: new Date('2024-07-01T08:00:00Z') } });
    const consents = await rowsIn(
      'p,s\nc/1,ano\n',
      'rows: consent\nfields:\n  party: p\n  purpose: { value: marketing }\n  channel: { value: email }\n  state: { column: s, map: { ano: granted, ne: withdrawn } }\n  text_version: { value: "1" }\n',
    );
    expect(consents[0]?.row?.value).toMatchObject({ consent: { purpose: 'marketing', state: 1, textVersion: '1' } });
  });
});

describe('public files', () => {
  const data = path.resolve(__dirname, '../../../../../shared/data');
  const read = async (name: string, yaml: string) => {
    const mapping = mappingOf(yaml);
    const rows: ImportRow[] = [];
    for await (const row of rowsOf(await openTable(path.join(data, name), name, mapping), mapping)) rows.push(row);
    return rows;
  };

  it.each(['febrl/dataset4a.csv', 'febrl/dataset4b.csv'])(
    '%s, whose cells begin with a space, is read whole',
    async (name) => {
      const rows = await read(
        name,
        `rows: party
date: yyyyMMdd
fields:
  source_key: rec_id
  person.given_name: given_name
  person.family_name: surname
  person.birth_date: date_of_birth
  address.lines: { columns: [street_number, address_1] }
  address.locality: suburb
  address.postal_code: postcode
  address.country: { value: AU }
  identifier.tax_id: soc_sec_id
`,
      );
      expect(rows).toHaveLength(5_000);
      const unread = rows.filter(({ row }) => row?.$case === 'unreadable');
      // The copies of 4b hold planted mistakes; a day that is none is rejected, everything else is text.
      expect(new Set(brief(unread).map(([, field, reason]) => `${field} ${reason}`))).toEqual(
        new Set(name.includes('4b') ? ['date_of_birth DATE_INVALID'] : []),
      );
      expect(unread.length).toBeLessThan(300);
      expect(rows[0]?.row).toMatchObject({ $case: 'party' });
    },
  );

  it('complaints/cfpb-full.csv, with texts of several lines, is read line by line', async () => {
    const rows = await read(
      'complaints/cfpb-full.csv',
      `rows: interaction
date: yyyy/M/d
time: yyyy/M/d HH:mm
fields:
  source_key: Complaint ID
  party: { column: Complaint ID, prefix: "client/" }
  channel: { value: web }
  direction: { value: inbound }
  kind: { value: complaint }
  subject: Issue
  time: { value: "2024/1/1 00:00" }
`,
    );
    expect(rows).toHaveLength(6_623);
    expect(rows.filter(({ row }) => row?.$case === 'unreadable')).toEqual([]);
    expect(Number(rows.at(-1)?.line)).toBeGreaterThan(6_624);
  });
});

describe('values', () => {
  const plain = { decimal: '.', group: '', minor: false };
  it('reads back every amount that can be written', () => {
    const currencies = fc.constantFrom(['CZK', 2], ['JPY', 0], ['KWD', 3]) as fc.Arbitrary<[string, number]>;
    fc.assert(
      fc.property(
        fc.bigInt(-(10n ** 15n), 10n ** 15n),
        currencies,
        fc.boolean(),
        (minor, [currency, digits], behind) => {
          const size = (minor < 0n ? -minor : minor).toString().padStart(digits + 1, '0');
          const whole = size.slice(0, size.length - digits).replace(/\B(?=(\d{3})+$)/g, '.');
          const text = digits === 0 ? whole : `${whole},${size.slice(-digits)}`;
          const signed = minor < 0n ? (behind ? `${text}-` : `-${text}`) : text;
          expect(readMoney(signed, currency, { decimal: ',', group: '.', minor: false })).toEqual({ value: minor });
        },
      ),
    );
  });

  it.each([
    ['1.005', 'AMOUNT_TOO_FINE'],
    ['1,000.00', 'AMOUNT_INVALID'],
    ['1e3', 'AMOUNT_INVALID'],
    ['--1', 'AMOUNT_INVALID'],
    ['-1-', 'AMOUNT_INVALID'],
    ['', 'AMOUNT_INVALID'],
    ['.5', 'AMOUNT_INVALID'],
  ])('refuses the amount "%s"', (text, reason) => {
    expect(readMoney(text, 'EUR', plain)).toEqual({ reason });
  });

  it('reads amounts in brackets, with spaces, in minor units', () => {
    expect(readMoney('(12.50)', 'EUR', plain)).toEqual({ value: -1250n });
    expect(readMoney('1\u00a0234.5', 'EUR', plain)).toEqual({ value: 123_450n });
    expect(readMoney('1250', 'EUR', { ...plain, minor: true })).toEqual({ value: 1250n });
    expect(readMoney('1', 'eur', plain)).toEqual({ reason: 'CURRENCY_INVALID' });
  });

  it('reads days and times by their formats', () => {
    expect(readDay('930101', 'yyMMdd')).toEqual({ value: { year: 1993, month: 1, day: 1 } });
    expect(readDay('1.2.2024', 'd.M.yyyy')).toEqual({ value: { year: 2024, month: 2, day: 1 } });
    expect(readDay('1a2a2024', 'd.M.yyyy')).toEqual({ reason: 'DATE_INVALID' });
    const summer = { value: new Date('2024-07-01T10:00:00Z') };
    expect(readTime('2024-07-01T12:00:00+02:00', 'iso', 'UTC')).toEqual(summer);
    expect(readTime('2024-07-01T12:00:00', 'iso', 'Europe/Prague')).toEqual(summer);
    expect(readTime('01/07/2024 12:00', 'dd/MM/yyyy HH:mm', 'Europe/Prague')).toEqual(summer);
    expect(readTime('01/07/2024 25:00', 'dd/MM/yyyy HH:mm', 'UTC')).toEqual({ reason: 'TIME_INVALID' });
  });
});
