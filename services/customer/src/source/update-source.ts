import { audit } from '@rapport/kit/crypto';
import { sql } from '@rapport/kit/db';
import { applyMask, type Call, checkEtag, idempotent } from '@rapport/kit/rpc';
import { type Source, type UpdateSourceRequest, UpdateSourceResponse } from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { sourceColumns, sourceIn, sourceMessage, type SourceRow } from './source.js';

/** Changes what a source is and how far it is believed. Golden records follow when they next change. */
export async function updateSource(
  deps: Deps,
  request: UpdateSourceRequest,
  call: Call,
): Promise<UpdateSourceResponse> {
  const update = request.source as Source;
  return idempotent(deps.db, call, request, UpdateSourceResponse, async (tx) => {
    const before = await tx.maybe<SourceRow>(sql`
      SELECT ${sourceColumns} FROM source WHERE source = ${sourceIn(update.name)} FOR UPDATE`);
    if (!before) throw fail('SOURCE_NOT_FOUND', { metadata: { source: update.name } });
    const current = sourceMessage(before);
    checkEtag(update.etag, current.etag);
    const { kind, priority, title } = applyMask(current, update, request.updateMask, ['kind', 'priority', 'title']);
    const titles = { en: title?.en ?? '', zh: title?.zh ?? '' };
    const row = await tx.one<SourceRow>(sql`
      UPDATE source SET kind = ${kind}, priority = ${priority}, titles = ${JSON.stringify(titles)}::jsonb,
        version = version + 1, update_time = ${deps.clock.now()}
      WHERE source = ${before.source} RETURNING ${sourceColumns}`);
    await audit(tx, call, { resource: update.name, change: { kind, priority } });
    return { source: sourceMessage(row) };
  });
}
