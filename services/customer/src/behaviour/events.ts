import { createHash } from 'node:crypto';
import { sql, type Tx } from '@rapport/kit/db';
import { publishAll } from '@rapport/kit/events';
import { type BehaviourEvent, BehaviourRecorded } from '@rapport/proto/customer/v1';
import { dayAt } from '../calendar/calendar.js';
import type { EventRecord } from './records.js';

/** How far a sender's clock may be ahead. */
export const LATEST_AHEAD_MS = 60_000;

/** The row of an event; the same source and key make the same id. */
export function eventRecord(
  event: BehaviourEvent,
  source: string,
  { partyId, organisationPath, manager }: Pick<EventRecord, 'partyId' | 'organisationPath' | 'manager'>,
): EventRecord {
  const { time, kind, topic, channel, session, key } = event;
  const digest = createHash('sha256').update(`${source}\n${key}`).digest('hex');
  const eventId = digest.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5');
  const place = { partyId, organisationPath, manager };
  return { ...place, time: time as Date, eventId, kind, topic, channel, session, source };
}

/** Writes what is new with one statement; gives it. */
export async function insertEvents(
  tx: Tx,
  rows: readonly EventRecord[],
): Promise<Pick<EventRecord, 'partyId' | 'time' | 'eventId'>[]> {
  return tx.rows(sql`
    INSERT INTO behaviour_event (party_id, time, event_id, kind, topic, channel, session, source, organisation_path,
      manager)
    SELECT * FROM unnest(${rows.map(({ partyId }) => partyId)}::uuid[], ${rows.map(({ time }) => time)}::timestamptz[],
      ${rows.map(({ eventId }) => eventId)}::uuid[], ${rows.map(({ kind }) => kind)}::smallint[],
      ${rows.map(({ topic }) => topic)}::text[], ${rows.map(({ channel }) => channel)}::smallint[],
      ${rows.map(({ session }) => session)}::text[], ${rows.map(({ source }) => source)}::text[],
      ${rows.map(({ organisationPath }) => organisationPath)}::text[], ${rows.map(({ manager }) => manager)}::text[])
    ON CONFLICT DO NOTHING RETURNING party_id AS "partyId", time, event_id AS "eventId"`);
}

/** The most that one event tells. */
const MOST_TOLD = 1_000;

/** Tells of what is new, one event for each party. `made` are those of the rows that were written. */
export async function publishEvents(
  tx: Tx,
  rows: readonly EventRecord[],
  made: readonly Pick<EventRecord, 'eventId'>[],
): Promise<void> {
  const known = new Map(rows.map((row) => [row.eventId, row]));
  const byParty = new Map<string, EventRecord[]>();
  for (const { eventId } of made) {
    const row = known.get(eventId);
    if (!row) continue;
    const all = byParty.get(row.partyId);
    if (all) all.push(row);
    else byParty.set(row.partyId, [row]);
  }
  const events = [...byParty].flatMap(([partyId, all]) => {
    const name = `parties/${partyId}`;
    const parts = Array.from({ length: Math.ceil(all.length / MOST_TOLD) }, (_none, at) =>
      all.slice(at * MOST_TOLD, (at + 1) * MOST_TOLD),
    );
    return parts.map((part) => ({
      message: BehaviourRecorded.fromPartial({
        party: name,
        organisationPath: part[0]?.organisationPath ?? '',
        events: part.map(({ eventId: id, time, kind, channel, topic }) => ({ id, time, kind, channel, topic })),
      }),
      options: { aggregate: partyId, subject: name },
    }));
  });
  await publishAll(tx, BehaviourRecorded, events);
}

/** The first day, `YYYY-MM-DD`, on which each party did something. */
export function firstDays(made: readonly Pick<EventRecord, 'partyId' | 'time'>[], zone: string): Map<string, string> {
  const first = new Map<string, string>();
  for (const { partyId, time } of made) {
    const day = dayAt(time, zone);
    const before = first.get(partyId);
    if (before === undefined || day < before) first.set(partyId, day);
  }
  return first;
}
