import { audit } from '@rapport/kit/crypto';
import { sql } from '@rapport/kit/db';
import { publish } from '@rapport/kit/events';
import { type Call, idempotent, scopeFor } from '@rapport/kit/rpc';
import { LifeEventRetracted, type RetractLifeEventRequest, RetractLifeEventResponse } from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';
import { partyName } from '../party/party.js';
import { lockLifeEvent } from './find.js';
import { lifeEventMessage, lifeEventName } from './life-event.js';

/** Takes a life event back; the row stays, marked, so that it is known who had been told of it. */
export async function retractLifeEvent(
  deps: Deps,
  request: RetractLifeEventRequest,
  call: Call,
): Promise<RetractLifeEventResponse> {
  const scope = scopeFor(call, 'C2');
  return idempotent(
    deps.db,
    call,
    request,
    RetractLifeEventResponse,
    async (tx) => {
      const before = await lockLifeEvent(tx, request.name, scope, scopeFor(call, 'C3'));
      const name = lifeEventName(before);
      await audit(tx, call, { resource: name, change: { retracted: before.retractTime === null } });
      if (before.retractTime !== null) return { lifeEvent: lifeEventMessage(before) };
      const now = deps.clock.now();
      const row = { ...before, retractTime: now, updateTime: now, version: before.version + 1 };
      const { partyId, lifeEventId, version, organisationPath } = row;
      await tx.run(sql`
        UPDATE life_event SET retract_time = ${now}, update_time = ${now}, version = ${version}
        WHERE party_id = ${partyId} AND life_event_id = ${lifeEventId}`);
      const event = { party: partyName(partyId), organisationPath, lifeEvent: name, retractTime: now };
      await publish(tx, LifeEventRetracted, event, { aggregate: partyId, subject: partyName(partyId) });
      return { lifeEvent: lifeEventMessage(row) };
    },
    { scope },
  );
}
