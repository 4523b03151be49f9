import { setTimeout as sleep } from 'node:timers/promises';
import { audit, type FieldCipher, systemCaller } from '@rapport/kit/crypto';
import { type Database, everything, leased, sql, type Tx } from '@rapport/kit/db';
import { logger, type Running } from '@rapport/kit/runtime';
import { beginRotation, currentKey, lastRotation, rotationColumns, type RotationRow } from './key-rotation.js';

/** Keys wrapped anew in one transaction. */
const BATCH = 500;
const PAUSE_MS = 20;
/** How often the file is looked at; it is small. */
const LOOK_MS = 2_000;
const NOBODY = '00000000-0000-0000-0000-000000000000';

/**
 * Wraps up to a batch of party keys with the current key-encryption key, from where the rotation is; those that already
 * are stay as they are. The keys themselves do not change, so that whoever reads or writes meanwhile is not disturbed, and
 * nothing that they sealed has to be sealed anew. Gives the rotation as it is then, completed at the end.
 */
export async function rewrapBatch(db: Database, cipher: FieldCipher, rotation: RotationRow): Promise<RotationRow> {
  return db.plain.transaction(everything, async (tx) => {
    const rows = await tx.rows<{ id: string; wrapped: Buffer }>(sql`
      SELECT party_id AS id, wrapped_key AS wrapped FROM party WHERE party_id > ${rotation.walkedTo ?? NOBODY}::uuid
      ORDER BY party_id LIMIT ${BATCH}`);
    const changed = rows.flatMap(({ id, wrapped }) => {
      const key = cipher.rewrap({ owner: id, wrapped });
      return key ? [{ id, before: wrapped, wrapped: key.wrapped }] : [];
    });
    if (changed.length > 0) {
      await tx.run(sql`
        UPDATE party SET wrapped_key = r.wrapped
        FROM unnest(${changed.map(({ id }) => id)}::uuid[], ${changed.map(({ before }) => before)}::bytea[],
          ${changed.map(({ wrapped }) => wrapped)}::bytea[]) AS r (id, before, wrapped)
        WHERE party.party_id = r.id AND party.wrapped_key = r.before`);
    }
    const ended = rows.length < BATCH;
    const { startedBy, keyId } = rotation;
    const rewrapped = rotation.rewrapped + BigInt(changed.length);
    if (ended && rewrapped > 0n) {
      const caller = systemCaller('customer', 'RewrapKeys');
      await audit(tx, caller, { resource: 'keyEncryptionKeys', change: { rewrapped: Number(rewrapped), key: keyId } });
      tx.afterCommit(() =>
        logger.info(
          { keyId, rewrapped: Number(rewrapped), startedBy },
          'every party key is wrapped by the current key',
        ),
      );
    }
    return tx.one<RotationRow>(sql`
      UPDATE key_rotation SET walked_to = coalesce(${rows.at(-1)?.id ?? null}::uuid, walked_to),
        done = done + ${rows.length}, rewrapped = ${rewrapped}, complete_time = CASE WHEN ${ended} THEN now() END
      WHERE rotation_id = ${rotation.rotationId} RETURNING ${rotationColumns}`);
  });
}

/**
 * Follows the key-encryption-key file: whenever another key is current, or RotateKeys was called, every party key is
 * wrapped with it, a batch at a time, in one process of all replicas. How far it is stands in `key_rotation`, so that a
 * process that ends in the middle loses nothing. Answers kept for seven days still need the old key: take it out of the
 * file after that.
 */
export function startRewrapping({
  db,
  cipher,
  lookMs = LOOK_MS,
}: {
  db: Database;
  cipher: FieldCipher;
  lookMs?: number;
}): Running {
  return leased({
    db,
    group: 'key rotation',
    names: ['key rotation'],
    work: async ({ signal }) => {
      while (!signal.aborted) {
        const current = currentKey(cipher);
        let rotation = await lastRotation(db.system);
        if (rotation?.keyId !== current) {
          const begin = (tx: Tx) => beginRotation(tx, current, 'service:customer');
          ({ rotation } = await db.plain.transaction(everything, begin));
        }
        while (!rotation.completeTime && !signal.aborted) {
          rotation = await rewrapBatch(db, cipher, rotation);
          if (!rotation.completeTime) await sleep(PAUSE_MS, undefined, { signal }).catch(() => undefined);
        }
        await sleep(lookMs, undefined, { signal }).catch(() => undefined);
      }
    },
  });
}
