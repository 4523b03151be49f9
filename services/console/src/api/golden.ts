import type { Party } from './customer.js';
import { get, nameOf, write } from './client.js';
import type { Paged } from './types.js';

/** What another record says of a field. */
export interface RivalValue {
  sourceRecord: string;
  source: string;
  value: string;
  changeTime?: string;
}

/** Where the value of a field, such as `person.family_name` or `contact_points[0]`, comes from. */
export interface FieldProvenance {
  path: string;
  sourceRecord: string;
  source: string;
  changeTime?: string;
  decidedBy: string;
  rivals: RivalValue[];
}

export interface SourceRecord {
  /** `parties/{uuid}/sourceRecords/{uuid}`: the party is the one that the record came for. */
  name: string;
  version: number;
  source: string;
  sourceKey: string;
  receiveTime?: string;
}

export interface FieldChoice {
  path: string;
  sourceRecord: string;
  reason: string;
  chosenBy: string;
  chooseTime: string;
}

export interface GoldenRecord {
  fields: FieldProvenance[];
  sourceRecords: SourceRecord[];
  choices: FieldChoice[];
}

/** Two golden records became one, and whether that was taken back. */
export interface Merge {
  name: string;
  survivor: string;
  merged: string;
  decision: string;
  reason: string;
  score?: number;
  mergedBy: string;
  mergeTime: string;
  unmergeReason: string;
  unmergedBy: string;
  unmergeTime?: string;
}

/** What one field would be after a merge, and which source it would come from. */
export interface MergedField {
  path: string;
  survivorValue: string;
  mergedValue: string;
  value: string;
  source: string;
  changeTime?: string;
  decidedBy: string;
}

export interface MergePreview {
  party: Party;
  fields: MergedField[];
  obstacles: { reason: string; mayBeOverruled: boolean }[];
}

/** What two golden records would be as one; changes nothing. */
export function previewMerge(survivor: string, merged: string, signal?: AbortSignal) {
  return get<MergePreview>(`${survivor}:previewMerge`, { merged }, signal);
}

export function getGoldenRecord(id: string, signal?: AbortSignal) {
  return get<{ goldenRecord: GoldenRecord }>(`${nameOf('parties', id)}:golden`, {}, signal);
}

/** A steward's decision that a record holds for a field. */
export function chooseField(id: string, choice: { path: string; sourceRecord: string; reason: string }) {
  return write<{ party: Party }>(`${nameOf('parties', id)}:chooseField`, choice);
}

export function clearFieldChoice(id: string, path: string) {
  return write<{ party: Party }>(`${nameOf('parties', id)}:clearFieldChoice`, { path });
}

export function listMerges(id: string, pageToken: string, signal?: AbortSignal) {
  const query = { pageSize: 10, pageToken };
  return get<{ merges: Merge[] } & Paged>(`${nameOf('parties', id)}/merges`, query, signal);
}

/** Makes `merged` answer as `survivor`; both with the etags that were read. */
export function mergeParties(
  survivor: { name: string; etag: string },
  merged: { name: string; etag: string },
  reason: string,
  { identifiersMayDiffer = false, legalHoldKnown = false } = {},
) {
  return write<{ party: Party; merge: Merge }>(`${survivor.name}:merge`, {
    merged: merged.name,
    survivorEtag: survivor.etag,
    mergedEtag: merged.etag,
    reason,
    identifiersMayDiffer,
    legalHoldKnown,
  });
}

/** Takes a merge back; `etag` is that of the golden record. */
export function unmergeParty(name: string, etag: string, reason: string) {
  return write<{ party: Party; survivor: Party; merge: Merge }>(`${name}:unmerge`, { etag, reason });
}
