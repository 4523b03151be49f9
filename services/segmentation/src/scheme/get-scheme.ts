import type { Call } from '@rapport/kit/rpc';
import { type GetSchemeRequest, type GetSchemeResponse, SegmentState } from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { findSchemeVersions, parseSchemeName, schemeMessage, schemeVersionMessage } from './scheme.js';

/** Gives a scheme and the version asked for, else the one in use, else the newest. Throws SCHEME_NOT_FOUND. */
export async function getScheme({ db }: Deps, request: GetSchemeRequest, call: Call): Promise<GetSchemeResponse> {
  const { schemeId, version } = parseSchemeName(request.name);
  const versions = await findSchemeVersions(db.scoped(call.scope), call.scope, schemeId);
  const [latest] = versions;
  const used = versions.find(({ state }) => state === SegmentState.SEGMENT_STATE_PUBLISHED);
  const asked = version === undefined ? (used ?? latest) : versions.find((row) => row.version === version);
  if (!latest || !asked) throw fail('SCHEME_NOT_FOUND', { metadata: { scheme: request.name } });
  return { scheme: schemeMessage(latest, used?.version ?? 0), version: schemeVersionMessage(asked) };
}
