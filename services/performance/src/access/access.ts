import { type Scope, type Sql, scopeFilter, sql } from '@rapport/kit/db';
import type { Call, DataClass } from '@rapport/kit/rpc';

/** Whether a path is the other or lies above it. */
export function covers(path: string, other: string): boolean {
  return path === '/' || path === other || other.startsWith(`${path}/`);
}

/** The rows of which the caller may see fields of that class with this method. */
export function scopeFor(call: Call, dataClass: DataClass): Scope {
  const { orgPath, subject } = call.principal;
  const subtree = call.permits('subtree', dataClass);
  if (call.permits('none', dataClass) || (subtree && orgPath === '/')) return { kind: 'everything' };
  const branch = call.permits('branch', dataClass);
  const own = call.permits('own', dataClass);
  if (!subtree && !branch && !own) return { kind: 'nothing' };
  return {
    kind: 'rows',
    ...(subtree && { subtree: orgPath }),
    ...(branch && { branch: orgPath }),
    ...(own && { own: subject }),
  };
}

/** Whether somebody's row lies inside a scope. */
export function within(scope: Scope, row: { organisationPath: string; staff: string }): boolean {
  if (scope.kind !== 'rows') return scope.kind === 'everything';
  if (scope.subtree !== undefined && covers(scope.subtree, row.organisationPath)) return true;
  if (scope.branch !== undefined && scope.branch === row.organisationPath) return true;
  return scope.own !== undefined && scope.own === row.staff;
}

/** The condition that a path is the given one or lies below it; one range of an index. */
export function below(column: Sql, path: string): Sql {
  if (path === '/') return sql`TRUE`;
  return sql`(${column} = ${path} OR (${column} >= ${`${path}/`} AND ${column} < ${`${path}0`}))`;
}

/** The condition on rows about somebody: inside the scope by its path, or the caller's own. */
export function aboutStaff(scope: Scope, table: 'staff' | 'fact' | 'score'): Sql {
  return scopeFilter(scope, { path: `${table}.organisation_path`, manager: `${table}.staff` });
}

/**
 * The condition on plans and runs that may be read: those inside the scope, and those of a unit above the caller's place,
 * which score it too.
 */
export function concerning(scope: Scope, table: 'plan' | 'run'): Sql {
  const inside = scopeFilter(scope, { path: `${table}.organisation_path` });
  if (scope.kind !== 'rows' || !scope.subtree) return inside;
  return sql`(${inside} OR starts_with(${`${scope.subtree}/`}, ${sql.raw(table)}.organisation_path || '/'))`;
}

/** Who a call is made by, as a resource name: `staff/{id}` or `services/{id}`. */
export function callerName(call: Call): string {
  return call.principal.subject.replace(/^service:/, 'services/');
}
