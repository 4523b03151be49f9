import { Failure, requestValidator } from '@rapport/kit/rpc';
import { descriptorSet } from '@rapport/proto';
import { BookTransactionRequest, Transaction, TransactionRow } from '@rapport/proto/customer/v1';
import fc from 'fast-check';
import type { Stream } from './batch.js';
import { checkTransaction } from './transaction-rows.js';

const stream = { source: 'berka', organisationPath: '/berka' } as Stream;
const { validate } = requestValidator(descriptorSet());
const parent = `parties/${'0'.repeat(36)}/holdings/${'0'.repeat(36)}`;

/** What the contract says of the same transaction as a request of its own. */
function contractAccepts(transaction: Transaction): boolean {
  const request = { parent, transaction, requestId: '00000000-0000-4000-8000-000000000000' };
  try {
    validate('rapport.customer.v1.CustomerService/BookTransaction', BookTransactionRequest.encode(request).finish());
    return true;
  } catch (error) {
    if (error instanceof Failure) return false;
    throw error;
  }
}

const odd = <T>(usual: fc.Arbitrary<T>, ...strange: T[]) =>
  fc.oneof({ weight: 6, arbitrary: usual }, { weight: 1, arbitrary: fc.constantFrom(...strange) });
const money = fc.record({
  minorUnits: odd(fc.bigInt(1n, 10n ** 12n), 0n, -5n),
  currencyCode: odd(fc.constant('CZK'), 'czk', '', 'CZKK', 'EUR'),
});
const transactions = fc.record({
  direction: odd(fc.constantFrom(1, 2), 0, 3),
  amount: odd(money, undefined),
  operation: odd(fc.integer({ min: 1, max: 12 }), 0, 13, -1),
  bookingDate: odd(
    fc.record({
      year: fc.integer({ min: 1990, max: 2030 }),
      month: fc.integer({ min: 1, max: 12 }),
      day: fc.integer({ min: 1, max: 28 }),
    }),
    undefined,
    { year: 0, month: 1, day: 1 },
    { year: 1994, month: 13, day: 1 },
  ),
  purpose: odd(fc.constantFrom('household', 'a_1'), '', 'Upper', '1a', 'x'.repeat(41)),
  counterparty: odd(
    fc.record({ account: fc.string({ maxLength: 60 }), bank: fc.constant('YZ') }),
    undefined,
    { account: 'é'.repeat(61), bank: '' },
    { account: '', bank: '𐍈'.repeat(60) },
    { name: '𐍈'.repeat(140) },
    { name: 'é'.repeat(141) },
  ),
  valueDate: odd(fc.constant({ year: 2024, month: 2, day: 28 }), undefined, { year: 0, month: 1, day: 1 }),
  kind: odd(fc.integer({ min: 0, max: 8 }), 9, -1),
  channel: odd(fc.integer({ min: 0, max: 8 }), 9, -1),
  merchantCategory: odd(fc.constantFrom('5411', ''), '541', '54111', 'abcd', '٥٤١١'),
  category: odd(fc.constantFrom('groceries', ''), 'Food', '1', 'x'.repeat(41)),
  sequence: odd(fc.integer({ min: 0, max: 1_000_000 }), -1, 1_000_001),
});

describe('checkTransaction', () => {
  it('accepts and refuses what the contract does', () => {
    let refused = 0;
    fc.assert(
      fc.property(transactions, (fields) => {
        const transaction = Transaction.fromPartial(fields as object);
        const row = TransactionRow.fromPartial({ sourceKey: 't/1', holdingSourceKey: 'a/1', transaction });
        const result = checkTransaction(stream, 1n, row);
        const accepted = !('reason' in result);
        if (!accepted) refused += 1;
        expect(accepted).toBe(contractAccepts(transaction));
      }),
      { numRuns: 400 },
    );
    expect(refused).toBeGreaterThan(50);
  });

  it.each([
    ['', 'a/1', 'source_key'],
    ['x'.repeat(121), 'a/1', 'source_key'],
    ['t\0', 'a/1', 'source_key'],
    ['t/1', '', 'holding_source_key'],
  ])('refuses the keys %j %j', (sourceKey, holdingSourceKey, field) => {
    const row = TransactionRow.fromPartial({ sourceKey, holdingSourceKey, transaction: {} });
    expect(checkTransaction(stream, 1n, row)).toMatchObject({ field, reason: 'VALUE_INVALID' });
  });

  it('gets no text that is not UTF-8', () => {
    const bytes = TransactionRow.encode(TransactionRow.fromPartial({ sourceKey: 't/é' })).finish();
    expect(TransactionRow.decode(bytes).sourceKey).toBe('t/é');
    bytes[bytes.length - 1] = 0x20;
    expect(() => TransactionRow.decode(bytes)).toThrow();
  });

  it('refuses a day that the calendar does not have, and two currencies', () => {
    const usual = {
      direction: 1,
      amount: { minorUnits: 1n, currencyCode: 'CZK' },
      operation: 1,
      bookingDate: { year: 1994, month: 2, day: 29 },
    };
    const check = (over: object) =>
      checkTransaction(
        stream,
        1n,
        TransactionRow.fromPartial({ sourceKey: 't', holdingSourceKey: 'a', transaction: { ...usual, ...over } }),
      );
    expect(check({})).toMatchObject({ field: 'booking_date', value: '1994-2-29' });
    const bookingDate = { year: 1994, month: 2, day: 28 };
    expect(check({ bookingDate, balanceAfter: { minorUnits: 1n, currencyCode: 'EUR' } })).toMatchObject({
      reason: 'CURRENCY_MISMATCH',
    });
    expect(check({ bookingDate })).toMatchObject({ key: 't', value: { row: { bookingDate: '1994-02-28' } } });
  });
});
