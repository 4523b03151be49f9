import { audit } from '@rapport/kit/crypto';
import { sql } from '@rapport/kit/db';
import { type Call, idempotent } from '@rapport/kit/rpc';
import { type CancelImportRequest, CancelImportResponse } from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { findImport } from './find.js';
import { importColumns, importMessage, type ImportRecord } from './importing.js';

/**
 * Ends an import, until somebody asks it to go on (`resume` in the header). The batch that is being written finds its import ended and is not written; what was written before
 * stays, for rows are known by their source keys and cannot be told from what others have changed since.
 */
export async function cancelImport(
  deps: Deps,
  request: CancelImportRequest,
  call: Call,
): Promise<CancelImportResponse> {
  const { subject } = call.principal;
  return idempotent(
    deps.db,
    call,
    request,
    CancelImportResponse,
    async (tx) => {
      const { importId } = await findImport(tx, request.name, call.scope);
      const row = await tx.maybe<ImportRecord>(sql`
        UPDATE import_run SET complete_time = ${deps.clock.now()}, cancelled_by = ${subject},
          cancel_reason = ${request.reason}
        WHERE import_id = ${importId} AND complete_time IS NULL RETURNING ${importColumns}`);
      if (!row) throw fail('IMPORT_ENDED', { metadata: { import: request.name } });
      await audit(tx, call, { resource: request.name, change: { cancelled: true, rows: row.rows } });
      return { import: importMessage(row) };
    },
    { scope: call.scope },
  );
}
