import { audit } from '@rapport/kit/crypto';
import { sql, within } from '@rapport/kit/db';
import { publish } from '@rapport/kit/events';
import { type Call, idempotent, scopeFor } from '@rapport/kit/rpc';
import { uuidv7 } from '@rapport/kit/runtime';
import {
  type LifeEvent,
  LifeEventRecorded,
  type RecordLifeEventRequest,
  RecordLifeEventResponse,
} from '@rapport/proto/customer/v1';
import { dayDate } from '../calendar/calendar.js';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { assertParty, assertUsable, partyName } from '../party/party.js';
import {
  lifeEventFields,
  lifeEventMessage,
  lifeEventName,
  lifeEventRecorded,
  type LifeEventRecord,
  sensitiveKinds,
} from './life-event.js';

/** Records something that happened, or will happen, in the life of a customer. */
export async function recordLifeEvent(
  deps: Deps,
  request: RecordLifeEventRequest,
  call: Call,
): Promise<RecordLifeEventResponse> {
  const fields = lifeEventFields(request.lifeEvent as LifeEvent);
  const now = deps.clock.now();
  const scope = scopeFor(call, 'C2');
  const sensitive = scopeFor(call, 'C3');
  return idempotent(
    deps.prisma,
    call,
    request,
    RecordLifeEventResponse,
    async (tx) => {
      const party = await assertParty(tx, request.parent, scope, sql`FOR SHARE OF golden`);
      assertUsable(party);
      const { partyId, organisationPath, manager } = party;
      // Nobody writes what he may not read.
      if (sensitiveKinds.includes(fields.kind) && !within(sensitive, organisationPath, manager)) {
        throw fail('PARTY_NOT_FOUND', { metadata: { party: request.parent } });
      }
      const row: LifeEventRecord = {
        ...fields,
        partyId,
        lifeEventId: uuidv7(),
        recordedBy: call.principal.subject,
        createTime: now,
        updateTime: now,
        retractTime: null,
        version: 1,
        organisationPath,
        manager,
      };
      const { startDate, endDate } = row;
      await tx.prisma.lifeEvent.create({
        data: { ...row, startDate: dayDate(startDate), endDate: endDate === null ? null : dayDate(endDate) },
      });
      await audit(tx, call, { resource: lifeEventName(row), change: { created: true } });
      await publish(tx, LifeEventRecorded, lifeEventRecorded(row), { aggregate: partyId, subject: partyName(partyId) });
      return { lifeEvent: lifeEventMessage(row) };
    },
    { scope },
  );
}
