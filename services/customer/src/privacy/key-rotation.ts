import type { FieldCipher } from '@rapport/kit/crypto';
import { type Queryable, type Sql, sql, type Tx } from '@rapport/kit/db';
import { uuidv7 } from '@rapport/kit/runtime';
import { type KeyRotation, KeyRotationState } from '@rapport/proto/customer/v1';

/** Stored answers of calls are kept for so long, and were sealed under keys that the old key-encryption key wrapped. */
const ANSWERS_KEPT_MS = 7 * 86_400_000;

/** A rotation as it is stored. */
export interface RotationRow {
  rotationId: string;
  keyId: string;
  /** The last party whose key was looked at. */
  walkedTo: string | null;
  total: bigint;
  done: bigint;
  rewrapped: bigint;
  startedBy: string;
  startTime: Date;
  completeTime: Date | null;
}

export const rotationColumns: Sql = sql.raw(`rotation_id AS "rotationId", key_id AS "keyId", walked_to AS "walkedTo",
  total, done, rewrapped, started_by AS "startedBy", start_time AS "startTime", complete_time AS "completeTime"`);

/** The id of the key that is current in the file, which is read again. */
export function currentKey(cipher: FieldCipher): string {
  // A fresh key that must be wrapped anew was wrapped by a key that is no longer current.
  const probe = cipher.newKey('probe');
  return cipher.keyId(cipher.rewrap(probe) ?? probe);
}

/** The last rotation; undefined before the service has looked at its keys for the first time. */
export function lastRotation(on: Queryable): Promise<RotationRow | undefined> {
  return on.maybe<RotationRow>(sql`SELECT ${rotationColumns} FROM key_rotation ORDER BY rotation_id DESC LIMIT 1`);
}

/**
 * Begins to wrap every party key with a key, unless the last rotation was to the same one. Gives the last rotation, and
 * whether it was begun now. Counts the keys: a second for a million parties.
 */
export async function beginRotation(
  tx: Tx,
  keyId: string,
  startedBy: string,
): Promise<{ rotation: RotationRow; begun: boolean }> {
  // One at a time, so that two processes that see the new key at once begin once.
  await tx.run(sql`LOCK TABLE key_rotation IN SHARE ROW EXCLUSIVE MODE`);
  const last = await lastRotation(tx);
  if (last?.keyId === keyId) return { rotation: last, begun: false };
  const rotation = await tx.one<RotationRow>(sql`
    INSERT INTO key_rotation (rotation_id, key_id, total, started_by, start_time)
    SELECT ${uuidv7()}::uuid, ${keyId}, count(*), ${startedBy}, now() FROM party RETURNING ${rotationColumns}`);
  return { rotation, begun: true };
}

/** The message of a row. */
export function rotationMessage(row: RotationRow): KeyRotation {
  const { keyId, total, done, rewrapped, startedBy, startTime, completeTime } = row;
  return {
    keyId,
    state: completeTime ? KeyRotationState.KEY_ROTATION_STATE_COMPLETED : KeyRotationState.KEY_ROTATION_STATE_RUNNING,
    total,
    done,
    rewrapped,
    startedBy,
    startTime,
    completeTime: completeTime ?? undefined,
    oldKeysNeededUntil: completeTime && rewrapped > 0n ? new Date(completeTime.getTime() + ANSWERS_KEPT_MS) : undefined,
  };
}
