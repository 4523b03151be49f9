import { setTimeout as sleep } from 'node:timers/promises';
import { audit, type FieldCipher, systemCaller } from '@rapport/kit/crypto';
import { type Database, everything, leased, sql } from '@rapport/kit/db';
import { logger, type Running } from '@rapport/kit/runtime';

/** Keys wrapped anew in one transaction. */
const BATCH = 500;
const PAUSE_MS = 20;
const LOOK_MS = 30_000;

/** How far a walk over the keys has come; kept in the database, so that a process that ends in the middle loses nothing. */
interface Walk {
  after: string;
  rewrapped: number;
}

/**
 * Wraps up to a batch of party keys with the current key-encryption key, from `walk.after` on; those that already are
 * stay as they are. The keys themselves do not change, so that whoever reads or writes meanwhile is not disturbed, and
 * nothing that they sealed has to be sealed anew. Gives where to go on, undefined at the end.
 */
export async function rewrapBatch(db: Database, cipher: FieldCipher, walk: Walk): Promise<Walk | undefined> {
  return db.plain.transaction(everything, async (tx) => {
    const rows = await tx.rows<{ id: string; wrapped: Buffer }>(sql`
      SELECT party_id AS id, wrapped_key AS wrapped FROM party WHERE party_id > ${walk.after}::uuid
      ORDER BY party_id LIMIT ${BATCH}`);
    const last = rows.at(-1);
    if (!last) return undefined;
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
    return { after: last.id, rewrapped: walk.rewrapped + changed.length };
  });
}

/**
 * Follows the key-encryption-key file: whenever another key is current, every party key is wrapped with it, a batch at a
 * time, in one process of all replicas. A holder that ends leaves its place in the lease; the next one goes on there.
 * When it says in the log and the audit that all is done, answers kept for seven days still need the old key: take it out
 * of the file after that.
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
    work: async ({ signal, name }) => {
      const { state } = await db.system.one<{ state: (Walk & { keyId: string; done: boolean }) | null }>(sql`
        SELECT state FROM kit.lease WHERE name = ${name}`);
      let known = state ?? { keyId: '', after: '00000000-0000-0000-0000-000000000000', rewrapped: 0, done: true };
      const save = (): Promise<number> =>
        db.system.run(sql`UPDATE kit.lease SET state = ${JSON.stringify(known)}::jsonb WHERE name = ${name}`);
      while (!signal.aborted) {
        const probe = cipher.newKey('probe');
        // Reads the file again; a fresh key that must be wrapped anew was wrapped by a key that is no longer current.
        const current = cipher.keyId(cipher.rewrap(probe) ?? probe);
        if (current !== known.keyId) {
          known = { keyId: current, after: '00000000-0000-0000-0000-000000000000', rewrapped: 0, done: false };
          await save();
        }
        while (!known.done && !signal.aborted) {
          const next = await rewrapBatch(db, cipher, known);
          known = next ? { ...known, ...next } : { ...known, done: true };
          await save();
          if (!known.done) await sleep(PAUSE_MS, undefined, { signal }).catch(() => undefined);
          else if (known.rewrapped > 0) {
            logger.info(
              { keyId: current, rewrapped: known.rewrapped },
              'every party key is wrapped by the current key',
            );
            const change = { rewrapped: known.rewrapped, key: current };
            await audit(db, systemCaller('customer', 'RewrapKeys'), { resource: 'keyEncryptionKeys', change });
          }
        }
        await sleep(lookMs, undefined, { signal }).catch(() => undefined);
      }
    },
  });
}
