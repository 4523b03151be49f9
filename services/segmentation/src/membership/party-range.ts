import type { Analytics } from '@rapport/kit/analytics';
import { stored } from '../fact/fact.js';
import { END_PARTY, FIRST_PARTY } from '../rule/rule.js';

/** Parties from one up to another that is left out, in ClickHouse's order of UUIDs; bound by rules that are `ranged`. */
export interface PartyRange {
  [FIRST_PARTY]: string;
  [END_PARTY]: string;
}

/** Rows between two marks of a table's index. */
const MARK = 8192;
/** Parties that rules look at in one statement: bounds the memory of joins. */
const PARTIES = 500_000;

async function shardsOf(analytics: Analytics, cluster: string): Promise<number> {
  const [row] = await analytics.query<{ shards: number }>(
    'SELECT max(shard_num) AS shards FROM system.clusters WHERE cluster = {cluster:String}',
    { cluster },
  );
  return Math.max(1, Number(row?.shards ?? 1));
}

const FIRST = '00000000-0000-0000-0000-000000000000';
const LAST = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

/** All parties at once: for rules that join nothing, where each range would only cost its statement (some 50 ms). */
export const everyParty: PartyRange = { [FIRST_PARTY]: FIRST, [END_PARTY]: LAST };

/**
 * Ranges of about so many parties, which together hold each party once. They are cut along the index of the table `party`,
 * which every table of facts is ordered like, so that reading range by range reads every row once.
 */
export async function partyRanges(analytics: Analytics, parties = PARTIES): Promise<PartyRange[]> {
  const { cluster } = analytics;
  const { name } = stored(analytics, 'party');
  const marks = await analytics.query<{ mark: string }>(`
    SELECT toString(party) AS mark FROM mergeTreeIndex(currentDatabase(), '${name}') ORDER BY party`);
  // This server holds one part in so many of the parties, and no others than the rest.
  const shards = cluster === undefined ? 1 : await shardsOf(analytics, cluster);
  const step = Math.max(1, Math.ceil(parties / shards / MARK));
  const cuts: string[] = [];
  for (let at = step; at < marks.length - 1; at += step) {
    const mark = marks[at]?.mark;
    if (mark !== undefined && mark !== cuts.at(-1)) cuts.push(mark);
  }
  const ends = [FIRST, ...cuts, LAST];
  return ends.slice(1).map((until, at) => ({ [FIRST_PARTY]: ends[at] ?? '', [END_PARTY]: until }));
}

/** The ranges in which rules are looked at: joins take memory by the party, what asks for the party alone takes none. */
export async function rangesFor(analytics: Analytics, { joins }: { joins: boolean }): Promise<PartyRange[]> {
  return joins ? partyRanges(analytics) : [everyParty];
}
