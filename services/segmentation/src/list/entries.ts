import { sql, type Tx } from '@rapport/kit/db';
import { erasedAmong } from '@rapport/kit/events';
import { goldenOf } from '../merge/merge.js';
import type { DayNumber } from '../rule/rule.js';
import { dateText, dayOf } from '../segment/segment.js';
import { type Place, standsOn } from './list.js';
import { type Difference, noDifference } from './upload.js';

/** A party that is to stand on a list, and where it belongs. */
export interface NewEntry extends Place {
  until: DayNumber | undefined;
  /** Empty keeps the note that there is. */
  note: string;
}

/** Who changes a list on which day, and as which version of it; 0 is none. */
export interface Change {
  day: DayNumber;
  by: string;
  at: Date;
  version: number;
}

/** Leaves out the parties that are erased. Asked while the list is held: a later erasure finds the entries itself. */
export async function withoutErased<T extends { party: string }>(tx: Tx, entries: readonly T[]): Promise<T[]> {
  const gone = new Set(
    await erasedAmong(
      tx,
      entries.map(({ party }) => party),
    ),
  );
  return entries.filter(({ party }) => !gone.has(party));
}

/**
 * Puts parties on a list that is held from a day on; those whose last day is over are left out. Gives what changed.
 */
export async function addEntries(
  tx: Tx,
  listId: string,
  entries: readonly NewEntry[],
  change: Change,
): Promise<Difference> {
  const { by, at, version } = change;
  const day = dateText(change.day);
  const live = entries.filter(({ until }) => until === undefined || until >= change.day);
  const standing = await tx.rows<{ party: string; from: string; until: string | null; note: string }>(sql`
    SELECT party_id AS party, from_date AS from, until_date AS until, note FROM list_entry
    WHERE list_id = ${listId} AND party_id = ANY(${live.map(({ party }) => party)}::uuid[]) AND ${standsOn(day)}`);
  const standingOf = new Map(standing.map((entry) => [entry.party, entry]));
  // Who stands on the list keeps the first day; the rest begin on this one.
  const written = live.filter(({ party, until, note }) => {
    const entry = standingOf.get(party);
    return !entry || dayOf(entry.until) !== until || (note !== '' && note !== entry.note);
  });
  if (written.length > 0)
    await tx.run(sql`
      INSERT INTO list_entry AS e (list_id, party_id, from_date, until_date, note, organisation_path, manager, placed,
        changed_by, change_time, version)
      SELECT ${listId}, party, from_date, until_date, note, path, manager, placed, ${by}, ${at}, ${version}
      FROM unnest(${written.map(({ party }) => party)}::uuid[],
        ${written.map(({ party }) => standingOf.get(party)?.from ?? day)}::date[],
        ${written.map(({ until }) => (until === undefined ? null : dateText(until)))}::date[],
        ${written.map(({ note }) => note)}::text[],
        ${written.map(({ path }) => path)}::text[], ${written.map(({ manager }) => manager)}::text[],
        ${written.map(({ version: placed }) => placed)}::bigint[])
        AS line (party, from_date, until_date, note, path, manager, placed)
      ORDER BY party
      ON CONFLICT (list_id, party_id, from_date) DO UPDATE SET until_date = excluded.until_date,
        note = CASE WHEN excluded.note = '' THEN e.note ELSE excluded.note END,
        organisation_path = excluded.organisation_path, manager = excluded.manager, placed = excluded.placed,
        changed_by = excluded.changed_by, change_time = excluded.change_time, version = excluded.version,
        change = nextval('list_entry_change_seq'), sent = false`);
  const updated = written.filter(({ party }) => standingOf.has(party)).length;
  return {
    ...noDifference,
    added: written.length - updated,
    updated,
    unchanged: live.length - written.length,
    absent: entries.length - live.length,
  };
}

/**
 * Ends the entries of parties on a list that is held with the day before, so that what was asked for an earlier day stays
 * true. A list has a customer when it has one of its merged parties, so all of them go. Gives what changed.
 */
export async function endEntries(
  tx: Tx,
  listId: string,
  parties: readonly string[],
  change: Change,
): Promise<Difference> {
  const { by, at, version } = change;
  const day = dateText(change.day);
  const whole = await tx.rows<{ party: string }>(sql`
    WITH golden AS (SELECT DISTINCT golden_id FROM party_alias WHERE party_id = ANY(${[...parties]}::uuid[])
      UNION SELECT unnest(${[...parties]}::uuid[]))
    SELECT golden_id AS party FROM golden
    UNION SELECT a.party_id FROM party_alias a WHERE a.golden_id IN (SELECT golden_id FROM golden)`);
  const all = [...new Set([...parties, ...whole.map(({ party }) => party)])];
  // By their keys: a join could read the whole list with each slice of a file.
  const ended = await tx.rows<{ party: string }>(sql`
    UPDATE list_entry SET until_date = ${day}::date - 1, changed_by = ${by}, change_time = ${at}, version = ${version},
      change = nextval('list_entry_change_seq'), sent = false
    WHERE list_id = ${listId} AND party_id = ANY(${all}::uuid[]) AND ${standsOn(day)}
    RETURNING party_id AS party`);
  const golden = await goldenOf(tx, [...new Set([...parties, ...ended.map(({ party }) => party)])]);
  const left = new Set(ended.map(({ party }) => golden.get(party)));
  const absent = parties.filter((party) => !left.has(golden.get(party))).length;
  return { ...noDifference, removed: ended.length, absent };
}
