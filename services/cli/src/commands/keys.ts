import { randomUUID } from 'node:crypto';
import { chmodSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { rotateKeyRing } from '@rapport/kit/crypto';
import { Failure } from '@rapport/kit/rpc';
import { type KeyRotation, KeyRotationState } from '@rapport/proto/customer/v1';
import type { Clients } from '../clients.js';
import { print, table } from '../output.js';
import { openProgress } from '../progress.js';
import { OperatorError } from '../suite.js';

export interface KeysFlags {
  readonly file?: string;
  readonly id?: string;
  readonly json?: boolean;
}

/** A file that Kubernetes mounts reaches the service within two minutes. */
const ARRIVES_MS = 150_000;
const LOOK_MS = 500;

type PrivacyClients = Pick<Clients, 'privacy'>;

/** Adds a current key to the file, at once or not at all, with the rights that it had. */
function addKey(file: string, id: string): void {
  let next: string;
  try {
    next = rotateKeyRing(readFileSync(file, 'utf8'), id);
  } catch (error) {
    throw new OperatorError(
      `${file}: ${error instanceof Error ? error.message : String(error)}. A file whose keys Vault has wrapped is ` +
        'rotated by `node dist/main.js rotate-keys` of the customer service.',
    );
  }
  const beside = `${file}.new`;
  writeFileSync(beside, next, { mode: 0o600 });
  chmodSync(beside, statSync(file).mode);
  renameSync(beside, file);
}

/** Asks the service to begin, for as long as the new file may need to reach it. */
async function begin({ privacy }: PrivacyClients, keyId: string): Promise<KeyRotation | undefined> {
  const request = { keyId, requestId: randomUUID() };
  for (const end = Date.now() + ARRIVES_MS; ; ) {
    try {
      return (await privacy.rotateKeys(request)).keyRotation;
    } catch (error) {
      if (!(error instanceof Failure) || error.reason !== 'KEY_NOT_CURRENT' || keyId === '' || Date.now() > end)
        throw error;
      await sleep(LOOK_MS * 4);
    }
  }
}

/**
 * `rapport keys rotate`: has every party key wrapped with the key that is current in the key-encryption-key file, and
 * follows it. With `file` a new key is first added there; in a cluster the file is a secret, changed by whoever keeps it.
 */
export async function rotateKeys(clients: PrivacyClients, flags: KeysFlags): Promise<void> {
  if (flags.id !== undefined && !flags.file)
    throw new OperatorError('--id names the key that is added to a file; name the file with --file');
  const id = flags.id ?? new Date().toISOString().slice(0, 16).replace(':', '-');
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(id)) throw new OperatorError('--id is 1 to 64 letters, digits, - and _');
  if (flags.file) addKey(flags.file, id);
  let rotation = await begin(clients, flags.file ? id : '');
  const progress = openProgress(flags.json === true);
  const step = progress.step('keys wrapped anew', Number(rotation?.total ?? 0n));
  let shown = 0;
  for (;;) {
    const done = Number(rotation?.done ?? 0n);
    step.advance(done - shown);
    shown = done;
    if (rotation?.state !== KeyRotationState.KEY_ROTATION_STATE_RUNNING) break;
    await sleep(LOOK_MS);
    rotation = (await clients.privacy.getKeyRotation({})).keyRotation;
  }
  step.done();
  show(rotation, flags);
}

/** `rapport keys status`: how far the last rotation is, and until when the old keys must be kept. */
export async function keysStatus(clients: PrivacyClients, flags: KeysFlags): Promise<void> {
  show((await clients.privacy.getKeyRotation({})).keyRotation, flags);
}

function show(rotation: KeyRotation | undefined, flags: KeysFlags): void {
  const completed = rotation?.state === KeyRotationState.KEY_ROTATION_STATE_COMPLETED;
  const result = rotation && {
    key: rotation.keyId,
    state: completed ? 'completed' : 'running',
    total: rotation.total,
    done: rotation.done,
    rewrapped: rotation.rewrapped,
    startedBy: rotation.startedBy,
    startTime: rotation.startTime,
    completeTime: rotation.completeTime ?? null,
    oldKeysNeededUntil: rotation.oldKeysNeededUntil ?? null,
  };
  print(flags.json === true, result ?? null, function* () {
    if (!result) {
      yield 'The service has not looked at its keys yet.';
      return;
    }
    const { key, state, done, total, rewrapped, startedBy, oldKeysNeededUntil } = result;
    yield* table(
      ['key', 'state', 'looked at', 'of', 'wrapped anew', 'started by'],
      [[key, state, Number(done), Number(total), Number(rewrapped), startedBy]],
    );
    if (oldKeysNeededUntil) yield `Keep the keys before it in the file until ${oldKeysNeededUntil.toISOString()}.`;
  });
}
