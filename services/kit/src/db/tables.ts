import { sql } from './sql.js';
import type { Queryable, Tx } from './types.js';

/** A table of the service with the column by which its rows belong to something. */
export interface TableWith {
  table: string;
  column: string;
  /** As in SQL: quoted where it must be. */
  identifier: string;
}

/**
 * The tables of the service's own schema that have a column of type uuid with this name, or with a name that ends in it
 * (`party_id`, `other_party_id`): each partitioned table once for each such column. Whoever gathers or erases what belongs
 * to something asks the database, so that a table that somebody adds is not forgotten.
 */
export function tablesWith(on: Queryable, column: string): Promise<TableWith[]> {
  return on.rows<TableWith>(sql`
    SELECT c.relname AS table, format('%I', a.attname) AS column, format('%I', c.relname) AS identifier
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
      AND a.attname ~ ('(^|_)' || ${column} || '$') AND NOT a.attisdropped AND a.atttypid = 'uuid'::regtype
    ORDER BY c.relname, a.attname`);
}

/** The rows of a table that belong to one of the ids, each as Postgres writes it in JSON. */
export async function rowsWith(
  on: Queryable,
  { identifier, column }: TableWith,
  ids: readonly string[],
): Promise<Record<string, unknown>[]> {
  const found = await on.rows<{ row: Record<string, unknown> }>(sql`
    SELECT to_jsonb(t) AS row FROM ${sql.raw(identifier)} t WHERE t.${sql.raw(column)} = ANY(${[...ids]}::uuid[])`);
  return found.map(({ row }) => row);
}

/** Deletes the rows of the tables that belong to one of the ids; gives how many there were in each table. */
export async function deleteWith(
  tx: Tx,
  tables: readonly TableWith[],
  ids: readonly string[],
): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { table, column, identifier } of tables) {
    const deleted = await tx.run(sql`
      DELETE FROM ${sql.raw(identifier)} t WHERE t.${sql.raw(column)} = ANY(${[...ids]}::uuid[])`);
    counts[table] = (counts[table] ?? 0) + deleted;
  }
  return counts;
}

/** An enumeration of a contract, as ts-proto writes it. */
type Enumeration = Readonly<Record<number | string, number | string>>;

/** The row with the names that contracts give to numbers in some of its columns; a number without a name stays. */
export function inWords(
  row: Readonly<Record<string, unknown>>,
  columns: Readonly<Record<string, Enumeration>> = {},
): Record<string, unknown> {
  const named = Object.entries(columns).map(([column, names]) => {
    const value = row[column];
    return [column, typeof value === 'number' ? (names[value] ?? value) : value] as const;
  });
  return { ...row, ...Object.fromEntries(named.filter(([column]) => column in row)) };
}
