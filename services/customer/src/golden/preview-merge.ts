import { type Call, scopeFor } from '@rapport/kit/rpc';
import {
  type ContactPoint,
  type Identifier,
  type MergedField,
  type Party,
  type PartyState,
  partyStateToJSON,
  type PreviewMergeRequest,
  type PreviewMergeResponse,
  type Sex,
  sexToJSON,
} from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';
import { assertParty, partyMessage, partyName, valueAt } from '../party/party.js';
import { recordName, sourceName } from '../source/source.js';
import { loadTrees, type Provenance, settle, treeOf } from './golden.js';
import { assertAlike, joined, obstacles, obstaclesTo } from './merge.js';
import { criterionOf, textOf } from './provenance.js';
import { contactKey, identifierKey } from './survivorship.js';

/** Gives what two golden records would be as one, by the same rules as merging them, and writes nothing. */
export async function previewMerge(
  deps: Deps,
  request: PreviewMergeRequest,
  call: Call,
): Promise<PreviewMergeResponse> {
  const scope = scopeFor(call, 'C2');
  const on = deps.db.scoped(scope);
  const ids = [
    (await assertParty(on, request.survivor, scope)).partyId,
    (await assertParty(on, request.merged, scope)).partyId,
  ] as const;
  const trees = await loadTrees(on, deps, ids, { lock: false });
  const [survivor, merged] = [treeOf(trees, ids[0]), treeOf(trees, ids[1])];
  assertAlike(survivor, merged);
  await deps.reads.record(call, ids.map(partyName));
  const now = deps.clock.now();
  const { row, survived } = settle(deps, joined(survivor, merged), now);
  const after = partyMessage(deps, row, scope);
  const before = [survivor, merged].map(({ root }) => partyMessage(deps, root, scope)) as [Party, Party];
  const found = await obstaclesTo(on, deps, survivor, merged, now);
  return {
    party: after,
    fields: survived.fields.map((one) => fieldMessage(one, after, before)),
    obstacles: found.map((reason) => ({ reason, mayBeOverruled: obstacles[reason] !== undefined })),
  };
}

function fieldMessage({ path, record, by }: Provenance, after: Party, [survivor, merged]: [Party, Party]): MergedField {
  const [field = '', place] = path.split(/[[\]]/);
  const entry = place === undefined ? undefined : entryOf(after, field, Number(place));
  return {
    path,
    survivorValue: entry ? entry.in(survivor) : fieldText(survivor, path),
    mergedValue: entry ? entry.in(merged) : fieldText(merged, path),
    value: entry ? entry.text : fieldText(after, path),
    sourceRecord: recordName({ partyId: record.homeId, recordId: record.recordId }),
    source: sourceName(record.source),
    changeTime: record.changed(field),
    decidedBy: criterionOf[by],
  };
}

function fieldText(party: Party, path: string): string {
  const value = valueAt(party, path);
  if (path === 'person.sex') return value ? sexToJSON(value as Sex) : '';
  return path === 'state' ? partyStateToJSON(value as PartyState) : textOf(value);
}

/** An entry of a list as text, and the same entry of another party, empty where it has none. */
function entryOf(party: Party, field: string, at: number): { text: string; in(other: Party): string } | undefined {
  const like = <T>(of: (one: Party) => T[], keyOf: (entry: T) => string, text: (entry: T) => string) => {
    const entry = of(party)[at];
    if (entry === undefined) return undefined;
    const same = (other: Party) => of(other).find((one) => keyOf(one) === keyOf(entry));
    return {
      text: text(entry),
      in: (other: Party) => {
        const found = same(other);
        return found === undefined ? '' : text(found);
      },
    };
  };
  if (field === 'contact_points') return like((one) => one.contactPoints, contactKey, pointText);
  return like((one) => one.identifiers, identifierKey, identifierText);
}

function pointText({ point }: ContactPoint): string {
  if (point?.$case !== 'postalAddress') return point?.value ?? '';
  const { lines, postalCode, locality, region, countryCode } = point.value;
  return [...lines, postalCode, locality, region, countryCode].filter((part) => part !== '').join(', ');
}

function identifierText({ value, countryCode }: Identifier): string {
  return `${value} ${countryCode}`.trim();
}
