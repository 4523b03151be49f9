import type { Analytics } from '@rapport/kit/analytics';

/** Parties from one to another, both included, in ClickHouse's order of UUIDs. */
export interface PartyRange {
  from: string;
  until: string;
}

/** Rows between two marks of a table's index. */
const MARK = 8192;

/**
 * Ranges that together hold every party, each about so many. They are cut along the index of the table `party`, which
 * every table of facts is ordered like, so that reading range by range reads every row once. Two neighbours share the
 * party on their border.
 */
export async function partyRanges(analytics: Analytics, parties: number): Promise<PartyRange[]> {
  const marks = await analytics.query<{ mark: string }>(`
    SELECT toString(party) AS mark FROM mergeTreeIndex(currentDatabase(), 'party') ORDER BY party`);
  const step = Math.max(1, Math.ceil(parties / MARK));
  const cuts: string[] = [];
  for (let at = step; at < marks.length - 1; at += step) {
    const mark = marks[at]?.mark;
    if (mark !== undefined && mark !== cuts.at(-1)) cuts.push(mark);
  }
  const ends = ['00000000-0000-0000-0000-000000000000', ...cuts, 'ffffffff-ffff-ffff-ffff-ffffffffffff'];
  return ends.slice(1).map((until, at) => ({ from: ends[at] ?? '', until }));
}
