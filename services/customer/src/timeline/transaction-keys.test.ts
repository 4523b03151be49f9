import { type Database, everything, openDatabase, sql } from '@rapport/kit/db';
import { testDatabase, type TestDatabase } from '@rapport/test/kit';
import { claimFreshKeys, claimKeysOfTransactions, contentOfKeys } from './transaction-keys.js';

let database: TestDatabase;
let db: Database;

beforeAll(async () => {
  database = await testDatabase('customer');
  db = openDatabase({ url: database.url, application: 'keys', max: 3 });
});

afterAll(async () => {
  await db.close();
  await database.drop();
});

beforeEach(async () => {
  await db.system.run(sql`TRUNCATE transaction_key, natural_key, transaction`);
});

const key = (sourceKey: string, content = 1n) => ({ sourceKey, content });
const known = () => db.transaction(everything, (tx) => contentOfKeys(tx, 'core', ['a', 'b', 'c']));

describe('the keys of transactions', () => {
  it('are claimed all or none, and the transaction goes on', async () => {
    expect(await db.transaction(everything, (tx) => claimFreshKeys(tx, 'core', [key('a', -7n)]))).toBe(true);
    await db.transaction(everything, async (tx) => {
      expect(await claimFreshKeys(tx, 'core', [key('c'), key('a'), key('b')])).toBe(false);
      expect(await claimKeysOfTransactions(tx, 'core', [key('a', 2n), key('b', 2n)])).toEqual(new Set(['b']));
      expect(await claimFreshKeys(tx, 'branch', [key('a')])).toBe(true);
    });
    expect(await known()).toEqual(
      new Map([
        ['a', -7n],
        ['b', 2n],
      ]),
    );
  });

  it('wait for another import that claims the same, and are free when it gives up', async () => {
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const first = db.transaction(everything, async (tx) => {
      await claimFreshKeys(tx, 'core', [key('a')]);
      await held;
      throw new Error('it broke');
    });
    const second = db.transaction(everything, (tx) => claimFreshKeys(tx, 'core', [key('a'), key('b')]));
    setTimeout(release, 200);
    await expect(first).rejects.toThrow('it broke');
    expect(await second).toBe(true);
  });

  it('hold against a version that keeps them with all other keys', async () => {
    const before = (sourceKey: string) =>
      db.system.run(sql`
        INSERT INTO natural_key (source, kind, source_key, party_id, id, content)
        VALUES ('core', 2, ${sourceKey}, gen_random_uuid(), gen_random_uuid(), 5)`);
    await before('a');
    expect(await known()).toEqual(new Map([['a', 5n]]));
    await db.transaction(everything, (tx) => claimFreshKeys(tx, 'core', [key('b')]));
    await expect(before('b')).rejects.toMatchObject({ code: '23505' });
  });

  it('are freed by what empties or deletes the transaction', async () => {
    await db.transaction(everything, (tx) => claimFreshKeys(tx, 'core', [key('a'), key('b'), key('c')]));
    await db.system.run(sql`
      INSERT INTO transaction (party_id, holding_id, time, sequence, transaction_id, booking_date, direction, operation,
        amount, currency, source, source_key, organisation_path)
      SELECT gen_random_uuid(), gen_random_uuid(), now(), 1, gen_random_uuid(), current_date, 1, 1, 1, 'CZK', 'core', k, '/'
      FROM unnest(ARRAY['a', 'b', 'c']) AS k`);
    await db.system.run(sql`UPDATE transaction SET category = 'x'`);
    await db.system.run(sql`UPDATE transaction SET source = NULL, source_key = NULL WHERE source_key = 'a'`);
    await db.system.run(sql`DELETE FROM transaction WHERE source_key = 'b'`);
    expect(await known()).toEqual(new Map([['c', 1n]]));
  });
});
