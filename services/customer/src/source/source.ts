import { type Queryable, type Sql, sql, type Tx } from '@rapport/kit/db';
import type { Source } from '@rapport/proto/customer/v1';
import type { Bank } from '../deps.js';
import { fail } from '../errors.js';

export { erasedAmong, keepErasedKeys } from './erased-keys.js';
export {
  changeTime,
  insertRecords,
  type KeptRecord,
  newRecord,
  openRecord,
  pathsIn,
  recordMessage,
  recordName,
  recordColumns,
  type RecordRow,
  type Removal,
  type Statement,
} from './record.js';

/** The source of what staff enter here. */
export const STAFF = 'rapport';

/** A source as it is stored, in the names of the Prisma model. */
export interface SourceRow {
  source: string;
  kind: number;
  priority: number;
  titles: Record<string, string>;
  version: number;
  createTime: Date;
  updateTime: Date;
}

/** The columns of a `SourceRow`. */
export const sourceColumns: Sql = sql.raw(
  `source, kind, priority, titles, version, create_time AS "createTime", update_time AS "updateTime"`,
);

/** `sources/{name}`. */
export function sourceName(source: string): string {
  return `sources/${source}`;
}

/** The source in a resource name. */
export function sourceIn(name: string): string {
  return name.slice('sources/'.length);
}

/** The message of a row. */
export function sourceMessage(row: SourceRow): Source {
  const { kind, priority, titles, createTime, updateTime } = row;
  const { en = '', zh = '' } = titles;
  return {
    name: sourceName(row.source),
    kind,
    priority,
    title: { en, zh },
    createTime,
    updateTime,
    etag: `"${row.version}"`,
  };
}

/** How far each source is believed. */
export async function priorities(on: Queryable): Promise<Map<string, number>> {
  const rows = await on.rows<{ source: string; priority: number }>(sql`SELECT source, priority FROM source`);
  return new Map(rows.map(({ source, priority }) => [source, priority]));
}

/**
 * Makes sure that a source is registered. One that nobody registered is believed least, until somebody says otherwise;
 * where the bank wants none such, it is refused.
 */
export async function assertSource(tx: Tx, bank: Bank, source: string): Promise<void> {
  if (bank.unknownSources === 'register') {
    await tx.run(sql`INSERT INTO source (source, kind, priority) VALUES (${source}, 0, 0) ON CONFLICT DO NOTHING`);
    return;
  }
  const known = await tx.maybe(sql`SELECT FROM source WHERE source = ${source}`);
  if (!known) throw fail('SOURCE_UNKNOWN', { metadata: { source } });
}
