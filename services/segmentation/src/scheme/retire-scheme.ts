import { audit } from '@rapport/kit/crypto';
import { everything, sql } from '@rapport/kit/db';
import { type Call, idempotent } from '@rapport/kit/rpc';
import { type RetireSchemeRequest, RetireSchemeResponse, SegmentState } from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { settleMembers } from '../lifecycle/lifecycle.js';
import { retireGroups } from './put-into-use.js';
import { assertState, findSchemeVersion, schemeVersionMessage } from './scheme.js';

/**
 * Takes the version in use out of use with the segments of its groups, whose members leave. Throws SCHEME_NOT_FOUND,
 * SCHEME_STATE, and SEGMENT_IN_USE while campaigns send to one of them or rules of other segments ask for it.
 */
export async function retireScheme(
  deps: Deps,
  request: RetireSchemeRequest,
  call: Call,
): Promise<RetireSchemeResponse> {
  const { db, clock } = deps;
  const asked = await findSchemeVersion(db.scoped(call.scope), call.scope, request.name);
  let gone: string[] = [];
  const retire = async (tx: Parameters<typeof retireGroups>[0]): Promise<RetireSchemeResponse> => {
    await tx.run(sql`SELECT FROM scheme WHERE scheme_id = ${asked.scheme_id} FOR UPDATE`);
    assertState(await findSchemeVersion(tx, everything, request.name), SegmentState.SEGMENT_STATE_PUBLISHED);
    gone = await retireGroups(tx, deps, asked.scheme_id, { by: call.principal.subject });
    await tx.run(sql`
      UPDATE scheme_version SET state = 4, retire_time = ${clock.now()}
      WHERE scheme_id = ${asked.scheme_id} AND version = ${asked.version}`);
    await audit(tx, call, { resource: request.name, change: { state: 'retired' } });
    return { version: schemeVersionMessage(await findSchemeVersion(tx, everything, request.name)) };
  };
  const answer = await idempotent(db, call, request, RetireSchemeResponse, retire, { scope: everything });
  await settleMembers(deps, gone, call.signal);
  return answer;
}
