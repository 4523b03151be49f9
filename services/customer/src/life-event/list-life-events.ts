import { sql } from '@rapport/kit/db';
import { type Call, decodePage, encodePage, pageSize, scopeFor } from '@rapport/kit/rpc';
import type { ListLifeEventsRequest, ListLifeEventsResponse } from '@rapport/proto/customer/v1';
import { dayDate } from '../calendar/calendar.js';
import type { Deps } from '../deps.js';
import { assertParty, membersOf } from '../party/party.js';
import { lifeEventColumns, lifeEventMessage, type LifeEventRecord, seenLifeEvents } from './life-event.js';

/** Lists the life events of a party, the latest first. */
export async function listLifeEvents(
  deps: Deps,
  request: ListLifeEventsRequest,
  call: Call,
): Promise<ListLifeEventsResponse> {
  const size = pageSize(request);
  const before = decodePage(call, request, 'date', 'uuid');
  const scope = scopeFor(call, 'C2');
  const on = deps.db.scoped(scope);
  const members = membersOf(await assertParty(on, request.parent, scope));
  const older = before
    ? sql`AND (l.start_date, l.life_event_id) < (${before[0].toISOString().slice(0, 10)}::date, ${before[1]}::uuid)`
    : sql.empty;
  const rows = await on.rows<LifeEventRecord>(sql`
    SELECT ${lifeEventColumns} FROM unnest(${members}::uuid[]) AS member (id) CROSS JOIN LATERAL (
      SELECT * FROM life_event l WHERE l.party_id = member.id OFFSET 0) l
    WHERE ${seenLifeEvents(scope, scopeFor(call, 'C3'))} AND (l.retract_time IS NULL OR ${request.showRetracted})
      ${older}
    ORDER BY l.start_date DESC, l.life_event_id DESC LIMIT ${size + 1}`);
  await deps.reads.record(call, `${request.parent}/lifeEvents`);
  const last = rows.at(size - 1);
  return {
    lifeEvents: rows.slice(0, size).map(lifeEventMessage),
    nextPageToken:
      last && rows.length > size ? encodePage(call, request, [dayDate(last.startDate), last.lifeEventId]) : '',
  };
}
