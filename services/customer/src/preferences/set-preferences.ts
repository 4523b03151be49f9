import { audit } from '@rapport/kit/crypto';
import { sql } from '@rapport/kit/db';
import { type Call, checkEtag, idempotent, scopeFor } from '@rapport/kit/rpc';
import { type Preferences, type SetPreferencesRequest, SetPreferencesResponse } from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { assertParty, partyName } from '../party/party.js';
import { latestPreferences, preferenceColumns, type PreferenceRecord, preferencesMessage } from './preferences.js';

/** Keeps how a party likes to be served, as a whole. */
export async function setPreferences(
  deps: Deps,
  request: SetPreferencesRequest,
  call: Call,
): Promise<SetPreferencesResponse> {
  const { channel, contactWindows, topics, etag } = request.preferences as Preferences;
  const late = contactWindows.findIndex(({ start, end }) => end <= start);
  if (late >= 0) {
    const field = `preferences.contact_windows[${late}].end`;
    throw fail('PREFERENCES_INVALID', { violations: [{ field, description: 'must be later than the start' }] });
  }
  const scope = scopeFor(call, 'C2');
  return idempotent(
    deps.db,
    call,
    request,
    SetPreferencesResponse,
    async (tx) => {
      const party = await assertParty(tx, request.parent, scope, sql`FOR UPDATE OF golden`);
      checkEtag(etag, preferencesMessage(await latestPreferences(tx, party)).etag);
      const row = await tx.one<PreferenceRecord>(sql`
        INSERT INTO preference AS f (party_id, channel, contact_windows, topics, update_time, organisation_path, manager)
        VALUES (${party.partyId}, ${channel}, ${JSON.stringify(contactWindows)}::jsonb, ${topics}, ${deps.clock.now()},
          ${party.organisationPath}, ${party.manager})
        ON CONFLICT (party_id) DO UPDATE SET channel = excluded.channel, contact_windows = excluded.contact_windows,
          topics = excluded.topics, update_time = excluded.update_time, version = f.version + 1
        RETURNING ${preferenceColumns}`);
      await audit(tx, call, { resource: `${partyName(party.partyId)}/preferences`, fields: ['preferences'] });
      return { preferences: preferencesMessage(row) };
    },
    { scope },
  );
}
