import type { SchemeModel } from '@rapport/proto/segmentation/v1';
import { findClusters } from '../cluster/cluster.js';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { findLookalike } from '../lookalike/lookalike.js';
import { findRfm } from '../rfm/rfm.js';
import type { Found, Scan } from '../scan/scan.js';
import { findTiers } from '../tier/tier.js';
import { modelOf, planOf, type SchemeRow, schemeVersionName } from './scheme.js';

/** The group of every party of a computed scheme for a day, as SQL; and what was computed on the way. Throws SCHEME_NOT_FITTED. */
export async function findGroups(
  deps: Deps,
  row: SchemeRow,
  scan: Scan,
): Promise<{ found: Found; model?: SchemeModel }> {
  const { kind } = planOf(row);
  const model = modelOf(row)?.kind;
  const unfitted = (): Error => fail('SCHEME_NOT_FITTED', { metadata: { version: schemeVersionName(row) } });
  switch (kind?.$case) {
    case 'tiers':
      return { found: (await findTiers(deps, row, kind.value, scan)).found };
    case 'rfm':
      return findRfm(deps, row, kind.value, scan);
    case 'clusters':
      if (model?.$case !== 'clusters') throw unfitted();
      return { found: await findClusters(deps, row, model.value, scan) };
    case 'lookalike':
      if (model?.$case !== 'lookalike') throw unfitted();
      return { found: await findLookalike(deps, row, { plan: kind.value, model: model.value }, scan) };
    default:
      throw new Error(`schemes/${row.scheme_id} is not computed`);
  }
}
