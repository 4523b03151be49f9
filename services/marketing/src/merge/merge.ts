import { type Queryable, type Sql, sql, type Tx } from '@rapport/kit/db';
import type { EventMeta } from '@rapport/kit/events';
import type { PartyMerged, PartyUnmerged } from '@rapport/proto/customer/v1';

const idOf = (party: string): string => party.slice('parties/'.length);

/**
 * Tables whose rows are seen by who sees the customer. Suppressions and referrals say themselves where they belong, and
 * decisions are kept as they were made.
 */
const seenWithParty = ['delivery', 'message_slot'] as const;

/**
 * Hears that parties answer as another from now on. Their rows stay theirs, so that whoever reads resolves, and are seen
 * by those who see the survivor.
 */
export async function onPartyMerged(tx: Tx, event: PartyMerged, meta: EventMeta): Promise<void> {
  const changed = await keepAliases(tx, event.merged, event.survivor, event.mergeTime ?? meta.occurred);
  await moveRows(tx, changed, event);
}

/** Hears that a party answers for itself again, with all that had been merged into it before. */
export async function onPartyUnmerged(tx: Tx, event: PartyUnmerged, meta: EventMeta): Promise<void> {
  const changed = await keepAliases(tx, event.restored, event.party, event.unmergeTime ?? meta.occurred);
  await moveRows(tx, changed, event);
}

/**
 * Keeps which golden record parties answer as. What is older than what is known changes nothing, so order does not matter.
 * Gives the parties for which it did change something.
 */
async function keepAliases(tx: Tx, parties: readonly string[], golden: string, time: Date): Promise<string[]> {
  const rows = await tx.rows<{ party: string }>(sql`
    INSERT INTO party_alias AS a (party_id, golden_id, merge_time)
    SELECT DISTINCT party, ${idOf(golden)}::uuid, ${time}::timestamptz
    FROM unnest(${parties.map(idOf)}::uuid[]) AS p (party) ORDER BY party
    ON CONFLICT (party_id) DO UPDATE SET golden_id = excluded.golden_id, merge_time = excluded.merge_time
    WHERE a.merge_time < excluded.merge_time
    RETURNING party_id AS party`);
  return rows.map(({ party }) => party);
}

/** Puts the rows of parties where their customer belongs now. */
async function moveRows(
  tx: Tx,
  parties: readonly string[],
  { organisationPath, relationshipManager }: { organisationPath: string; relationshipManager: string },
): Promise<void> {
  // Events from before they told it.
  if (parties.length === 0 || organisationPath === '') return;
  for (const table of seenWithParty) {
    await tx.run(sql`
      UPDATE ${sql.raw(table)} SET organisation_path = ${organisationPath}, manager = ${relationshipManager}
      WHERE party_id = ANY(${[...parties]}::uuid[])
        AND (organisation_path, manager) IS DISTINCT FROM (${organisationPath}, ${relationshipManager})`);
  }
}

/**
 * For SQL, the ids of all parties that answer as the same golden record as this one, itself included: rows of a party are
 * those `WHERE party_id = ANY(membersOf(id))`. Found once per statement, before its rows.
 */
export function membersOf(partyId: string | null): Sql {
  return sql`ARRAY(
    WITH golden AS (
      SELECT coalesce((SELECT golden_id FROM party_alias WHERE party_id = ${partyId}::uuid), ${partyId}::uuid) AS id)
    SELECT id FROM golden
    UNION ALL SELECT a.party_id FROM party_alias a JOIN golden g ON a.golden_id = g.id AND a.party_id <> g.id)`;
}

/** The golden record that a party answers as: its own id unless it was merged. */
export async function goldenOf(on: Queryable, partyId: string): Promise<string> {
  const alias = await on.maybe<{ golden: string }>(sql`
    SELECT golden_id AS golden FROM party_alias WHERE party_id = ${partyId}::uuid`);
  return alias?.golden ?? partyId;
}

/** A golden record with all ids that answer as it, its own among them. */
export interface Golden {
  golden: string;
  members: string[];
}

/** The golden records of several parties, by party. */
export async function goldensOf(on: Queryable, partyIds: readonly string[]): Promise<Map<string, Golden>> {
  const rows = await on.rows<Golden & { party: string }>(sql`
    SELECT asked.party, asked.golden, array_prepend(asked.golden, ARRAY(
      SELECT other.party_id FROM party_alias other
      WHERE other.golden_id = asked.golden AND other.party_id <> asked.golden)) AS members
    FROM (
      SELECT party, coalesce(a.golden_id, party) AS golden
      FROM unnest(${[...partyIds]}::uuid[]) AS p (party) LEFT JOIN party_alias a ON a.party_id = party) asked`);
  return new Map(rows.map(({ party, golden, members }) => [party, { golden, members }]));
}
