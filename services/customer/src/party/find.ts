import { type Queryable, type Scope, type Sql, scopeFilter, sql } from '@rapport/kit/db';
import type { Placed } from '../access/access.js';
import { fail } from '../errors.js';
import { partyIdIn } from './names.js';

/** Where a party stands and how. */
export interface PlacedParty extends Placed {
  partyId: string;
  state: number;
}

/** The place of a party inside the scope; throws when it is not there for the caller. */
export async function assertParty(
  on: Queryable,
  name: string,
  scope: Scope,
  lock: Sql = sql.empty,
): Promise<PlacedParty> {
  const id = partyIdIn(name);
  const row = await on.maybe<PlacedParty>(sql`
    SELECT party_id AS "partyId", organisation_path AS "organisationPath", manager, state FROM party
    WHERE party_id = ${id} AND ${scopeFilter(scope, { path: 'organisation_path', manager: 'manager' })} ${lock}`);
  if (!row) throw fail('PARTY_NOT_FOUND', { metadata: { party: name } });
  return row;
}
