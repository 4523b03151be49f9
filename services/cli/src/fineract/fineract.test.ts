import { existsSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { FineractRecord } from './records.js';
import { readInstance } from './rest.js';
import type { PassedOver } from './rows.js';
import { all, approved, clients, currency, dump, keys, rowsFrom, running, savings } from './fineract.testkit.js';

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

const instance = (over: object = {}) => ({
  url: at(),
  tenant: 'default',
  user: 'mifos',
  password: 'password',
  ...over,
});

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
