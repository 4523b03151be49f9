import { generateBank } from './generated.js';

async function all<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const row of rows) list.push(row);
  return list;
}

describe('the generated bank', () => {
  it('is the same bank each time, and a smaller one is its beginning', async () => {
    const twenty = await all(generateBank('demo', 20).parties());
    expect(await all(generateBank('demo', 20).parties())).toEqual(twenty);
    expect((await all(generateBank('demo', 40).parties())).slice(0, 20)).toEqual(twenty);
  });

  it('books balances that follow from one another', async () => {
    const balances = new Map<string, bigint>();
    const rows = await all(generateBank('demo', 25).transactions());
    expect(rows.length).toBeGreaterThan(25 * 20);
    for (const row of rows) {
      const before = balances.get(row.holdingKey) ?? 0n;
      expect(row.balanceAfterMinor - before).toBe(row.direction === 'credit' ? row.amountMinor : -row.amountMinor);
      expect(row.amountMinor > 0n).toBe(true);
      balances.set(row.holdingKey, row.balanceAfterMinor);
    }
    expect(new Set(rows.map((row) => row.sourceKey)).size).toBe(rows.length);
  });

  it('names only parties, units and staff that exist', async () => {
    const bank = generateBank('demo', 50);
    const keys = new Set((await all(bank.parties())).map((party) => party.sourceKey));
    const staff = new Set(bank.staff.map((person) => person.id));
    const units = new Set(bank.units.map((unit) => unit.id));
    for (const party of await all(bank.parties())) {
      expect(staff).toContain(party.relationshipManager);
      expect(units).toContain(party.branch);
    }
    for (const holding of await all(bank.holdings())) {
      for (const owner of holding.owners) expect(keys).toContain(owner.partyKey);
    }
  });
});
