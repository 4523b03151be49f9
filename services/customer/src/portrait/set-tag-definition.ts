import { audit } from '@rapport/kit/crypto';
import { sql } from '@rapport/kit/db';
import { type Call, idempotent } from '@rapport/kit/rpc';
import { type SetTagDefinitionRequest, SetTagDefinitionResponse, type TagDefinition } from '@rapport/proto/customer/v1';
import { assertPlace } from '../access/access.js';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import {
  assertRule,
  definitionColumns,
  definitionMessage,
  type DefinitionRecord,
  storedConditions,
  tagIdIn,
} from './definition.js';

/** Creates a tag definition or replaces it. What its rule now sets and ends follows in the background. */
export async function setTagDefinition(
  deps: Deps,
  request: SetTagDefinitionRequest,
  call: Call,
): Promise<SetTagDefinitionResponse> {
  const wish = request.tagDefinition as TagDefinition;
  assertRule(wish.conditions);
  const { organisationPath, titleEn, titleZh, dataClass, setByRoles, lifetimeDays, segment, retired } = wish;
  assertPlace(call, { organisationPath, manager: '' });
  const tagId = tagIdIn(wish.name);
  const conditions = JSON.stringify(storedConditions(wish.conditions));
  return idempotent(deps.db, call, request, SetTagDefinitionResponse, async (tx) => {
    const before = await tx.maybe<{ organisationPath: string }>(sql`
      SELECT organisation_path AS "organisationPath" FROM tag_definition WHERE tag_id = ${tagId} FOR UPDATE`);
    if (before) assertPlace(call, { organisationPath: before.organisationPath, manager: '' });
    // What stands outside of another path would stay there unseen by the rule.
    if (before && before.organisationPath !== organisationPath) {
      const field = 'tag_definition.organisation_path';
      throw fail('FIELD_IMMUTABLE', { violations: [{ field, description: 'cannot change' }] });
    }
    const row = await tx.one<DefinitionRecord>(sql`
      INSERT INTO tag_definition AS d (tag_id, organisation_path, title_en, title_zh, data_class, set_by_roles,
        lifetime_days, segment, conditions, retired, update_time)
      VALUES (${tagId}, ${organisationPath}, ${titleEn}, ${titleZh}, ${dataClass}, ${setByRoles}::text[],
        ${lifetimeDays}, ${segment}, ${conditions}::jsonb, ${retired}, ${deps.clock.now()})
      ON CONFLICT (tag_id) DO UPDATE SET title_en = excluded.title_en, title_zh = excluded.title_zh,
        data_class = excluded.data_class, set_by_roles = excluded.set_by_roles, lifetime_days = excluded.lifetime_days,
        segment = excluded.segment, conditions = excluded.conditions, retired = excluded.retired,
        version = d.version + 1, update_time = excluded.update_time, swept_party = NULL
      RETURNING ${definitionColumns}`);
    await audit(tx, call, { resource: wish.name, change: { version: row.version, retired } });
    return { tagDefinition: definitionMessage(row) };
  });
}
