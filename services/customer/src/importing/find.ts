import { type Queryable, type Scope, scopeFilter, sql } from '@rapport/kit/db';
import { fail } from '../errors.js';
import { idsIn } from '../party/party.js';
import { importColumns, type ImportRecord } from './importing.js';

/** The import of that name inside the scope; throws when it is not there for the caller. */
export async function findImport(on: Queryable, name: string, scope: Scope): Promise<ImportRecord> {
  const id = idsIn(name)?.[0];
  const row =
    id === undefined
      ? undefined
      : await on.maybe<ImportRecord>(sql`
          SELECT ${importColumns} FROM import_run
          WHERE import_id = ${id} AND ${scopeFilter(scope, { path: 'organisation_path' })}`);
  if (!row) throw fail('IMPORT_NOT_FOUND', { metadata: { import: name } });
  return row;
}
