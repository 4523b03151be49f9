import { WHOLE } from './relationship.js';

/** What is known of who owns what. */
export interface OwnershipGraph {
  /** By organisation: its direct owners with their shares in hundredths of a percent. */
  owners: ReadonlyMap<string, ReadonlyMap<string, number>>;
  persons: ReadonlySet<string>;
}

/** What follows from a graph for one organisation. */
export interface Ownership {
  /** By person: the share through all chains, in hundredths of a percent, not rounded. */
  shares: Map<string, number>;
  /** Whether a chain came back to an organisation that it had passed. */
  circular: boolean;
}

/** Longer chains of owners are not followed; what they own stays unexplained. */
export const LONGEST_CHAIN = 10;

/**
 * The shares of the persons who in the end own an organisation: multiplied along each chain of owners, added over the
 * chains (the indirect ownership of article 3(6)(a)(i) of Directive (EU) 2015/849). A chain ends where it comes back to
 * an organisation that it has passed.
 */
export function ownershipOf(graph: OwnershipGraph, organisation: string): Ownership {
  const shares = new Map<string, number>();
  let circular = false;
  const follow = (id: string, part: number, passed: readonly string[]): void => {
    for (const [owner, share] of graph.owners.get(id) ?? []) {
      const owned = (part * share) / WHOLE;
      if (graph.persons.has(owner)) shares.set(owner, (shares.get(owner) ?? 0) + owned);
      else if (passed.includes(owner)) circular = true;
      else if (passed.length < LONGEST_CHAIN && owned > 0) follow(owner, owned, [...passed, owner]);
    }
  };
  follow(organisation, WHOLE, [organisation]);
  return { shares, circular };
}
