import { everything, sql } from '@rapport/kit/db';
import { SchemeModel } from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import { askForPass } from '../membership/membership.js';
import { type Scan, storeAssigned } from '../scan/scan.js';
import { dateText } from '../segment/segment.js';
import { assignTiers } from '../tier/tier.js';
import { findGroups } from './find.js';
import { planOf, type SchemeRow } from './scheme.js';

/** A scan, and whether it fills in the history of a day long gone: then nothing is told, and today stays as it is. */
interface Assignment extends Scan {
  backfill: boolean;
}

/** Assigns every party of the scheme for a day, by its kind. Gives how many changed group. Safe to repeat and to kill. */
export async function assign(deps: Deps, row: SchemeRow, scan: Assignment): Promise<bigint> {
  await scan.progress('READING');
  const { kind } = planOf(row);
  let changed: bigint;
  let model: SchemeModel | undefined;
  if (kind?.$case === 'tiers') {
    changed = await assignTiers(deps, row, kind.value, { ...scan, told: !scan.backfill });
  } else {
    const groups = await findGroups(deps, row, scan);
    changed = await storeAssigned(deps, groups.found, scan.signal);
    model = groups.model;
  }
  await deps.db.transaction(everything, async (tx) => {
    if (!scan.backfill) {
      await tx.run(sql`
        UPDATE scheme_version SET assigned_day = ${dateText(scan.day)}::date,
          model = coalesce(${model ? JSON.stringify(SchemeModel.toJSON(model)) : null}::jsonb, model)
        WHERE scheme_id = ${row.scheme_id} AND version = ${row.version}`);
    }
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
