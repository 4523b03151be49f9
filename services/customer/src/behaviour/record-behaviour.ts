import { createHash } from 'node:crypto';
import { audit } from '@rapport/kit/crypto';
import { type Scope, scopeFilter, sql, type Tx } from '@rapport/kit/db';
import { type Call, idempotent, scopeFor } from '@rapport/kit/rpc';
import { type BehaviourEvent, type RecordBehaviourRequest, RecordBehaviourResponse } from '@rapport/proto/customer/v1';
import { dayAt } from '../calendar/calendar.js';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { idsIn } from '../party/party.js';
import { measureParties } from './measure-parties.js';
import type { EventRecord } from './records.js';

const TOLERANCE_MS = 60_000;

/** Takes what customers did on the web and in the app, and compares it with what is usual for them. */
export async function recordBehaviour(
  deps: Deps,
  request: RecordBehaviourRequest,
  call: Call,
): Promise<RecordBehaviourResponse> {
  const latest = deps.clock.now().getTime() + TOLERANCE_MS;
  request.events.forEach(({ time }, index) => {
    if (time && time.getTime() <= latest) return;
    throw fail('TIME_IN_FUTURE', {
      violations: [{ field: `events[${index}].time`, description: 'lies in the future' }],
    });
  });
  const scope = scopeFor(call, 'C2');
  return idempotent(
    deps.db,
    call,
    request,
    RecordBehaviourResponse,
    async (tx) => {
      const places = await placesOf(tx, request.events, scope);
      const rows = request.events.flatMap((event) => {
        const place = places.get(event.party);
        return place ? [eventRecord(event, request.source, place)] : [];
      });
      const made = await insertEvents(tx, rows);
      const touched = new Map<string, string>();
      for (const { partyId, time } of made) {
        const day = dayAt(time, deps.bank.timeZone);
        const before = touched.get(partyId);
        if (before === undefined || day < before) touched.set(partyId, day);
      }
      await audit(tx, call, {
        resource: [...new Set(rows.map(({ partyId }) => `parties/${partyId}`)), 'behaviour'],
        change: { recorded: made.length },
      });
      await measureParties(deps, tx, touched);
      const unknown = new Set(request.events.map(({ party }) => party).filter((party) => !places.has(party)));
      return { recorded: made.length, known: rows.length - made.length, unknownParties: [...unknown] };
    },
    { scope },
  );
}

interface Place {
  partyId: string;
  organisationPath: string;
  manager: string;
}

/** Where the events of the parties are kept: with the party that they name. */
async function placesOf(tx: Tx, events: readonly BehaviourEvent[], scope: Scope): Promise<Map<string, Place>> {
  const ids = new Set(events.flatMap(({ party }) => idsIn(party)?.[0] ?? []));
  const rows = await tx.rows<Place>(sql`
    SELECT party_id AS "partyId", organisation_path AS "organisationPath", manager FROM party
    WHERE party_id = ANY(${[...ids]}::uuid[])
      AND ${scopeFilter(scope, { path: 'organisation_path', manager: 'manager' })}`);
  return new Map(rows.map((row) => [`parties/${row.partyId}`, row]));
}

/** The same source and key make the same id. */
function eventRecord(event: BehaviourEvent, source: string, place: Place): EventRecord {
  const { time, kind, topic, channel, session, key } = event;
  const digest = createHash('sha256').update(`${source}\n${key}`).digest('hex');
  const eventId = digest.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5');
  return { ...place, time: time as Date, eventId, kind, topic, channel, session, source };
}

/** Writes what is new with one statement; gives it. */
async function insertEvents(tx: Tx, rows: readonly EventRecord[]): Promise<{ partyId: string; time: Date }[]> {
  return tx.rows(sql`
    INSERT INTO behaviour_event (party_id, time, event_id, kind, topic, channel, session, source, organisation_path,
      manager)
    SELECT * FROM unnest(${rows.map(({ partyId }) => partyId)}::uuid[], ${rows.map(({ time }) => time)}::timestamptz[],
      ${rows.map(({ eventId }) => eventId)}::uuid[], ${rows.map(({ kind }) => kind)}::smallint[],
      ${rows.map(({ topic }) => topic)}::text[], ${rows.map(({ channel }) => channel)}::smallint[],
      ${rows.map(({ session }) => session)}::text[], ${rows.map(({ source }) => source)}::text[],
      ${rows.map(({ organisationPath }) => organisationPath)}::text[], ${rows.map(({ manager }) => manager)}::text[])
    ON CONFLICT DO NOTHING RETURNING party_id AS "partyId", time`);
}
