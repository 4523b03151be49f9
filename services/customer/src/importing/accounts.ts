import { scopeFilter, sql } from '@rapport/kit/db';
import { keyKind } from '../holding/holding.js';
import type { Account, Batch, KnownAccounts } from './batch.js';

/** How many holdings a stream remembers: some tens of megabytes. */
const MOST_KNOWN = 50_000;

const state = sql.raw(`concat_ws(' ', h.version, h.kind, h.currency, h.organisation_path, h.manager)`);

/**
 * The holdings behind source keys, as far as the caller may see them. What the stream remembers is asked only whether it
 * still holds, which is far less than to read it again: most rows of a file name accounts that were named before. They
 * are held until the batch is written, so that none moves while rows are written that stand where it stands.
 */
export async function accountsOf(batch: Batch, keys: ReadonlySet<string>): Promise<KnownAccounts> {
  const { accounts } = batch;
  if (accounts.size > MOST_KNOWN) accounts.clear();
  // In one order, so that two imports wait for each other and not for ever.
  const known = [...keys]
    .map((key) => accounts.get(key))
    .filter((account) => account !== undefined)
    .sort(byPlace);
  if (known.length > 0 && !(await stillHold(batch, known))) accounts.clear();
  const missing = [...keys].filter((key) => !accounts.has(key));
  if (missing.length > 0) for (const account of await read(batch, missing)) accounts.set(account.key, account);
  return accounts;
}

function byPlace(a: Account, b: Account): number {
  if (a.partyId !== b.partyId) return a.partyId < b.partyId ? -1 : 1;
  return a.holdingId < b.holdingId ? -1 : 1;
}

async function stillHold(batch: Batch, known: readonly Account[]): Promise<boolean> {
  const { same } = await batch.tx.one<{ same: bigint }>(sql`
    SELECT count(*) AS same
    FROM unnest(${known.map(({ partyId }) => partyId)}::uuid[], ${known.map(({ holdingId }) => holdingId)}::uuid[],
      ${known.map((account) => account.state)}::text[]) AS k (party_id, holding_id, state)
    CROSS JOIN LATERAL (SELECT FROM holding h WHERE h.party_id = k.party_id AND h.holding_id = k.holding_id
      AND ${state} = k.state AND ${scopeFilter(batch.scope, { path: 'h.organisation_path', manager: 'h.manager' })}
      OFFSET 0 FOR NO KEY UPDATE) h`);
  return Number(same) === known.length;
}

function read(batch: Batch, keys: readonly string[]): Promise<Account[]> {
  return batch.tx.rows<Account>(sql`
    SELECT nk.source_key AS key, h.*
    FROM natural_key nk CROSS JOIN LATERAL (
      SELECT h.party_id AS "partyId", h.holding_id AS "holdingId", h.kind, h.owners, h.currency,
        h.organisation_path AS "organisationPath", h.manager, ${state} AS state
      FROM holding h WHERE h.party_id = nk.party_id AND h.holding_id = nk.id
        AND ${scopeFilter(batch.scope, { path: 'h.organisation_path', manager: 'h.manager' })} OFFSET 0
      FOR NO KEY UPDATE) h
    WHERE nk.source = ${batch.source} AND nk.kind = ${keyKind.holding} AND nk.source_key = ANY(${keys}::text[])`);
}
