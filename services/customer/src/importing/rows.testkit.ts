import type { ImportResponse } from '@rapport/proto/customer/v1';
import { account, authorisedUser, person } from '../customer.testkit.js';

/** Rows of an import, by the number in their keys. */
export type Rows = object[];

export const party = (n: number, over = {}): Rows[number] => ({
  line: BigInt(n + 1),
  row: { $case: 'party', value: { sourceKey: `client/${n}`, party: person(over) } },
});
export const holding = (
  n: number,
  ownerKey: number,
  others: { partySourceKey: string; role: number }[] = [],
  over = {},
): Rows[number] => ({
  line: BigInt(n + 1),
  row: {
    $case: 'holding',
    value: {
      sourceKey: `account/${n}`,
      ownerSourceKey: `client/${ownerKey}`,
      holding: account(over),
      otherOwners: others,
    },
  },
});
export const transaction = (n: number, holdingKey: number, over = {}): Rows[number] => ({
  line: BigInt(n + 1),
  row: {
    $case: 'transaction',
    value: {
      sourceKey: `trans/${n}`,
      holdingSourceKey: `account/${holdingKey}`,
      transaction: {
        direction: 1,
        amount: { minorUnits: 100n, currencyCode: 'CZK' },
        balanceAfter: { minorUnits: BigInt(n) * 100n, currencyCode: 'CZK' },
        operation: 1,
        bookingDate: { year: 1993, month: 1, day: n },
        sequence: 1,
        ...over,
      },
    },
  },
});
export const consent = (n: number, state = 1, over = {}): Rows[number] => ({
  line: BigInt(n),
  row: {
    $case: 'consent',
    value: {
      partySourceKey: `client/${n}`,
      consent: { purpose: 'marketing', channel: 1, state, textVersion: '1', ...over },
    },
  },
});
export const interaction = (n: number, over = {}): Rows[number] => ({
  line: BigInt(n),
  row: {
    $case: 'interaction',
    value: {
      sourceKey: `call/${n}`,
      partySourceKey: `client/${n}`,
      interaction: { channel: 3, direction: 1, kind: 'enquiry', note: 'asked', time: new Date('2020-01-01'), ...over },
    },
  },
});

export const outcome = (response: ImportResponse) =>
  Object.fromEntries(
    (response.import?.counts ?? []).map(({ kind, created, updated, unchanged, rejected }) => [
      kind,
      [created, updated, unchanged, rejected].map(Number),
    ]),
  );

export const bank: Rows = [
  party(1),
  party(2),
  holding(1, 1, [{ partySourceKey: 'client/2', role: authorisedUser }]),
  {
    line: 9n,
    row: {
      $case: 'holding',
      value: {
        sourceKey: 'order/1',
        ownerSourceKey: 'client/1',
        accountSourceKey: 'account/1',
        holding: {
          details: {
            $case: 'standingOrder',
            value: { counterparty: { account: '1', bank: 'YZ' }, amount: { minorUnits: 5n, currencyCode: 'CZK' } },
          },
        },
      },
    },
  },
  consent(1),
  interaction(1),
  transaction(2, 1),
  transaction(1, 1),
];
