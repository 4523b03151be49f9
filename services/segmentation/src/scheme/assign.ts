import { everything, sql } from '@rapport/kit/db';
import { SchemeModel } from '@rapport/proto/segmentation/v1';
import { assignClusters } from '../cluster/cluster.js';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { assignLookalike } from '../lookalike/lookalike.js';
import { askForPass } from '../membership/membership.js';
import type { Scan } from '../scan/scan.js';
import { assignRfm } from '../rfm/rfm.js';
import { dateText } from '../segment/segment.js';
import { assignTiers } from '../tier/tier.js';
import { modelOf, planOf, type SchemeRow, schemeVersionName } from './scheme.js';

/** What a scan has done. */
interface Assigned {
  /** How many parties changed group. */
  changed: bigint;
  /** What it computed on the way, where the kind has something to show. */
  model?: SchemeModel;
}

async function assignKind(deps: Deps, row: SchemeRow, scan: Scan): Promise<Assigned> {
  const { kind } = planOf(row);
  const model = modelOf(row)?.kind;
  switch (kind?.$case) {
    case 'tiers':
      return assignTiers(deps, row, kind.value, scan);
    case 'rfm':
      return assignRfm(deps, row, kind.value, scan);
    case 'clusters':
      if (model?.$case !== 'clusters')
        throw fail('SCHEME_NOT_FITTED', { metadata: { version: schemeVersionName(row) } });
      return assignClusters(deps, row, model.value, scan);
    case 'lookalike':
      if (model?.$case !== 'lookalike')
        throw fail('SCHEME_NOT_FITTED', { metadata: { version: schemeVersionName(row) } });
      return assignLookalike(deps, row, { plan: kind.value, model: model.value }, scan);
    default:
      throw new Error(`schemes/${row.scheme_id} is not computed`);
  }
}

/** Assigns every party of the scheme for a day, by its kind. Gives how many changed group. Safe to repeat and to kill. */
export async function assign(deps: Deps, row: SchemeRow, scan: Scan): Promise<bigint> {
  await scan.progress('READING');
  const { changed, model } = await assignKind(deps, row, scan);
  await deps.db.transaction(everything, async (tx) => {
    await tx.run(sql`
      UPDATE scheme_version SET assigned_day = ${dateText(scan.day)}::date,
        model = coalesce(${model ? JSON.stringify(SchemeModel.toJSON(model)) : null}::jsonb, model)
      WHERE scheme_id = ${row.scheme_id} AND version = ${row.version}`);
    // Every segment is looked at again whose rule may ask for it, by itself or by another segment.
    const asking = await tx.rows<{ segment_id: string }>(sql`
      SELECT segment_id FROM segment_version
      WHERE state = 3 AND (rule LIKE '%scheme.%' OR rule LIKE '%segment.member%') ORDER BY segment_id`);
    await askForPass(
      tx,
      asking.map((one) => one.segment_id),
    );
  });
  return changed;
}
