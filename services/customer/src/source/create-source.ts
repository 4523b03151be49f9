import { audit } from '@rapport/kit/crypto';
import { sql } from '@rapport/kit/db';
import { type Call, idempotent } from '@rapport/kit/rpc';
import { type CreateSourceRequest, CreateSourceResponse, type Source } from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { sourceColumns, sourceIn, sourceMessage, type SourceRow } from './source.js';

/** Registers a system that parties come from. */
export async function createSource(
  deps: Deps,
  request: CreateSourceRequest,
  call: Call,
): Promise<CreateSourceResponse> {
  const { name, kind, priority, title } = request.source as Source;
  return idempotent(deps.db, call, request, CreateSourceResponse, async (tx) => {
    const now = deps.clock.now();
    const titles = { en: title?.en ?? '', zh: title?.zh ?? '' };
    const row = await tx.maybe<SourceRow>(sql`
      INSERT INTO source (source, kind, priority, titles, create_time, update_time)
      VALUES (${sourceIn(name)}, ${kind}, ${priority}, ${JSON.stringify(titles)}::jsonb, ${now}, ${now})
      ON CONFLICT DO NOTHING RETURNING ${sourceColumns}`);
    if (!row) throw fail('SOURCE_EXISTS', { metadata: { source: name } });
    await audit(tx, call, { resource: name, change: { created: true, kind, priority } });
    return { source: sourceMessage(row) };
  });
}
