import { type Queryable, type Scope, type Sql, sql } from '@rapport/kit/db';
import { PartyState } from '@rapport/proto/customer/v1';
import type { Placed } from '../access/access.js';
import { seen } from '../access/access.js';
import { fail } from '../errors.js';
import { partyIdIn } from './names.js';

/** What a party's state must not be for its data to be used, beyond keeping it (article 18 of the GDPR). */
export const RESTRICTED = PartyState.PARTY_STATE_RESTRICTED;

/**
 * Throws where the processing of a golden record is restricted. For what makes something new out of its data: marks,
 * goals, matches. Keeping it, rectifying it, consents, and records of what the customer does go on.
 */
export function assertUsable({ partyId, state }: PlacedParty): void {
  if (state === RESTRICTED) throw fail('PARTY_RESTRICTED', { metadata: { party: `parties/${partyId}` } });
}

/** A golden record: where it stands, how, and which parties were merged into it. */
export interface PlacedParty extends Placed {
  partyId: string;
  state: number;
  aliases: string[];
}

/**
 * The ids that what belongs to a golden record is kept under: rows stay with the party that they were written for. Read
 * them as `unnest(members) CROSS JOIN LATERAL (… WHERE party_id = member OFFSET 0)`: Postgres then looks into the one
 * partition of each member, where `party_id = ANY(members)` looks into all.
 */
export function membersOf(party: { partyId: string; aliases: readonly string[] }): string[] {
  return [party.partyId, ...party.aliases];
}

/** Reads a party by id and, where it was merged, the golden record that it answers as. */
export async function golden<T extends { partyId: string; goldenId: string }>(
  id: string,
  read: (id: string) => Promise<T | undefined>,
): Promise<T | undefined> {
  let row = await read(id);
  // Once as a rule; again only when a merge comes in between.
  while (row && row.goldenId !== row.partyId) row = await read(row.goldenId);
  return row;
}

/**
 * The golden record that a name answers as, inside the scope; throws when it is not there for the caller. `lock` holds
 * it, for instance `FOR SHARE OF golden`, so that it is not merged or moved while something is written under it.
 */
export async function assertParty(
  on: Queryable,
  name: string,
  scope: Scope,
  lock: Sql = sql.empty,
): Promise<PlacedParty> {
  const id = partyIdIn(name);
  const query = sql`
    SELECT golden.party_id AS "partyId", golden.organisation_path AS "organisationPath", golden.manager, golden.state,
      golden.aliases
    FROM party named JOIN party golden ON golden.party_id = named.golden_id
    WHERE named.party_id = ${id} AND golden.merged_into IS NULL
      AND ${seen(scope, 'golden')} ${lock}`;
  // The second look finds what a merge made while the first waited for the lock.
  const row = (await on.maybe<PlacedParty>(query)) ?? (await on.maybe<PlacedParty>(query));
  if (!row) throw fail('PARTY_NOT_FOUND', { metadata: { party: name } });
  return row;
}
