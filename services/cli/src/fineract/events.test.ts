import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { AvroError, readAvro, type Schema, type Schemas } from './avro.js';
import { readEvents, readSchemas } from './events.js';
import { all, keys, rowsFrom } from './fineract.testkit.js';
import type { PassedOver } from './rows.js';

/** Avro's encoding, as far as the tests need it. */
function long(value: number): Buffer {
  let rest = BigInt.asUintN(64, (BigInt(value) << 1n) ^ (BigInt(value) >> 63n));
  const bytes: number[] = [];
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return Buffer.from([...bytes, Number(rest)]);
}
const bytes = (value: Buffer) => Buffer.concat([long(value.length), value]);
const text = (value: string) => bytes(Buffer.from(value));
const some = (value: Buffer) => Buffer.concat([long(1), value]);
const none = long(0);
function decimal(scaled: bigint): Buffer {
  const size = 9;
  return bytes(
    Buffer.from(
      BigInt.asUintN(size * 8, scaled)
        .toString(16)
        .padStart(size * 2, '0'),
      'hex',
    ),
  );
}
const nullable = (type: Schema): Schema => ['null', type];

const schemaFiles: Record<string, object> = {
  'savings/v1/SavingsAccountTransactionDataV1.avsc': {
    name: 'SavingsAccountTransactionDataV1',
    namespace: 'org.apache.fineract.avro.savings.v1',
    type: 'record',
    fields: [
      { name: 'id', type: nullable('long') },
      { name: 'transactionType', type: nullable('org.apache.fineract.avro.savings.v1.TypeV1') },
      { name: 'accountId', type: nullable('long') },
      { name: 'date', type: nullable('string') },
      { name: 'currency', type: nullable('org.apache.fineract.avro.generic.v1.CurrencyDataV1') },
      { name: 'amount', type: nullable('bigdecimal') },
      { name: 'runningBalance', type: nullable('bigdecimal') },
      { name: 'reversed', type: nullable('boolean') },
      { name: 'charges', type: nullable({ type: 'array', items: 'string' }) },
    ],
  },
  'savings/v1/TypeV1.avsc': {
    name: 'TypeV1',
    namespace: 'org.apache.fineract.avro.savings.v1',
    type: 'record',
    fields: [{ name: 'deposit', type: nullable('boolean') }],
  },
  'generic/v1/CurrencyDataV1.avsc': {
    name: 'CurrencyDataV1',
    namespace: 'org.apache.fineract.avro.generic.v1',
    type: 'record',
    fields: [{ name: 'code', type: nullable('string') }],
  },
};
const SAVINGS_TRANSACTION = 'org.apache.fineract.avro.savings.v1.SavingsAccountTransactionDataV1';
const payload = Buffer.concat([
  some(long(77)),
  some(some(Buffer.from([1]))),
  some(long(1)),
  some(text('2024-02-01')),
  some(some(text('USD'))),
  some(decimal(12_345_000_000n)),
  some(decimal(-100_000_000n)),
  some(Buffer.from([0])),
  some(Buffer.concat([long(1), text('fee'), long(0)])),
]);
const message = (schema: string, data: Buffer) =>
  Buffer.concat([
    long(5),
    ...[
      'source',
      'SavingsDepositBusinessEvent',
      'SAVINGS',
      '2024-02-01T10:00:00',
      '2024-02-01',
      'default',
      'key',
      schema,
    ].map(text),
    bytes(data),
  ]);

describe('business events', () => {
  let folder = '';
  let schemas: Schemas = new Map();
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'rapport-fineract-'));
    for (const [name, schema] of Object.entries(schemaFiles)) {
      await mkdir(path.join(folder, 'schemas', path.dirname(name)), { recursive: true });
      await writeFile(path.join(folder, 'schemas', name), JSON.stringify(schema));
    }
    schemas = await readSchemas(path.join(folder, 'schemas'));
    await mkdir(path.join(folder, 'events'));
  });

  it('are read from Avro and from JSON, and make the same rows', async () => {
    const events = path.join(folder, 'events');
    await writeFile(path.join(events, '1.avro'), message(SAVINGS_TRANSACTION, payload));
    const client = {
      id: 9,
      firstname: 'Ann',
      lastname: 'Lee',
      dateOfBirth: '1980-05-06',
      gender: { name: 'Female' },
      mobileNo: '0123',
      status: { id: 300 },
    };
    const envelope = { id: 1, type: 'ClientCreateBusinessEvent', category: 'CLIENT', tenantId: 'default' };
    await writeFile(
      path.join(events, '0.ndjson'),
      [
        { ...envelope, dataschema: 'org.apache.fineract.avro.client.v1.ClientDataV1', data: client },
        { ...envelope, dataschema: SAVINGS_TRANSACTION, data: payload.toString('base64') },
        { ...envelope, dataschema: 'org.apache.fineract.avro.gl.v1.GLAccountDataV1', data: {} },
        {
          ...envelope,
          dataschema: 'org.apache.fineract.avro.BulkMessagePayloadV1',
          data: { datas: [{ type: 'x', dataschema: SAVINGS_TRANSACTION, data: payload.toString('base64') }] },
        },
      ]
        .map((one) => JSON.stringify(one))
        .join('\n'),
    );
    const passed: PassedOver = new Map();
    const records = await all(readEvents(events, schemas, passed));
    const rows = rowsFrom(records, passed);
    expect(keys(rows)).toEqual(['client/9', ...Array<string>(3).fill('savings_transaction/77')]);
    expect(Object.fromEntries(passed)).toEqual({
      'events with GLAccountDataV1': 1,
      'telephone numbers without a country code': 1,
    });
    expect(rows[0]?.row?.value).toMatchObject({
      party: {
        details: { value: { givenName: 'Ann', sex: 1, birthDate: { year: 1980, month: 5, day: 6 } } },
        contactPoints: [],
      },
    });
    expect(rows[3]?.row?.value).toMatchObject({
      transaction: {
        direction: 1,
        amount: { minorUnits: 12_345n, currencyCode: 'USD' },
        balanceAfter: { minorUnits: -100n },
        bookingDate: { year: 2024, month: 2, day: 1 },
      },
    });
    expect(rows[1]?.row?.value).toEqual(rows[3]?.row?.value);
  });

  it('are refused with the file and the reason where they cannot be read', async () => {
    const refused = async (name: string, content: Buffer | string, why: RegExp) => {
      const file = path.join(folder, name);
      await writeFile(file, content);
      await expect(all(readEvents(file, schemas, new Map()))).rejects.toThrow(why);
    };
    await refused(
      'short.avro',
      message(SAVINGS_TRANSACTION, payload).subarray(0, 40),
      /short\.avro cannot be read: the bytes end too early/,
    );
    await refused(
      'unknown.avro',
      message('org.apache.fineract.avro.loan.v1.LoanTransactionDataV1', payload),
      /the schema org.*LoanTransactionDataV1 is not known/,
    );
    await refused('none.json', '{}', /none\.json cannot be read: it is no message of Fineract/);
    await refused('broken.json', '{', /broken\.json cannot be read/);
  });

  it('in Avro read back every number and never run on, whatever the bytes are', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (value) => {
        expect(readAvro(long(value), 'long', new Map())).toBe(value);
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (raw) => {
        try {
          readAvro(Buffer.from(raw), SAVINGS_TRANSACTION, schemas);
        } catch (error) {
          expect(error).toBeInstanceOf(AvroError);
        }
      }),
    );
    expect(none).toEqual(Buffer.from([0]));
  });
});
