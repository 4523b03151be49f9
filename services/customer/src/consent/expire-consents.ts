import { setTimeout as sleep } from 'node:timers/promises';
import { audit, systemCaller } from '@rapport/kit/crypto';
import { type Database, everything, leased, sql } from '@rapport/kit/db';
import { publishAll } from '@rapport/kit/events';
import { type Clock, type Running, uuidv7 } from '@rapport/kit/runtime';
import { ConsentChanged, ConsentState } from '@rapport/proto/customer/v1';
import { consentChanged, consentColumns, consentName, type ConsentRecord, insertConsents } from './consent.js';

const caller = systemCaller('customer', 'ExpireConsents');
/** Consents ended in one transaction. */
const BATCH = 500;

/**
 * Says of granted consents whose time has come that they have ended: one more line of the ledger and a ConsentChanged
 * each, unless something else was said meanwhile. Gives how many it looked at, at most `limit`. Safe to run at any time,
 * from any process. Nobody is written to in the meantime: who asks for contactability hears of the end at once.
 */
export async function expireConsents(db: Database, now: Date, limit = BATCH): Promise<number> {
  return db.plain.transaction(everything, async (tx) => {
    const due = await tx.rows<{ consentId: string; partyId: string }>(sql`
      SELECT consent_id AS "consentId", party_id AS "partyId" FROM consent_expiry WHERE expire_time <= ${now}
      ORDER BY expire_time LIMIT ${limit} FOR UPDATE SKIP LOCKED`);
    if (due.length === 0) return 0;
    const parties = due.map(({ partyId }) => partyId);
    const consents = due.map(({ consentId }) => consentId);
    // The locks that setting a consent takes, on the golden records, in the same order everywhere.
    await tx.run(sql`
      SELECT FROM party WHERE party_id IN (SELECT golden_id FROM party WHERE party_id = ANY(${parties}::uuid[]))
      ORDER BY party_id FOR UPDATE`);
    const holding = await tx.rows<ConsentRecord>(sql`
      SELECT ${consentColumns}
      FROM unnest(${parties}::uuid[], ${consents}::uuid[]) AS due (party, consent)
        JOIN consent c ON c.party_id = due.party AND c.consent_id = due.consent
        JOIN party home ON home.party_id = due.party JOIN party golden ON golden.party_id = home.golden_id
      WHERE NOT EXISTS (
        SELECT FROM unnest(golden.party_id || golden.aliases) AS member (id) JOIN consent later ON
          later.party_id = member.id AND later.purpose = c.purpose AND later.channel = c.channel
          AND (later.effective_time, later.consent_id) > (c.effective_time, c.consent_id))`);
    const ended = holding.map((row) => ({
      ...row,
      consentId: uuidv7(),
      state: ConsentState.CONSENT_STATE_EXPIRED,
      effectiveTime: row.expireTime ?? now,
      expireTime: null,
      proof: '',
      recordedBy: caller.principal.subject,
      createTime: now,
    }));
    if (ended.length > 0) {
      await insertConsents(tx, ended);
      await audit(tx, caller, { resource: ended.map(consentName), change: { expired: true } });
      const events = ended.map((row) => ({
        message: consentChanged(row),
        options: { aggregate: row.partyId, subject: consentName(row) },
      }));
      await publishAll(tx, ConsentChanged, events);
    }
    await tx.run(sql`DELETE FROM consent_expiry WHERE consent_id = ANY(${consents}::uuid[])`);
    return due.length;
  });
}

/** Looks every few seconds, in one process of all replicas at a time. */
export function startExpiry({ db, clock, everyMs = 5_000 }: { db: Database; clock: Clock; everyMs?: number }): Running {
  return leased({
    db,
    group: 'consent expiry',
    names: ['consent expiry'],
    work: async ({ signal }) => {
      while (!signal.aborted) {
        const looked = await expireConsents(db, clock.now());
        if (looked < BATCH) await sleep(everyMs, undefined, { signal }).catch(() => undefined);
      }
    },
  });
}
