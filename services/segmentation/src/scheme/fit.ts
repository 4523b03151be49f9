import { audit, systemCaller } from '@rapport/kit/crypto';
import { everything, sql } from '@rapport/kit/db';
import { SchemeModel, SegmentState } from '@rapport/proto/segmentation/v1';
import { fitClusters } from '../cluster/cluster.js';
import type { Deps } from '../deps.js';
import { fitLookalike } from '../lookalike/lookalike.js';
import type { Scan } from '../scan/scan.js';
import {
  assertState,
  findSchemeVersion,
  findSchemeVersions,
  modelOf,
  planOf,
  type SchemeRow,
  schemeVersionName,
} from './scheme.js';

async function modelFor(deps: Deps, row: SchemeRow, scan: Scan): Promise<SchemeModel> {
  const { kind } = planOf(row);
  if (kind?.$case === 'lookalike') {
    return { kind: { $case: 'lookalike', value: await fitLookalike(deps, row, kind.value, scan) } };
  }
  if (kind?.$case !== 'clusters') throw new Error(`schemes/${row.scheme_id} has no model`);
  const versions = await findSchemeVersions(deps.db.system, everything, row.scheme_id);
  const used = versions.find(({ state }) => state === SegmentState.SEGMENT_STATE_PUBLISHED);
  const before = used && modelOf(used)?.kind;
  const known = before?.$case === 'clusters' ? before.value : undefined;
  const value = await fitClusters(deps, row, { plan: kind.value, before: known }, scan);
  return { kind: { $case: 'clusters', value } };
}

/** Fits the model of a draft; fitting again replaces it. Throws SAMPLE_TOO_SMALL, SEED_TOO_SMALL, SCHEME_STATE. */
export async function fit(deps: Deps, row: SchemeRow, scan: Scan): Promise<void> {
  const model = await modelFor(deps, row, scan);
  await deps.db.transaction(everything, async (tx) => {
    await tx.run(sql`SELECT FROM scheme WHERE scheme_id = ${row.scheme_id} FOR UPDATE`);
    // What was approved meanwhile was approved with the model that it had.
    assertState(await findSchemeVersion(tx, everything, schemeVersionName(row)), SegmentState.SEGMENT_STATE_DRAFT);
    await tx.run(sql`
      UPDATE scheme_version SET model = ${JSON.stringify(SchemeModel.toJSON(model))}::jsonb
      WHERE scheme_id = ${row.scheme_id} AND version = ${row.version}`);
    await audit(tx, systemCaller('segmentation', 'FitScheme'), {
      resource: schemeVersionName(row),
      change: { fitted: true },
    });
  });
}
