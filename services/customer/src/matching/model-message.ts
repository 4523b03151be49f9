import type { MatchModel } from '@rapport/proto/customer/v1';
import type { Bands } from './bands.js';
import type { Learned } from './engine.js';
import { believable } from './scoring.js';

/** What the contract says of a model. */
export function modelMessage(
  { fields, parameters, iterations }: Learned,
  bands: Bands,
  of: { name?: string; records: number; createTime?: Date },
): MatchModel {
  const { m, u, match, household } = parameters;
  return {
    name: of.name ?? '',
    fields: fields.map((field, at) => {
      const believed = believable(field, m[at] as number[], u[at] as number[]);
      const levels = field.levels.map(({ name }, stands) => {
        const mine = m[at]?.[stands] as number;
        const theirs = believed[stands] as number;
        return { name, m: mine, u: theirs, weight: Math.log2(mine / theirs) };
      });
      return { name: field.name, levels };
    }),
    matchRate: match,
    householdRate: household,
    autoWeight: bands.auto,
    reviewWeight: bands.review,
    iterations,
    createTime: of.createTime,
    records: BigInt(of.records),
  };
}
