import { covers, type Queryable, type Scope, type Sql, sql } from '@rapport/kit/db';

/** Organisation paths of a scope that are looked up one by one; a part of the bank with more is no small part. */
const MOST_PATHS = 64;

/**
 * Conditions of `party_word`, each of which an index answers, that together hold for every row of a small part of the
 * bank; none where the part is large. They only lead to rows: whether one is in the scope is asked again.
 */
export type Ways = readonly Sql[];

/**
 * The ways to the names of a small part of the bank. Somebody who sees three hundred of a million parties would otherwise
 * look through everybody of a frequent name to find those of them.
 */
export async function waysTo(on: Queryable, scope: Scope, organisationPath: string): Promise<Ways> {
  const { subtree = '', branch = '', own = '', team = [], household = '' } = scope.kind === 'rows' ? scope : {};
  const whole = scope.kind === 'everything' || subtree === '/';
  const asked = organisationPath !== '' && (whole || (subtree !== '' && covers(subtree, organisationPath)));
  if (whole && !asked) return [];
  const below = asked ? organisationPath : subtree;
  const paths = below === '' ? [] : await pathsBelow(on, below);
  if (paths.length > MOST_PATHS) return [];
  if (asked) return [standingAt(paths)];
  const managers = [own, ...team].filter((manager) => manager !== '');
  const ways: Sql[] = [];
  if (branch !== '' || paths.length > 0) ways.push(standingAt([...paths, branch].filter((path) => path !== '')));
  if (managers.length > 0) ways.push(sql`manager = ANY(${managers}::text[]) AND manager <> ''`);
  if (household !== '') {
    ways.push(sql`party_id = ANY ((SELECT household_reach(current_setting('rapport.household', true)))::uuid[])`);
  }
  return ways;
}

function standingAt(paths: readonly string[]): Sql {
  return sql`organisation_path COLLATE "C" = ANY(${[...paths]}::text[])`;
}

/** The rows that the ways lead to, of those that `which` holds for; all rows of which it holds without ways. */
export function wordsBy(ways: Ways, which: Sql): Sql {
  const way = (condition: Sql): Sql =>
    sql`SELECT party_id, word, organisation_path, manager FROM party_word WHERE ${condition} AND ${which}`;
  return ways.length === 0 ? way(sql`TRUE`) : sql.join(ways.map(way), ' UNION ');
}

/** An organisation path and those below it where parties stand: jumps in the index from one to the next. */
async function pathsBelow(on: Queryable, path: string): Promise<string[]> {
  // '0' is what follows '/': between both lies everything below.
  const rows = await on.rows<{ path: string }>(sql`
    WITH RECURSIVE below AS (
      (SELECT organisation_path COLLATE "C" AS path FROM party_word
        WHERE organisation_path COLLATE "C" > ${`${path}/`} AND organisation_path COLLATE "C" < ${`${path}0`}
        ORDER BY organisation_path COLLATE "C" LIMIT 1)
      UNION ALL
      SELECT (SELECT organisation_path COLLATE "C" FROM party_word
        WHERE organisation_path COLLATE "C" > below.path AND organisation_path COLLATE "C" < ${`${path}0`}
        ORDER BY organisation_path COLLATE "C" LIMIT 1) FROM below WHERE below.path IS NOT NULL)
    SELECT path FROM below WHERE path IS NOT NULL LIMIT ${MOST_PATHS}`);
  return [path, ...rows.map((row) => row.path)];
}
