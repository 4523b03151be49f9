import { type Scope, type Sql, scopeFilter, sql } from '@rapport/kit/db';

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
