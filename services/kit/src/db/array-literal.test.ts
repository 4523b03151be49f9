import fc from 'fast-check';
import pg from 'pg';
import { testDatabase, type TestDatabase } from '@rapport/test/kit';
import { arrayLiteral } from './array-literal.js';

describe('arrayLiteral', () => {
  let database: TestDatabase;
  let client: pg.Client;
  beforeAll(async () => {
    database = await testDatabase('kit');
    client = new pg.Client({ connectionString: database.url });
    await client.connect();
  });
  afterAll(async () => {
    await client.end();
    await database.drop();
  });

  it('comes back from Postgres as it went in', async () => {
    const texts = fc.array(fc.option(fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0'))));
    await fc.assert(
      fc.asyncProperty(texts, async (values) => {
        const { rows } = await client.query('SELECT $1::text[] AS given', [arrayLiteral(values)]);
        expect(rows[0]).toEqual({ given: values });
      }),
      { numRuns: 100, examples: [[['a,b', '{}', 'NULL', 'null', '', '"', '\\', ' x ', 'é𐍈\n']]] },
    );
    const { rows } = await client.query(
      'SELECT $1::bigint[] AS a, $2::timestamptz[] AS b, $3::boolean[] AS c, $4::int[] AS d',
      [
        arrayLiteral([2n ** 62n, null]),
        arrayLiteral([new Date('1994-03-31T22:00:00.123Z')]),
        arrayLiteral([true, false]),
        arrayLiteral([]),
      ],
    );
    expect(rows[0]).toEqual({
      a: [String(2n ** 62n), null],
      b: [new Date('1994-03-31T22:00:00.123Z')],
      c: [true, false],
      d: [],
    });
  });

  it('leaves what it does not know to pg', () => {
    const bytes = [Buffer.from('a')];
    expect(arrayLiteral(bytes)).toBe(bytes);
    const nested = [['a']];
    expect(arrayLiteral(nested)).toBe(nested);
  });
});
