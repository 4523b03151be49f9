import { createPrivateKey, createPublicKey, hash, type JsonWebKey, type KeyObject, sign, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type Database, everything, horizon, type Queryable, sql, type Tx } from '../db/index.js';
import { every, type Running } from '../runtime/index.js';
import { counter, gauge, metric } from '../telemetry/index.js';

/**
 * The canonical text of a record: a JSON array in a fixed order. It is made by Postgres for sealing and for verifying
 * alike (jsonb's text form is canonical: keys sorted, one way to write each value), so no client can disagree about it.
 */
const canonical = sql.raw(`jsonb_build_array(
  id, (extract(epoch FROM at) * 1000000)::bigint, actor, to_jsonb(roles), action, resource, purpose, detail, trace_id)::text`);

/** The length of a hash in bytes. */
const HASH = 32;

/** The hash before the first record. */
const GENESIS = Buffer.alloc(HASH);

/** Any number that no other part of a service takes; the lock is held for one sealing transaction. */
const SEALER_LOCK = 7_202_601_531n;

function link(previous: Buffer, sequence: bigint, record: string): Buffer {
  // At once, which takes half as long as piece by piece.
  return hash('sha256', Buffer.concat([previous, Buffer.from(`${sequence}\n${record}`)]), 'buffer');
}

interface Unsealed {
  id: string;
  record: string;
}

async function sealIn(tx: Queryable, limit: number): Promise<number> {
  const { mine } = await tx.one<{ mine: boolean }>(sql`SELECT pg_try_advisory_xact_lock(${SEALER_LOCK}) AS mine`);
  if (!mine) return 0;
  const last = await tx.maybe<{ seq: bigint; hash: Buffer }>(sql`
    SELECT chain_seq AS seq, hash FROM kit.audit WHERE chain_seq IS NOT NULL ORDER BY chain_seq DESC LIMIT 1`);
  // Below the oldest running transaction nothing can appear any more, so (xid, id) is a final order and no record is
  // skipped because its transaction committed late. The text is made of those that are taken only: a sort of all that
  // wait would make it of every one of them, and a busy service has some thousands.
  const records = await tx.rows<Unsealed>(sql`
    SELECT id, ${canonical} AS record FROM (
      SELECT * FROM kit.audit WHERE chain_seq IS NULL AND xid < ${horizon} ORDER BY xid, id LIMIT ${limit}) AS next
    ORDER BY xid, id`);
  if (records.length === 0) return 0;
  const before = last?.seq ?? 0n;
  let end: Buffer = last?.hash ?? GENESIS;
  const hashes = [end];
  for (const [index, { record }] of records.entries()) {
    end = link(end, before + BigInt(index) + 1n, record);
    hashes.push(end);
  }
  // All hashes go as one value, each the next one's predecessor: arrays of bytes are sent as hexadecimal text.
  await tx.run(sql`
    UPDATE kit.audit AS audit SET chain_seq = sealed.seq, prev_hash = sealed.prev_hash, hash = sealed.hash
    FROM (SELECT id, ${before.toString()}::bigint + place AS seq,
        substring(chain FROM (place::int - 1) * ${HASH} + 1 FOR ${HASH}) AS prev_hash,
        substring(chain FROM place::int * ${HASH} + 1 FOR ${HASH}) AS hash
      FROM unnest(${records.map((record) => record.id)}::uuid[]) WITH ORDINALITY AS u (id, place),
        (SELECT ${Buffer.concat(hashes)}::bytea AS chain) AS c) AS sealed
    WHERE audit.id = sealed.id AND audit.chain_seq IS NULL`);
  return records.length;
}

/** Records in one transaction of the sealer. To seal them keeps the process from its calls for some 3 ms. */
const BATCH = 500;

/**
 * Adds up to `limit` committed records to the hash chain and tells how many. Of several replicas one seals at a time;
 * the others return 0 at once. Each hash covers the one before it, the position and the record.
 */
export function sealAudit(db: Database, limit = BATCH): Promise<number> {
  return db.plain.transaction(everything, (tx: Tx) => sealIn(tx, limit));
}

/** The key that signs roots: a private key (Ed25519; P-256 works too) and the id under which verifiers know its public half. */
export interface SigningKey {
  key: KeyObject;
  id: string;
}

export interface SignedRoot {
  seq: bigint;
  hash: Buffer;
  keyId: string;
  signature: Buffer;
}

/** Ed25519 hashes by itself, a P-256 key wants a digest. */
function digestOf(key: KeyObject): 'sha256' | null {
  return key.asymmetricKeyType === 'ed25519' ? null : 'sha256';
}

function rootText(seq: bigint, hash: Buffer, keyId: string): Buffer {
  return Buffer.from(`rapport audit root\n${seq}\n${hash.toString('hex')}\n${keyId}\n`);
}

/**
 * Signs the end of the chain into kit.audit_root, unless it is signed already. Keep roots outside of the database too
 * (they are returned, and hold no personal data): whoever can rewrite both tables can rewrite history up to them.
 */
export async function signRoot(db: Database, signing: SigningKey): Promise<SignedRoot | undefined> {
  const last = await db.system.maybe<{ seq: bigint; hash: Buffer }>(sql`
    SELECT chain_seq AS seq, hash FROM kit.audit WHERE chain_seq IS NOT NULL ORDER BY chain_seq DESC LIMIT 1`);
  if (last === undefined) return undefined;
  const signature = sign(digestOf(signing.key), rootText(last.seq, last.hash, signing.id), signing.key);
  const inserted = await db.system.run(sql`
    INSERT INTO kit.audit_root (seq, hash, key_id, signature)
    VALUES (${last.seq.toString()}::bigint, ${last.hash}, ${signing.id}, ${signature}) ON CONFLICT (seq) DO NOTHING`);
  return inserted === 1 ? { ...last, keyId: signing.id, signature } : undefined;
}

export interface BrokenRecord {
  /** position in the chain */
  seq: bigint;
  /** the record found there, when there is one */
  id?: string;
  reason: 'missing' | 'changed' | 'root_mismatch' | 'root_signature';
}

export interface AuditVerdict {
  ok: boolean;
  /** records of the chain that were checked */
  records: bigint;
  /** records not yet part of the chain; they are not protected yet */
  unsealed: bigint;
  /** signed roots among the records that were checked; not that at which the walk began */
  roots: number;
  /** position of the first record that was checked */
  first: bigint;
  /** position of the last record of the chain; 0 when it is empty */
  last: bigint;
  /** where to go on, when the limit ended the walk */
  next?: bigint;
  /** the first record that is not as it was sealed */
  broken?: BrokenRecord;
}

interface Sealed {
  id: string;
  seq: bigint;
  previous: Buffer | null;
  hash: Buffer | null;
  record: string;
}

const PAGE = 5000;

function signedBy(root: SignedRoot, publicKeys: ReadonlyMap<string, KeyObject> | undefined): boolean {
  const key = publicKeys?.get(root.keyId);
  return !key || verify(digestOf(key), rootText(root.seq, root.hash, root.keyId), key, root.signature);
}

/**
 * Walks the chain and names the first record that is missing, changed or out of place, and holds it against the signed
 * roots: a root beyond the end means that the end was cut off, another hash that the chain was rewritten. Signatures are
 * checked for the key ids that `publicKeys` has.
 *
 * With `from` the walk begins behind the last signed root before that position: the root is checked, and its hash is what
 * the next record must fit. Only where no root stands before it, the hash of the record before it is taken as given.
 * With `limit` it ends so many records after `from` and says where to go on. Reads in pages and blocks nobody; about 90,000
 * records a second; sealing does 26,000.
 */
export async function verifyAudit(
  db: Pick<Database, 'system'>,
  options: {
    publicKeys?: ReadonlyMap<string, KeyObject>;
    signal?: AbortSignal;
    from?: bigint;
    limit?: bigint;
  } = {},
): Promise<AuditVerdict> {
  const { publicKeys, signal, limit } = options;
  const from = options.from === undefined || options.from < 1n ? 1n : options.from;
  const end = limit === undefined ? undefined : from + limit;
  const { unsealed } = await db.system.one<{ unsealed: bigint }>(sql`
    SELECT count(*) AS unsealed FROM kit.audit WHERE chain_seq IS NULL`);
  const { last } = await db.system.one<{ last: bigint }>(
    sql`SELECT coalesce(max(chain_seq), 0) AS last FROM kit.audit`,
  );
  // The last root before the first record that is asked for, and every later one.
  const roots = await db.system.rows<SignedRoot>(sql`
    SELECT seq, hash, key_id AS "keyId", signature FROM kit.audit_root
    WHERE seq >= coalesce((SELECT max(seq) FROM kit.audit_root WHERE seq < ${from.toString()}::bigint), 0) ORDER BY seq`);
  const anchor = roots[0] && roots[0].seq < from ? roots[0] : undefined;
  const before = anchor ? anchor.seq : from - 1n;
  const first = before + 1n;
  let expected = first;
  let previous: Buffer = GENESIS;
  let root = 0;
  let checked = 0n;
  const verdict = (broken?: BrokenRecord): AuditVerdict => ({
    ok: broken === undefined,
    records: checked,
    unsealed,
    roots: anchor ? Math.max(0, root - 1) : root,
    first,
    last,
    ...(broken ? { broken } : {}),
  });
  if (before > 0n) {
    const given = await db.system.maybe<{ id: string; hash: Buffer | null }>(sql`
      SELECT id, hash FROM kit.audit WHERE chain_seq = ${before.toString()}::bigint`);
    // Nothing was asked for that there is, and nothing before it was signed: the end of the chain cannot be told here.
    if (!given && !anchor && before > last) return verdict();
    if (!given) return verdict({ seq: before, reason: 'missing' });
    if (!given.hash) return verdict({ seq: before, id: given.id, reason: 'changed' });
    if (anchor && !anchor.hash.equals(given.hash))
      return verdict({ seq: before, id: given.id, reason: 'root_mismatch' });
    if (anchor && !signedBy(anchor, publicKeys))
      return verdict({ seq: before, id: given.id, reason: 'root_signature' });
    root = anchor ? 1 : 0;
    previous = given.hash;
  }
  for (;;) {
    signal?.throwIfAborted();
    const wanted = end === undefined || end - expected > PAGE ? PAGE : Number(end - expected);
    if (wanted <= 0) return { ...verdict(), next: expected };
    const page = await db.system.rows<Sealed>(sql`
      SELECT id, chain_seq AS seq, prev_hash AS previous, hash, ${canonical} AS record FROM kit.audit
      WHERE chain_seq >= ${expected.toString()}::bigint ORDER BY chain_seq LIMIT ${wanted}`);
    for (const row of page) {
      if (row.seq !== expected) return verdict({ seq: expected, reason: 'missing' });
      const hash = link(previous, row.seq, row.record);
      const whole = row.hash?.equals(hash) && row.previous?.equals(previous);
      if (!whole) return verdict({ seq: row.seq, id: row.id, reason: 'changed' });
      const signed = roots[root];
      if (signed?.seq === row.seq) {
        if (!signed.hash.equals(hash)) return verdict({ seq: row.seq, id: row.id, reason: 'root_mismatch' });
        if (!signedBy(signed, publicKeys)) return verdict({ seq: row.seq, id: row.id, reason: 'root_signature' });
        root += 1;
      }
      previous = hash;
      expected += 1n;
      checked += 1n;
    }
    if (page.length < wanted) break;
  }
  // A root beyond the end: the end was cut off.
  if (root < roots.length) return verdict({ seq: expected, reason: 'missing' });
  return verdict();
}

const sealed = counter(metric.auditSealed);

/**
 * Seals every `everyMs` (default 1 s) and signs a root every `rootEveryMs` (default 60 s). Every replica may run it.
 * Until a record is sealed, only the database's own guards protect it.
 */
export function startSealer(options: {
  db: Database;
  signing?: SigningKey | undefined;
  /** Or the file that `readSigningKey` reads it from. */
  keyFile?: string | undefined;
  everyMs?: number;
  rootEveryMs?: number;
}): Running {
  const { db, keyFile } = options;
  const signing = options.signing ?? (keyFile === undefined ? undefined : readSigningKey(keyFile));
  const seal = every('audit sealer', options.everyMs ?? 1000, async () => {
    let count: number;
    do {
      count = await sealAudit(db);
      sealed.add(count);
    } while (count === BATCH);
  });
  const root =
    signing && every('audit root', options.rootEveryMs ?? 60_000, async () => void (await signRoot(db, signing)));
  const removeGauge = gauge(metric.auditUnsealed, async () => {
    const { count } = await db.system.one<{ count: bigint }>(sql`
      SELECT count(*) AS count FROM kit.audit WHERE chain_seq IS NULL`);
    return Number(count);
  });
  return {
    async stop() {
      removeGauge();
      await seal.stop();
      await root?.stop();
    },
  };
}

/** The private key of a JWK file for signing roots; its `kid` becomes the key id. A service's own key will do. */
export function readSigningKey(jwkFile: string): SigningKey {
  const jwk = JSON.parse(readFileSync(jwkFile, 'utf8')) as JsonWebKey & {
    kid?: string;
  };
  if (!jwk.kid) throw new Error(`the key file ${jwkFile} has no kid`);
  return { key: createPrivateKey({ key: jwk, format: 'jwk' }), id: jwk.kid };
}

/** The public keys of a JWKS file, by key id, for `verifyAudit`. */
export function readPublicKeys(jwksFile: string): Map<string, KeyObject> {
  const { keys } = JSON.parse(readFileSync(jwksFile, 'utf8')) as {
    keys: (JsonWebKey & { kid?: string })[];
  };
  const found = new Map<string, KeyObject>();
  for (const jwk of keys) if (jwk.kid) found.set(jwk.kid, createPublicKey({ key: jwk, format: 'jwk' }));
  return found;
}

/** `verifyAudit` for the operations service. The keys come from a JWKS file; without one no signature is checked. */
export function auditVerifier(
  db: Pick<Database, 'system'>,
  jwksFile?: string,
): (signal: AbortSignal, part?: { from?: bigint; limit?: bigint }) => Promise<AuditVerdict> {
  const publicKeys = jwksFile === undefined ? undefined : readPublicKeys(jwksFile);
  return (signal, part) => verifyAudit(db, { ...(publicKeys && { publicKeys }), ...part, signal });
}
