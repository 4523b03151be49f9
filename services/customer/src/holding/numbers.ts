import type { FieldCipher } from '@rapport/kit/crypto';
import { sql, type Tx } from '@rapport/kit/db';
import { compact } from '../cleaning/cleaning.js';
import type { HoldingRecord } from './record.js';

type Place = Pick<HoldingRecord, 'partyId' | 'holdingId'>;

function place({ partyId, holdingId }: Place) {
  return { table: 'holding', dataClass: 'C2', row: `${partyId}/${holdingId}` };
}

/** The IBAN of a holding as it was read; empty where it has none. Throws SealError when the row was tampered with. */
export function openIban(cipher: FieldCipher, row: Place & Pick<HoldingRecord, 'sealed' | 'wrappedKey'>): string {
  if (row.sealed === null || row.wrappedKey === null) return '';
  const key = { owner: row.partyId, wrapped: row.wrappedKey };
  return cipher.open<{ iban?: string }>(key, place(row), row.sealed).iban ?? '';
}

/** The number of an account in a source key: what follows the last stroke. */
function numberIn(sourceKey: string): string {
  return compact(sourceKey.slice(sourceKey.lastIndexOf('/') + 1));
}

/** What the number of an account is found by, however it is written. */
export function numberDigest(cipher: FieldCipher, number: string): Buffer {
  return cipher.index(compact(number), 'account');
}

/** Seals the IBANs of rows that are about to be written into them, with the keys of the parties that they are kept with. */
export async function sealIbans(
  tx: Tx,
  cipher: FieldCipher,
  wanted: readonly { row: HoldingRecord; iban: string }[],
): Promise<void> {
  const stated = wanted.filter(({ iban }) => iban !== '');
  if (stated.length === 0) return;
  const keys = await tx.rows<{ partyId: string; wrapped: Buffer }>(sql`
    SELECT party_id AS "partyId", wrapped_key AS wrapped FROM party
    WHERE party_id = ANY(${[...new Set(stated.map(({ row }) => row.partyId))]}::uuid[])`);
  const wrappedOf = new Map(keys.map(({ partyId, wrapped }) => [partyId, wrapped]));
  for (const { row, iban } of stated) {
    const wrapped = wrappedOf.get(row.partyId) as Buffer;
    row.wrappedKey = wrapped;
    row.sealed = cipher.seal({ owner: row.partyId, wrapped }, place(row), { iban });
  }
}

/** Lets holdings be found by their IBAN and by the number in their source key, and by no other number any more. */
export async function indexNumbers(
  tx: Tx,
  cipher: FieldCipher,
  wanted: readonly {
    row: Place & Pick<HoldingRecord, 'sourceKey' | 'organisationPath' | 'manager'>;
    iban: string;
  }[],
): Promise<void> {
  const numbers = wanted.flatMap(({ row, iban }) =>
    [...new Set([iban, numberIn(row.sourceKey ?? '')])]
      .filter((number) => number !== '')
      .map((number) => ({ row, digest: numberDigest(cipher, number) })),
  );
  await tx.run(sql`
    DELETE FROM holding_number n USING unnest(${wanted.map(({ row }) => row.partyId)}::uuid[],
      ${wanted.map(({ row }) => row.holdingId)}::uuid[]) AS h (party_id, holding_id)
    WHERE n.party_id = h.party_id AND n.holding_id = h.holding_id`);
  await tx.run(sql`
    INSERT INTO holding_number (party_id, holding_id, digest, organisation_path, manager)
    SELECT * FROM unnest(${numbers.map(({ row }) => row.partyId)}::uuid[],
      ${numbers.map(({ row }) => row.holdingId)}::uuid[], ${numbers.map(({ digest }) => digest)}::bytea[],
      ${numbers.map(({ row }) => row.organisationPath)}::text[], ${numbers.map(({ row }) => row.manager)}::text[])`);
}
