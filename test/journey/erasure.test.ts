// What is left of somebody who was erased, in the running suite: nothing that could be read.
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { scrubService } from '@rapport/kit/db';
import { client } from '@rapport/kit/rpc';
import {
  CustomerServiceService,
  DataSubjectRequest,
  DataSubjectRequestState as State,
  Party,
  PrivacyServiceService,
} from '@rapport/proto/customer/v1';
import { OrganisationUnit, PerformanceServiceService, Staff } from '@rapport/proto/performance/v1';
import { type SuiteService, suiteServices, type TestSuite, testSuite } from '@rapport/test/kit';
import pg from 'pg';
import { plant, planted } from './erasure-person.js';

jest.setTimeout(480_000);

/** The same as the bytes that a store or a message may hold them in. */
const readable = (text: string): Buffer[] => [
  Buffer.from(text),
  Buffer.from(text.toLowerCase()),
  Buffer.from(Buffer.from(text).toString('base64').replace(/=+$/, '').slice(0, -2)),
  Buffer.from(Buffer.from(text).toString('hex')),
];
/** google.type.Date of the birth date, as an event carries it. */
const birthBytes = Buffer.from([0x08, 0xa9, 0x0f, 0x10, 3, 0x18, 17]);

let suite: TestSuite;
beforeAll(async () => {
  suite = await testSuite('erasure');
}, 180_000);
afterAll(() => suite?.stop(), 60_000);

const as = (roles: string[], sub: string) => ({
  identity: { token: async () => suite.token({ sub, roles, orgPath: '/', signedBy: 'operator' }) },
  timeoutMs: 30_000,
});

/** What of the planted is found in any row of any table of a database, as text and as bytes. */
async function inDatabase(url: string): Promise<string[]> {
  const db = new pg.Client({ connectionString: url });
  await db.connect();
  const found: string[] = [];
  try {
    const { rows: tables } = await db.query<{ name: string }>(`
      SELECT format('%I.%I', n.nspname, c.relname) AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind IN ('r', 'p', 'm') AND NOT c.relispartition AND c.relpersistence <> 't'
        AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')`);
    for (const { name } of tables) {
      for (const [what, value] of Object.entries(planted)) {
        const texts = [value, ...readable(value).map((bytes) => bytes.toString('hex'))];
        const { rows } = await db.query<{ hits: number }>(
          `SELECT count(*)::int AS hits FROM ${name} t
            WHERE EXISTS (SELECT FROM unnest($1::text[]) AS v WHERE strpos(lower(t::text), lower(v)) > 0)`,
          [texts],
        );
        if (rows[0]?.hits) found.push(`${name}: ${what}`);
      }
      const { rows } = await db.query<{ hits: number }>(
        `SELECT count(*)::int AS hits FROM ${name} t WHERE strpos(t::text, $1) > 0`,
        [birthBytes.toString('hex')],
      );
      if (rows[0]?.hits) found.push(`${name}: birth date in a message`);
    }
  } finally {
    await db.end();
  }
  return found;
}

/** What stands in a file; nothing where it has gone since it was listed, as Postgres lets files go while it runs. */
function read(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return Buffer.alloc(0);
    throw error;
  }
}

/** Which files below a folder hold any of the planted, or of some of it. */
function inFiles(folder: string, wanted = Object.values(planted)): string[] {
  const needles = wanted.filter((value) => value !== planted.birthDate).flatMap(readable);
  return readdirSync(folder, { recursive: true })
    .map((name) => path.join(folder, String(name)))
    .filter((file) => statSync(file, { throwIfNoEntry: false })?.isFile())
    .filter((file) => {
      const bytes = read(file);
      return needles.some((needle) => bytes.includes(needle));
    })
    .map((file) => path.relative(suite.data, file));
}

/** What is sealed with the person's own key from the first byte on. */
const sealed = [planted.phone, planted.email, planted.identifier, planted.iban];
/** The files of Postgres with its write-ahead log, after everything in its memory was written down. */
async function inPostgres(wanted?: string[]): Promise<string[]> {
  await asAdministrator('CHECKPOINT');
  return inFiles(path.join(suite.data, 'postgres'), wanted);
}

async function asAdministrator(...statements: string[]): Promise<void> {
  const db = new pg.Client({ connectionString: suite.database('customer') });
  await db.connect();
  for (const statement of statements) await db.query(statement);
  await db.end();
}

interface Kept {
  service: SuiteService;
  table: string;
  columns: string;
  rows: object[];
}

/** Every row with the id of the party in the tables of a service, as a backup would hold it. */
async function backup(service: SuiteService, id: string): Promise<Kept[]> {
  const db = new pg.Client({ connectionString: suite.database(service) });
  await db.connect();
  const { rows: tables } = await db.query<{ table: string; columns: string }>(`
    SELECT c.oid::regclass::text AS table,
      string_agg(quote_ident(a.attname), ', ') FILTER (WHERE a.attgenerated = '') AS columns
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
    GROUP BY c.oid HAVING bool_or(a.attname = 'party_id' AND a.atttypid = 'uuid'::regtype)`);
  const kept: Kept[] = [];
  for (const { table, columns } of tables) {
    const { rows } = await db.query<{ row: object }>(`SELECT to_jsonb(t) AS row FROM ${table} t WHERE party_id = $1`, [
      id,
    ]);
    if (rows.length > 0) kept.push({ service, table, columns, rows: rows.map(({ row }) => row) });
  }
  await db.end();
  return kept;
}

/** Brings the rows back, and takes away what the service knows of the erasure. */
async function restore(kept: readonly Kept[], id: string): Promise<void> {
  for (const { service, table, columns, rows } of kept) {
    const db = new pg.Client({ connectionString: suite.database(service) });
    await db.connect();
    await db.query('SET session_replication_role = replica');
    await db.query(
      `INSERT INTO ${table} (${columns}) OVERRIDING SYSTEM VALUE
       SELECT ${columns} FROM jsonb_populate_recordset(NULL::${table}, $1::jsonb) ON CONFLICT DO NOTHING`,
      [JSON.stringify(rows)],
    );
    await db.query('DELETE FROM kit.tombstone WHERE aggregate = $1', [id]);
    await db.end();
  }
}

/** Everything beside Postgres: broker, analytic engines, logs. */
const folders = () => readdirSync(suite.data).filter((name) => ['nats', 'analytics', 'log'].includes(name));

async function everywhere(): Promise<string[]> {
  const found: string[] = [];
  for (const service of suiteServices) {
    for (const hit of await inDatabase(suite.database(service))) found.push(`${service} ${hit}`);
  }
  return [...found, ...folders().flatMap((folder) => inFiles(path.join(suite.data, folder)))];
}

test('after an erasure no byte of the person is readable in any database, its files, stream, dead letter, analytic file or log', async () => {
  const privacy = client(
    { service: PrivacyServiceService },
    suite.grpc('customer'),
    as(['privacy_officer'], 'staff/petra'),
  );
  const party = await plant(suite, as);
  // The search can find: before, the person is in these places.
  const before = await everywhere();
  for (const place of [
    'customer public.party: name',
    'customer public.transaction: payer',
    'customer kit.outbox: birth date in a message',
    'customer public.import_reject: refused',
    'customer public.relationship: evidence',
    'customer public.match_candidate: decision',
    'customer kit.idempotency: decision',
    'customer kit.idempotency: evidence',
    'customer public.life_event: lifeEvent',
    'marketing public.referral: referral',
    'cases public.case_history: note',
    'marketing kit.dead_letter: note',
  ])
    expect([place, before.includes(place)]).toEqual([place, true]);

  // What is sealed never was in a file of Postgres in the clear; names and texts are, which search needs.
  expect(await inPostgres(sealed)).toEqual([]);
  expect((await inPostgres([planted.name])).length).toBeGreaterThan(1);

  const backedUp = new Date();
  const id = party.name.slice('parties/'.length);
  const kept = [...(await backup('customer', id)), ...(await backup('segmentation', id))];
  expect(kept.map(({ table }) => table)).toEqual(expect.arrayContaining(['party', 'source_record', 'interaction']));

  const opened = await privacy.createDataSubjectRequest({
    dataSubjectRequest: DataSubjectRequest.fromJSON({
      party: party.name,
      kind: 'DATA_SUBJECT_REQUEST_KIND_ERASURE',
      identityCheck: 'IDENTITY_CHECK_DOCUMENT',
    }),
    requestId: randomUUID(),
  });
  const name = opened.dataSubjectRequest?.name ?? '';
  await privacy.decideDataSubjectRequest({ name, refusalReason: 0, identityCheck: 0, requestId: randomUUID() });
  const end = Date.now() + 90_000;
  for (;;) {
    const { dataSubjectRequest } = await privacy.getDataSubjectRequest({ name });
    if (dataSubjectRequest?.state === State.DATA_SUBJECT_REQUEST_STATE_COMPLETED) {
      expect(dataSubjectRequest.receipts.map(({ service }) => service).sort()).toEqual(
        [...suiteServices].map((service) => `services/${service}`).sort(),
      );
      break;
    }
    if (Date.now() > end) throw new Error(`not answered: ${dataSubjectRequest?.missingReceipts.join(', ')}`);
    await sleep(500);
  }
  // The streams are cleaned within seconds of the last receipt; files that ClickHouse has replaced, within two minutes.
  let left = await everywhere();
  for (const patience = Date.now() + 180_000; left.length > 0 && Date.now() < patience; ) {
    await sleep(2000);
    left = await everywhere();
  }
  expect(left).toEqual([]);

  // As the runbook says: the tables are rewritten and the log behind the checkpoint is let go of.
  expect((await inPostgres()).length).toBeGreaterThan(0);
  for (const service of suiteServices) await scrubService({ url: suite.database(service) });
  await asAdministrator('ALTER SYSTEM SET wal_recycle = off', 'SELECT pg_reload_conf()', 'SELECT pg_switch_wal()');
  await asAdministrator('CHECKPOINT', 'SELECT pg_switch_wal()', 'CHECKPOINT');
  expect(await inPostgres()).toEqual([]);

  // A backup from before is restored: the person is back, and is erased again with what the other services remember.
  await restore(kept, id);
  expect(await everywhere()).toContain('customer public.party: name');
  const replay = ['privacy', 'replay-erasures', '--since', backedUp.toISOString(), '--json'];
  const replayed = JSON.parse(await suite.rapport(replay)) as { service: string; cameBack: number; known: number }[];
  expect(replayed.find(({ service }) => service === 'customer')).toMatchObject({ erasures: 1, cameBack: 1, known: 0 });
  expect(replayed.find(({ service }) => service === 'cases')).toMatchObject({ erasures: 1, cameBack: 0, known: 1 });
  expect(await everywhere()).toEqual([]);

  // A data steward lets the source bring the key in again, once.
  await hire('stella', ['data_steward']);
  const lift = ['privacy', 'lift-erased-key', planted.sourceKey, '--source', 'branch', '--reason', 'customer again'];
  expect(await suite.rapport([...lift, '--as', 'stella'])).toContain('may bring it in again');
  await expect(suite.rapport([...lift, '--as', 'stella'])).rejects.toThrow('ERASED_KEY_NOT_FOUND');
  privacy.close();
});

/** An employee of the bank. */
async function hire(staffId: string, roles: string[]): Promise<void> {
  const performance = client(
    { service: PerformanceServiceService },
    suite.grpc('performance'),
    as(['operator', 'administrator'], 'staff/operator'),
  );
  const unit = { title: 'The bank', kind: 'UNIT_KIND_BANK', segment: 'demo' };
  await performance.createUnit({
    ...{ requestId: randomUUID(), organisationUnitId: 'demo' },
    organisationUnit: OrganisationUnit.fromJSON(unit),
  });
  const staff = Staff.fromJSON({ displayName: 'Stella', unit: 'organisationUnits/demo', roles });
  await performance.createStaff({ requestId: randomUUID(), staffId, staff });
  performance.close();
}

test('an operator adds a key, and every party key is wrapped with it while the bank works', async () => {
  const operator = as(['operator', 'administrator'], 'staff/operator');
  const customer = client({ service: CustomerServiceService }, suite.grpc('customer'), operator);
  const { party } = await customer.createParty({
    party: Party.fromJSON({
      person: { givenName: 'Karel', familyName: 'Klíčník' },
      organisationPath: '/demo/north/1',
      contactPoints: [{ email: 'karel@mailbox.test' }],
    }),
    requestId: randomUUID(),
  });
  const file = path.join(suite.data, 'keys/key-encryption-key');
  const rotated = JSON.parse(await suite.rapport(['keys', 'rotate', '--file', file, '--id', 'second', '--json'])) as {
    total: number;
  };
  expect(rotated).toMatchObject({ key: 'second', state: 'completed', done: rotated.total, rewrapped: rotated.total });
  expect(rotated.total).toBeGreaterThan(0);
  expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ current: 'second' });
  await expect(suite.rapport(['keys', 'rotate'])).rejects.toThrow('KEY_NOT_NEW');
  expect(await suite.rapport(['keys', 'status'])).toContain('Keep the keys before it in the file until');
  const after = await customer.getParty({ name: party?.name ?? '' });
  expect(after.party?.contactPoints).toEqual(party?.contactPoints);
  customer.close();
});
