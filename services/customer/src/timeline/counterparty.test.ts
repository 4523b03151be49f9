import { counterpartyToken } from './counterparty.js';
import { sql } from '@rapport/kit/db';
import { uuidv7 } from '@rapport/kit/runtime';
import { Transaction, TransactionBooked } from '@rapport/proto/customer/v1';
import { all, createHolding, createParty, operator, type Running, startCustomer } from '../customer.testkit.js';

let running: Running;
beforeAll(async () => {
  running = await startCustomer();
});
afterAll(() => running.stop());

it('tells the other side by the same number however it is written, and says nothing of it', async () => {
  const party = await createParty(running);
  const holding = await createHolding(running, party.name);
  const sides = [
    { account: '19-2000145399', bank: '0800', name: 'Pekárna Novák' },
    { account: '19 2000 145399', bank: '0800', name: '' },
    { account: '19-2000145399', bank: '0100', name: 'Pekárna Novák' },
    { account: '', bank: '', name: 'Pekárna  NOVÁK' },
    { account: '', bank: '', name: 'pekarna novak' },
    undefined,
  ];
  for (const counterparty of sides) {
    const transaction = Transaction.fromPartial({
      direction: 2,
      operation: 5,
      amount: { minorUnits: 100n, currencyCode: 'CZK' },
      bookingDate: { year: 2024, month: 1, day: 1 },
      ...(counterparty && { counterparty }),
    });
    await running.customer.bookTransaction({ parent: holding.name, transaction, requestId: uuidv7() }, operator());
  }
  const events = await all<{ payload: Buffer }>(
    running,
    sql`SELECT payload FROM kit.outbox WHERE type = 'rapport.customer.v1.TransactionBooked' ORDER BY id`,
  );
  const tokens = events.map(({ payload }) => TransactionBooked.decode(payload).counterpartyToken);
  const [first, same, elsewhere, named, alike, none] = tokens;
  expect(first).toBe(same);
  expect(named).toBe(alike);
  expect(none).toBe(0n);
  expect(new Set([first, elsewhere, named, none]).size).toBe(4);
  for (const { payload } of events) expect(payload.toString('latin1')).not.toMatch(/2000145399|ek.rna|novak/i);
});

it('hangs on the key of the bank', () => {
  const row = { counterpartyAccount: '1', counterpartyBank: '2', counterpartyName: '' };
  const index = (byte: number) => ({ index: (value: string) => Buffer.from(`${value}${byte}-------`.slice(-8)) });
  expect(counterpartyToken(index(1), row)).not.toBe(counterpartyToken(index(2), row));
});
