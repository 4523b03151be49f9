import { audit } from '@rapport/kit/crypto';
import { sql } from '@rapport/kit/db';
import { type Call, idempotent, scopeFor } from '@rapport/kit/rpc';
import { type SetFieldChoiceRequest, SetFieldChoiceResponse } from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { assertParty, idsIn, partyMessage, partyName, sealedAnswer } from '../party/party.js';
import { pathsIn } from '../source/source.js';
import { loadTrees, settle, store, treeOf } from './golden.js';

/** Lets one record hold for a field, whatever the criteria say. Choosing the same again changes nothing. */
export async function setFieldChoice(
  deps: Deps,
  request: SetFieldChoiceRequest,
  call: Call,
): Promise<SetFieldChoiceResponse> {
  const { path, reason, sourceRecord } = request;
  const scope = scopeFor(call, 'C2');
  return idempotent(
    deps.db,
    call,
    request,
    sealedAnswer(deps.cipher, SetFieldChoiceResponse, request.requestId),
    async (tx) => {
      const { partyId } = await assertParty(tx, request.name, scope);
      const tree = treeOf(await loadTrees(tx, deps, [partyId], { lock: true }), partyId);
      const [homeId, recordId] = idsIn(sourceRecord) ?? [];
      const record = tree.records.find((one) => one.partyId === homeId && one.recordId === recordId);
      if (!record) throw fail('SOURCE_RECORD_NOT_FOUND', { metadata: { source_record: sourceRecord } });
      if (!pathsIn(record).includes(path)) throw fail('FIELD_NOT_STATED', { metadata: { path } });
      const now = deps.clock.now();
      const { organisationPath, manager } = tree.root;
      const chosenBy = call.principal.subject;
      await tx.run(sql`
        INSERT INTO field_choice (party_id, path, record_id, reason, chosen_by, choose_time, organisation_path, manager)
        VALUES (${partyId}, ${path}, ${record.recordId}, ${reason}, ${chosenBy}, ${now}, ${organisationPath}, ${manager})
        ON CONFLICT (party_id, path) DO UPDATE SET record_id = EXCLUDED.record_id, reason = EXCLUDED.reason,
          chosen_by = EXCLUDED.chosen_by, choose_time = EXCLUDED.choose_time`);
      tree.choices.push({ partyId, path, recordId: record.recordId, chosenBy, chooseTime: now, reason });
      const settled = settle(deps, tree, now);
      await store(tx, deps, [settled]);
      await audit(tx, call, { resource: partyName(partyId), fields: [path], change: { chosen: sourceRecord } });
      const row = settled.paths.length > 0 ? settled.row : tree.root;
      return { party: partyMessage(deps, row, scope) };
    },
    { scope },
  );
}
