import { mkdtemp, readFile, writeFile, cp } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TransactionRow } from '../bank/bank.js';
import { openBerka } from './berka.js';

const folder = path.resolve(__dirname, '../../../../../shared/data/berka');

async function count<T>(rows: AsyncIterable<T>): Promise<number> {
  let total = 0;
  for await (const _ of rows) total += 1;
  return total;
}

describe('the Berka bank', () => {
  it('is there to be read', () => {
    expect(existsSync(folder)).toBe(true);
  });

  it('has the published counts and nothing rejected', async () => {
    const berka = await openBerka(folder);
    expect(await count(berka.parties())).toBe(5_369);
    const kinds: Record<string, number> = {};
    for await (const holding of berka.holdings()) kinds[holding.kind] = (kinds[holding.kind] ?? 0) + 1;
    expect(kinds).toEqual({ account: 4_500, loan: 682, card: 892, standing_order: 6_471 });
    expect(await count(berka.transactions())).toBe(49_102);
    expect(berka.rejects).toEqual([]);
    expect(berka.units).toHaveLength(1 + 8 + 77);
  });

  it('orders a day by its balances: all but the 28 account-days of 1994-03-31 whose rows the sample cuts off', async () => {
    const berka = await openBerka(folder);
    const balance = new Map<string, bigint>();
    const broken = new Set<string>();
    let days = 0;
    let last = '';
    for await (const row of berka.transactions()) {
      const day = `${row.holdingKey} ${row.bookedOn.year}-${row.bookedOn.month}-${row.bookedOn.day}`;
      if (day !== last) days += 1;
      last = day;
      const before = balance.get(row.holdingKey) ?? 0n;
      const gap = before + (row.direction === 'credit' ? row.amountMinor : -row.amountMinor) - row.balanceAfterMinor;
      if (gap > 11n || gap < -11n) broken.add(day);
      balance.set(row.holdingKey, row.balanceAfterMinor);
    }
    expect(days).toBe(39_960);
    expect(broken.size).toBe(28);
    expect([...broken].filter((day) => !day.endsWith(' 1994-3-31'))).toEqual([]);
  });

  it('reads sex and birth date from the birth number', async () => {
    const berka = await openBerka(folder);
    const found = new Map<string, unknown>();
    for await (const party of berka.parties()) {
      if (found.size === 2) break;
      found.set(party.sourceKey, [party.sex, party.birthDate]);
    }
    expect(found.get('client/1')).toEqual(['female', { year: 1970, month: 12, day: 13 }]);
    expect(found.get('client/2')).toEqual(['male', { year: 1945, month: 2, day: 4 }]);
  });

  it('invents the same people each time', async () => {
    const read = async () => {
      const people: string[] = [];
      for await (const party of (await openBerka(folder)).parties())
        people.push(`${party.givenName} ${party.familyName} ${party.email}`);
      return people;
    };
    const first = await read();
    expect(await read()).toEqual(first);
    expect(new Set(first.map((person) => person.split(' ').at(-1))).size).toBe(5_369);
  });

  it('puts broken rows on the reject list with line, field, reason and value, and goes on', async () => {
    const broken = await mkdtemp(path.join(tmpdir(), 'rapport-berka-'));
    await cp(folder, broken, { recursive: true });
    const lines = (await readFile(path.join(folder, 'trans.asc'), 'utf8')).split('\r\n').slice(0, 11);
    lines[2] = (lines[2] as string).replace('"PRIJEM"', '"NEVIM"');
    lines[4] = (lines[4] as string).replace(';930101;', ';931301;');
    lines[6] = 'nonsense';
    lines[8] = (lines[8] as string).replace(/^(\d+);\d+/, '$1;99999');
    await writeFile(path.join(broken, 'trans.asc'), lines.join('\r\n'));
    const berka = await openBerka(broken);
    const taken: TransactionRow[] = [];
    for await (const row of berka.transactions()) taken.push(row);
    expect(taken).toHaveLength(6);
    expect(berka.rejects.map(({ line, field, value }) => ({ line, field, value }))).toEqual([
      { line: 3, field: 'type', value: 'NEVIM' },
      { line: 5, field: 'date', value: '931301' },
      { line: 7, field: '', value: 'nonsense' },
      { line: 9, field: 'account_id', value: '99999' },
    ]);
    for (const reject of berka.rejects) expect(reject.reason).not.toBe('');
  });

  it('refuses a folder that is none, naming what is missing', async () => {
    await expect(openBerka(tmpdir())).rejects.toThrow(/lacks district\.asc/);
  });
});
