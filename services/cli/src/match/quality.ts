/** How well predicted pairs agree with the true ones. */
export interface Quality {
  true_pairs: number;
  predicted_pairs: number;
  correct_pairs: number;
  precision: number;
  recall: number;
  f1: number;
}

/** A record with what was predicted of it and what is true. */
export interface Labelled {
  dataset: number;
  cluster: number;
  truth: string;
}

/** Pairs within groups, or of two datasets only those across them. */
function pairsWithin(groups: Iterable<readonly [number, number]>, across: boolean): number {
  let pairs = 0;
  for (const [first, second] of groups) {
    const all = first + second;
    pairs += across ? first * second : (all * (all - 1)) / 2;
  }
  return pairs;
}

/**
 * Pairwise quality. A true pair is two records with the same truth; a predicted pair is two records in the same cluster,
 * however they came to be connected; of two datasets only pairs across them count, in both. Records whose truth is not
 * known count in neither. precision = correct / predicted, recall = correct / true, f1 their harmonic mean.
 */
export function pairwiseQuality(records: readonly Labelled[], across: boolean): Quality {
  const known = records.filter(({ truth }) => truth !== '');
  const grouped = (key: (record: Labelled) => string): [number, number][] => {
    const groups = new Map<string, [number, number]>();
    for (const record of known) {
      const group = groups.get(key(record)) ?? [0, 0];
      const place = record.dataset === 0 ? 0 : 1;
      group[place] += 1;
      groups.set(key(record), group);
    }
    return [...groups.values()];
  };
  const truePairs = pairsWithin(
    grouped(({ truth }) => truth),
    across,
  );
  const predicted = pairsWithin(
    grouped(({ cluster }) => String(cluster)),
    across,
  );
  const correct = pairsWithin(
    grouped(({ truth, cluster }) => `${cluster} ${truth}`),
    across,
  );
  const precision = predicted === 0 ? 1 : correct / predicted;
  const recall = truePairs === 0 ? 1 : correct / truePairs;
  const f1 = precision + recall === 0 ? 0 : (2 * precision * recall) / (precision + recall);
  return { true_pairs: truePairs, predicted_pairs: predicted, correct_pairs: correct, precision, recall, f1 };
}
