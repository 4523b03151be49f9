import { hash } from 'node:crypto';
import type { FieldCipher } from '@rapport/kit/crypto';
import { type Sql, sql } from '@rapport/kit/db';
import { type Import, type ImportCount, type ImportKind, ImportState } from '@rapport/proto/customer/v1';

/** What became of a row. */
export type Outcome = 'created' | 'updated' | 'unchanged' | 'rejected';

/** Outcomes by the number of the kind, as they are stored. */
export type Tally = Record<string, Record<Outcome, number>>;

/** An import as it is stored, in the names of the Prisma model. */
export interface ImportRecord {
  importId: string;
  source: string;
  file: string;
  organisationPath: string;
  kind: number;
  rows: number;
  digest: string;
  counts: Tally;
  createTime: Date;
  /** When it was completed or cancelled. */
  completeTime: Date | null;
  /** Empty where nobody did. */
  cancelledBy: string;
  cancelReason: string;
}

/** The columns of an `ImportRecord`. */
export const importColumns: Sql = sql.raw(`import_id AS "importId", source, file,
  organisation_path AS "organisationPath", kind, rows, digest, counts, create_time AS "createTime",
  complete_time AS "completeTime", cancelled_by AS "cancelledBy", cancel_reason AS "cancelReason"`);

/** `imports/{uuid}`. */
export function importName(importId: string): string {
  return `imports/${importId}`;
}

/** The message of a row. */
export function importMessage(row: ImportRecord): Import {
  const { source, file, organisationPath, kind, createTime, completeTime, cancelledBy, cancelReason } = row;
  return {
    name: importName(row.importId),
    source,
    file,
    organisationPath,
    kind,
    state: stateOf(row),
    cancelledBy,
    cancelReason,
    counts: countsOf(row.counts),
    createTime,
    completeTime: completeTime ?? undefined,
  };
}

function stateOf({ completeTime, cancelledBy }: ImportRecord): ImportState {
  if (completeTime === null) return ImportState.IMPORT_STATE_RUNNING;
  return cancelledBy === '' ? ImportState.IMPORT_STATE_COMPLETED : ImportState.IMPORT_STATE_CANCELLED;
}

function countsOf(tally: Tally): ImportCount[] {
  return Object.entries(tally)
    .sort(([a], [b]) => Number(a) - Number(b))
    .map(([kind, { created, updated, unchanged, rejected }]) => ({
      kind: Number(kind),
      created: BigInt(created),
      updated: BigInt(updated),
      unchanged: BigInt(unchanged),
      rejected: BigInt(rejected),
    }));
}

/** Adds one row's outcome. */
export function count(tally: Tally, kind: ImportKind, outcome: Outcome): void {
  tally[kind] ??= { created: 0, updated: 0, unchanged: 0, rejected: 0 };
  (tally[kind] as Record<Outcome, number>)[outcome] += 1;
}

/** The sum of two tallies. */
export function added(first: Tally, second: Tally): Tally {
  const sum = structuredClone(first);
  for (const [kind, counts] of Object.entries(second)) {
    const into = (sum[kind] ??= { created: 0, updated: 0, unchanged: 0, rejected: 0 });
    for (const outcome of Object.keys(counts) as Outcome[]) into[outcome] += counts[outcome];
  }
  return sum;
}

/** Why a row is refused; `value` is the field as it came. */
export interface Refusal {
  field: string;
  reason: string;
  message: string;
  value: string;
}

/** A refused row. */
export interface Rejected extends Refusal {
  line: bigint;
  kind: ImportKind;
}

/** What is kept of a source key that a refused row names: nobody reads it, and who knows the key finds the row. */
export function subjectDigest(cipher: FieldCipher, source: string, sourceKey: string): Buffer {
  return cipher.index(`${source}\0${sourceKey}`, 'import reject');
}

/** Tells one content from another. 64 bits: a change that stays unseen is as likely as a collision in 2^64. */
export function digest64(content: string | Uint8Array): bigint {
  return hash('sha256', content, 'buffer').readBigInt64BE();
}
