import { scopeFilter, type Scope, type Sql, sql } from '@rapport/kit/db';
import type { Membership } from '@rapport/proto/segmentation/v1';
import { describeRule, readRule } from '../rule/rule.js';
import { versionName } from '../segment/segment.js';

export { lockUse } from './changes.js';
export { dismissMembers } from './dismiss-members.js';
export { forgetNumbers, numberRows } from './party-number.js';
export { askForPass, evaluateVersion, fillVersions } from './pass.js';
export { bitmapTables } from './bitmaps.js';

/** A membership with what is shown of its version. */
export interface MembershipRow {
  party_id: string;
  segment_id: string;
  version: number;
  title: string;
  rule: string;
  enter_time: Date;
}

/** The published memberships of parties, as far as the scope allows, by party and segment. */
export function membershipRows(scope: Scope, parties: readonly string[], only: Sql = sql`TRUE`): Sql {
  return sql`
    SELECT m.party_id, m.segment_id, m.version, s.title, v.rule, m.enter_time
    FROM membership m
    JOIN segment_version v ON v.segment_id = m.segment_id AND v.version = m.version AND v.state = 3
    JOIN segment s ON s.segment_id = m.segment_id
    WHERE m.party_id = ANY(${[...parties]}::uuid[]) AND ${only}
      AND ${scopeFilter(scope, { path: 'm.organisation_path', manager: 'm.manager' })}
    ORDER BY m.party_id, m.segment_id`;
}

/** The membership as the contract shows it. */
export function membershipMessage(row: MembershipRow): Membership {
  const read = readRule(row.rule);
  return {
    segmentVersion: versionName(row.segment_id, row.version),
    title: row.title,
    description: 'rule' in read ? describeRule(read.rule) : '',
    enterTime: row.enter_time,
  };
}
