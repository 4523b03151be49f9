import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fieldCipher, newKeyRing, rotateKeyRing } from '@rapport/kit/crypto';
import { sql } from '@rapport/kit/db';
import { uuidv7 } from '@rapport/kit/runtime';
import { KeyRotationState, type Party } from '@rapport/proto/customer/v1';
import { all, as, createParty, failure, operator, person, type Running, startCustomer } from '../customer.testkit.js';
import { lastRotation, type RotationRow } from './key-rotation.js';
import { rewrapBatch, startRewrapping } from './rewrap-keys.js';

const file = path.join(mkdtempSync(path.join(tmpdir(), 'keys-')), 'key-encryption-key');
const PARTIES = 1200;
let running: Running;
let first: Party;

beforeAll(async () => {
  running = await startCustomer();
  writeFileSync(file, newKeyRing('k1'));
  Object.assign(running.deps, { cipher: fieldCipher({ keyEncryptionKeyFile: file }) });
  first = await createParty(running, person());
  // Many more, each with a key of its own, sealed as the service seals.
  const ids = Array.from({ length: PARTIES - 1 }, () => uuidv7());
  const keys = ids.map((id) => running.deps.cipher.newKey(id).wrapped);
  await all(
    running,
    sql`INSERT INTO party (party_id, kind, display_name, wrapped_key, sealed, organisation_path)
      SELECT id, 1, 'x', key, '', '/berka' FROM unnest(${ids}::uuid[], ${keys}::bytea[]) AS r (id, key)`,
  );
}, 60_000);
afterAll(() => running.stop());

const wrappedBy = async (): Promise<Record<string, number>> => {
  const rows = await all<{ id: string; wrapped: Buffer }>(
    running,
    sql`SELECT party_id AS id, wrapped_key AS wrapped FROM party`,
  );
  const counts: Record<string, number> = {};
  for (const { id, wrapped } of rows) {
    const key = running.deps.cipher.keyId({ owner: id, wrapped });
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
};
const until = async (done: () => Promise<boolean>): Promise<void> => {
  for (const end = Date.now() + 30_000; !(await done()); ) {
    if (Date.now() > end) throw new Error('it takes too long');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};

it('wraps every key anew while reads and writes go on, also when it is stopped in the middle', async () => {
  expect(await wrappedBy()).toEqual({ k1: PARTIES });
  writeFileSync(file, rotateKeyRing(readFileSync(file, 'utf8'), 'k2'));
  // Begun by the operator; one batch by a process that then ends.
  const key = { keyId: 'k2', requestId: uuidv7() };
  const { keyRotation } = await running.privacy.rotateKeys(key, operator());
  expect(keyRotation).toMatchObject({
    keyId: 'k2',
    state: KeyRotationState.KEY_ROTATION_STATE_RUNNING,
    total: BigInt(PARTIES),
    done: 0n,
    startedBy: 'olga',
  });
  expect(await running.privacy.rotateKeys(key, operator())).toEqual({ keyRotation });
  expect(await running.privacy.rotateKeys({ keyId: '', requestId: uuidv7() }, operator())).toEqual({ keyRotation });
  const begun = await lastRotation(running.db.system);
  const walk = await rewrapBatch(running.db, running.deps.cipher, begun as RotationRow);
  expect(walk).toMatchObject({ rewrapped: 500n, completeTime: null });
  expect(await running.privacy.getKeyRotation({}, operator())).toMatchObject({
    keyRotation: { done: 500n, rewrapped: 500n, completeTime: undefined, oldKeysNeededUntil: undefined },
  });
  expect(await wrappedBy()).toEqual({ k1: PARTIES - 500, k2: 500 });
  const one = startRewrapping({ db: running.db, cipher: running.deps.cipher, lookMs: 100 });
  const two = startRewrapping({ db: running.db, cipher: running.deps.cipher, lookMs: 100 });
  let calls = 0;
  let current = first;
  await until(async () => {
    const { party } = await running.customer.getParty({ name: first.name }, operator());
    expect(party?.contactPoints).toHaveLength(2);
    const updated = await running.customer.updateParty(
      {
        party: { ...current, etag: party?.etag ?? '', region: `r${calls}` },
        updateMask: ['region'],
        requestId: uuidv7(),
      },
      operator(),
    );
    current = updated.party as Party;
    calls += 1;
    return (await wrappedBy())['k2'] === PARTIES;
  });
  expect(calls).toBeGreaterThan(0);
  await Promise.all([one.stop(), two.stop()]);
  const { keyRotation: done } = await running.privacy.getKeyRotation({}, operator());
  expect(done).toMatchObject({
    state: KeyRotationState.KEY_ROTATION_STATE_COMPLETED,
    done: BigInt(PARTIES),
    rewrapped: BigInt(PARTIES),
  });
  expect(Number(done?.oldKeysNeededUntil) - Number(done?.completeTime)).toBe(7 * 86_400_000);
  // The old key is no longer needed: without it everything still opens.
  const ring = JSON.parse(readFileSync(file, 'utf8')) as { keys: Record<string, string> };
  delete ring.keys['k1'];
  writeFileSync(file, JSON.stringify(ring));
  Object.assign(running.deps, { cipher: fieldCipher({ keyEncryptionKeyFile: file }) });
  const { party } = await running.customer.getParty({ name: first.name }, operator());
  expect(party?.contactPoints).toEqual(first.contactPoints);
}, 60_000);

it('refuses a key that is not in the file, one that is in use everywhere, and whoever is no operator', async () => {
  const rotate = (keyId: string, options = operator()) =>
    failure(running.privacy.rotateKeys({ keyId, requestId: uuidv7() }, options));
  expect(await rotate('k9')).toMatchObject({ reason: 'KEY_NOT_CURRENT' });
  expect(await rotate('')).toMatchObject({ reason: 'KEY_NOT_NEW' });
  expect(await rotate('', as({ roles: ['privacy_officer'], orgPath: '/' }))).toMatchObject({ kind: 'denied' });
  expect(
    (await failure(running.privacy.getKeyRotation({}, as({ roles: ['call_centre_agent'], orgPath: '/' })))).kind,
  ).toBe('denied');
  expect(await running.privacy.getKeyRotation({}, as({ roles: ['auditor'], orgPath: '/' }))).toMatchObject({
    keyRotation: { keyId: 'k2' },
  });
});
