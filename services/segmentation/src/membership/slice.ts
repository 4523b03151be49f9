import { everything, sql } from '@rapport/kit/db';
import { MembershipReason } from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import type { DayNumber } from '../rule/rule.js';
import { dateMessage, today } from '../segment/segment.js';
import type { Slice } from './bitmaps.js';
import { type Change, publishChanges } from './changes.js';

/** A version that a pass looks at. */
export interface Passed {
  name: string;
  segmentId: string;
  version: number;
  /** The end of this day is looked at. */
  asOf: DayNumber;
  /** Whether it has never been looked at as a whole: then whoever comes in does so by its publication. */
  first: boolean;
}

/** What changed in a version. */
export interface Changed {
  entered: number;
  exited: number;
}

/** Pairs of a party and a version, as columns: the version by its place in `versions`, from 1. */
interface Pairs {
  parties: string[];
  places: number[];
}

/**
 * Writes some of the changes that a pass has found as membership, with an event for each, in one transaction. Parties
 * that were looked at live since the pass began are left out: that look knew newer facts, or the same.
 * Versions that were retired meanwhile or taken over by another pass are left out. Safe to repeat. Gives what changed,
 * by the name of the version.
 */
export async function applySlice(
  deps: Deps,
  pass: { pass: bigint; since: Date; versions: readonly Passed[] },
  slice: Slice,
): Promise<Map<string, Changed>> {
  const at = deps.clock.now();
  return deps.db.transaction(everything, async (tx) => {
    // Under these locks memberships change.
    const held = await tx.rows<{ segment_id: string; version: number }>(sql`
      SELECT segment_id, version FROM segment_version
      WHERE state = 3 AND running_pass = ${pass.pass}
        AND segment_id = ANY(${pass.versions.map(({ segmentId }) => segmentId)}::text[])
      ORDER BY segment_id, version FOR UPDATE`);
    const holds = new Set(held.map((row) => `${row.segment_id}@${row.version}`));
    const versions = pass.versions.filter(({ segmentId, version }) => holds.has(`${segmentId}@${version}`));
    const placeOf = new Map(versions.map(({ name }, index) => [name, index + 1]));
    const changes = slice.versions.filter(({ name }) => placeOf.has(name));
    const numbers = [...new Set(changes.flatMap(({ entered, exited }) => [...entered, ...exited]))];
    const parties = await tx.rows<{ number: number; party_id: string; newer: boolean }>(sql`
      SELECT n.number, n.party_id, coalesce(c.evaluate_time >= ${pass.since}, false) AS newer
      FROM party_number n LEFT JOIN changed_party c USING (party_id) WHERE n.number = ANY(${numbers}::int[])`);
    const idOf = new Map(parties.filter(({ newer }) => !newer).map((row) => [row.number, row.party_id]));

    const pairs = (which: 'entered' | 'exited'): Pairs & { paths: string[]; managers: string[] } => {
      const found = {
        parties: [] as string[],
        places: [] as number[],
        paths: [] as string[],
        managers: [] as string[],
      };
      for (const change of changes) {
        const place = placeOf.get(change.name) ?? 0;
        for (const number of change[which]) {
          const party = idOf.get(number);
          const coming = slice.coming.get(number);
          if (party === undefined || (which === 'entered' && coming === undefined)) continue;
          found.parties.push(party);
          found.places.push(place);
          found.paths.push(coming?.path ?? '');
          found.managers.push(coming?.manager ?? '');
        }
      }
      return found;
    };
    const inUse = sql`unnest(${versions.map(({ segmentId }) => segmentId)}::text[],
      ${versions.map(({ version }) => version)}::int[]) WITH ORDINALITY AS v (segment_id, version, place)`;
    const coming = pairs('entered');
    const entered = await tx.rows<Change>(sql`
      INSERT INTO membership (party_id, segment_id, version, organisation_path, manager, enter_time)
      SELECT c.party_id, v.segment_id, v.version, c.path, c.manager, ${at}
      FROM unnest(${coming.parties}::uuid[], ${coming.places}::int[], ${coming.paths}::text[], ${coming.managers}::text[])
        AS c (party_id, place, path, manager) JOIN ${inUse} USING (place)
      ON CONFLICT (party_id, segment_id, version) DO NOTHING
      RETURNING party_id, organisation_path, segment_id, version`);
    const leaving = pairs('exited');
    const exited = await tx.rows<Change>(sql`
      DELETE FROM membership m
      USING unnest(${leaving.parties}::uuid[], ${leaving.places}::int[]) AS c (party_id, place) JOIN ${inUse} USING (place)
      WHERE m.party_id = c.party_id AND m.segment_id = v.segment_id AND m.version = v.version
      RETURNING m.party_id, m.organisation_path, m.segment_id, m.version`);

    const changed = new Map<string, Changed>();
    const count = (rows: readonly Change[], which: keyof Changed): void => {
      for (const row of rows) {
        const name = `segments/${row.segment_id}@${row.version}`;
        const known = changed.get(name) ?? { entered: 0, exited: 0 };
        known[which] += 1;
        changed.set(name, known);
      }
    };
    count(entered, 'entered');
    count(exited, 'exited');
    const grown = versions.map(({ name }) => (changed.get(name)?.entered ?? 0) - (changed.get(name)?.exited ?? 0));
    await tx.run(sql`
      UPDATE segment_version s SET members = s.members + d.grown
      FROM unnest(${grown}::bigint[]) WITH ORDINALITY AS d (grown, place) JOIN ${inUse} USING (place)
      WHERE s.segment_id = v.segment_id AND s.version = v.version AND d.grown <> 0`);

    const asOf = new Map(versions.map((one) => [one.segmentId, dateMessage(one.asOf)]));
    const firsts = new Set(versions.filter(({ first }) => first).map(({ segmentId }) => segmentId));
    for (const first of [false, true]) {
      const of = (rows: readonly Change[]) => rows.filter((row) => firsts.has(row.segment_id) === first);
      await publishChanges(tx, of(entered), of(exited), {
        reason: first ? MembershipReason.MEMBERSHIP_REASON_PUBLISHED : MembershipReason.MEMBERSHIP_REASON_EVALUATED,
        at,
        day: today(deps),
        asOf: (change) => asOf.get(change.segment_id) ?? dateMessage(0),
      });
    }
    return changed;
  });
}
