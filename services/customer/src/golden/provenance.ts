import { type Income, SurvivorshipCriterion as Criterion } from '@rapport/proto/customer/v1';
import { moneyText } from '../party/party.js';
import type { Provenance } from './survivorship.js';

/** What decided, as the contract names it. */
export const criterionOf: Record<Provenance['by'], Criterion> = {
  priority: Criterion.SURVIVORSHIP_CRITERION_PRIORITY,
  recency: Criterion.SURVIVORSHIP_CRITERION_RECENCY,
  completeness: Criterion.SURVIVORSHIP_CRITERION_COMPLETENESS,
  choice: Criterion.SURVIVORSHIP_CRITERION_CHOICE,
  only: Criterion.SURVIVORSHIP_CRITERION_UNCONTESTED,
  order: Criterion.SURVIVORSHIP_CRITERION_ORDER,
};

/** A value as text: dates as `YYYY-MM-DD`, enumerations as their number, an income as `480000.00 CZK`. */
export function textOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value ?? '');
  const { perYear } = value as Partial<Income>;
  if (perYear) return moneyText(perYear);
  const { year, month, day } = value as { year?: number; month?: number; day?: number };
  return year === undefined ? '' : [year, String(month).padStart(2, '0'), String(day).padStart(2, '0')].join('-');
}
