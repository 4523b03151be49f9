import { testDatabase, type TestDatabase } from '@rapport/test/kit';
import fc from 'fast-check';
import { copyColumns, copyWriter } from './copy-writer.js';
import { openDatabase } from './database.js';
import { everything } from './scope.js';
import { sql } from './sql.js';
import type { Database } from './types.js';

let database: TestDatabase;
let db: Database;

beforeAll(async () => {
  database = await testDatabase('kit');
  db = openDatabase({ url: database.url, application: 'copy', max: 2 });
  await db.system.run(sql`CREATE TABLE copied (place int, small smallint, large bigint, said text, id uuid, day date,
    time timestamptz(3), bytes bytea, shared text)`);
});

afterAll(async () => {
  await db.close();
  await database.drop();
});

beforeEach(() => db.system.run(sql`DELETE FROM copied WHERE place > 0 OR place <= 0`));

const table = sql`copied (place, small, large, said, id, day, time, bytes, shared)`;
const millisecond = fc.date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true });
const rows = fc.array(
  fc.record({
    small: fc.integer({ min: -32768, max: 32767 }),
    large: fc.option(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n)),
    said: fc.string({ unit: 'grapheme', maxLength: 100 }).filter((text) => !text.includes('\0')),
    id: fc.uuid(),
    day: millisecond.map((date) => date.toISOString().slice(0, 10)),
    time: fc.option(millisecond),
    bytes: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  }),
  { maxLength: 60 },
);

describe('copy', () => {
  it('writes rows that come back as they were', async () => {
    // Small at first, so that it has to grow.
    const writer = copyWriter(32);
    await fc.assert(
      fc.asyncProperty(rows, async (given) => {
        given.forEach(({ small, large, said, id, day, time, bytes }, place) => {
          writer.row(9);
          writer.int4(place);
          writer.int2(small);
          if (large === null) writer.null();
          else writer.int8(large);
          writer.text(said);
          writer.uuid(id);
          writer.date(day);
          if (time === null) writer.null();
          else writer.timestamptz(time);
          writer.bytea(bytes);
          writer.columns(copyColumns((shared) => shared.text('žluťoučký')));
        });
        const data = writer.finish();
        const found = await db.transaction(everything, async (tx) => {
          expect(await tx.copy(table, data)).toBe(given.length);
          const all = await tx.rows<{ shared: string }>(sql`
            SELECT small, large, said, id, day, time, bytes, shared FROM copied ORDER BY place`);
          await tx.run(sql`DELETE FROM copied WHERE place >= 0`);
          return all;
        });
        expect(found).toEqual(given.map((row) => ({ ...row, shared: 'žluťoučký' })));
      }),
      { numRuns: 50 },
    );
  });

  it('sends more than one piece', async () => {
    const writer = copyWriter();
    for (let place = 0; place < 20_000; place += 1) {
      writer.row(9);
      writer.int4(place);
      for (let column = 1; column < 9; column += 1) writer.null();
    }
    await db.transaction(everything, (tx) => tx.copy(table, writer.finish()));
    expect(await db.system.one(sql`SELECT count(*) AS n, max(place) AS last FROM copied`)).toEqual({
      n: 20_000n,
      last: 19_999,
    });
  });

  it('fails with what Postgres says, and the connection goes on', async () => {
    const writer = copyWriter();
    writer.row(9);
    writer.text('no number');
    for (let column = 1; column < 9; column += 1) writer.null();
    const data = writer.finish();
    await expect(db.transaction(everything, (tx) => tx.copy(table, data))).rejects.toMatchObject({ code: '22P03' });
    await expect(
      db.transaction(everything, async (tx) => {
        await tx.run(sql`INSERT INTO copied (place) VALUES (1)`);
        await tx.run(sql`SAVEPOINT before`);
        await expect(tx.copy(table, data)).rejects.toThrow();
        await tx.run(sql`ROLLBACK TO before`);
      }),
    ).resolves.toBeUndefined();
    expect(await db.system.one(sql`SELECT count(*) AS n FROM copied`)).toEqual({ n: 1n });
  });
});
