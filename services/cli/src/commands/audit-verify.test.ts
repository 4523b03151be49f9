import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { audit, readSigningKey, sealAudit, signRoot, systemCaller, auditVerifier } from '@rapport/kit/crypto';
import { type Database, openDatabase } from '@rapport/kit/db';
import { operations } from '@rapport/kit/events';
import { client, startServer } from '@rapport/kit/rpc';
import { createHealth } from '@rapport/kit/runtime';
import { descriptorSet } from '@rapport/proto';
import { OperationsServiceService } from '@rapport/proto/operations/v1';
import { testAuth, testDatabase, type TestDatabase, testToken } from '@rapport/test/kit';
import pg from 'pg';
import type { Clients } from '../clients.js';
import { verifyAudit } from './audit-verify.js';

const RECORDS = 30;
let database: TestDatabase;
let db: Database;
let clients: Pick<Clients, 'operations'>;
let stop: () => Promise<void>;

beforeEach(async () => {
  database = await testDatabase('kit');
  db = openDatabase({ url: database.url, application: 'audit-verify-test' });
  for (let index = 0; index < RECORDS; index += 1) {
    await audit(db, systemCaller('customer', 'test'), { resource: `parties/${index}` });
  }
  await sealAudit(db);
  await signRoot(db, readSigningKey(testAuth().keyFile('customer')));
  const verify = auditVerifier(db, testAuth().jwksFile);
  const server = await startServer({
    address: '127.0.0.1:0',
    routes: [operations({ service: 'customer', db, verifyAudit: verify, personalData: async function* () {} })],
    policies: mkdtempSync(path.join(tmpdir(), 'policies-')),
    auth: { jwksFile: testAuth().jwksFile },
    validation: descriptorSet(),
    health: createHealth(),
  });
  const token = testToken({ sub: 'staff/operator', roles: ['operator'], orgPath: '/' });
  const customer = client({ service: OperationsServiceService }, `127.0.0.1:${server.port}`, {
    identity: { token: async () => token },
  });
  clients = { operations: { customer } as Clients['operations'] };
  stop = async () => {
    customer.close();
    await server.stop();
    await db.close();
    await database.drop();
  };
});
afterEach(async () => {
  process.exitCode = 0;
  await stop();
});

/** As somebody with every right in Postgres, who switches the guards off. */
async function tamper(statement: string): Promise<number> {
  const superuser = new pg.Client({ connectionString: database.superuserUrl });
  await superuser.connect();
  try {
    await superuser.query('SET session_replication_role = replica');
    return (await superuser.query(statement)).rowCount ?? 0;
  } finally {
    await superuser.end();
  }
}

/** What the command prints, and the code that it ends with. */
async function run(json = true, from?: string): Promise<{ text: string; code: unknown }> {
  process.exitCode = 0;
  const written: string[] = [];
  const spy = jest.spyOn(process.stdout, 'write').mockImplementation((text) => written.push(String(text)) > 0);
  try {
    await verifyAudit(clients, { service: 'customer', json, ...(from && { from }) });
  } finally {
    spy.mockRestore();
  }
  return { text: written.join(''), code: process.exitCode };
}

it('finds a chain whole, and says how much of it was checked', async () => {
  const { text, code } = await run();
  expect(JSON.parse(text)).toEqual([
    { service: 'customer', ok: true, records: RECORDS, unsealed: 0, roots: 1, first: 1 },
  ]);
  expect(code).toBe(0);
});

// Each is one bit of one column of record 7; bytes and texts by their last bit.
const bits = {
  actor: `actor = overlay(actor placing chr(ascii(right(actor, 1)) # 1) from length(actor))`,
  action: `action = overlay(action placing chr(ascii(right(action, 1)) # 1) from length(action))`,
  resource: `resource = overlay(resource placing chr(ascii(right(resource, 1)) # 1) from length(resource))`,
  time: `at = at + interval '1 microsecond'`,
  hash: `hash = set_byte(hash, 31, get_byte(hash, 31) # 1)`,
  prev_hash: `prev_hash = set_byte(prev_hash, 0, get_byte(prev_hash, 0) # 128)`,
};
it.each(Object.entries(bits))('names the record of which one bit of %s was flipped', async (_column, change) => {
  expect(await tamper(`UPDATE kit.audit SET ${change} WHERE chain_seq = 7`)).toBe(1);
  const { text, code } = await run();
  const [verdict] = JSON.parse(text) as [{ ok: boolean; broken: { sequence: number; reason: string; record: string } }];
  expect(verdict).toMatchObject({ ok: false, broken: { sequence: 7, reason: 'HASH_MISMATCH' } });
  expect(verdict.broken.record).toMatch(/^[0-9a-f-]{36}$/);
  expect(code).toBe(1);
  expect((await run(false)).text).toContain('customer: record 7 (');
});

it('names a record that was deleted, also the last ones, which only the signed root still knows', async () => {
  await tamper('DELETE FROM kit.audit WHERE chain_seq = 12');
  expect(JSON.parse((await run()).text)).toMatchObject([{ broken: { sequence: 12, reason: 'MISSING', record: '' } }]);
  await tamper('DELETE FROM kit.audit WHERE chain_seq >= 12');
  expect(JSON.parse((await run()).text)).toMatchObject([{ broken: { sequence: 12, reason: 'MISSING' } }]);
});

it('names the first of two records that were swapped', async () => {
  await tamper('UPDATE kit.audit SET chain_seq = -chain_seq WHERE chain_seq IN (4, 9)');
  await tamper('UPDATE kit.audit SET chain_seq = 13 + chain_seq WHERE chain_seq < 0');
  expect(JSON.parse((await run()).text)).toMatchObject([{ broken: { sequence: 4, reason: 'HASH_MISMATCH' } }]);
});

it('names a root that was forged with another key', async () => {
  await tamper(`UPDATE kit.audit_root SET signature = set_byte(signature, 0, get_byte(signature, 0) # 1)`);
  expect(JSON.parse((await run()).text)).toMatchObject([
    { broken: { sequence: RECORDS, reason: 'SIGNATURE_INVALID' } },
  ]);
});

it('begins at the signed root before a position, and refuses what is none', async () => {
  for (let index = 0; index < 5; index += 1) await audit(db, systemCaller('customer', 'test'), { resource: 'late/1' });
  await sealAudit(db);
  expect(JSON.parse((await run(true, '33')).text)).toMatchObject([{ ok: true, records: 5, first: RECORDS + 1 }]);
  await tamper("UPDATE kit.audit SET actor = 'somebody' WHERE chain_seq = 7");
  expect(JSON.parse((await run(true, '33')).text)).toMatchObject([{ ok: true }]);
  expect(JSON.parse((await run()).text)).toMatchObject([{ ok: false, broken: { sequence: 7 } }]);
  await expect(verifyAudit(clients, { service: 'customer', from: '0' })).rejects.toThrow('from 1');
  await expect(verifyAudit(clients, { from: '3' })).rejects.toThrow('--service');
});
