import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { OperatorError } from '../suite.js';
import { readMapping } from './mapping.js';
import { type Labelled, pairwiseQuality } from './quality.js';
import { birthDigits, type FileRecord, readRecords } from './records.js';

const dir = mkdtempSync(path.join(tmpdir(), 'match-'));
afterAll(() => rmSync(dir, { recursive: true }));

const file = (name: string, text: string | Buffer): string => {
  const full = path.join(dir, name);
  writeFileSync(full, text);
  return full;
};
const fault = (yaml: string): string => {
  try {
    readMapping(file('bad.yaml', yaml));
  } catch (error) {
    if (error instanceof OperatorError) return error.message.replaceAll(dir, '');
    throw error;
  }
  return 'none';
};
const readAll = async (csv: string | Buffer, yaml: string): Promise<FileRecord[]> => {
  const found: FileRecord[] = [];
  for await (const one of readRecords(file('people.csv', csv), readMapping(file('map.yaml', yaml)), 0)) found.push(one);
  return found;
};

describe('the mapping', () => {
  it.each(['febrl', 'people'])('%s.yaml is valid', (name) => {
    const { mapping } = readMapping(path.join(__dirname, `../../mappings/${name}.yaml`));
    expect(mapping.fields.family_name).toBe('surname');
  });

  it.each([
    ['a field that there is not', 'fields:\n  given_name: a\n  nickname: b\n', '/bad.yaml:3: fields.nickname'],
    [
      'a format without its parts',
      'fields:\n  birth_date:\n    column: b\n    format: DD/MM\n',
      '/bad.yaml:4: fields.birth_date.format',
    ],
    ['an encoding that there is not', 'encoding: klingon\nfields: { given_name: a }\n', '/bad.yaml:1: encoding'],
    ['no field at all', 'key: id\nfields: {}\n', '/bad.yaml:2: fields'],
    ['what is no YAML', 'fields:\n  given_name: "a\n', '/bad.yaml:'],
    [
      'a broken pattern',
      'truth:\n  column: t\n  pattern: "("\nfields: { given_name: a }\n',
      '/bad.yaml:3: truth.pattern',
    ],
  ])('of %s is refused with its line', (_what, yaml, expected) => expect(fault(yaml)).toContain(expected));

  it('of a column that the file lacks is refused with the line that names it', async () => {
    const reading = readAll('first,last\na,b\n', 'fields:\n  given_name: first\n  family_name: surname\n');
    await expect(reading).rejects.toThrow(
      /map\.yaml:3: .*people\.csv has no column "surname"\nits columns are: first, last/,
    );
  });
});

describe('the file', () => {
  const yaml =
    'key: id\ntruth: { column: id, pattern: "^r(\\\\d+)" }\nfields: { given_name: first, family_name: last, birth_date: { column: born, format: DD.MM.YYYY } }\n';

  it.each([
    ['spaces and CRLF', 'id, first, last, born\r\nr1-a, Jana, Nováková, 13.12.1970\r\n'],
    ['a byte order mark', '\uFEFFid,first,last,born\nr1-a,Jana,Nováková,13.12.1970\n'],
    ['quoted cells and other columns', 'x,id,first,last,born\n1,r1-a,"Jana","Nováková",13.12.1970\n'],
  ])('with %s is read', async (_what, csv) => {
    const [only] = await readAll(csv, yaml);
    expect(only).toMatchObject({ key: 'r1-a', truth: '1', line: 2 });
    expect(only?.record).toMatchObject({ givenName: 'Jana', familyName: 'Nováková', birthDate: '19701213' });
  });

  it.each([
    ['windows-1250', 'Žofie', [0x8e, 0x6f, 0x66, 0x69, 0x65]],
    ['gb18030', '王芳', [0xcd, 0xf5, 0xb7, 0xbc]],
  ])('in %s is read as its mapping says, and refused with its line as anything else', async (encoding, name, bytes) => {
    const csv = Buffer.concat([
      Buffer.from('id,first,last,born\nr1-a,Jana,x,\nr2-a,'),
      Buffer.from(bytes),
      Buffer.from(',x,\n'),
    ]);
    const [, second] = await readAll(csv, `encoding: ${encoding}\n${yaml}`);
    expect(second?.record.givenName).toBe(name);
    await expect(readAll(csv, yaml)).rejects.toThrow(
      /people\.csv:3: bytes that are no utf-8; .*encoding: windows-1250/,
    );
  });

  it.each([
    ['Jana Marie Nováková', 'Jana Marie', 'Nováková'],
    ['Nováková, Jana Marie', 'Jana Marie', 'Nováková'],
    ['欧阳娜娜', '', '欧阳娜娜'],
  ])('with whole names such as %s is read', async (whole, givenName, familyName) => {
    const [only] = await readAll(`name\n"${whole}"\n`, 'fields: { full_name: name }\n');
    expect(only?.record).toMatchObject({ givenName, familyName });
  });

  it('that names a column twice, is no file or is not there is refused', async () => {
    await expect(readAll('id,first,last,born,first\n', yaml)).rejects.toThrow(
      'people.csv:1: the column "first" occurs twice',
    );
    const from = readMapping(file('map.yaml', yaml));
    await expect(readRecords(dir, from, 0).next()).rejects.toThrow('is no file');
    await expect(readRecords(path.join(dir, 'none.csv'), from, 0).next()).rejects.toThrow('is not there');
  });

  it('with a row of another width is refused with its line', async () => {
    await expect(readAll('id,first,last,born\nr1,a,b,\nr2,a\n', yaml)).rejects.toThrow(/people\.csv:3/);
  });
});

test.each([
  ['1970-12-13', 'YYYY-MM-DD', '19701213'],
  ['19701213', 'YYYYMMDD', '19701213'],
  ['1.2.1970', 'DD.MM.YYYY', '19700201'],
  ['13121970', 'DDMMYYYY', '19701213'],
  ['19701340', 'YYYYMMDD', '19701340'],
  ['unknown', 'YYYY-MM-DD', ''],
  ['1970', 'YYYY-MM-DD', ''],
])('birthDigits of %s as %s is "%s"', (text, format, digits) => expect(birthDigits(text, format)).toBe(digits));

test('pairwise quality counts what counting pair by pair counts', () => {
  const record = fc.record({ dataset: fc.nat(1), cluster: fc.nat(4), truth: fc.constantFrom('', 'a', 'b', 'c') });
  fc.assert(
    fc.property(fc.array(record, { maxLength: 25 }), fc.boolean(), (records: Labelled[], across) => {
      const count = { predicted_pairs: 0, true_pairs: 0, correct_pairs: 0 };
      records.forEach((a, at) => {
        for (const b of records.slice(at + 1)) {
          if (a.truth === '' || b.truth === '' || (across && a.dataset === b.dataset)) continue;
          count.predicted_pairs += a.cluster === b.cluster ? 1 : 0;
          count.true_pairs += a.truth === b.truth ? 1 : 0;
          count.correct_pairs += a.cluster === b.cluster && a.truth === b.truth ? 1 : 0;
        }
      });
      expect(pairwiseQuality(records, across)).toMatchObject(count);
    }),
  );
});
