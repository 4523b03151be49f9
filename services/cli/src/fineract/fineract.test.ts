import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { ImportRow } from '@rapport/proto/customer/v1';
import fc from 'fast-check';
import { AvroError, readAvro, type Schema, type Schemas } from './avro.js';
import { readEvents, readSchemas } from './events.js';
import type { FineractRecord } from './records.js';
import { readInstance } from './rest.js';
import { type PassedOver, rowsOf } from './rows.js';

const dump = path.resolve(__dirname, '../../../../../shared/data/fineract/load_sample_data.sql');

/** The rows that the sample database holds of one table, by column. */
function sampleRows(table: string): Record<string, string | null>[] {
  const text = readFileSync(dump, 'utf8');
  const found = new RegExp(`INSERT INTO \`${table}\` \\(([^)]*)\\) VALUES\\n([\\s\\S]*?);\\n`).exec(text);
  const columns = (found?.[1] ?? '').split(',').map((name) => name.trim().replaceAll('`', ''));
  return (found?.[2] ?? '').split('\n').map((line) => {
    const cells = [
      ...line
        .trim()
        .replace(/^\(|\),?$/g, '')
        .matchAll(/'((?:[^']|'')*)'|([^,\s][^,]*)/g),
    ].map((cell) => (cell[1] !== undefined ? cell[1] : cell[2] === 'NULL' ? null : (cell[2] ?? null)));
    return Object.fromEntries(columns.map((column, index) => [column, cells[index] ?? null]));
  });
}
const dayOf = (text: string | null | undefined) => (text ? text.split('-').map(Number) : undefined);

const currency = { code: 'USD', name: 'US Dollar', decimalPlaces: 2 };
const active = { id: 300, code: 'savingsAccountStatusType.active', value: 'Active' };
const clients = sampleRows('m_client').map((row) => ({
  id: Number(row.id),
  accountNo: row.account_no,
  status: { id: Number(row.status_enum), code: 'clientStatusType.active', value: 'Active' },
  active: true,
  activationDate: dayOf(row.activation_date),
  firstname: row.firstname,
  lastname: row.lastname,
  displayName: row.display_name,
  officeId: Number(row.office_id),
  officeName: sampleRows('m_office').find((office) => office.id === row.office_id)?.name,
}));
const savings = {
  id: 1,
  accountNo: '000000001',
  depositType: { id: 100, code: 'savingsAccountType.savingsDeposit', value: 'Savings' },
  clientId: 1,
  status: active,
  timeline: { submittedOnDate: [2014, 3, 1], activatedOnDate: [2014, 3, 7] },
  currency,
  summary: { accountBalance: 950.5 },
  transactions: [
    {
      id: 12,
      transactionType: { id: 2, code: 'savingsAccountTransactionType.withdrawal', withdrawal: true },
      accountId: 1,
      date: [2014, 3, 9],
      currency,
      amount: 49.5,
      runningBalance: 950.5,
      reversed: false,
    },
    {
      id: 13,
      transactionType: { id: 1, deposit: true },
      accountId: 1,
      date: [2014, 3, 9],
      currency,
      amount: 5,
      runningBalance: 5,
      reversed: true,
    },
    {
      id: 11,
      transactionType: { id: 1, code: 'savingsAccountTransactionType.deposit', deposit: true },
      accountId: 1,
      date: [2014, 3, 7],
      currency,
      amount: 1000,
      runningBalance: 1000,
      reversed: false,
    },
    {
      id: 14,
      transactionType: { id: 20, amountHold: true },
      accountId: 1,
      date: [2014, 3, 9],
      currency,
      amount: 5,
      runningBalance: 5,
      reversed: false,
    },
  ],
};
const sampleLoan = sampleRows('m_loan')[0] ?? {};
const approved = {
  id: Number(sampleLoan.id),
  clientId: Number(sampleLoan.client_id),
  status: { id: Number(sampleLoan.loan_status_id), code: 'loanStatusType.approved', value: 'Approved' },
  currency: { ...currency, code: sampleLoan.currency_code },
  principal: Number(sampleLoan.principal_amount),
  termFrequency: Number(sampleLoan.term_frequency),
  timeline: {},
  transactions: [],
};
const running = {
  ...approved,
  id: 2,
  status: { id: 300, code: 'loanStatusType.active', value: 'Active' },
  termPeriodFrequencyType: { id: 1, code: 'termFrequency.periodFrequencyType.weeks', value: 'Weeks' },
  inArrears: true,
  timeline: { actualDisbursementDate: [2014, 6, 16] },
  transactions: [
    {
      id: 1,
      type: { id: 1, code: 'loanTransactionType.disbursement', disbursement: true },
      date: [2014, 6, 16],
      currency,
      amount: 10_000,
      outstandingLoanBalance: 10_000,
      manuallyReversed: false,
    },
    {
      id: 2,
      type: { id: 2, code: 'loanTransactionType.repayment', repayment: true },
      date: [2014, 6, 23],
      currency,
      amount: 450.25,
      outstandingLoanBalance: 9_600,
      manuallyReversed: false,
    },
    {
      id: 3,
      type: { id: 10, code: 'loanTransactionType.accrual', accrual: true },
      date: [2014, 6, 23],
      currency,
      amount: 50,
      manuallyReversed: false,
    },
  ],
};

let server: Server;
let asked: IncomingMessage[] = [];
let broken = 0;
const at = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}/fineract-provider/api/v1`;
beforeAll(async () => {
  server = createServer((request, response) => {
    asked.push(request);
    const url = new URL(request.url ?? '', 'http://x');
    const [collection, id] = url.pathname.replace('/fineract-provider/api/v1/', '').split('/');
    const say = (status: number, body: unknown) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    if (request.headers.authorization !== `Basic ${Buffer.from('mifos:password').toString('base64')}`)
      return say(401, {});
    if (request.headers['fineract-platform-tenantid'] !== 'default') return say(400, {});
    if (broken > 0) {
      broken -= 1;
      return say(503, {});
    }
    const all =
      collection === 'clients' ? manyClients() : collection === 'savingsaccounts' ? [savings] : [approved, running];
    if (id) return say(200, all.find((one) => one.id === Number(id)) ?? {});
    const offset = Number(url.searchParams.get('offset'));
    const limit = Number(url.searchParams.get('limit'));
    return say(200, { totalFilteredRecords: all.length, pageItems: all.slice(offset, offset + limit) });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(() => new Promise((resolve) => server.close(resolve)));
/** More than two pages, the first of them those of the sample. */
const manyClients = () => [
  ...clients,
  ...Array.from({ length: 400 }, (_none, index) => ({ ...clients[0], id: 1_000 + index })),
];

async function all<T>(records: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const record of records) found.push(record);
  return found;
}
const instance = (over: object = {}) => ({
  url: at(),
  tenant: 'default',
  user: 'mifos',
  password: 'password',
  ...over,
});
const rowsFrom = (records: FineractRecord[], passed: PassedOver = new Map()): ImportRow[] =>
  records.flatMap((record, index) => [...rowsOf(record, index + 1, passed)]);
const keys = (rows: ImportRow[]) =>
  rows.map(({ row }) =>
    row?.$case === 'unreadable' ? row.value.reason : row && 'sourceKey' in row.value ? row.value.sourceKey : '',
  );

describe('the REST API', () => {
  it('has a sample to be read', () => {
    expect(existsSync(dump)).toBe(true);
    expect(clients).toHaveLength(7);
  });

  it('is read page by page, with tenant and name, transactions in their order', async () => {
    asked = [];
    const records = await all(readInstance(instance()));
    expect(records).toHaveLength(407 + 1 + 2);
    expect(asked.filter(({ url }) => url?.includes('/clients?'))).toHaveLength(3);
    const passed: PassedOver = new Map();
    const rows = rowsFrom(records, passed);
    expect(keys(rows).slice(0, 8)).toEqual([
      'client/1',
      'client/2',
      'client/4',
      'client/5',
      'client/6',
      'client/7',
      'client/8',
      'client/1000',
    ]);
    expect(keys(rows).slice(407)).toEqual([
      'savings/1',
      'savings_transaction/11',
      'savings_transaction/12',
      'loan/2',
      'loan_transaction/1',
      'loan_transaction/2',
    ]);
    expect(Object.fromEntries(passed)).toEqual({
      'transactions that were reversed': 1,
      'transactions that move no money': 2,
      'loans that are not paid out': 1,
    });
    expect(rows[0]?.row?.value).toMatchObject({
      party: { details: { value: { givenName: 'Smith', familyName: 'R' } }, branch: 'Head Office', state: 1 },
    });
    expect(rows[409]?.row?.value).toMatchObject({
      holdingSourceKey: 'savings/1',
      transaction: {
        direction: 2,
        amount: { minorUnits: 4_950n, currencyCode: 'USD' },
        balanceAfter: { minorUnits: 95_050n },
        operation: 2,
        bookingDate: { year: 2014, month: 3, day: 9 },
      },
    });
    expect(rows[410]?.row?.value).toMatchObject({
      ownerSourceKey: 'client/8',
      holding: {
        openedDate: { year: 2014, month: 6, day: 16 },
        status: 1,
        details: { $case: 'loan', value: { amount: { minorUnits: 1_000_000n }, durationMonths: 6, status: 4 } },
      },
    });
    expect(rows[412]?.row?.value).toMatchObject({
      transaction: {
        direction: 1,
        operation: 12,
        amount: { minorUnits: 45_025n },
        balanceAfter: { minorUnits: -960_000n },
      },
    });
  });

  it('is asked again when it is away for a moment, and its refusal is told', async () => {
    broken = 2;
    expect(await all(readInstance(instance()))).toHaveLength(410);
    await expect(all(readInstance(instance({ password: 'wrong' })))).rejects.toThrow(/\(clients\): it answered 401/);
    await expect(all(readInstance(instance({ tenant: 'other' })))).rejects.toThrow(/it answered 400/);
  });

  it('makes rejects of what has another shape, with field, reason and value', () => {
    const odd: FineractRecord[] = [
      { is: 'client', data: { id: 'x' } },
      { is: 'client', data: null },
      { is: 'savings', data: { ...savings, timeline: {}, transactions: [] } },
      {
        is: 'savings_transaction',
        data: { id: 1, accountId: 1, transactionType: { deposit: true }, date: [2014, 13, 1], currency, amount: 1 },
      },
      {
        is: 'savings_transaction',
        data: { id: 1, accountId: 1, transactionType: { deposit: true }, date: [2014, 1, 1], currency, amount: 0.001 },
      },
    ];
    expect(
      rowsFrom(odd).map(
        ({ row }) => row?.$case === 'unreadable' && [row.value.field, row.value.reason, row.value.originalValue],
      ),
    ).toEqual([
      ['id', 'SHAPE_UNKNOWN', '"x"'],
      ['', 'SHAPE_UNKNOWN', ''],
      ['timeline.activatedOnDate', 'DATE_MISSING', '{}'],
      ['date', 'DATE_INVALID', '[2014,13,1]'],
      ['amount', 'AMOUNT_TOO_FINE', '0.001'],
    ]);
  });
});

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
