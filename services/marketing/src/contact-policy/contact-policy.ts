import { type Queryable, sql } from '@rapport/kit/db';
import { etag } from '@rapport/kit/rpc';
import type { ContactPolicy, FrequencyCap } from '@rapport/proto/marketing/v1';
import { pathsAbove } from '../access/access.js';

export interface PolicyRow {
  organisationPath: string;
  frequencyCaps: FrequencyCap[];
  /** "HH:MM"; both empty when every hour is open. */
  quietStart: string;
  quietEnd: string;
  version: number;
  updateTime: Date;
}

const columns = sql.raw(`organisation_path AS "organisationPath", frequency_caps AS "frequencyCaps",
  quiet_start AS "quietStart", quiet_end AS "quietEnd", version, update_time AS "updateTime"`);

export function policyEtag(row: Pick<PolicyRow, 'organisationPath' | 'version'>): string {
  return etag(row.organisationPath, row.version);
}

export function toContactPolicy(row: PolicyRow): ContactPolicy {
  return {
    organisationPath: row.organisationPath,
    frequencyCaps: row.frequencyCaps,
    quietHours: row.quietStart === '' ? undefined : { start: row.quietStart, end: row.quietEnd },
    updateTime: row.updateTime,
    etag: policyEtag(row),
  };
}

/** The policy that holds at a path: its own, else that of the nearest path above it. */
export function findPolicy(db: Queryable, organisationPath: string): Promise<PolicyRow | undefined> {
  return db.maybe<PolicyRow>(sql`
    SELECT ${columns} FROM contact_policy WHERE organisation_path = ANY(${pathsAbove(organisationPath)}::text[])
    ORDER BY length(organisation_path) DESC LIMIT 1`);
}

/** The policy of exactly this path, locked until the transaction ends. */
export function lockPolicy(db: Queryable, organisationPath: string): Promise<PolicyRow | undefined> {
  return db.maybe<PolicyRow>(sql`
    SELECT ${columns} FROM contact_policy WHERE organisation_path = ${organisationPath} FOR UPDATE`);
}

/** The policies that hold at each of the paths, one statement for all. */
export async function findPolicies(
  db: Queryable,
  organisationPaths: readonly string[],
): Promise<Map<string, PolicyRow>> {
  const wanted = [...new Set(organisationPaths.flatMap(pathsAbove))];
  const rows = await db.rows<PolicyRow>(sql`
    SELECT ${columns} FROM contact_policy WHERE organisation_path = ANY(${wanted}::text[])`);
  const byPath = new Map(rows.map((row) => [row.organisationPath, row]));
  const found = new Map<string, PolicyRow>();
  for (const path of organisationPaths) {
    const row = pathsAbove(path)
      .map((at) => byPath.get(at))
      .find((one) => one !== undefined);
    if (row) found.set(path, row);
  }
  return found;
}
