import { type Scope, sql, type Sql, within } from '@rapport/kit/db';
import { type Call, decodePage, encodePage, pageSize } from '@rapport/kit/rpc';
import { fail } from '../errors.js';

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Refuses to put a row at a path that the caller does not stand above. */
export function assertInside(scope: Scope, organisationPath: string): void {
  if (within(scope, organisationPath)) return;
  throw fail('ORGANISATION_PATH_OUTSIDE', { metadata: { organisation_path: organisationPath } });
}

/**
 * The condition for what a bank shares downwards (products, offers, templates): what belongs to the caller's part of the
 * bank, and what is offered above it and so holds there too. Nothing of a sister branch, nothing of another bank.
 */
export function sharedFilter(scope: Scope): Sql {
  if (scope.kind === 'everything') return sql`TRUE`;
  const at = scope.kind === 'rows' ? (scope.subtree ?? scope.branch) : undefined;
  if (at === undefined || at === '') return sql`FALSE`;
  if (at === '/') return sql`TRUE`;
  const below = scope.kind === 'rows' && scope.subtree !== undefined;
  return sql`(${above(at)}${below ? sql` OR starts_with(organisation_path, ${`${at}/`})` : sql.empty})`;
}

/** The condition for rows whose organisation path is this one or lies above it. */
export function above(path: string): Sql {
  return sql`organisation_path = ANY(${pathsAbove(path)}::text[])`;
}

/** The condition for rows at or below a path that a request names; true for an empty one. */
export function underPath(path: string): Sql {
  if (path === '' || path === '/') return sql`TRUE`;
  return sql`(organisation_path = ${path} OR starts_with(organisation_path, ${`${path}/`}))`;
}

/** A path and all above it, the longest first: `/a/b` gives `/a/b`, `/a`, `/`. */
export function pathsAbove(path: string): string[] {
  const paths: string[] = [];
  for (let at = path; at !== '' && at !== '/'; at = at.slice(0, at.lastIndexOf('/'))) paths.push(at);
  return [...paths, '/'];
}

/** The id behind the collection of a resource name: `campaigns/1` gives `1`. */
export function idOf(name: string): string {
  return name.slice(name.indexOf('/') + 1);
}

/** The id of a resource name as a UUID; undefined when it is none, so that no row can have it. */
export function uuidOf(name: string): string | undefined {
  const id = idOf(name);
  return uuid.test(id) ? id : undefined;
}

/**
 * The id before which a page of "newest first" begins: that of the last row of the page before, else one behind every
 * other. Ids are UUIDv7, so their order is that of creation.
 */
export function idBefore(call: Call, request: { pageToken: string }): string {
  const [id] = decodePage(call, request, 'uuid') ?? ['ffffffff-ffff-ffff-ffff-ffffffffffff'];
  return id;
}

/** One page out of the rows that were asked for, one more than fit, and the token of the next. */
export function pageOf<T>(
  call: Call,
  request: { pageSize: number; pageToken: string },
  rows: readonly T[],
  id: (row: T) => string,
): { page: T[]; nextPageToken: string } {
  const page = rows.slice(0, pageSize(request));
  const last = page.at(-1);
  return { page, nextPageToken: last && rows.length > page.length ? encodePage(call, request, [id(last)]) : '' };
}
