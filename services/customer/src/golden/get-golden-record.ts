import { type Call, scopeFor } from '@rapport/kit/rpc';
import type { FieldProvenance, GetGoldenRecordRequest, GetGoldenRecordResponse } from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';
import { assertParty, partyMessage, partyName, valueAt } from '../party/party.js';
import { recordMessage, recordName, sourceName } from '../source/source.js';
import { loadTrees, type Provenance, settle, treeOf } from './golden.js';
import { criterionOf, textOf } from './provenance.js';

/** Opens a golden record up: where each field comes from, what the others say, and why. */
export async function getGoldenRecord(
  deps: Deps,
  request: GetGoldenRecordRequest,
  call: Call,
): Promise<GetGoldenRecordResponse> {
  const scope = scopeFor(call, 'C2');
  const on = deps.db.scoped(scope);
  const { partyId } = await assertParty(on, request.name, scope);
  const tree = treeOf(await loadTrees(on, deps, [partyId], { lock: false }), partyId);
  const { survived } = settle(deps, tree, deps.clock.now());
  const names = new Map(tree.records.map((record) => [record.recordId, recordName(record)]));
  await deps.reads.record(call, partyName(tree.root.partyId));
  return {
    goldenRecord: {
      party: partyMessage(deps, tree.root, scope),
      fields: survived.fields.map(provenanceMessage),
      sourceRecords: tree.records.map((record) => ({ ...recordMessage(record), party: undefined })),
      choices: tree.choices.map(({ path, recordId, reason, chosenBy, chooseTime }) => ({
        ...{ path, reason, chosenBy, chooseTime },
        sourceRecord: names.get(recordId) ?? '',
      })),
    },
  };
}

function provenanceMessage({ path, record, by, others }: Provenance): FieldProvenance {
  const [field = ''] = path.split('[');
  return {
    path,
    sourceRecord: recordName({ partyId: record.homeId, recordId: record.recordId }),
    source: sourceName(record.source),
    changeTime: record.changed(field),
    decidedBy: criterionOf[by],
    rivals: others.map((other) => ({
      sourceRecord: recordName({ partyId: other.homeId, recordId: other.recordId }),
      source: sourceName(other.source),
      value: field === path ? textOf(valueAt(other.party, path)) : '',
      changeTime: other.changed(field),
    })),
  };
}
