import type { FieldCipher } from '@rapport/kit/crypto';
import { sql, type Tx } from '@rapport/kit/db';
import { indexNumbers, sealIbans } from './numbers.js';
import type { HoldingRecord } from './record.js';

/**
 * The kinds of rows whose keys `natural_key` keeps unique over all partitions. 2 were transactions, whose keys have a
 * table of their own.
 */
export const keyKind = { holding: 1, interaction: 3 } as const;

/** A source key that a row claims. */
interface KeyClaim {
  sourceKey: string;
  partyId: string;
  id: string;
  /** Digest of what the row says; 0 for what did not come from an import. */
  content: bigint;
}

/** Claims different keys; gives those that were free. A taken one changes nothing. */
export async function claimKeys(
  tx: Tx,
  kind: keyof typeof keyKind,
  source: string,
  claims: readonly KeyClaim[],
): Promise<Set<string>> {
  // In the order of the index, so that neighbours are written together and two imports wait for each other in one order.
  const sorted = claims.toSorted((a, b) => (a.sourceKey < b.sourceKey ? -1 : a.sourceKey > b.sourceKey ? 1 : 0));
  // As a rule all are free, and then nothing is sent back.
  const rows = await tx.rows<{ key: string | null }>(sql`
    WITH made AS (
      INSERT INTO natural_key (source, kind, source_key, party_id, id, content)
      SELECT ${source}, ${keyKind[kind]}::smallint, * FROM unnest(${sorted.map((claim) => claim.sourceKey)}::text[],
        ${sorted.map((claim) => claim.partyId)}::uuid[], ${sorted.map((claim) => claim.id)}::uuid[],
        ${sorted.map((claim) => claim.content)}::bigint[])
      ON CONFLICT DO NOTHING RETURNING source_key)
    SELECT source_key AS key FROM made WHERE (SELECT count(*) FROM made) < ${claims.length}
    UNION ALL SELECT NULL WHERE (SELECT count(*) FROM made) = ${claims.length}`);
  if (rows[0]?.key === null) return new Set(claims.map((claim) => claim.sourceKey));
  return new Set(rows.map((row) => row.key as string));
}

/** A holding that is about to be written, with its IBAN, empty for none. */
export interface NumberedHolding {
  row: HoldingRecord;
  iban: string;
}

/** The row as JSON for Postgres. */
function jsonOf(row: HoldingRecord) {
  const { balance, sealed } = row;
  return {
    ...row,
    wrappedKey: undefined,
    balance: balance?.toString() ?? null,
    sealed: sealed?.toString('hex') ?? null,
  };
}

/**
 * Writes new holdings, what their numbers are found by, and the parts of everybody in them, one statement each. IBANs are
 * sealed into the rows.
 */
export async function insertHoldings(tx: Tx, cipher: FieldCipher, made: readonly NumberedHolding[]): Promise<void> {
  if (made.length === 0) return;
  await sealIbans(tx, cipher, made);
  const rows = made.map(({ row }) => row);
  const json = rows.map(jsonOf);
  await tx.run(sql`
    INSERT INTO holding (party_id, holding_id, kind, details, owners, account_party_id, account_holding_id, opened_date,
      closed_date, status, currency, balance, balance_time, organisation_path, manager, source, source_key, create_time,
      update_time, sealed)
    SELECT "partyId", "holdingId", kind, details, owners, "accountPartyId", "accountHoldingId", "openedDate",
      "closedDate", status, currency, balance::bigint, "balanceTime", "organisationPath", manager, source, "sourceKey",
      "createTime", "updateTime", decode(sealed, 'hex')
    FROM jsonb_to_recordset(${JSON.stringify(json)}::jsonb) AS r ("partyId" uuid, "holdingId" uuid, kind smallint,
      details jsonb, owners jsonb, "accountPartyId" uuid, "accountHoldingId" uuid, "openedDate" date, "closedDate" date,
      status smallint, currency text, balance text, "balanceTime" timestamptz, "organisationPath" text, manager text,
      source text, "sourceKey" text, "createTime" timestamptz, "updateTime" timestamptz, sealed text)`);
  await indexNumbers(tx, cipher, made);
  await insertRoles(tx, rows);
}

/** Writes the parts of everybody in the holdings. */
async function insertRoles(tx: Tx, rows: readonly HoldingRecord[]): Promise<void> {
  const parts = rows.flatMap((row) => row.owners.map((owner) => ({ row, owner })));
  await tx.run(sql`
    INSERT INTO holding_role (party_id, holding_party_id, holding_id, role, organisation_path, manager)
    SELECT * FROM unnest(${parts.map(({ owner }) => owner.party)}::uuid[],
      ${parts.map(({ row }) => row.partyId)}::uuid[], ${parts.map(({ row }) => row.holdingId)}::uuid[],
      ${parts.map(({ owner }) => owner.role)}::smallint[], ${parts.map(({ row }) => row.organisationPath)}::text[],
      ${parts.map(({ row }) => row.manager)}::text[])`);
}

/**
 * Writes what changed in holdings and the digests of the rows that said so; the parts of everybody anew where the owners
 * changed.
 */
export async function storeHoldings(
  tx: Tx,
  cipher: FieldCipher,
  source: string,
  changed: readonly (NumberedHolding & { content: bigint })[],
  withOtherOwners: readonly HoldingRecord[],
): Promise<void> {
  await sealIbans(tx, cipher, changed);
  await indexNumbers(tx, cipher, changed);
  const json = changed.map(({ row }) => jsonOf(row));
  await tx.run(sql`
    UPDATE holding h SET details = r.details, owners = r.owners, opened_date = r."openedDate",
      closed_date = r."closedDate", status = r.status, currency = r.currency, balance = r.balance::bigint,
      balance_time = r."balanceTime", version = r.version, update_time = r."updateTime",
      sealed = decode(r.sealed, 'hex')
    FROM jsonb_to_recordset(${JSON.stringify(json)}::jsonb) AS r ("partyId" uuid, "holdingId" uuid, details jsonb,
      owners jsonb, "openedDate" date, "closedDate" date, status smallint, currency text, balance text,
      "balanceTime" timestamptz, version integer, "updateTime" timestamptz, sealed text)
    WHERE h.party_id = r."partyId" AND h.holding_id = r."holdingId"`);
  await tx.run(sql`
    UPDATE natural_key k SET content = r.content
    FROM unnest(${changed.map(({ row }) => row.sourceKey)}::text[], ${changed.map(({ content }) => content)}::bigint[])
      AS r (source_key, content)
    WHERE k.source = ${source} AND k.kind = ${keyKind.holding} AND k.source_key = r.source_key`);
  if (withOtherOwners.length === 0) return;
  await tx.run(sql`
    DELETE FROM holding_role r USING unnest(${withOtherOwners.map((row) => row.partyId)}::uuid[],
      ${withOtherOwners.map((row) => row.holdingId)}::uuid[]) AS h (party_id, holding_id)
    WHERE r.holding_party_id = h.party_id AND r.holding_id = h.holding_id`);
  await insertRoles(tx, withOtherOwners);
}
