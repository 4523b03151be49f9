import { generateKeyPairSync } from 'node:crypto';
import { testAuth, testDatabase, type TestDatabase } from '@rapport/test/kit';
import pg from 'pg';
import { type Database, everything, openDatabase, sql } from '../db/index.js';
import {
  audit,
  readPublicKeys,
  readSigningKey,
  type SigningKey,
  sealAudit,
  signRoot,
  startSealer,
  systemCaller,
  verifyAudit,
} from './index.js';

const caller = systemCaller('kit', 'test');
const pair = generateKeyPairSync('ed25519');
const signing: SigningKey = { key: pair.privateKey, id: 'test' };
const publicKeys = new Map([['test', pair.publicKey]]);

let database: TestDatabase;
let db: Database;

beforeEach(async () => {
  database = await testDatabase('kit');
  db = openDatabase({ url: database.url, application: 'chain-test' });
});
afterEach(async () => {
  await db.close();
  await database.drop();
});

async function fill(count: number, name = 'parties'): Promise<void> {
  for (let index = 0; index < count; index += 1)
    await audit(db, caller, { resource: `${name}/${index}`, change: { index } });
}

/** As somebody with every right in Postgres, who switches the guards off. */
async function tamper(...statements: string[]): Promise<void> {
  const client = new pg.Client({ connectionString: database.superuserUrl });
  await client.connect();
  try {
    await client.query('SET session_replication_role = replica');
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}

async function seal(): Promise<number> {
  let total = 0;
  for (let count = await sealAudit(db); count > 0; count = await sealAudit(db)) total += count;
  return total;
}

describe('the chain', () => {
  it('holds every record once, without gaps, and verifies', async () => {
    await fill(30);
    expect(await sealAudit(db, 20)).toBe(20);
    expect(await verifyAudit(db)).toMatchObject({ ok: true, records: 20n, unsealed: 10n, roots: 0 });
    expect(await seal()).toBe(10);
    await signRoot(db, signing);
    expect(await verifyAudit(db, { publicKeys })).toMatchObject({ ok: true, records: 30n, unsealed: 0n, roots: 1 });
    expect(await seal()).toBe(0);
  });

  it('verifies when there is nothing', async () => {
    expect(await signRoot(db, signing)).toBeUndefined();
    expect(await verifyAudit(db)).toEqual({ ok: true, records: 0n, unsealed: 0n, roots: 0, first: 1n, last: 0n });
  });

  it('waits for a transaction that began earlier and commits later, and skips none', async () => {
    let release: (() => void) | undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let begun: (() => void) | undefined;
    const began = new Promise<void>((resolve) => {
      begun = resolve;
    });
    const late = db.transaction(everything, async (tx) => {
      await audit(tx, caller, { resource: 'late/1' });
      begun?.();
      await held;
    });
    await began;
    await audit(db, caller, { resource: 'early/1' });
    expect(await seal()).toBe(0);
    release?.();
    await late;
    expect(await seal()).toBe(2);
    const order = await db.system.rows(sql`SELECT resource FROM kit.audit ORDER BY chain_seq`);
    expect(order).toEqual([{ resource: 'late/1' }, { resource: 'early/1' }]);
  });

  it('stays whole when several sealers and writers work at once', async () => {
    const others = [1, 2].map(() => openDatabase({ url: database.url, application: 'chain-test', max: 2 }));
    let writing = true;
    const sealers = others.map(async (other) => {
      while (writing) await sealAudit(other, 7);
    });
    await Promise.all([fill(60, 'a'), fill(60, 'b'), fill(60, 'c')]);
    writing = false;
    await Promise.all(sealers);
    await seal();
    expect(await verifyAudit(db)).toMatchObject({ ok: true, records: 180n, unsealed: 0n });
    await Promise.all(others.map((other) => other.close()));
  });

  it('is sealed and signed by the job', async () => {
    await fill(3);
    const job = startSealer({ db, signing, everyMs: 20, rootEveryMs: 40 });
    for (let tries = 0; tries < 200; tries += 1) {
      const verdict = await verifyAudit(db, { publicKeys });
      if (verdict.roots === 1 && verdict.records === 3n) break;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await job.stop();
    expect(await verifyAudit(db, { publicKeys })).toMatchObject({ ok: true, records: 3n, roots: 1 });
  });

  it('takes the key of a service for signing and the published keys for verifying', async () => {
    await fill(1);
    await seal();
    const root = await signRoot(db, readSigningKey(testAuth().keyFile('customer')));
    expect(root?.keyId).toBe('customer');
    expect(await signRoot(db, readSigningKey(testAuth().keyFile('customer')))).toBeUndefined();
    expect(await verifyAudit(db, { publicKeys: readPublicKeys(testAuth().jwksFile) })).toMatchObject({
      ok: true,
      roots: 1,
    });
  });
});

describe('verifyAudit names the first record that is not as it was sealed', () => {
  beforeEach(async () => {
    await fill(12);
    await seal();
    await signRoot(db, signing);
    expect(await verifyAudit(db, { publicKeys })).toMatchObject({ ok: true, records: 12n });
  });

  it.each([
    ['the resource', `resource = resource || ' '`],
    ['the actor', `actor = 'somebody'`],
    ['the action', `action = 'other'`],
    ['the roles', `roles = '{}'`],
    ['the purpose', `purpose = 'other'`],
    ['the detail', `detail = jsonb_set(detail, '{change,index}', '99')`],
    ['the time by a microsecond', `at = at + interval '1 microsecond'`],
    ['the trace', `trace_id = 'abc'`],
    ['one bit of the hash', `hash = set_bit(hash, 77, 1 - get_bit(hash, 77))`],
    ['the hash to nothing', `hash = NULL`],
  ])('when %s was changed', async (_what, change) => {
    await tamper(`UPDATE kit.audit SET ${change} WHERE chain_seq = 5`);
    const { id } = await db.system.one<{ id: string }>(sql`SELECT id FROM kit.audit WHERE chain_seq = 5`);
    expect(await verifyAudit(db)).toMatchObject({ ok: false, records: 4n, broken: { seq: 5n, id, reason: 'changed' } });
  });

  it('when a row was deleted', async () => {
    await tamper('DELETE FROM kit.audit WHERE chain_seq = 7');
    expect(await verifyAudit(db)).toMatchObject({ ok: false, broken: { seq: 7n, reason: 'missing' } });
  });

  it('when the first row was deleted', async () => {
    await tamper('DELETE FROM kit.audit WHERE chain_seq = 1');
    expect(await verifyAudit(db)).toMatchObject({ ok: false, broken: { seq: 1n, reason: 'missing' } });
  });

  it('when the end was cut off', async () => {
    await tamper('DELETE FROM kit.audit WHERE chain_seq > 10');
    expect(await verifyAudit(db)).toMatchObject({ ok: false, records: 10n, broken: { seq: 11n, reason: 'missing' } });
  });

  it('when all was deleted', async () => {
    await tamper('DELETE FROM kit.audit');
    expect(await verifyAudit(db)).toMatchObject({ ok: false, records: 0n, broken: { seq: 1n, reason: 'missing' } });
  });

  it('when two rows were swapped', async () => {
    await tamper(
      'UPDATE kit.audit SET chain_seq = -4 WHERE chain_seq = 4',
      'UPDATE kit.audit SET chain_seq = 4 WHERE chain_seq = 8',
      'UPDATE kit.audit SET chain_seq = 8 WHERE chain_seq = -4',
    );
    expect(await verifyAudit(db)).toMatchObject({ ok: false, broken: { seq: 4n, reason: 'changed' } });
  });

  it('when two rows were swapped with their hashes', async () => {
    await tamper(
      `UPDATE kit.audit AS a SET resource = b.resource, detail = b.detail, at = b.at, id = gen_random_uuid()
       FROM kit.audit AS b WHERE (a.chain_seq, b.chain_seq) IN ((4, 8), (8, 4))`,
    );
    expect(await verifyAudit(db)).toMatchObject({ ok: false, broken: { seq: 4n, reason: 'changed' } });
  });

  it('when a row was deleted and the rest was sealed anew', async () => {
    await tamper(
      'DELETE FROM kit.audit WHERE chain_seq = 3',
      'UPDATE kit.audit SET chain_seq = NULL, hash = NULL, prev_hash = NULL WHERE chain_seq > 3',
    );
    await seal();
    await fill(1, 'more');
    await seal();
    expect(await verifyAudit(db)).toMatchObject({ ok: false, broken: { seq: 12n, reason: 'root_mismatch' } });
  });

  it('when the root was rewritten too, without the key', async () => {
    await tamper(
      'DELETE FROM kit.audit WHERE chain_seq = 3',
      'UPDATE kit.audit SET chain_seq = NULL, hash = NULL, prev_hash = NULL WHERE chain_seq > 3',
    );
    await seal();
    await tamper(
      `UPDATE kit.audit_root SET (seq, hash) = (SELECT chain_seq, hash FROM kit.audit ORDER BY chain_seq DESC NULLS LAST LIMIT 1)`,
    );
    expect(await verifyAudit(db, { publicKeys })).toMatchObject({
      ok: false,
      broken: { seq: 11n, reason: 'root_signature' },
    });
  });
});

describe('a part of the chain', () => {
  /** Thirty records with signed roots at 10 and 20. */
  beforeEach(async () => {
    for (const root of [true, true, false]) {
      await fill(10);
      await seal();
      if (root) await signRoot(db, signing);
    }
  });
  const from = (position: bigint, limit?: bigint) =>
    verifyAudit(db, { publicKeys, from: position, ...(limit && { limit }) });

  it('is walked from the signed root before it, which is checked too', async () => {
    expect(await from(15n)).toEqual({ ok: true, records: 20n, unsealed: 0n, roots: 1, first: 11n, last: 30n });
    expect(await from(11n)).toMatchObject({ ok: true, records: 20n, first: 11n });
    expect(await from(30n)).toMatchObject({ ok: true, records: 10n, roots: 0, first: 21n });
    expect(await from(31n)).toMatchObject({ ok: true, records: 10n, first: 21n });
    // No root stands before it: the hash of the record before it is given.
    expect(await from(5n)).toMatchObject({ ok: true, records: 26n, roots: 2, first: 5n });
  });

  it('leaves alone what lies before its root, and no more', async () => {
    await tamper(`UPDATE kit.audit SET actor = 'somebody' WHERE chain_seq IN (4, 14)`);
    expect(await verifyAudit(db, { publicKeys })).toMatchObject({ broken: { seq: 4n } });
    expect(await from(18n)).toMatchObject({ records: 3n, broken: { seq: 14n, reason: 'changed' } });
    expect(await from(25n)).toMatchObject({ ok: true, records: 10n });
  });

  it('is refused when its root does not fit, was forged or stands on nothing', async () => {
    await tamper(`UPDATE kit.audit SET hash = set_bit(hash, 3, 1 - get_bit(hash, 3)) WHERE chain_seq = 20`);
    expect(await from(25n)).toMatchObject({ records: 0n, broken: { seq: 20n, reason: 'root_mismatch' } });
    await tamper(`UPDATE kit.audit_root SET hash = (SELECT hash FROM kit.audit WHERE chain_seq = 20) WHERE seq = 20`);
    expect(await from(25n)).toMatchObject({ broken: { seq: 20n, reason: 'root_signature' } });
    await tamper('DELETE FROM kit.audit WHERE chain_seq = 20');
    expect(await from(25n)).toMatchObject({ broken: { seq: 20n, reason: 'missing' } });
  });

  it('says that the end was cut off, also from behind the end', async () => {
    await signRoot(db, signing);
    await tamper('DELETE FROM kit.audit WHERE chain_seq > 27');
    expect(await from(25n)).toMatchObject({ broken: { seq: 28n, reason: 'missing' } });
    expect(await from(99n)).toMatchObject({ broken: { seq: 30n, reason: 'missing' } });
  });

  it('walked part by part gives what one walk gives', async () => {
    let at = 1n;
    let calls = 0;
    for (; at > 0n; calls += 1) {
      const { ok, next } = await from(at, 12n);
      expect(ok).toBe(true);
      at = next ?? 0n;
    }
    expect(calls).toBe(3);
    await tamper('DELETE FROM kit.audit WHERE chain_seq = 23');
    expect(await from(1n, 12n)).toMatchObject({ ok: true, next: 13n });
    expect(await from(13n, 3n)).toMatchObject({ ok: true, first: 11n, records: 5n, next: 16n });
    expect(await from(16n, 12n)).toMatchObject({ broken: { seq: 23n, reason: 'missing' } });
  });
});
