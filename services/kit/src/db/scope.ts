import { type Sql, sql } from './sql.js';

/** Which rows a call may see or change. Made by the authorisation of a call; `nothing` is what everyone starts from. */
export type Scope =
  | { kind: 'everything' }
  | {
      kind: 'rows';
      /** Rows of this organisation path and of all below it. */
      subtree?: string;
      /** Rows of exactly this organisation path. */
      branch?: string;
      /** Rows whose manager is this staff member. */
      own?: string;
      /** Rows of the households of the caller; needs a `household` condition from the query. */
      household?: boolean;
      /** Rows of the team of the caller; needs a `team` condition from the query. */
      team?: boolean;
    }
  | { kind: 'nothing' };

/** Every row, for the service's own work: relays, consumers, timers. */
export const everything: Scope = { kind: 'everything' };

/** Where a query finds what a scope speaks of. `path` and `manager` are column names of the program, never input. */
export interface ScopeColumns {
  path: string;
  manager?: string;
  household?: Sql;
  team?: Sql;
}

const column = /^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)?$/;

function name(of: string): Sql {
  if (!column.test(of)) throw new TypeError(`not a column name: ${of}`);
  return sql.raw(of);
}

/** The condition, for WHERE, that keeps exactly the rows inside the scope. A relation the query has no column for adds
 * no rows. */
export function scopeFilter(scope: Scope, columns: ScopeColumns): Sql {
  if (scope.kind === 'everything') return sql`TRUE`;
  if (scope.kind === 'nothing' || scope.subtree === '') return sql`FALSE`;
  if (scope.subtree === '/') return sql`TRUE`;
  const path = name(columns.path);
  const allowed: Sql[] = [];
  if (scope.subtree) {
    allowed.push(sql`(${path} = ${scope.subtree} OR starts_with(${path}, ${`${scope.subtree}/`}))`);
  }
  if (scope.branch) allowed.push(sql`${path} = ${scope.branch}`);
  if (scope.own && columns.manager) allowed.push(sql`${name(columns.manager)} = ${scope.own}`);
  if (scope.household && columns.household) allowed.push(columns.household);
  if (scope.team && columns.team) allowed.push(columns.team);
  return allowed.length > 0 ? sql`(${sql.join(allowed, ' OR ')})` : sql`FALSE`;
}

/** Whether an organisation path is the other or lies above it; `/` lies above every one. */
export function covers(path: string, other: string): boolean {
  return path === '/' || path === other || other.startsWith(`${path}/`);
}

/**
 * Whether one row lies inside a scope: what scopeFilter says in SQL, for a row that is in memory. `manager` is the staff
 * member who looks after it, empty when nobody does. Households and teams are known to queries only and add nothing.
 */
export function within(scope: Scope, organisationPath: string, manager = ''): boolean {
  if (scope.kind !== 'rows') return scope.kind === 'everything';
  if (scope.subtree && covers(scope.subtree, organisationPath)) return true;
  if (scope.branch && scope.branch === organisationPath) return true;
  return Boolean(scope.own) && scope.own === manager;
}

/** What row security in Postgres is told about a scope. An empty value denies. */
export interface SessionSettings {
  scope: string;
  branch: string;
  subject: string;
}

/** Translates a scope into the session settings that the function kit.sees reads. */
export function sessionSettings(scope: Scope): SessionSettings {
  if (scope.kind === 'everything') return { scope: '/', branch: '', subject: '' };
  if (scope.kind === 'nothing') return { scope: '', branch: '', subject: '' };
  return { scope: scope.subtree ?? '', branch: scope.branch ?? '', subject: scope.own ?? '' };
}
