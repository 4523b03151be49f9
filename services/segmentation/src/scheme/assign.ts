import { everything, sql } from '@rapport/kit/db';
import { SchemeModel } from '@rapport/proto/segmentation/v1';
import type { Deps } from '../deps.js';
import type { Pass } from '../pass/pass.js';
import { assignRfm } from '../rfm/rfm.js';
import { dateText } from '../segment/segment.js';
import { assignTiers } from '../tier/tier.js';
import { planOf, type SchemeRow } from './scheme.js';

/** What a pass has done. */
interface Assigned {
  /** How many parties changed group. */
  changed: bigint;
  /** What it computed on the way, where the kind has something to show. */
  model?: SchemeModel;
}

function assignKind(deps: Deps, row: SchemeRow, pass: Pass): Promise<Assigned> {
  const { kind } = planOf(row);
  switch (kind?.$case) {
    case 'tiers':
      return assignTiers(deps, row, kind.value, pass);
    case 'rfm':
      return assignRfm(deps, row, kind.value, pass);
    default:
      throw new Error(`schemes/${row.scheme_id} is not computed`);
  }
}

/** Assigns every party of the scheme for a day, by its kind. Gives how many changed group. Safe to repeat and to kill. */
export async function assign(deps: Deps, row: SchemeRow, pass: Pass): Promise<bigint> {
  await pass.progress('READING');
  const { changed, model } = await assignKind(deps, row, pass);
  await deps.db.transaction(everything, async (tx) => {
    await tx.run(sql`
      UPDATE scheme_version SET assigned_day = ${dateText(pass.day)}::date,
        model = coalesce(${model ? JSON.stringify(SchemeModel.toJSON(model)) : null}::jsonb, model)
      WHERE scheme_id = ${row.scheme_id} AND version = ${row.version}`);
    // Every segment is looked at again whose rule may ask for it, by itself or by another segment.
    await tx.run(sql`
      UPDATE segment_version SET evaluated_day = NULL
      WHERE state = 3 AND as_of IS NULL AND (rule LIKE '%scheme.%' OR rule LIKE '%segment.member%')`);
  });
  return changed;
}
