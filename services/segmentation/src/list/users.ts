import { type Queryable, type Scope, scopeFilter, sql } from '@rapport/kit/db';
import { SchemePlan } from '@rapport/proto/segmentation/v1';
import { fail } from '../errors.js';
import { listsOf, readRule } from '../rule/rule.js';
import { rulesIn } from '../scheme/scheme.js';

/** What in use asks for a list. */
export interface Users {
  /** `segments/{id}`, inside the scope. */
  segments: string[];
  /** `schemes/{id}`, inside the scope. */
  schemes: string[];
  /** Whether there is any, also out of the scope. */
  any: boolean;
}

function asksFor(rule: string, listId: string): boolean {
  const read = readRule(rule);
  return 'rule' in read && listsOf(read.rule).includes(listId);
}

/**
 * The segments and schemes whose versions in use ask for a list, or are about to: a run that is to put a version into use
 * counts as well.
 */
export async function usersOf(on: Queryable, scope: Scope, listId: string): Promise<Users> {
  const seen = sql`coalesce(${scopeFilter(scope, { path: 's.organisation_path' })}, false) AS seen`;
  const rules = await on.rows<{ id: string; rule: string; seen: boolean }>(sql`
    SELECT s.segment_id AS id, v.rule, ${seen} FROM segment s JOIN segment_version v USING (segment_id)
    WHERE v.state = 3 AND strpos(v.rule, ${listId}) > 0 ORDER BY s.segment_id`);
  const plans = await on.rows<{ id: string; plan: unknown; seen: boolean }>(sql`
    SELECT DISTINCT ON (s.scheme_id) s.scheme_id AS id, v.plan, ${seen}
    FROM scheme s JOIN scheme_version v USING (scheme_id)
    WHERE strpos(v.plan::text, ${listId}) > 0 AND (v.state = 3 OR EXISTS (
      SELECT FROM scheme_run r WHERE r.scheme_id = v.scheme_id AND r.version = v.version AND r.state <= 2))
    ORDER BY s.scheme_id, v.version DESC`);
  const segments = rules.filter(({ rule }) => asksFor(rule, listId));
  const schemes = plans.filter(({ plan }) =>
    rulesIn(SchemePlan.fromJSON(plan)).some(({ rule }) => asksFor(rule, listId)),
  );
  return {
    segments: segments.filter((one) => one.seen).map(({ id }) => `segments/${id}`),
    schemes: schemes.filter((one) => one.seen).map(({ id }) => `schemes/${id}`),
    any: segments.length + schemes.length > 0,
  };
}

/** Refuses a change by one person alone of a list that something in use asks for. Throws LIST_GUARDED. */
export async function assertUnguarded(on: Queryable, scope: Scope, listId: string): Promise<void> {
  const { segments, schemes, any } = await usersOf(on, scope, listId);
  if (!any) return;
  const metadata = { list: `staticLists/${listId}`, segments: segments.join(', '), schemes: schemes.join(', ') };
  throw fail('LIST_GUARDED', { metadata });
}
