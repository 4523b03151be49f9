import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type TestDatabase, testDatabase } from '@rapport/test/kit';
import { type Database, openDatabase, sql, type Tx } from '../db/index.js';
import { Failure, idempotent } from './index.js';
import { toFailure } from './status.js';
import { callOf, type Probe, ProbeService } from './rpc.testkit.js';

let database: TestDatabase;
let db: Database;

beforeAll(async () => {
  database = await testDatabase('kit');
  db = openDatabase({ url: database.url, application: 'idempotent-test' });
  await db.system.run(sql`CREATE TABLE probe (id serial, text text)`);
});

beforeEach(() => db.system.run(sql`DELETE FROM probe`));

afterAll(async () => {
  await db?.close();
  await database?.drop();
});

const codec = {
  encode: (message: Probe) => ({ finish: () => ProbeService.getProbe.requestSerialize(message) }),
  decode: (bytes: Uint8Array) => ProbeService.getProbe.requestDeserialize(Buffer.from(bytes)),
};

async function write(tx: Tx, text: string): Promise<Probe> {
  const { id } = await tx.one<{ id: number }>(sql`INSERT INTO probe (text) VALUES (${text}) RETURNING id`);
  tx.marks.add('audit');
  return { text: `${text} ${id}` };
}

function rows(): Promise<{ text: string }[]> {
  return db.system.rows(sql`SELECT text FROM probe`);
}

const call = callOf();

test('a repeated request gets the first answer and changes nothing', async () => {
  const request = { requestId: randomUUID(), text: 'once', at: new Date(0), amount: 5n };
  const first = await idempotent(db, call, request, codec, (tx) => write(tx, 'once'));
  const again = await idempotent(db, call, { ...request }, codec, (tx) => write(tx, 'once'));
  expect(again).toEqual(first);
  expect(await rows()).toHaveLength(1);
});

test('the same id is another request for another caller or method', async () => {
  const request = { requestId: randomUUID() };
  await idempotent(db, call, request, codec, (tx) => write(tx, 'a'));
  await idempotent(db, callOf({ subject: 'staff/eva' }), request, codec, (tx) => write(tx, 'b'));
  await idempotent(db, callOf({}, 'rapport.probe.v1.ProbeService/GetProbe'), request, codec, (tx) => write(tx, 'c'));
  expect(await rows()).toHaveLength(3);
});

test('the same id with other arguments is refused', async () => {
  const request = { requestId: randomUUID(), text: 'a' };
  const other = { ...request, text: 'b' };
  await idempotent(db, call, request, codec, (tx) => write(tx, 'a'));
  await expect(idempotent(db, call, other, codec, (tx) => write(tx, 'b'))).rejects.toMatchObject({
    reason: 'REQUEST_ID_REUSED',
    kind: 'invalid',
    violations: [{ field: 'request_id' }],
  });
  expect(await rows()).toEqual([{ text: 'a' }]);
});

test('concurrent duplicates take effect once and all get the same answer', async () => {
  const request = { requestId: randomUUID() };
  const answers = await Promise.all(
    Array.from({ length: 6 }, () =>
      idempotent(db, call, request, codec, async (tx) => {
        await sleep(50);
        return write(tx, 'race');
      }),
    ),
  );
  expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
  expect(await rows()).toHaveLength(1);
});

test('a duplicate that waits too long is ABORTED with a retry delay', async () => {
  const impatient = openDatabase({ url: database.url, application: 'impatient', statementTimeoutMs: 100 });
  const request = { requestId: randomUUID() };
  const slow = idempotent(db, call, request, codec, async (tx) => {
    await sleep(600);
    return write(tx, 'slow');
  });
  await sleep(100);
  await expect(idempotent(impatient, call, request, codec, (tx) => write(tx, 'slow'))).rejects.toMatchObject({
    reason: 'REQUEST_IN_PROGRESS',
    kind: 'conflict',
    retryInMs: 500,
  });
  await slow;
  await impatient.close();
  expect(await rows()).toHaveLength(1);
});

test('a failure undoes everything and frees the id', async () => {
  const request = { requestId: randomUUID() };
  const failing = idempotent(db, call, request, codec, async (tx) => {
    await write(tx, 'undone');
    throw new Failure('PROBE_REFUSED', 'precondition', 'No.');
  });
  await expect(failing).rejects.toMatchObject({ reason: 'PROBE_REFUSED' });
  expect(await rows()).toHaveLength(0);
  await idempotent(db, call, request, codec, (tx) => write(tx, 'done'));
  expect(await rows()).toEqual([{ text: 'done' }]);
});

test('a change without an audit record is undone', async () => {
  const unaudited = idempotent(db, call, { requestId: randomUUID() }, codec, async (tx) => {
    await tx.run(sql`INSERT INTO probe (text) VALUES ('silent')`);
    return { text: '' };
  });
  await expect(unaudited).rejects.toThrow('without an audit record');
  expect(await rows()).toHaveLength(0);
});

test('an empty request id is a violation', async () => {
  await expect(idempotent(db, call, { requestId: '' }, codec, (tx) => write(tx, 'x'))).rejects.toMatchObject({
    kind: 'invalid',
    violations: [{ field: 'request_id' }],
  });
});

test('a write that row security refuses is denied to the caller', async () => {
  await db.system.run(sql`CREATE TABLE guarded (org_path text)`);
  await db.system.run(sql`ALTER TABLE guarded ENABLE ROW LEVEL SECURITY`);
  await db.system.run(sql`ALTER TABLE guarded FORCE ROW LEVEL SECURITY`);
  await db.system.run(sql`CREATE POLICY seen ON guarded USING (kit.sees(org_path, NULL))`);
  const outside = idempotent(
    db,
    call,
    { requestId: randomUUID() },
    codec,
    async (tx) => {
      await tx.run(sql`INSERT INTO guarded VALUES ('/other')`);
      return { text: '' };
    },
    { scope: { kind: 'rows', subtree: '/berka' } },
  ).catch((error: unknown) => toFailure(error, 'probe'));
  expect(await outside).toMatchObject({ kind: 'denied', reason: 'PERMISSION_DENIED' });
});
