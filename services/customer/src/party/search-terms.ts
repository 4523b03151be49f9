import { type FieldCipher, normalise } from '@rapport/kit/crypto';
import { type Sql, sql, type Tx } from '@rapport/kit/db';
import type { ContactPoint } from '@rapport/proto/customer/v1';
import type { PartyRecord } from './record.js';

/** The kinds of blind indexes. */
export const contactKind = { email: 1, phone: 2 } as const;

/** The words of a name: lower case, without accents, letters and digits only. At most 20. */
export function wordsOf(name: string): string[] {
  const folded = name.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
  return [...new Set(folded.match(/[\p{L}\p{N}]+/gu) ?? [])].slice(0, 20);
}

/** What a contact point is found by: the value alone, whatever its case. */
export function digestOf(cipher: FieldCipher, kind: keyof typeof contactKind, value: string): Buffer {
  return cipher.index(normalise(value), kind);
}

function digestsOf(cipher: FieldCipher, points: readonly ContactPoint[]): { kind: number; digest: Buffer }[] {
  return points.flatMap(({ point }) =>
    point?.$case === 'email' || point?.$case === 'phone'
      ? [{ kind: contactKind[point.$case], digest: digestOf(cipher, point.$case, point.value) }]
      : [],
  );
}

/** A stored party with the contact points that were sealed into it. */
export interface Findable {
  row: PartyRecord;
  contactPoints: readonly ContactPoint[];
}

/** Writes what new parties are found by, with one statement for the words and one for the contact points. */
export async function insertTerms(tx: Tx, cipher: FieldCipher, parties: readonly Findable[]): Promise<void> {
  const words = parties.flatMap(({ row }) => wordsOf(row.displayName).map((word) => ({ row, word })));
  await tx.run(sql`
    INSERT INTO party_word (party_id, word, organisation_path, manager)
    SELECT * FROM unnest(${words.map(({ row }) => row.partyId)}::uuid[], ${words.map(({ word }) => word)}::text[],
      ${placed(words)})`);
  const digests = parties.flatMap(({ row, contactPoints }) =>
    digestsOf(cipher, contactPoints).map((digest) => ({ row, ...digest })),
  );
  if (digests.length === 0) return;
  await tx.run(sql`
    INSERT INTO party_contact (party_id, kind, digest, organisation_path, manager)
    SELECT * FROM unnest(${digests.map(({ row }) => row.partyId)}::uuid[],
      ${digests.map(({ kind }) => kind)}::smallint[], ${digests.map(({ digest }) => digest)}::bytea[],
      ${placed(digests)})
    ON CONFLICT DO NOTHING`);
}

function placed(of: readonly { row: PartyRecord }[]): Sql {
  return sql`${of.map(({ row }) => row.organisationPath)}::text[], ${of.map(({ row }) => row.manager)}::text[]`;
}

/** Replaces what changed parties are found by. */
export async function replaceTerms(tx: Tx, cipher: FieldCipher, parties: readonly Findable[]): Promise<void> {
  const ids = parties.map(({ row }) => row.partyId);
  await tx.run(sql`DELETE FROM party_word WHERE party_id = ANY(${ids}::uuid[])`);
  await tx.run(sql`DELETE FROM party_contact WHERE party_id = ANY(${ids}::uuid[])`);
  await insertTerms(tx, cipher, parties);
}
