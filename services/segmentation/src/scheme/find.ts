import type { SchemeModel, SchemePlan } from '@rapport/proto/segmentation/v1';
import { findClusters } from '../cluster/cluster.js';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { findLookalike } from '../lookalike/lookalike.js';
import { findRfm } from '../rfm/rfm.js';
import type { Found, Scan } from '../scan/scan.js';
import { findTiers } from '../tier/tier.js';
import { modelOf, planOf, type SchemeRow, schemeVersionName } from './scheme.js';

/**
 * The group of every party by a plan of tiers or RFM that nobody saved, as SQL: as if it came into use on that day. Undefined
 * for the kinds that are fitted first.
 */
export async function findUnsaved(
  deps: Deps,
  plan: SchemePlan,
  organisationPath: string,
  scan: Scan,
): Promise<Found | undefined> {
  // No scheme has this id, so nobody was assigned before.
  const row = { scheme_id: '', version: 0, organisation_path: organisationPath };
  if (plan.kind?.$case === 'tiers') return (await findTiers(deps, row, plan.kind.value, scan)).found;
  return plan.kind?.$case === 'rfm' ? (await findRfm(deps, row, plan.kind.value, scan)).found : undefined;
}

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
