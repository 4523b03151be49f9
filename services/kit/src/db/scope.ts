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
      /** Rows whose manager is one of these staff members: those whom the caller stands in for. */
      team?: readonly string[];
      /** Rows of whoever shares a household with a customer of this staff member; needs a condition from the query. */
      household?: string;
    }
  | { kind: 'nothing' };

/** Every row, for the service's own work: relays, consumers, timers. */
export const everything: Scope = { kind: 'everything' };

/** Where a query finds what a scope speaks of. `path` and `manager` are column names of the program, never input. */
export interface ScopeColumns {
  path: string;
  manager?: string;
  /** Whether a row is of a household that the session's staff member has a customer in. */
  household?: Sql;
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
  if (scope.team && scope.team.length > 0 && columns.manager) {
    allowed.push(sql`${name(columns.manager)} = ANY(${[...scope.team]}::text[])`);
  }
  if (scope.household && columns.household) allowed.push(columns.household);
  return allowed.length > 0 ? sql`(${sql.join(allowed, ' OR ')})` : sql`FALSE`;
}

/** Whether an organisation path is the other or lies above it; `/` lies above every one. */
export function covers(path: string, other: string): boolean {
  return path === '/' || path === other || other.startsWith(`${path}/`);
}

/**
 * Whether one row lies inside a scope: what scopeFilter says in SQL, for a row that is in memory. `manager` is the staff
 * member who looks after it, empty when nobody does; `ofHousehold` what the query found of the condition `household`.
 */
export function within(scope: Scope, organisationPath: string, manager = '', ofHousehold = false): boolean {
  if (scope.kind !== 'rows') return scope.kind === 'everything';
  if (scope.subtree && covers(scope.subtree, organisationPath)) return true;
  if (scope.branch && scope.branch === organisationPath) return true;
  if (manager !== '' && (scope.own === manager || scope.team?.includes(manager))) return true;
  return Boolean(scope.household) && ofHousehold;
}

/** What row security in Postgres is told about a scope. An empty value denies. */
export interface SessionSettings {
  scope: string;
  branch: string;
  subject: string;
  /** Staff ids between commas, `,staff/a,staff/b,`. */
  team: string;
  household: string;
}

/** Translates a scope into the session settings that the function kit.sees reads. */
export function sessionSettings(scope: Scope): SessionSettings {
  if (scope.kind !== 'rows') {
    return { scope: scope.kind === 'everything' ? '/' : '', branch: '', subject: '', team: '', household: '' };
  }
  const { subtree = '', branch = '', own = '', team = [], household = '' } = scope;
  return { scope: subtree, branch, subject: own, team: team.length > 0 ? `,${team.join(',')},` : '', household };
}
