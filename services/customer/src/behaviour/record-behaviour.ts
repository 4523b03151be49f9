import { audit } from '@rapport/kit/crypto';
import { type Scope, scopeFilter, sql, type Tx } from '@rapport/kit/db';
import { type Call, idempotent, scopeFor } from '@rapport/kit/rpc';
import { type BehaviourEvent, type RecordBehaviourRequest, RecordBehaviourResponse } from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { idsIn } from '../party/party.js';
import { measureParties } from './measure-parties.js';
import { eventRecord, firstDays, insertEvents, LATEST_AHEAD_MS, publishEvents } from './events.js';

/** Takes what customers did on the web and in the app, and compares it with what is usual for them. */
export async function recordBehaviour(
  deps: Deps,
  request: RecordBehaviourRequest,
  call: Call,
): Promise<RecordBehaviourResponse> {
  const latest = deps.clock.now().getTime() + LATEST_AHEAD_MS;
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
      await audit(tx, call, {
        resource: [...new Set(rows.map(({ partyId }) => `parties/${partyId}`)), 'behaviour'],
        change: { recorded: made.length },
      });
      await publishEvents(tx, rows, made);
      await measureParties(deps, tx, firstDays(made, deps.bank.timeZone));
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
