import type { FieldCipher } from '@rapport/kit/crypto';
import { type Sql, sql, type Tx } from '@rapport/kit/db';
import type { ImportReject, ImportRow } from '@rapport/proto/customer/v1';
import { type ImportRecord, type Rejected, subjectDigest } from './importing.js';

/** The message of a refused row as it is stored. */
export function rejectMessage(row: Omit<ImportReject, 'file'>, file: string): ImportReject {
  const { line, kind, field, reason, message, originalValue } = row;
  return { file, line, kind, field, reason, message, originalValue };
}

/** The columns of an `ImportReject` but the file. */
export const rejectColumns: Sql = sql.raw(`line, kind, field, reason, message, original_value AS "originalValue"`);

/** The source keys of parties and holdings that a row names. */
function subjectsIn({ row }: ImportRow): string[] {
  if (!row) return [];
  switch (row.$case) {
    case 'unreadable':
      return row.value.keys;
    case 'party':
      return [row.value.sourceKey];
    case 'holding': {
      const others = row.value.otherOwners.map(({ partySourceKey }) => partySourceKey);
      return [row.value.sourceKey, row.value.ownerSourceKey, ...others];
    }
    case 'transaction':
      return [row.value.holdingSourceKey];
    case 'relationship':
      return [row.value.partySourceKey, row.value.otherPartySourceKey];
    default:
      return [row.value.partySourceKey];
  }
}

/** Keeps refused rows of a batch. `rows` are all rows of the batch, the refused ones among them. */
export async function insertRejects(
  tx: Tx,
  cipher: FieldCipher,
  run: ImportRecord,
  rejects: readonly Rejected[],
  rows: readonly ImportRow[],
): Promise<void> {
  if (rejects.length === 0) return;
  const subjects = new Map<bigint, string[]>(rejects.map(({ line }) => [line, []]));
  for (const row of rows) subjects.get(row.line)?.push(...subjectsIn(row));
  const digests = (line: bigint): string => {
    const keys = new Set(subjects.get(line)?.filter((key) => key !== ''));
    const hex = [...keys].map((key) => `"\\\\x${subjectDigest(cipher, run.source, key).toString('hex')}"`);
    return `{${hex.join(',')}}`;
  };
  await tx.run(sql`
    INSERT INTO import_reject (import_id, line, ordinal, kind, field, reason, message, original_value, organisation_path,
      subjects)
    SELECT ${run.importId}::uuid, line, ${run.rows} + ordinal, kind, field, reason, message, value,
      ${run.organisationPath}, subjects::bytea[]
    FROM unnest(${rejects.map(({ line }) => line)}::bigint[], ${rejects.map((_row, index) => index)}::int[],
      ${rejects.map(({ kind }) => kind)}::smallint[], ${rejects.map(({ field }) => clean(field))}::text[],
      ${rejects.map(({ reason }) => clean(reason))}::text[], ${rejects.map(({ message }) => clean(message))}::text[],
      ${rejects.map(({ value }) => clean(value))}::text[], ${rejects.map(({ line }) => digests(line))}::text[])
      AS r (line, ordinal, kind, field, reason, message, value, subjects)`);
}

function clean(text: string): string {
  return text.replaceAll('\0', '\uFFFD').slice(0, 200);
}
