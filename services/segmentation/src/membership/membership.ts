import { scopeFilter, type Scope, type Sql, sql } from '@rapport/kit/db';
import type { Membership } from '@rapport/proto/segmentation/v1';
import { describeRule, readRule } from '../rule/rule.js';
import { versionName } from '../segment/segment.js';

export { noteChanged } from './changed-party.js';
export { lockUse } from './changes.js';
export { dismissMembers } from './dismiss-members.js';
export { forgetNumbers, numberRows } from './party-number.js';
export { everyParty, partyRanges, rangesFor } from './party-range.js';
export { askForPass, evaluateVersion, fillVersions } from './pass.js';
export { bitmapTables } from './bitmaps.js';

/** A membership with what is shown of its version: segment, version, title, rule, and since when in milliseconds. */
type MembershipPart = [segmentId: string, version: number, title: string, rule: string, enterMs: number];

/** What is asked about a party: its memberships by segment, and the time of the newest event that became a fact. */
export interface PartyMemberships {
  party: string;
  memberships: readonly MembershipPart[];
  as_of: Date | null;
}

/**
 * The published memberships of parties, as far as the scope allows: one row for each party that is asked for, with those
 * of the golden record that it was merged into. CASE and not coalesce: Postgres lets the index find rows behind row
 * security only by expressions that it knows to leak nothing.
 */
export function membershipRows(scope: Scope, parties: readonly string[], only: Sql = sql`TRUE`): Sql {
  return sql`
    SELECT asked.party, coalesce(found.memberships, '[]') AS memberships,
      (SELECT last_event_time FROM fact_progress) AS as_of
    FROM unnest(${[...parties]}::uuid[]) AS asked (party)
    LEFT JOIN party_alias a ON a.party_id = asked.party
    LEFT JOIN LATERAL (
      SELECT json_agg(json_build_array(m.segment_id, m.version, s.title, v.rule,
        (extract(epoch FROM m.enter_time) * 1000)::bigint) ORDER BY m.segment_id) AS memberships
      FROM membership m
      JOIN segment_version v ON v.segment_id = m.segment_id AND v.version = m.version AND v.state = 3
      JOIN segment s ON s.segment_id = m.segment_id
      WHERE m.party_id = CASE WHEN a.golden_id IS NULL THEN asked.party ELSE a.golden_id END AND ${only}
        AND ${scopeFilter(scope, { path: 'm.organisation_path', manager: 'm.manager' })}) AS found ON true`;
}

const MOST_RULES = 5000;
const described = new Map<string, string>();

/** The rule in words. Remembered: reading one takes a hundred times what finding a membership does. */
function wordsOf(rule: string): string {
  const known = described.get(rule);
  if (known !== undefined) return known;
  if (described.size >= MOST_RULES) described.clear();
  const read = readRule(rule);
  const words = 'rule' in read ? describeRule(read.rule) : '';
  described.set(rule, words);
  return words;
}

/** The membership as the contract shows it. */
export function membershipMessage([segmentId, version, title, rule, enterMs]: MembershipPart): Membership {
  return {
    segmentVersion: versionName(segmentId, version),
    title,
    description: wordsOf(rule),
    enterTime: new Date(enterMs),
  };
}
