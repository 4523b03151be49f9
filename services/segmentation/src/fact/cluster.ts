import type { Analytics } from '@rapport/kit/analytics';

/** What rows are spread by, the first that a table has: rows of one party lie together. */
const keys = ['party', 'version_name', 'household'];
const created = /^CREATE TABLE IF NOT EXISTS (\w+) \(([\s\S]*)\)\s*ENGINE = (\w*MergeTree)(?:\((\w+)\))?\s([\s\S]*)$/;
const altered = /^ALTER TABLE (\w+) ([\s\S]*)$/;

/**
 * The statements that make tables, for a cluster: each table becomes a replicated one on every server, named `…_local`, and
 * one of its own name over all of them, with the rows of a party on one shard. The servers' macros `shard` and `replica`
 * name their place. Throws RangeError for a statement of another kind.
 */
export function clustered(statements: readonly string[], cluster: string): string[] {
  return statements.flatMap((statement) => {
    const create = created.exec(statement.trim());
    if (create) {
      const [, name = '', columns = '', engine = '', version, rest = ''] = create;
      const key = keys.find((one) => new RegExp(`(^|[\\s(,])\`?${one}\`? `).test(columns));
      const path = `'/clickhouse/tables/{shard}/{database}/${name}', '{replica}'`;
      return [
        `CREATE TABLE IF NOT EXISTS ${name}_local ON CLUSTER ${cluster} (${columns})
          ENGINE = Replicated${engine}(${version ? `${path}, ${version}` : path}) ${rest}`,
        `CREATE TABLE IF NOT EXISTS ${name} ON CLUSTER ${cluster} (${columns})
          ENGINE = Distributed('${cluster}', currentDatabase(), '${name}_local', ${key ? `sipHash64(${key})` : 'rand()'})`,
      ];
    }
    const alter = altered.exec(statement.trim());
    if (!alter) throw new RangeError('neither CREATE TABLE nor ALTER TABLE');
    return [`${alter[1]}_local`, alter[1]].map((name) => `ALTER TABLE ${name} ON CLUSTER ${cluster} ${alter[2]}`);
  });
}

/** Makes the tables, or brings them up to date: on the one server, or on every server of the cluster. */
export async function ensureTables(analytics: Analytics, statements: readonly string[]): Promise<void> {
  await analytics.ensure(analytics.cluster === undefined ? statements : clustered(statements, analytics.cluster));
}

/** The table that holds rows on this server, and how it is named where it is altered. */
export function stored({ cluster }: Analytics, table: string): { name: string; altered: string } {
  if (cluster === undefined) return { name: table, altered: table };
  return { name: `${table}_local`, altered: `${table}_local ON CLUSTER ${cluster}` };
}
