import fc from 'fast-check';
import { TransactionBooked } from '@rapport/proto/customer/v1';
import { bookedCodec } from './booked-codec.js';
import { type Booking, transactionBooked } from './transaction.js';

const code = fc.constantFrom('', 'household', 'a_1', 'žluťoučký', 'x'.repeat(200));
const units = fc.oneof(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), fc.bigInt(-300n, 300n), fc.bigInt(0n, 2n ** 54n));
const rows = fc.record({
  partyId: fc.uuid(),
  holdingId: fc.uuid(),
  time: fc.constant(new Date(0)),
  sequence: fc.integer({ min: 0, max: 1_000_000 }),
  transactionId: fc.uuid(),
  bookingDate: fc
    .date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true })
    .map((date) => date.toISOString().slice(0, 10)),
  bookingTime: fc.option(fc.constant(new Date('2020-02-29T12:34:56.789Z')), { freq: 5 }),
  direction: fc.integer({ min: 0, max: 2 }),
  operation: fc.integer({ min: 0, max: 12 }),
  amount: units,
  currency: fc.constantFrom('CZK', 'EUR', ''),
  balanceAfter: fc.option(units),
  purpose: code,
  counterpartyAccount: fc.string(),
  counterpartyBank: fc.string(),
  kind: fc.integer({ min: 0, max: 8 }),
  channel: fc.integer({ min: 0, max: 8 }),
  merchantCategory: fc.constantFrom('', '5411'),
  category: code,
  source: fc.option(fc.constantFrom('berka', 'core')),
  sourceKey: fc.option(fc.string()),
  createTime: fc.constant(new Date(0)),
  counterpartyName: fc.string(),
  valueDate: fc.constantFrom(null, '2024-02-29'),
});
const holdings = fc.record({
  partyId: fc.uuid(),
  holdingId: fc.uuid(),
  kind: fc.integer({ min: 0, max: 8 }),
  owners: fc.array(fc.record({ party: fc.uuid(), role: fc.integer({ min: 1, max: 4 }) }), { maxLength: 4 }),
  organisationPath: fc.constantFrom('/', '/berka/prague/1', `/${'a'.repeat(180)}`),
  manager: fc.constantFrom('', '7'),
});

const tokens = fc.oneof(fc.constant(0n), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }));

describe('bookedCodec', () => {
  it('writes each event as the generated functions do', () => {
    fc.assert(
      fc.property(fc.array(rows, { minLength: 1, maxLength: 5 }), holdings, tokens, (some, holding, counterparty) => {
        for (const one of some) {
          const row = { ...one, partyId: holding.partyId, holdingId: holding.holdingId };
          const booking: Booking = { row, holding, counterparty };
          const expected = TransactionBooked.encode(transactionBooked(booking)).finish();
          expect(Buffer.from(bookedCodec.encode(booking).finish())).toEqual(Buffer.from(expected));
        }
      }),
      { numRuns: 500 },
    );
  });
});
