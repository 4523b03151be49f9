import { setTimeout as sleep } from 'node:timers/promises';
import { systemCaller } from '@rapport/kit/crypto';
import { everything, leased, type Sql, sql } from '@rapport/kit/db';
import { logger, type Running } from '@rapport/kit/runtime';
import { TagAttribute, TagEnd, TagSource } from '@rapport/proto/customer/v1';
import { dayAt } from '../calendar/calendar.js';
import type { Deps } from '../deps.js';
import { applyRules } from './apply-rules.js';
import { definitionColumns, type DefinitionRecord } from './definition.js';
import { endGrounds } from './portrait.js';

const BATCH = 500;
const expiry = systemCaller('customer', 'ExpireTags');

/** Ends the grounds whose time is up, up to 500 in one transaction. Gives how many. */
export function expireTags(deps: Pick<Deps, 'db' | 'clock'>): Promise<number> {
  const now = deps.clock.now();
  return deps.db.plain.transaction(everything, async (tx) => {
    const due = sql`(g.party_id, g.tag_id, g.source, g.reference) IN (
      SELECT party_id, tag_id, source, reference FROM party_tag WHERE expire_time <= ${now}
      ORDER BY expire_time LIMIT ${BATCH} FOR UPDATE SKIP LOCKED)`;
    return (await endGrounds(tx, expiry, due, TagEnd.TAG_END_EXPIRED, now)).length;
  });
}

/** What changes without an event: a rule with one of these is looked at each day. */
const daily = [TagAttribute.TAG_ATTRIBUTE_AGE_YEARS, TagAttribute.TAG_ATTRIBUTE_CUSTOMER_DAYS];

/** Whether the definition d is to be looked at: its rule changed, or looks at time and it is another day. */
function isBehind(today: string): Sql {
  return sql`d.swept_version < d.version OR (NOT d.retired AND d.swept_day < ${today} AND EXISTS (
    SELECT FROM jsonb_array_elements(d.conditions) c WHERE (c ->> 'attribute')::int = ANY(${daily}::int[])))`;
}

/** Whether anything is over or behind; costs next to nothing. */
function isDue(deps: Pick<Deps, 'db' | 'clock' | 'bank'>): Promise<{ expired: boolean; behind: boolean }> {
  const now = deps.clock.now();
  return deps.db.system.one(sql`
    SELECT EXISTS (SELECT FROM party_tag WHERE expire_time <= ${now}) AS expired,
      EXISTS (SELECT FROM tag_definition d WHERE ${isBehind(dayAt(now, deps.bank.timeZone))}) AS behind`);
}

/**
 * Goes on with the definition that is longest behind: one whose rule changed, or one that looks at time and was not
 * looked at today. Judges up to 500 parties in one transaction; where it stands is kept with the definition, so that
 * another process goes on there. Gives false when nothing is left to do.
 */
export function sweepRules(deps: Pick<Deps, 'db' | 'clock' | 'bank'>): Promise<boolean> {
  const today = dayAt(deps.clock.now(), deps.bank.timeZone);
  return deps.db.plain.transaction(everything, async (tx) => {
    const due = await tx.maybe<DefinitionRecord & { after: string | null; sweptVersion: number; sweptDay: string }>(sql`
      SELECT ${definitionColumns}, d.swept_party AS after FROM tag_definition d
      WHERE ${isBehind(today)}
      ORDER BY d.update_time, d.tag_id LIMIT 1 FOR UPDATE SKIP LOCKED`);
    if (!due) return false;
    const never = due.retired || due.conditions.length === 0;
    const after = due.after ?? '00000000-0000-0000-0000-000000000000';
    // A definition without a rule has only to end what its rule set before.
    const ids = await tx.rows<{ id: string }>(
      never
        ? sql`SELECT DISTINCT party_id AS id FROM party_tag WHERE tag_id = ${due.tagId} AND party_id > ${after}
            AND source = ${TagSource.TAG_SOURCE_RULE} ORDER BY party_id LIMIT ${BATCH}`
        : sql`SELECT party_id AS id FROM party WHERE party_id > ${after} ORDER BY party_id LIMIT ${BATCH}`,
    );
    await applyRules(
      deps,
      tx,
      ids.map(({ id }) => id),
      [due],
    );
    const last = ids.at(-1)?.id;
    if (last && ids.length === BATCH) {
      await tx.run(sql`UPDATE tag_definition SET swept_party = ${last} WHERE tag_id = ${due.tagId}`);
    } else {
      await tx.run(sql`UPDATE tag_definition SET swept_party = NULL, swept_day = ${today}, swept_version = ${due.version}
        WHERE tag_id = ${due.tagId}`);
      await endLeftSegments(deps, tx, due);
    }
    return true;
  });
}

/** What a definition no longer takes from a segment ends with the change. */
async function endLeftSegments(
  deps: Pick<Deps, 'clock'>,
  tx: Parameters<typeof endGrounds>[0],
  { tagId, segment, retired }: DefinitionRecord,
): Promise<void> {
  const which = sql`g.tag_id = ${tagId} AND g.source = ${TagSource.TAG_SOURCE_SEGMENTATION}
    AND (${retired} OR g.reference <> ${segment})`;
  await endGrounds(tx, systemCaller('customer', 'EvaluateTagRules'), which, TagEnd.TAG_END_SEGMENT, deps.clock.now());
}

/** Ends what is over and follows changed rules, in one process at a time, until stopped. Times in milliseconds. */
export function startTendingTags(deps: Deps, everyMs = 1000): Running {
  return leased({
    db: deps.db,
    group: 'customer-tags',
    names: ['customer-tags'],
    work: async ({ signal }) => {
      while (!signal.aborted) {
        try {
          const { expired, behind } = await isDue(deps);
          if (expired) await expireTags(deps);
          if (behind) await sweepRules(deps);
          // While there is work it goes on, and leaves most of the time to others.
          await sleep(expired || behind ? 50 : everyMs, undefined, { signal }).catch(() => undefined);
        } catch (error) {
          logger.warn({ err: error }, 'tags could not be tended');
          await sleep(everyMs, undefined, { signal }).catch(() => undefined);
        }
      }
    },
  });
}
