import type { Call } from '@rapport/kit/rpc';
import { type GetSegmentRequest, type GetSegmentResponse, SegmentState } from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { findVersions, parseName, segmentMessage, versionMessage } from './segment.js';

/** Gives a segment and one of its versions: the one named, else the one in use, else the newest. */
export async function getSegment({ db }: Deps, request: GetSegmentRequest, call: Call): Promise<GetSegmentResponse> {
  const { segmentId, version } = parseName(request.name);
  const versions = await findVersions(db.scoped(call.scope), call.scope, segmentId);
  const published = versions.find((row) => row.state === SegmentState.SEGMENT_STATE_PUBLISHED);
  const [latest] = versions;
  const asked = version === undefined ? (published ?? latest) : versions.find((row) => row.version === version);
  if (!asked || !latest) throw fail('SEGMENT_NOT_FOUND', { metadata: { segment: request.name } });
  return { segment: segmentMessage(latest, published?.version ?? 0), version: versionMessage(asked) };
}
