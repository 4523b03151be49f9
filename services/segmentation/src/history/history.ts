import { sql, type Tx } from '@rapport/kit/db';
import type { MembershipReason } from '@rapport/proto/segmentation/v1';
import { DateTime } from 'luxon';
import { fail } from '../errors.js';
import type { DayNumber } from '../rule/rule.js';
import { dateText } from '../segment/segment.js';

/** A party that came or left, as far as it is counted. */
interface Counted {
  segment_id: string;
  version: number;
}

/**
 * Adds to the counts of the day how many came into each version and left it, in the transaction in which they did: at
 * most five rows a day for a version, whatever the number of its members.
 */
export async function addToDay(
  tx: Tx,
  entered: readonly Counted[],
  exited: readonly Counted[],
  { reason, day }: { reason: MembershipReason; day: DayNumber },
): Promise<void> {
  const counts = new Map<string, Counted & { entered: number; exited: number }>();
  const count = (changes: readonly Counted[], of: 'entered' | 'exited'): void => {
    for (const { segment_id, version } of changes) {
      const key = `${segment_id}@${version}`;
      const row = counts.get(key) ?? { segment_id, version, entered: 0, exited: 0 };
      row[of] += 1;
      counts.set(key, row);
    }
  };
  count(entered, 'entered');
  count(exited, 'exited');
  if (counts.size === 0) return;
  // Always in the same order, so that two transactions never wait for each other.
  const rows = [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
  await tx.run(sql`
    INSERT INTO segment_day AS d (segment_id, version, day, reason, entered, exited)
    SELECT segment_id, version, ${dateText(day)}::date, ${reason}::smallint, entered, exited
    FROM unnest(${rows.map((row) => row.segment_id)}::text[], ${rows.map((row) => row.version)}::int[],
      ${rows.map((row) => row.entered)}::bigint[], ${rows.map((row) => row.exited)}::bigint[])
      AS counted (segment_id, version, entered, exited)
    ON CONFLICT (segment_id, version, day, reason)
      DO UPDATE SET entered = d.entered + excluded.entered, exited = d.exited + excluded.exited`);
}

/** The day that lies that many days after another; before it for a negative number. */
export function daysAfter(day: DayNumber, days: number): DayNumber {
  const date = DateTime.utc(Math.floor(day / 10_000), Math.floor(day / 100) % 100, day % 100).plus({ days });
  return date.year * 10_000 + date.month * 100 + date.day;
}

/** How many days lie from one day to another. */
export function daysBetween(from: DayNumber, to: DayNumber): number {
  const at = (day: DayNumber): number =>
    Date.UTC(Math.floor(day / 10_000), (Math.floor(day / 100) % 100) - 1, day % 100);
  return Math.round((at(to) - at(from)) / 86_400_000);
}

/** Refuses a period that ends before it begins or is longer than `most` days. Throws PERIOD_INVALID. */
export function checkPeriod(from: DayNumber, to: DayNumber, most: number): void {
  if (to < from) {
    throw fail('PERIOD_INVALID', { violations: [{ field: 'to', description: 'must not lie before the first day' }] });
  }
  if (daysBetween(from, to) > most) {
    throw fail('PERIOD_INVALID', {
      violations: [{ field: 'to', description: `must be at most ${most} days after the first day` }],
    });
  }
}
