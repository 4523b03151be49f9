import type { Scope, Tx } from '@rapport/kit/db';
import { Failure } from '@rapport/kit/rpc';
import type { ImportKind } from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';
import type { HoldingRecord } from '../holding/holding.js';
import { count, type Outcome, type Refusal, type Rejected, type Tally } from './importing.js';

/** What a transaction row needs to know of the holding that it names. */
export interface Account
  extends Pick<
    HoldingRecord,
    'partyId' | 'holdingId' | 'kind' | 'owners' | 'currency' | 'organisationPath' | 'manager'
  > {
  /** Its key in the source of the import. */
  key: string;
  /** All of this that can change, as one text. */
  state: string;
}

/** The holdings that the transactions of a stream named so far, by their source keys. */
export type KnownAccounts = Map<string, Account>;

/** What holds for all rows of one import. */
export interface Stream {
  deps: Deps;
  scope: Scope;
  /** Of whom the caller may write what is of class C3. */
  sensitive: Scope;
  source: string;
  organisationPath: string;
  /** The subject of the caller. */
  subject: string;
  /** The holdings that transactions named so far. */
  accounts: KnownAccounts;
  /** What the other sides of transactions are known by, by what was said of them; see `counterpartyToken`. */
  counterparties: Map<string, bigint>;
  /** Whether the last batch brought keys of transactions that were known; then those of the next are looked up first. */
  keys: { repeated: boolean };
}

/** A row that keeps the rules which can be judged without the database. */
export interface Checked<T> {
  line: bigint;
  key: string;
  content: bigint;
  value: T;
}

/** What one batch has come to so far. Made anew for each attempt of its transaction. */
export interface Batch extends Stream {
  tx: Tx;
  now: Date;
  tally: Tally;
  rejects: Rejected[];
}

/** Notes what became of a row. */
export function settle(batch: Batch, kind: ImportKind, outcome: Exclude<Outcome, 'rejected'>): void {
  count(batch.tally, kind, outcome);
}

/** Notes a row as refused. */
export function refuse(batch: Pick<Batch, 'tally' | 'rejects'>, kind: ImportKind, line: bigint, why: Refusal): void {
  count(batch.tally, kind, 'rejected');
  batch.rejects.push({ line, kind, ...why });
}

/** The refusal of a row whose reference leads nowhere that the caller may see. */
export function unknownReference(field: string, value: string): Refusal {
  return { field, reason: 'REFERENCE_UNKNOWN', message: 'is not known', value };
}

/** The refusal of a row whose key is taken. */
export function duplicateKey(value: string, message = 'occurs twice with different rows'): Refusal {
  return { field: 'source_key', reason: 'KEY_DUPLICATE', message, value };
}

/** Keeps the first row of each key; the same row again changes nothing, another one under the same key is refused. */
export function firstOfEach<T>(batch: Batch, kind: ImportKind, rows: readonly Checked<T>[]): Map<string, Checked<T>> {
  const first = new Map<string, Checked<T>>();
  for (const row of rows) {
    const before = first.get(row.key);
    if (!before) first.set(row.key, row);
    else if (before.content === row.content) settle(batch, kind, 'unchanged');
    else refuse(batch, kind, row.line, duplicateKey(row.key));
  }
  return first;
}

/**
 * What the contract says against a row, judged as the request that would create the same. `prefix` is where the row's
 * message stands in that request.
 */
export function contractRefusal(
  deps: Deps,
  method: string,
  bytes: Uint8Array,
  prefix: string,
  message: unknown,
): Refusal | undefined {
  try {
    deps.rules(`rapport.customer.v1.${method.includes('/') ? method : `CustomerService/${method}`}`, bytes);
    return undefined;
  } catch (error) {
    const violation = error instanceof Failure ? error.violations[0] : undefined;
    if (!violation) throw error;
    const field = violation.field.startsWith(`${prefix}.`) ? violation.field.slice(prefix.length + 1) : '';
    return { field, reason: 'VALUE_INVALID', message: violation.description, value: valueAt(message, field) };
  }
}

/** The field's value as text, at most 200 characters; empty when there is none. */
export function valueAt(message: unknown, path: string): string {
  let value: unknown = message;
  for (const part of path.split(/[.[\]]+/).filter((piece) => piece !== '')) {
    if (typeof value !== 'object' || value === null) return '';
    value = member(
      value as Record<string, unknown>,
      part.replace(/_([a-z0-9])/g, (_all, letter: string) => letter.toUpperCase()),
    );
  }
  return shown(value);
}

function member(of: Record<string, unknown>, name: string): unknown {
  if (name in of) return of[name];
  for (const value of Object.values(of)) {
    const union = value as { $case?: string; value?: unknown } | undefined;
    if (union?.$case === name) return union.value;
  }
  return undefined;
}

function shown(value: unknown): string {
  if (value === undefined || value === null) return '';
  if (typeof value !== 'object') return printable(String(value));
  const date = value as { year?: unknown; month?: unknown; day?: unknown };
  if ('year' in date && 'month' in date) return `${date.year}-${date.month}-${date.day}`;
  return printable(
    JSON.stringify(value, (_key, inner: unknown) => (typeof inner === 'bigint' ? inner.toString() : inner)),
  );
}

/** Text that Postgres can store, cut to 200 characters. */
export function printable(text: string): string {
  return text.replaceAll('\0', '\uFFFD').slice(0, 200);
}

/** Whether a message holds the one character that Postgres cannot store. */
export function holdsNul(json: unknown): boolean {
  return JSON.stringify(json).includes('\\u0000');
}

/** The refusal of such a row. */
export const nulRefusal: Refusal = { field: '', reason: 'VALUE_INVALID', message: 'holds a NUL character', value: '' };
