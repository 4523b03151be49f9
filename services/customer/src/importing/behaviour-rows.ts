import { BehaviourEvent, type BehaviourRow, ImportKind, RecordBehaviourRequest } from '@rapport/proto/customer/v1';
import {
  eventRecord,
  firstDays,
  insertEvents,
  LATEST_AHEAD_MS,
  measureParties,
  publishEvents,
} from '../behaviour/behaviour.js';
import {
  type Batch,
  type Checked,
  contractRefusal,
  holdsNul,
  nulRefusal,
  refuse,
  settle,
  type Stream,
  unknownReference,
} from './batch.js';
import type { Refusal } from './importing.js';
import { partiesByKey } from './references.js';

const KIND = ImportKind.IMPORT_KIND_BEHAVIOUR;
const REQUEST_ID = '00000000-0000-4000-8000-000000000000';
const ANY_PARTY = 'parties/00000000-0000-0000-0000-000000000000';

/** Judges a row by the rules that need no database; the key is that of its party. */
export function checkBehaviour(stream: Stream, line: bigint, row: BehaviourRow): Checked<BehaviourEvent> | Refusal {
  const event = BehaviourEvent.fromPartial({ ...row.event, party: ANY_PARTY });
  const request = { source: stream.source, events: [event], requestId: REQUEST_ID };
  const bytes = RecordBehaviourRequest.encode(request).finish();
  const refusal = contractRefusal(stream.deps, 'PortraitService/RecordBehaviour', bytes, 'events[0]', event);
  if (refusal) return refusal;
  if (event.time && event.time.getTime() > stream.deps.clock.now().getTime() + LATEST_AHEAD_MS) {
    return { field: 'time', reason: 'VALUE_INVALID', message: 'lies in the future', value: event.time.toISOString() };
  }
  if (holdsNul([BehaviourEvent.toJSON(event), row.partySourceKey])) return nulRefusal;
  return { line, key: row.partySourceKey, content: 0n, value: event };
}

/** Keeps what the customers of a batch did, and compares it with what is usual for them, as RecordBehaviour does. */
export async function takeBehaviour(batch: Batch, rows: readonly Checked<BehaviourEvent>[]): Promise<void> {
  if (rows.length === 0) return;
  const { tx, deps, source } = batch;
  const parties = await partiesByKey(
    batch,
    rows.map(({ key }) => key),
  );
  const wanted = rows.flatMap(({ line, key, value }) => {
    const party = parties.get(key);
    if (party) return [eventRecord(value, source, party)];
    refuse(batch, KIND, line, unknownReference('party_source_key', key));
    return [];
  });
  const made = await insertEvents(tx, wanted);
  for (let at = 0; at < wanted.length; at += 1) settle(batch, KIND, at < made.length ? 'created' : 'unchanged');
  await publishEvents(tx, wanted, made);
  await measureParties(deps, tx, firstDays(made, deps.bank.timeZone));
}
