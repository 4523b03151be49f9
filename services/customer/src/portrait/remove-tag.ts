import { audit } from '@rapport/kit/crypto';
import { sql, within } from '@rapport/kit/db';
import { type Call, idempotent, scopeFor } from '@rapport/kit/rpc';
import { type RemoveTagRequest, RemoveTagResponse, TagEnd, TagSource } from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { assertParty, membersOf, partyName } from '../party/party.js';
import { assertSetter } from './definition.js';
import { endGrounds, readTags, tagMessages } from './portrait.js';

/** What hands may take away; the others would come back with the next evaluation. */
const byHand = [TagSource.TAG_SOURCE_STAFF, TagSource.TAG_SOURCE_IMPORT, TagSource.TAG_SOURCE_MODEL];

/** Takes a tag from a party, as far as nothing automatic says that the party has it. */
export async function removeTag(deps: Deps, request: RemoveTagRequest, call: Call): Promise<RemoveTagResponse> {
  const [collection, id, , tagId] = request.name.split('/') as [string, string, string, string];
  const parent = `${collection}/${id}`;
  const now = deps.clock.now();
  const personal = scopeFor(call, 'C2');
  const sensitive = scopeFor(call, 'C3');
  return idempotent(
    deps.db,
    call,
    request,
    RemoveTagResponse,
    async (tx) => {
      const party = await assertParty(tx, parent, personal, sql`FOR SHARE OF golden`);
      const members = membersOf(party);
      const found = await tx.rows<{ source: TagSource; dataClass: number; setByRoles: string[] }>(sql`
        SELECT g.source, d.data_class AS "dataClass", d.set_by_roles AS "setByRoles"
        FROM party_tag g JOIN tag_definition d ON d.tag_id = g.tag_id
        WHERE g.party_id = ANY(${members}::uuid[]) AND g.tag_id = ${tagId} FOR UPDATE OF g`);
      const definition = found[0];
      const seen = definition && (definition.dataClass < 3 || within(sensitive, party.organisationPath, party.manager));
      if (!seen) throw fail('TAG_NOT_FOUND');
      assertSetter(definition, call);
      if (!found.some(({ source }) => byHand.includes(source))) throw fail('TAG_SET_BY_RULE');
      await audit(tx, call, { resource: parent, change: { removed: true } });
      const which = sql`g.party_id = ANY(${members}::uuid[]) AND g.tag_id = ${tagId}
        AND g.source = ANY(${byHand}::smallint[])`;
      await endGrounds(tx, call, which, TagEnd.TAG_END_REMOVED, now);
      const rows = await readTags(tx, members, { personal, sensitive }, now);
      return { tags: tagMessages(partyName(party.partyId), rows) };
    },
    { scope: personal },
  );
}
