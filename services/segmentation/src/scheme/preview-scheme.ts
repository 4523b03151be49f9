import type { Call } from '@rapport/kit/rpc';
import {
  type GroupPreview,
  type PreviewSchemeRequest,
  type PreviewSchemeResponse,
  SegmentState,
} from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { factFilter } from '../fact/fact.js';
import { findPartition } from '../partition/partition.js';
import { type Moves, previewAssigned } from '../scan/scan.js';
import { dateMessage, requestedDay, today } from '../segment/segment.js';
import { findGroups } from './find.js';
import { isComputed } from './plan.js';
import { findSchemeVersion, findSchemeVersions, planOf, type SchemeRow, versionGroups } from './scheme.js';

/** How many each group would have and has, in the order of the plan; groups that only the version in use has come last. */
function groupPreviews(row: SchemeRow, moves: readonly Moves[]): GroupPreview[] {
  const sum = (side: 'from_group' | 'to_group', id: string): bigint =>
    moves.reduce((total, one) => (one[side] === id ? total + BigInt(one.parties) : total), 0n);
  const titles = versionGroups(row).map(({ title }) => title);
  const known = new Set(titles.map(({ groupId }) => groupId));
  const gone = [...new Set(moves.map((one) => one.from_group))].filter((id) => id !== '' && !known.has(id)).sort();
  return [...titles, ...gone.map((groupId) => ({ groupId, title: '', titleZh: '' }))].map((group) => ({
    group,
    parties: sum('to_group', group.groupId),
    before: sum('from_group', group.groupId),
  }));
}

/**
 * A dry run of a version for a day, against what is in force on that day; writes nothing. Counts the parties that the
 * caller may see; where fifths or the most similar lie is decided by all. Throws SCHEME_NOT_FOUND, SCHEME_NOT_FITTED,
 * DATE_INVALID.
 */
export async function previewScheme(
  deps: Deps,
  request: PreviewSchemeRequest,
  call: Call,
): Promise<PreviewSchemeResponse> {
  const row = await findSchemeVersion(deps.db.scoped(call.scope), call.scope, request.name);
  const day = requestedDay(request.asOf) ?? today(deps);
  if (day > today(deps)) {
    throw fail('DATE_INVALID', { violations: [{ field: 'as_of', description: 'must not be after today' }] });
  }
  const { signal } = call;
  const where = factFilter(call.scope, '', { manager: true });
  const scan = { day, signal, progress: async () => undefined };
  const used = (await findSchemeVersions(deps.db.system, { kind: 'everything' }, row.scheme_id)).find(
    ({ state }) => state === SegmentState.SEGMENT_STATE_PUBLISHED,
  );
  const { found, model } = isComputed(planOf(row))
    ? await findGroups(deps, row, scan)
    : {
        found: await findPartition(deps, row, {
          groups: versionGroups(row),
          before: used ? versionGroups(used) : [],
          day,
        }),
        model: undefined,
      };
  const moves = await previewAssigned(deps, found, { where, sample: request.sampleSize, signal });
  const moving = moves.filter((one) => one.from_group !== one.to_group);
  const sample = moving
    .flatMap(({ some, from_group: fromGroup, to_group: toGroup }) =>
      some.map((id) => ({ party: `parties/${id}`, fromGroup, toGroup })),
    )
    .sort((a, b) => (a.party < b.party ? -1 : 1))
    .slice(0, request.sampleSize);
  await deps.reads.record(call, sample.length > 0 ? sample.map(({ party }) => party) : 'schemes:preview');
  return {
    asOf: dateMessage(day),
    groups: groupPreviews(row, moves),
    moves: moving
      .sort(
        (a, b) => b.parties - a.parties || (`${a.from_group} ${a.to_group}` < `${b.from_group} ${b.to_group}` ? -1 : 1),
      )
      .map((one) => ({ fromGroup: one.from_group, toGroup: one.to_group, parties: BigInt(one.parties) })),
    sample,
    model,
  };
}
