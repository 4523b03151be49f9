import fc from 'fast-check';
import pg from 'pg';
import { testDatabase, type TestDatabase } from '@rapport/test/kit';
import { openDatabase } from './database.js';
import { sql } from './sql.js';
import { textArray, timestamp } from './text-parsers.js';
import type { Database } from './types.js';

const generalTexts = pg.types.getTypeParser(1009 as number, 'text') as (text: string) => (string | null)[];
const generalTime = pg.types.getTypeParser(1184 as number, 'text') as (text: string) => Date | null;

let database: TestDatabase;
let db: Database;

beforeAll(async () => {
  database = await testDatabase('kit');
  db = openDatabase({ url: database.url, application: 'test' });
});
afterAll(async () => {
  await db.close();
  await database.drop();
});

describe('arrays of texts', () => {
  const word = fc.constantFrom(
    '',
    'NULL',
    'null',
    'a,b',
    '{',
    '}',
    '"',
    '\\',
    ' ',
    'phone.missing',
    'Žižkov',
    '李',
    '\n',
  );
  const item = fc.oneof(word, fc.string({ maxLength: 5 }), fc.constant(null));

  it('come back as they were written', async () => {
    const printable = item.filter((text) => text === null || !text.includes('\0'));
    await fc.assert(
      fc.asyncProperty(fc.array(printable, { maxLength: 5 }), async (items) => {
        const { texts } = await db.system.one<{ texts: (string | null)[] }>(sql`SELECT ${items}::text[] AS texts`);
        expect(texts).toEqual(items);
      }),
      { numRuns: 200 },
    );
  });

  it('ask the general parser for what is not plain, and for that alone', () => {
    const asked: string[] = [];
    const parse = textArray((text) => {
      asked.push(text);
      return generalTexts(text);
    });
    expect(parse('{a,b.c,d_e}')).toEqual(['a', 'b.c', 'd_e']);
    expect(parse('{}')).toEqual([]);
    expect(asked).toEqual([]);
    expect(parse('{{a,b},{c,d}}')).toEqual([
      ['a', 'b'],
      ['c', 'd'],
    ]);
    expect(parse('[0:1]={a,b}')).toEqual(['a', 'b']);
    expect(parse('{a,NULL}')).toEqual(['a', null]);
    expect(asked).toHaveLength(3);
  });
});

describe('times', () => {
  it('come back to the millisecond in every time zone of the session', async () => {
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    const zone = fc.constantFrom('UTC', 'Europe/Prague', 'Asia/Kolkata', 'America/St_Johns', 'Pacific/Chatham');
    const time = fc.date({
      min: new Date('1900-01-01T00:00:00Z'),
      max: new Date('9998-12-31T00:00:00Z'),
      noInvalidDate: true,
    });
    const parse = timestamp(generalTime);
    try {
      await fc.assert(
        fc.asyncProperty(zone, time, async (name, at) => {
          await client.query(`SET TIME ZONE '${name}'`);
          const { rows } = await client.query<{ text: string }>('SELECT $1::timestamptz::text AS text', [
            at.toISOString(),
          ]);
          expect(parse(rows[0]?.text ?? '')).toEqual(at);
        }),
        { numRuns: 200 },
      );
    } finally {
      await client.end();
    }
  });

  it.each([
    ['2026-03-29 01:59:59.999999+01', '2026-03-29T00:59:59.999Z'],
    ['2026-03-29 01:59:59+00', '2026-03-29T01:59:59.000Z'],
    ['2026-03-29 01:59:59.5-03:30', '2026-03-29T05:29:59.500Z'],
    ['2026-12-31 23:59:59.29+00', '2026-12-31T23:59:59.290Z'],
  ])('read %s', (text, iso) => {
    const never = (): never => {
      throw new Error('the general parser was asked');
    };
    expect(timestamp(never)(text)?.toISOString()).toBe(iso);
  });

  it.each(['0044-03-15 12:00:00+00 BC', '12026-01-01 00:00:00+00', 'infinity', '1850-01-01 00:00:00+00:57:44', ''])(
    'leave %s to the general parser',
    (text) => {
      expect(timestamp(generalTime)(text)).toEqual(generalTime(text));
    },
  );
});
