import { everything, rowsWith, sql, tablesWith } from '@rapport/kit/db';
import type { PersonalRow } from '@rapport/kit/events';
import { Party } from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';
import { holdingColumns, type HoldingRecord, openIban } from '../holding/holding.js';
import { partyColumns, partyMessage, type PartyRecord } from '../party/party.js';
import { PARTY } from './erase-party.js';

/**
 * Tables that say nothing beside what others say: the party itself is given in full, search terms, keys of the matcher and
 * aliases are made of it.
 */
const DERIVED = new Set([
  'party',
  'party_word',
  'party_contact',
  'party_alias',
  'natural_key',
  'holding_number',
  'match_key',
  'match_profile',
  'match_queue',
  'consent_expiry',
  'retention',
]);

/** Gives the function that gathers everything this service keeps about parties: opened, and table by table. */
export function personalData({ db, cipher }: Pick<Deps, 'db' | 'cipher'>) {
  return async function* (ids: readonly string[]): AsyncIterable<PersonalRow> {
    const parties = await db.system.rows<PartyRecord>(sql`
      SELECT ${partyColumns} FROM party WHERE party_id = ANY(${[...ids]}::uuid[]) ORDER BY party_id`);
    for (const row of parties) {
      yield { collection: 'party', row: Party.toJSON(partyMessage({ cipher }, row, everything)), dataClass: 'C2' };
    }
    const ibans = new Map<unknown, string>();
    const holdings = await db.system.rows<HoldingRecord>(sql`
      SELECT ${holdingColumns} FROM holding h WHERE h.party_id = ANY(${[...ids]}::uuid[]) AND h.sealed IS NOT NULL`);
    for (const row of holdings) ibans.set(row.holdingId, openIban(cipher, row));
    const opened = (row: Record<string, unknown>) => {
      const iban = 'sealed' in row ? ibans.get(row['holding_id']) : undefined;
      return iban === undefined ? {} : { iban };
    };
    for (const table of await tablesWith(db.system, PARTY)) {
      // Rows that name somebody else as their own belong to that somebody.
      if (DERIVED.has(table.table) || table.column !== PARTY) continue;
      for (const row of await rowsWith(db.system, table, ids)) {
        yield { collection: table.table, row: { ...readable(row), ...opened(row) }, dataClass: 'C2' };
      }
    }
  };
}

/** The row without bytes that only this service can read: sealed copies, digests, keys. */
function readable(row: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(row).filter(([, value]) => typeof value !== 'string' || !value.startsWith('\\x')),
  );
}
