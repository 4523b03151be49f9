import type { Queryable, Scope } from '@rapport/kit/db';
import type { FieldProvenance, GoldenRecord } from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';
import { partyMessage, valueAt } from '../party/party.js';
import { recordMessage, recordName, sourceName } from '../source/source.js';
import { criterionOf, textOf } from './provenance.js';
import { settle } from './settle.js';
import type { Provenance } from './survivorship.js';
import { loadTrees } from './tree.js';

/**
 * A golden record opened up: where each field comes from, what the others say, and why. Undefined where the scope has no
 * such golden record; `on` must be of the same scope.
 */
export async function openedRecord(
  on: Queryable,
  deps: Deps,
  partyId: string,
  scope: Scope,
): Promise<GoldenRecord | undefined> {
  const tree = (await loadTrees(on, deps, [partyId], { lock: false })).get(partyId);
  if (!tree) return undefined;
  const { survived } = settle(deps, tree, deps.clock.now());
  const names = new Map(tree.records.map((record) => [record.recordId, recordName(record)]));
  return {
    party: partyMessage(deps, tree.root, scope),
    fields: survived.fields.map(provenanceMessage),
    sourceRecords: tree.records.map((record) => ({ ...recordMessage(record), party: undefined })),
    choices: tree.choices.map(({ path, recordId, reason, chosenBy, chooseTime }) => ({
      ...{ path, reason, chosenBy, chooseTime },
      sourceRecord: names.get(recordId) ?? '',
    })),
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
