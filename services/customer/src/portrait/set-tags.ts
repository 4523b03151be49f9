import { audit } from '@rapport/kit/crypto';
import { covers, sql, within } from '@rapport/kit/db';
import { type Call, idempotent, scopeFor } from '@rapport/kit/rpc';
import { type SetTagsRequest, SetTagsResponse, TagSource, type TagWish } from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { assertParty, assertUsable, membersOf, partyName, type PlacedParty } from '../party/party.js';
import { assertSetter, definitionColumns, type DefinitionRecord, expiryOf, tagIdIn } from './definition.js';
import { type GroundRecord, readTags, setGrounds, tagMessages } from './portrait.js';

/** Sets tags on a party in the caller's name; a service says which of its models asks for them. */
export async function setTags(deps: Deps, request: SetTagsRequest, call: Call): Promise<SetTagsResponse> {
  const now = deps.clock.now();
  request.tags.forEach((wish, index) => assertWish(wish, index, call, now));
  const personal = scopeFor(call, 'C2');
  const sensitive = scopeFor(call, 'C3');
  return idempotent(
    deps.db,
    call,
    request,
    SetTagsResponse,
    async (tx) => {
      const party = await assertParty(tx, request.parent, personal, sql`FOR SHARE OF golden`);
      assertUsable(party);
      const ids = [...new Set(request.tags.map(({ definition }) => tagIdIn(definition)))];
      const known = await tx.rows<DefinitionRecord>(sql`
        SELECT ${definitionColumns} FROM tag_definition d WHERE d.tag_id = ANY(${ids}::text[])`);
      const byId = new Map(known.map((row) => [row.tagId, row]));
      const grounds = new Map<string, GroundRecord>();
      for (const wish of request.tags) {
        const definition = usable(byId.get(tagIdIn(wish.definition)), wish, party, call);
        if (definition.dataClass === 3 && !within(sensitive, party.organisationPath, party.manager)) {
          throw fail('TAG_NOT_YOURS', { metadata: { definition: wish.definition } });
        }
        const ground = groundOf(wish, definition, party, call, now);
        grounds.set(`${ground.tagId} ${ground.reference}`, ground);
      }
      await audit(tx, call, { resource: request.parent, change: { tags: grounds.size } });
      await setGrounds(tx, call, [...grounds.values()]);
      const rows = await readTags(tx, membersOf(party), { personal, sensitive }, now);
      return { tags: tagMessages(partyName(party.partyId), rows) };
    },
    { scope: personal },
  );
}

function assertWish({ expireTime, model }: TagWish, index: number, call: Call, now: Date): void {
  if (expireTime && expireTime <= now) {
    const violations = [{ field: `tags[${index}].expire_time`, description: 'lies in the past' }];
    throw fail('EXPIRE_TIME_PAST', { violations });
  }
  if ((call.principal.type === 'service') === (model !== '')) return;
  const description = model === '' ? 'is required of a service' : 'is for services only';
  throw fail('TAG_MODEL_MISSING', { violations: [{ field: `tags[${index}].model`, description }] });
}

/** The definition, when it holds for the party and the caller may set it by hand. */
function usable(
  definition: DefinitionRecord | undefined,
  { definition: name }: TagWish,
  party: PlacedParty,
  call: Call,
): DefinitionRecord {
  if (!definition || !covers(definition.organisationPath, party.organisationPath)) {
    throw fail('TAG_DEFINITION_NOT_FOUND', { metadata: { definition: name } });
  }
  if (definition.retired) throw fail('TAG_RETIRED', { metadata: { definition: name } });
  assertSetter(definition, call);
  return definition;
}

function groundOf(
  { expireTime, model }: TagWish,
  definition: DefinitionRecord,
  { partyId, organisationPath, manager }: PlacedParty,
  call: Call,
  now: Date,
): GroundRecord {
  return {
    partyId,
    tagId: definition.tagId,
    source: model === '' ? TagSource.TAG_SOURCE_STAFF : TagSource.TAG_SOURCE_MODEL,
    reference: model,
    setBy: call.principal.subject,
    setTime: now,
    expireTime: expireTime ?? expiryOf(definition, now),
    organisationPath,
    manager,
  };
}
