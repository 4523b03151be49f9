import { type Call, scopeFor } from '@rapport/kit/rpc';
import {
  type FieldProvenance,
  type GetGoldenRecordRequest,
  type GetGoldenRecordResponse,
  SurvivorshipCriterion as Criterion,
} from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';
import { assertParty, partyMessage, partyName, valueAt } from '../party/party.js';
import { recordMessage, recordName, sourceName } from '../source/source.js';
import { loadTrees, type Provenance, settle, treeOf } from './golden.js';

const decidedBy: Record<Provenance['by'], Criterion> = {
  priority: Criterion.SURVIVORSHIP_CRITERION_PRIORITY,
  recency: Criterion.SURVIVORSHIP_CRITERION_RECENCY,
  completeness: Criterion.SURVIVORSHIP_CRITERION_COMPLETENESS,
  choice: Criterion.SURVIVORSHIP_CRITERION_CHOICE,
  only: Criterion.SURVIVORSHIP_CRITERION_UNCONTESTED,
  order: Criterion.SURVIVORSHIP_CRITERION_ORDER,
};

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
    decidedBy: decidedBy[by],
    rivals: others.map((other) => ({
      sourceRecord: recordName({ partyId: other.homeId, recordId: other.recordId }),
      source: sourceName(other.source),
      value: field === path ? textOf(valueAt(other.party, path)) : '',
      changeTime: other.changed(field),
    })),
  };
}

/** A value as text: dates as `YYYY-MM-DD`, enumerations as their number. */
function textOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value ?? '');
  const { year, month, day } = value as { year?: number; month?: number; day?: number };
  return year === undefined ? '' : [year, String(month).padStart(2, '0'), String(day).padStart(2, '0')].join('-');
}
