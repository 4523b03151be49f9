/** Pairs with their weights in bits, the surest first. */
export interface WeighedPairs {
  a: Int32Array;
  b: Int32Array;
  weight: Float32Array;
}

/** Groups of records that are one party each. */
export interface Clusters {
  /** For each record the smallest record of its cluster. */
  of: Int32Array;
  /** The pairs (their places among the pairs given) that connect the clusters, one fewer than each has records. */
  joined: number[];
  /** Pairs (their places among the pairs given) sure enough that were not joined, for a steward to look at. */
  refused: number[];
}

/** What else counts when two groups are joined. */
export interface JoinRules {
  /** Bits of evidence for or against two records being one party, before the prior. */
  evidence(a: number, b: number): number;
  /** Whether two records have different strong identifiers of one kind. */
  contradict(a: number, b: number): boolean;
  /** Whether only a steward may say that two records are one party. */
  doubtful(a: number, b: number): boolean;
}

/** Larger groups are compared by some of their records. */
const MOST_WITNESSES = 12;
/** Bits that a doubtful pair counts for in the mean over a bridge. */
const AGAINST = -10;

/**
 * Connects records by the pairs at or above `auto`, the surest first, with two guards: groups in which any two records
 * have different strong identifiers are never joined, however many records lie between; a doubtful pair connects nothing; and a bridge between two groups
 * must not be contradicted by the others: the mean evidence over the pairs across must not speak against. Deterministic.
 */
export function cluster(records: number, pairs: WeighedPairs, auto: number, rules: JoinRules): Clusters {
  const parent = Int32Array.from({ length: records }, (_none, at) => at);
  const members = new Map<number, number[]>();
  const refused: number[] = [];
  const joined: number[] = [];
  const root = (record: number): number => {
    let at = record;
    while (parent[at] !== at) {
      parent[at] = parent[parent[at] as number] as number;
      at = parent[at] as number;
    }
    return at;
  };
  for (let pair = 0; pair < pairs.weight.length && (pairs.weight[pair] as number) >= auto; pair += 1) {
    const left = root(pairs.a[pair] as number);
    const right = root(pairs.b[pair] as number);
    if (left === right) continue;
    const ours = members.get(left) ?? [left];
    const theirs = members.get(right) ?? [right];
    if (rules.doubtful(pairs.a[pair] as number, pairs.b[pair] as number) || !joinable(ours, theirs, rules)) {
      refused.push(pair);
      continue;
    }
    const [first, second] = left < right ? [left, right] : [right, left];
    joined.push(pair);
    parent[second] = first;
    members.set(first, [...ours, ...theirs]);
    members.delete(second);
  }
  const of = new Int32Array(records);
  for (let at = 0; at < records; at += 1) of[at] = root(at);
  return { of, joined, refused };
}

function joinable(ours: readonly number[], theirs: readonly number[], rules: JoinRules): boolean {
  let sum = 0;
  const [a, b] = [ours.slice(0, MOST_WITNESSES), theirs.slice(0, MOST_WITNESSES)];
  for (const one of ours) for (const other of theirs) if (rules.contradict(one, other)) return false;
  if (ours.length === 1 && theirs.length === 1) return true;
  for (const one of a) for (const other of b) sum += rules.doubtful(one, other) ? AGAINST : rules.evidence(one, other);
  return sum >= 0;
}
