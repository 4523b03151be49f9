import { randomUUID } from 'node:crypto';
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { CustomerServiceService, type ImportResponse, ImportRow } from '@rapport/proto/customer/v1';

const { import: importMethod } = CustomerServiceService;
const ROWS_IN_A_MESSAGE = 1000;

/** The messages of rows as they are sent. */
export function encoded(rows: readonly ImportRow[]): Buffer[] {
  const messages: Buffer[] = [];
  for (let at = 0; at < rows.length; at += ROWS_IN_A_MESSAGE) {
    const value = { rows: rows.slice(at, at + ROWS_IN_A_MESSAGE) };
    messages.push(importMethod.requestSerialize({ part: { $case: 'batch', value } }));
  }
  return messages;
}

/** Connects for imports. Close it after use. */
export function openImporter(
  address: string,
  token: string,
): {
  send(rows: readonly ImportRow[]): Promise<ImportResponse>;
  /** Sends what `encoded` made: where the time of the service is taken, the sender's work is not part of it. */
  sendEncoded(messages: readonly Buffer[]): Promise<ImportResponse>;
  close(): void;
} {
  const client = new Client(address, credentials.createInsecure());
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${token}`);

  async function sendEncoded(messages: readonly Buffer[]): Promise<ImportResponse> {
    const { path, requestSerialize, responseDeserialize } = importMethod;
    const value = { importId: randomUUID(), source: 'bench', organisationPath: '/bench', file: 'bench.csv', kind: 0 };
    const options = { deadline: Date.now() + 120_000 };
    return new Promise<ImportResponse>((resolve, reject) => {
      const done = (error: Error | null, answer?: ImportResponse): void => (answer ? resolve(answer) : reject(error));
      const plain = (bytes: Buffer): Buffer => bytes;
      const stream = client.makeClientStreamRequest(path, plain, responseDeserialize, metadata, options, done);
      const write = (bytes: Buffer): Promise<void> =>
        new Promise((written) => (stream.write(bytes) ? written() : stream.once('drain', written)));
      const writeAll = async (): Promise<void> => {
        await write(requestSerialize({ part: { $case: 'header', value } }));
        for (const message of messages) await write(message);
        stream.end();
      };
      writeAll().catch(reject);
    });
  }

  return { send: (rows) => sendEncoded(encoded(rows)), sendEncoded, close: () => client.close() };
}

const day = (index: number) => ({ year: 1994, month: 1 + (index % 12), day: 1 + (index % 28) });

/** A transaction on the account of a party; the numbers make it the same each time. */
export function transactionRow(party: number, index: number): ImportRow {
  const amount = { minorUnits: BigInt(1000 + ((index * 7919) % 90_000)), currencyCode: 'CZK' };
  return ImportRow.fromPartial({
    line: BigInt(index + 1),
    row: {
      $case: 'transaction',
      value: {
        sourceKey: `transaction/${party}/${index}`,
        holdingSourceKey: `account/${party}`,
        transaction: {
          direction: 1 + (index % 2),
          operation: 1 + (index % 5),
          amount,
          balanceAfter: { minorUnits: 5_000_000n + amount.minorUnits, currencyCode: 'CZK' },
          bookingDate: day(index),
          sequence: 1 + index,
          purpose: 'household',
          counterparty: { account: `${10_000_000 + index}`, bank: 'YZ' },
        },
      },
    },
  });
}

function partyRows(party: number): ImportRow[] {
  const rows: object[] = [
    {
      row: {
        $case: 'party',
        value: {
          sourceKey: `client/${party}`,
          party: {
            details: {
              $case: 'person',
              value: { givenName: 'Jana', familyName: `Nováková ${party}`, sex: 1, birthDate: day(party) },
            },
            organisationPath: '/bench/prague/1',
            region: 'Prague',
            district: 'Hl.m. Praha',
            branch: 'd1',
            language: 'cs',
            contactPoints: [
              { point: { $case: 'email', value: `jana.${party}@example.com` }, preferred: true },
              { point: { $case: 'phone', value: `+420601${String(100_000 + party)}` } },
            ],
          },
        },
      },
    },
    holding(party, 'account', { $case: 'account', value: { statementFrequency: 1, currencyCode: 'CZK' } }),
    holding(party, 'card', { $case: 'card', value: { type: 'classic' } }),
  ];
  for (const channel of [1, 2]) {
    const consent = { purpose: 'marketing', channel, state: 1, textVersion: '1', effectiveTime: new Date(0) };
    rows.push({ row: { $case: 'consent', value: { partySourceKey: `client/${party}`, consent } } });
  }
  for (let at = 1; at <= 3; at += 1) {
    const interaction = { channel: 3, direction: 1, kind: 'call', subject: 'balance', time: new Date(at * 1e6) };
    const value = { sourceKey: `call/${party}/${at}`, partySourceKey: `client/${party}`, interaction };
    rows.push({ row: { $case: 'interaction', value } });
  }
  return rows.map((row) => ImportRow.fromPartial({ line: 1n, ...row }));
}

function holding(party: number, kind: string, details: object): object {
  const value = {
    sourceKey: `${kind}/${party}`,
    ownerSourceKey: `client/${party}`,
    accountSourceKey: kind === 'account' ? '' : `account/${party}`,
    holding: { details, openedDate: { year: 1993, month: 1, day: 1 } },
  };
  return { row: { $case: 'holding', value } };
}

/** The rows of so many parties, each with an account, a card, consents, calls and so many transactions. */
export function bankRows(parties: number, transactions: number): ImportRow[] {
  const numbers = Array.from({ length: parties }, (_none, index) => index);
  return [
    ...numbers.flatMap(partyRows),
    ...numbers.flatMap((party) => Array.from({ length: transactions }, (_none, index) => transactionRow(party, index))),
  ];
}
