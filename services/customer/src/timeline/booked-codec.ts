import type { EventCodec } from '@rapport/kit/events';
import { TransactionBooked } from '@rapport/proto/customer/v1';
import { holdingName } from '../holding/holding.js';
import { type Booking, transactionBooked, type TransactionHolding } from './transaction.js';

/**
 * Writes the events of bookings as the generated functions do, at a fraction of their cost: what the events of one
 * holding share is encoded once. By far the most events of a bank are these. A row that is not as most are (a booking
 * time, a text that is not plain ASCII) goes through the generated functions; a test compares the two. A field more of the
 * event belongs here too.
 */
export const bookedCodec: EventCodec<Booking> = {
  $type: TransactionBooked.$type,
  // The bytes hold until the next call.
  encode: (booking) => ({ finish: () => encodePlain(booking) ?? encodeAny(booking) }),
  decode: () => {
    throw new TypeError('bookings are not read back from their events');
  },
};

function encodeAny(booking: Booking): Uint8Array {
  return TransactionBooked.encode(transactionBooked(booking)).finish();
}

/** What the events of a holding share. */
interface Shared {
  /** Its name up to the id of the transaction, as the beginning of the first field. */
  name: Buffer;
  /** The fields 2 to 5. */
  fields: Buffer;
}

const ID_LENGTH = 36;
const sharedOf = new WeakMap<TransactionHolding, Shared>();

function share(holding: TransactionHolding): Shared {
  const name = `${holdingName(holding)}/transactions/`;
  const { holdingKind, parties, organisationPath } = transactionBooked({ row: nothing, holding, counterparty: 0n });
  const some = { holding: holdingName(holding), holdingKind, parties, organisationPath };
  // The name has more than 127 characters and far less than 16,384, hence a length of two bytes.
  const length = Buffer.byteLength(name) + ID_LENGTH;
  return {
    name: Buffer.concat([Buffer.from([0x0a, (length & 0x7f) | 0x80, length >>> 7]), Buffer.from(name)]),
    fields: Buffer.from(TransactionBooked.encode(TransactionBooked.fromPartial(some)).finish()),
  };
}

/** A row that says nothing, to learn what its holding says. */
const nothing: Booking['row'] = {
  partyId: '',
  holdingId: '',
  time: new Date(0),
  sequence: 0,
  transactionId: '',
  bookingDate: '0001-01-01',
  bookingTime: null,
  direction: 0,
  operation: 0,
  amount: 0n,
  currency: '',
  balanceAfter: null,
  purpose: '',
  counterpartyAccount: '',
  counterpartyBank: '',
  kind: 0,
  channel: 0,
  merchantCategory: '',
  category: '',
  source: null,
  sourceKey: null,
  createTime: new Date(0),
  counterpartyName: '',
  valueDate: null,
};

const bytes = Buffer.allocUnsafe(64 * 1024);
let end = 0;

function tag(number: number, wireType: 0 | 1 | 2): void {
  const value = (number << 3) | wireType;
  if (value >= 0x80) bytes[end++] = (value & 0x7f) | 0x80;
  bytes[end++] = value >= 0x80 ? value >>> 7 : value;
}

function varint(value: number): void {
  let rest = value;
  while (rest >= 0x80) {
    bytes[end++] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  bytes[end++] = rest;
}

function number(field: number, value: number): void {
  if (value === 0) return;
  tag(field, 0);
  varint(value);
}

/** Writes at most 127 characters of plain ASCII; tells whether it was that. */
function text(field: number, value: string): boolean {
  const { length } = value;
  if (length === 0) return true;
  if (length > 0x7f) return false;
  tag(field, 2);
  bytes[end++] = length;
  return letters(value);
}

function letters(value: string): boolean {
  for (let at = 0; at < value.length; at += 1) {
    const code = value.charCodeAt(at);
    if (code >= 0x80) return false;
    bytes[end++] = code;
  }
  return true;
}

function money(field: number, units: bigint, currency: string): boolean {
  tag(field, 2);
  const from = end++;
  if (units !== 0n) {
    bytes[end++] = 0x08;
    const value = Number(units);
    if (Number.isSafeInteger(value) && value > 0) varint(value);
    else {
      let rest = BigInt.asUintN(64, units);
      for (; rest >= 0x80n; rest >>= 7n) bytes[end++] = Number(rest & 0x7fn) | 0x80;
      bytes[end++] = Number(rest);
    }
  }
  const plain = text(2, currency);
  bytes[from] = end - from - 1;
  return plain && end - from <= 0x80;
}

function day(field: number, date: string): void {
  tag(field, 2);
  const from = end++;
  number(1, Number(date.slice(0, 4)));
  number(2, Number(date.slice(5, 7)));
  number(3, Number(date.slice(8, 10)));
  bytes[from] = end - from - 1;
}

function encodePlain({ row, holding, counterparty }: Booking): Uint8Array | undefined {
  if (row.bookingTime !== null || row.transactionId.length !== ID_LENGTH || row.sequence < 0) return undefined;
  let shared = sharedOf.get(holding);
  if (!shared) sharedOf.set(holding, (shared = share(holding)));
  const { name, fields } = shared;
  if (name.length + fields.length > bytes.length / 2) return undefined;
  bytes.set(name, 0);
  end = name.length;
  let plain = letters(row.transactionId);
  bytes.set(fields, end);
  end += fields.length;
  number(6, row.direction);
  plain = money(7, row.amount, row.currency) && plain;
  if (row.balanceAfter !== null) plain = money(8, row.balanceAfter, row.currency) && plain;
  day(9, row.bookingDate);
  number(11, row.operation);
  plain = text(12, row.purpose) && plain;
  plain = text(13, row.source ?? '') && plain;
  number(14, row.sequence);
  number(15, row.kind);
  number(16, row.channel);
  plain = text(17, row.merchantCategory) && plain;
  plain = text(18, row.category) && plain;
  if (counterparty !== 0n) {
    tag(19, 1);
    end = bytes.writeBigUInt64LE(counterparty, end);
  }
  return plain ? bytes.subarray(0, end) : undefined;
}
