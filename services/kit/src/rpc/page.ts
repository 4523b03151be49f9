import { createHash } from 'node:crypto';
import { canonical } from './canonical.js';
import { Failure } from './failure.js';

interface PageValues {
  string: string;
  uuid: string;
  number: number;
  bigint: bigint;
  date: Date;
}

/**
 * The type of one value in a page token: what Postgres takes as text, uuid, integer, bigint and timestamptz. A number is
 * whole and has 32 bits, a bigint 64, a date lies in the years 1 to 9999.
 */
export type PageKind = keyof PageValues;

type Decoded<K extends readonly PageKind[]> = { -readonly [I in keyof K]: PageValues[K[I]] };

interface PagedRequest {
  pageSize: number;
  pageToken: string;
}

function invalid(field: string, reason: string, description: string): Failure {
  return new Failure(reason, 'invalid', description, { violations: [{ field, description }] });
}

/** How many rows a list should give: 0 means 50, more than 1,000 means 1,000, a negative number is refused. */
export function pageSize(request: { pageSize: number }): number {
  if (request.pageSize < 0) throw invalid('page_size', 'PAGE_SIZE_INVALID', 'page_size must not be negative.');
  return Math.min(request.pageSize || 50, 1000);
}

/** A token holds for one method and one set of filters; the page size may change between pages. */
function binding(call: { method: string }, request: object): string {
  const { pageSize: _size, pageToken: _token, ...filters } = request as Partial<PagedRequest>;
  return createHash('sha256')
    .update(`${call.method}\n${canonical(filters)}`)
    .digest('base64url')
    .slice(0, 16);
}

/** The token of the page after the row with these sort values. Not secret: what is in it, the caller has seen. */
export function encodePage(
  call: { method: string },
  request: object,
  values: readonly (string | number | bigint | Date)[],
): string {
  const plain = values.map((value) => (value instanceof Date ? value.toISOString() : String(value)));
  return Buffer.from(JSON.stringify([binding(call, request), ...plain])).toString('base64url');
}

/**
 * The sort values that the request's page token was made of, or undefined for the first page:
 * `decodePage(call, request, 'date', 'string')`. A token that is broken, of another method or of other filters is
 * INVALID_ARGUMENT, and so is one with a value that Postgres would not take. Nothing signs a token, so its values are
 * input like any other: pass them as parameters.
 */
export function decodePage<const K extends readonly PageKind[]>(
  call: { method: string },
  request: { pageToken: string },
  ...kinds: K
): Decoded<K> | undefined {
  if (request.pageToken === '') return undefined;
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(request.pageToken, 'base64url').toString('utf8'));
  } catch {
    throw broken();
  }
  if (!Array.isArray(parts) || parts.length !== kinds.length + 1 || !parts.every((part) => typeof part === 'string')) {
    throw broken();
  }
  const [bound, ...values] = parts as string[];
  if (bound !== binding(call, request)) throw broken();
  return kinds.map((kind, index) => decodeValue(kind, values[index] ?? '')) as Decoded<K>;
}

function decodeValue(kind: PageKind, text: string): string | number | bigint | Date {
  if (kind === 'string') return text;
  if (kind === 'uuid') {
    if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text)) throw broken();
    return text;
  }
  if (kind === 'bigint') {
    if (!/^-?\d{1,19}$/.test(text) || BigInt.asIntN(64, BigInt(text)) !== BigInt(text)) throw broken();
    return BigInt(text);
  }
  if (kind === 'number') {
    if (!/^-?\d{1,10}$/.test(text) || (Number(text) | 0) !== Number(text)) throw broken();
    return Number(text);
  }
  const value = new Date(text);
  if (!/^(?!0000)\d{4}-/.test(text) || Number.isNaN(value.valueOf())) throw broken();
  return value;
}

function broken(): Failure {
  return invalid('page_token', 'PAGE_TOKEN_INVALID', 'page_token is not one that this list gave for these filters.');
}
