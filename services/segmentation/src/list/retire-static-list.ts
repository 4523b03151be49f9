import { audit } from '@rapport/kit/crypto';
import { sql } from '@rapport/kit/db';
import { type Call, idempotent } from '@rapport/kit/rpc';
import {
  ListUploadState,
  type RetireStaticListRequest,
  RetireStaticListResponse,
} from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { lockUse } from '../membership/membership.js';
import { findList, listIdOf, listMessage, lockList } from './list.js';
import { usersOf } from './users.js';

/**
 * Takes a list out of use for good; uploads that were not applied are given up. Throws LIST_NOT_FOUND, and LIST_IN_USE
 * while something in use asks for it.
 */
export async function retireStaticList(
  deps: Deps,
  request: RetireStaticListRequest,
  call: Call,
): Promise<RetireStaticListResponse> {
  const { name } = request;
  return idempotent(deps.db, call, request, RetireStaticListResponse, async (tx) => {
    const row = await findList(tx, call.scope, name);
    // Nothing comes into use meanwhile.
    await lockUse(tx);
    await lockList(tx, listIdOf(name));
    const { segments, schemes, any } = await usersOf(tx, call.scope, row.list_id);
    if (any) {
      const users = [...segments, ...schemes].join(', ') || 'something out of your reach';
      throw fail('LIST_IN_USE', {
        metadata: { list: name, segments: segments.join(', '), schemes: schemes.join(', ') },
        violations: [{ field: 'name', description: `these ask for it: ${users}` }],
      });
    }
    const at = deps.clock.now();
    await tx.run(sql`
      UPDATE static_list SET retired_by = ${call.principal.subject}, retire_time = ${at}
      WHERE list_id = ${row.list_id} AND retire_time IS NULL`);
    await tx.run(sql`
      UPDATE list_upload SET state = ${ListUploadState.LIST_UPLOAD_STATE_CANCELLED}, change_time = ${at}, complete_time = ${at}
      WHERE list_id = ${row.list_id} AND state < ${ListUploadState.LIST_UPLOAD_STATE_APPLYING}`);
    await audit(tx, call, { resource: name, change: { state: 'retired' } });
    return { staticList: listMessage(await findList(tx, call.scope, name)) };
  });
}
