import path from 'node:path';
import { generateBank } from '../bank/generated.js';
import { openBerka } from '../berka/berka.js';
import { findFollowed, saverRule } from './follow.js';

const folder = path.resolve(__dirname, '../../../../../shared/data/berka');

describe('the followed transaction', () => {
  it('is a credit that makes an owner who consents a saver, the same one each time', async () => {
    const rule = { creditMinor: 60_000_00n, balanceMinor: 30_000_00n };
    const bank = await openBerka(folder);
    const found = await findFollowed(bank, rule);
    expect(found.direction).toBe('credit');
    expect(await findFollowed(bank, rule)).toEqual(found);
    let credit = 0n;
    for await (const row of bank.transactions()) {
      const day = row.bookedOn.year * 10_000 + row.bookedOn.month * 100 + row.bookedOn.day;
      // Ninety days that end with 1994-03-31 begin with 1994-01-01.
      if (row.holdingKey === found.holdingKey && row.direction === 'credit' && day >= 19940101)
        credit += row.amountMinor;
    }
    expect(credit > rule.creditMinor).toBe(true);
    expect(credit - found.amountMinor <= rule.creditMinor).toBe(true);
  });

  it('exists in a generated bank of the size that is seeded', async () => {
    await expect(
      findFollowed(generateBank('demo', 300), { creditMinor: 6_000_00n, balanceMinor: 2_000_00n }),
    ).resolves.toMatchObject({ direction: 'credit' });
  });

  it('is said to be missing where no transaction moves anybody', async () => {
    await expect(
      findFollowed(generateBank('demo', 3), { creditMinor: 1_000_000_00n, balanceMinor: 0n }),
    ).rejects.toThrow(/nothing can be followed/);
  });

  it('has its rule in whole units', () => {
    expect(saverRule({ creditMinor: 60_000_00n, balanceMinor: 30_000_00n })).toBe(
      'tx.sum("credit", duration("2160h")) > 60000 && holdings.balance > 30000',
    );
  });
});
