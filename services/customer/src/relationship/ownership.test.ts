import fc from 'fast-check';
import { LONGEST_CHAIN, ownershipOf } from './ownership.js';
import { WHOLE } from './relationship.js';

const graph = (edges: readonly [organisation: string, owner: string, share: number][], persons: readonly string[]) => {
  const owners = new Map<string, Map<string, number>>();
  for (const [organisation, owner, share] of edges) {
    const direct = owners.get(organisation) ?? new Map<string, number>();
    owners.set(organisation, direct.set(owner, share));
  }
  return { owners, persons: new Set(persons) };
};

describe('ownershipOf', () => {
  it('multiplies along a chain and adds over chains', () => {
    const edges: [string, string, number][] = [
      ['firm', 'anna', 1_000],
      ['firm', 'holding', 6_000],
      ['holding', 'anna', 5_000],
      ['holding', 'boris', 2_500],
    ];
    const { shares, circular } = ownershipOf(graph(edges, ['anna', 'boris']), 'firm');
    expect(Object.fromEntries(shares)).toEqual({ anna: 4_000, boris: 1_500 });
    expect(circular).toBe(false);
  });

  it('follows a circle once and says so', () => {
    const edges: [string, string, number][] = [
      ['a', 'b', 5_000],
      ['b', 'a', 5_000],
      ['b', 'anna', 5_000],
    ];
    const { shares, circular } = ownershipOf(graph(edges, ['anna']), 'a');
    expect(shares.get('anna')).toBe(2_500);
    expect(circular).toBe(true);
  });

  it('stops at the longest chain', () => {
    const chain = (length: number) => {
      const ids = Array.from({ length }, (_none, index) => `o${index}`);
      const edges = ids.map((id, index): [string, string, number] => [id, ids[index + 1] ?? 'anna', WHOLE]);
      return ownershipOf(graph(edges, ['anna']), 'o0').shares.get('anna');
    };
    expect(chain(LONGEST_CHAIN)).toBe(WHOLE);
    expect(chain(LONGEST_CHAIN + 1)).toBeUndefined();
  });

  it('never gives persons more than the whole when nobody owns more than the whole', () => {
    const organisations = ['o0', 'o1', 'o2', 'o3', 'o4'];
    const persons = ['p0', 'p1', 'p2'];
    const owned = fc.array(
      fc.tuple(fc.constantFrom(...organisations, ...persons), fc.integer({ min: 1, max: WHOLE })),
      {
        maxLength: 4,
      },
    );
    fc.assert(
      fc.property(fc.array(owned, { minLength: 5, maxLength: 5 }), (all) => {
        const edges = all.flatMap((direct, index) => {
          let left = WHOLE;
          return direct.flatMap(([owner, wish]): [string, string, number][] => {
            const share = Math.min(wish, left);
            left -= share;
            return share === 0 || owner === organisations[index]
              ? []
              : [[organisations[index] as string, owner, share]];
          });
        });
        const { shares } = ownershipOf(graph(edges, persons), 'o0');
        const sum = [...shares.values()].reduce((total, share) => total + share, 0);
        expect(sum).toBeLessThanOrEqual(WHOLE + 1e-6);
      }),
    );
  });
});
