import { audit } from '@rapport/kit/crypto';
import { sql } from '@rapport/kit/db';
import { publish } from '@rapport/kit/events';
import { applyMask, type Call, checkEtag, idempotent, scopeFor } from '@rapport/kit/rpc';
import {
  type LifeEvent,
  LifeEventRecorded,
  type UpdateLifeEventRequest,
  UpdateLifeEventResponse,
} from '@rapport/proto/customer/v1';
import { within } from '@rapport/kit/db';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { partyName } from '../party/party.js';
import { lockLifeEvent } from './find.js';
import {
  lifeEventEtag,
  lifeEventFields,
  lifeEventMessage,
  lifeEventName,
  lifeEventRecorded,
  type LifeEventRecord,
  sensitiveKinds,
} from './life-event.js';

const updatable = ['kind', 'other_kind', 'start_date', 'end_date', 'certainty', 'source'];

/** Changes the named fields of a life event that nobody changed since it was read. */
export async function updateLifeEvent(
  deps: Deps,
  request: UpdateLifeEventRequest,
  call: Call,
): Promise<UpdateLifeEventResponse> {
  const update = request.lifeEvent as LifeEvent;
  const scope = scopeFor(call, 'C2');
  const sensitive = scopeFor(call, 'C3');
  return idempotent(
    deps.db,
    call,
    request,
    UpdateLifeEventResponse,
    async (tx) => {
      const before = await lockLifeEvent(tx, update.name, scope, sensitive);
      if (before.retractTime !== null) throw fail('LIFE_EVENT_RETRACTED');
      checkEtag(update.etag, lifeEventEtag(before));
      const current = lifeEventMessage(before);
      const fields = lifeEventFields(applyMask(current, update, request.updateMask ?? [], updatable));
      if (sensitiveKinds.includes(fields.kind) && !within(sensitive, before.organisationPath, before.manager)) {
        throw fail('LIFE_EVENT_NOT_FOUND');
      }
      const row: LifeEventRecord = { ...before, ...fields, version: before.version + 1, updateTime: deps.clock.now() };
      const changed = JSON.stringify({ ...before, ...fields }) !== JSON.stringify(before);
      await audit(tx, call, { resource: lifeEventName(row), change: { changed }, fields: request.updateMask ?? [] });
      if (!changed) return { lifeEvent: current };
      await tx.run(sql`
        UPDATE life_event SET kind = ${row.kind}, other_kind = ${row.otherKind}, start_date = ${row.startDate},
          end_date = ${row.endDate}, certainty = ${row.certainty}, source = ${row.source}, version = ${row.version},
          update_time = ${row.updateTime}
        WHERE party_id = ${row.partyId} AND life_event_id = ${row.lifeEventId}`);
      const options = { aggregate: row.partyId, subject: partyName(row.partyId) };
      await publish(tx, LifeEventRecorded, lifeEventRecorded(row), options);
      return { lifeEvent: lifeEventMessage(row) };
    },
    { scope },
  );
}
