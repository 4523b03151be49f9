import { type Queryable, type Sql, sql } from '@rapport/kit/db';
import type { Preferences } from '@rapport/proto/customer/v1';
import type { PlacedParty } from '../party/party.js';

/** Preferences as they are stored, in the names of the Prisma model. */
export interface PreferenceRecord {
  partyId: string;
  channel: number;
  contactWindows: { days: number[]; start: string; end: string }[];
  topics: string[];
  version: number;
  updateTime: Date;
}

/** The columns of a `PreferenceRecord`, of the table `preference` under the name f. */
export const preferenceColumns: Sql = sql.raw(`f.party_id AS "partyId", f.channel,
  f.contact_windows AS "contactWindows", f.topics, f.version, f.update_time AS "updateTime"`);

/** What a golden record said last, under whichever of its ids. */
export function latestPreferences(on: Queryable, party: PlacedParty): Promise<PreferenceRecord | undefined> {
  return on.maybe<PreferenceRecord>(sql`
    SELECT ${preferenceColumns} FROM preference f
    WHERE f.party_id = ANY(${[party.partyId, ...party.aliases]}::uuid[])
    ORDER BY f.update_time DESC, f.party_id LIMIT 1`);
}

/** The message of a row; of nothing, that nothing was ever said. */
export function preferencesMessage(row: PreferenceRecord | undefined): Preferences {
  if (!row) return { channel: 0, contactWindows: [], topics: [], updateTime: undefined, etag: '' };
  const { channel, contactWindows, topics, updateTime } = row;
  return { channel, contactWindows, topics, updateTime, etag: etagOf(row) };
}

/** Names the row too: a merge can put another party's preferences in the place of these. */
function etagOf(row: PreferenceRecord): string {
  return `"${row.partyId.slice(-12)}-${row.version}"`;
}
