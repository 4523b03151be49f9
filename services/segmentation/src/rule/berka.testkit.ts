// The Berka bank as events and as raw rows, for tests that compare what the rules count with what the files say.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  HoldingKind,
  HoldingOpened,
  HoldingRole,
  PartyCreated,
  PartyKind,
  Sex,
  TransactionBooked,
  TransactionDirection,
  TransactionOperation,
} from '@rapport/proto/customer/v1';
import type { FactEvent } from '../fact/fact.js';

export const berkaFolder = join(__dirname, '../../../../../shared/data/berka');

export type RawRow = Record<string, string>;

/** The rows of one file by column name; every value as its text. */
export function readRaw(name: string): RawRow[] {
  const [header = '', ...lines] = readFileSync(join(berkaFolder, `${name}.asc`), 'latin1')
    .trim()
    .split('\r\n');
  const unquoted = (line: string) => line.split(';').map((value) => value.replaceAll('"', ''));
  const names = unquoted(header);
  return lines.map((line) => {
    const values = unquoted(line);
    return Object.fromEntries(names.map((column, index) => [column, values[index] ?? '']));
  });
}

/** A UUID that holds a kind of thing and its number, so that a count can be traced back to a row. */
export function uuidOf(kind: number, id: string | number): string {
  return `00000000-0000-7000-8${kind.toString(16).padStart(3, '0')}-${Number(id).toString(16).padStart(12, '0')}`;
}

export const partyOf = (client: string | number): string => `parties/${uuidOf(1, client)}`;

const dateOf = (yymmdd: string) => ({
  year: 1900 + Number(yymmdd.slice(0, 2)),
  month: Number(yymmdd.slice(2, 4)),
  day: Number(yymmdd.slice(4, 6)),
});
const crowns = (text: string) => ({
  minorUnits: BigInt(Math.round(Number(text) * 100)),
  currencyCode: 'CZK',
});

const operations: Record<string, TransactionOperation> = {
  VKLAD: TransactionOperation.TRANSACTION_OPERATION_CASH_DEPOSIT,
  VYBER: TransactionOperation.TRANSACTION_OPERATION_CASH_WITHDRAWAL,
  'VYBER KARTOU': TransactionOperation.TRANSACTION_OPERATION_CARD_WITHDRAWAL,
  'PREVOD Z UCTU': TransactionOperation.TRANSACTION_OPERATION_TRANSFER_IN,
  'PREVOD NA UCET': TransactionOperation.TRANSACTION_OPERATION_TRANSFER_OUT,
};

/** The whole bank as the events that an import of it publishes. */
export function berkaEvents(): FactEvent[] {
  const events: FactEvent[] = [];
  let count = 0;
  const at = (aggregate: string) => {
    count += 1;
    const hex = (1_700_000_000_000 + count).toString(16).padStart(12, '0');
    return {
      id: `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`,
      type: '',
      aggregate,
      time: new Date(),
      occurred: new Date(),
      sequence: count,
      traceparent: undefined,
      partition: 0,
    };
  };
  const districts = new Map(readRaw('district').map((row) => [row['A1'], row]));
  for (const row of readRaw('client')) {
    const number = row['birth_number'] ?? '';
    const woman = Number(number.slice(2, 4)) > 50;
    const district = districts.get(row['district_id']);
    const month = Number(number.slice(2, 4)) - (woman ? 50 : 0);
    const party = partyOf(row['client_id'] ?? '');
    events.push({
      type: PartyCreated.$type,
      meta: at(party),
      event: PartyCreated.fromJSON({
        party,
        organisationPath: `/berka/${row['district_id']}`,
        kind: PartyKind.PARTY_KIND_PERSON,
        sex: woman ? Sex.SEX_FEMALE : Sex.SEX_MALE,
        birthDate: { year: 1900 + Number(number.slice(0, 2)), month, day: Number(number.slice(4, 6)) },
        region: district?.['A3'],
        district: district?.['A2'],
        branch: district?.['A2'],
        source: 'berka',
      }),
    });
  }
  const disponents = readRaw('disp');
  const byAccount = Map.groupBy(disponents, (row) => row['account_id'] ?? '');
  const ownersOf = (account = '') =>
    (byAccount.get(account) ?? []).map((row) => ({
      party: partyOf(row['client_id'] ?? ''),
      role: row['type'] === 'OWNER' ? HoldingRole.HOLDING_ROLE_OWNER : HoldingRole.HOLDING_ROLE_AUTHORISED_USER,
    }));
  const nameOf = (account: string, kind: number, id: string) =>
    `${ownersOf(account).find((owner) => owner.role === HoldingRole.HOLDING_ROLE_OWNER)?.party}/holdings/${uuidOf(kind, id)}`;
  const open = (kind: HoldingKind, account: string, id: string, owners: ReturnType<typeof ownersOf>, date?: string) => {
    const holding = nameOf(account, kind + 1, id);
    events.push({
      type: HoldingOpened.$type,
      meta: at(holding),
      event: HoldingOpened.fromJSON({
        holding,
        organisationPath: '/berka',
        kind,
        owners,
        openedDate: date ? dateOf(date) : undefined,
      }),
    });
  };
  for (const row of readRaw('account')) {
    const { account_id: account = '' } = row;
    open(HoldingKind.HOLDING_KIND_ACCOUNT, account, account, ownersOf(account), row['date']);
  }
  for (const row of readRaw('loan')) {
    const { account_id: account = '', loan_id: id = '' } = row;
    open(HoldingKind.HOLDING_KIND_LOAN, account, id, ownersOf(account), row['date']);
  }
  for (const row of readRaw('card')) {
    const disponent = disponents.find((one) => one['disp_id'] === row['disp_id']);
    const owner = { party: partyOf(disponent?.['client_id'] ?? ''), role: HoldingRole.HOLDING_ROLE_OWNER };
    open(HoldingKind.HOLDING_KIND_CARD, disponent?.['account_id'] ?? '', row['card_id'] ?? '', [owner], row['issued']);
  }
  for (const row of readRaw('order')) {
    const { account_id: account = '', order_id: id = '' } = row;
    open(HoldingKind.HOLDING_KIND_STANDING_ORDER, account, id, ownersOf(account));
  }
  let sequence = 0;
  for (const row of readRaw('trans')) {
    sequence += 1;
    const account = row['account_id'] ?? '';
    const holding = nameOf(account, HoldingKind.HOLDING_KIND_ACCOUNT + 1, account);
    const transaction = `${holding}/transactions/${uuidOf(9, row['trans_id'] ?? '')}`;
    events.push({
      type: TransactionBooked.$type,
      meta: at(holding),
      event: {
        ...TransactionBooked.fromJSON({
          transaction,
          holding,
          holdingKind: HoldingKind.HOLDING_KIND_ACCOUNT,
          parties: ownersOf(account)
            .filter((owner) => owner.role === HoldingRole.HOLDING_ROLE_OWNER)
            .map((owner) => owner.party),
          organisationPath: '/berka',
          direction:
            row['type'] === 'PRIJEM'
              ? TransactionDirection.TRANSACTION_DIRECTION_CREDIT
              : TransactionDirection.TRANSACTION_DIRECTION_DEBIT,
          bookingDate: dateOf(row['date'] ?? ''),
          operation: operations[row['operation'] ?? ''] ?? TransactionOperation.TRANSACTION_OPERATION_INTEREST,
          sequence,
        }),
        amount: crowns(row['amount'] ?? ''),
        balanceAfter: crowns(row['balance'] ?? ''),
      },
    });
  }
  return events;
}

/** A client with everything that it owns, straight from the files; days are numbers such as 19940331. */
export interface Client {
  woman: boolean;
  born: number;
  region: string;
  district: string;
  districtId: string;
  accounts: number[];
  loans: number[];
  cards: number[];
  orders: number;
  transactions: {
    day: number;
    credit: boolean;
    operation: string;
    cents: number;
    balance: number;
    account: string;
  }[];
}

/** Every client of the files. */
export function readClients(): Client[] {
  const number = (yymmdd: string) => 19_000_000 + Number(yymmdd.slice(0, 6));
  const districts = new Map(readRaw('district').map((row) => [row['A1'], row]));
  const byId = new Map<string, Client>();
  for (const row of readRaw('client')) {
    const birth = row['birth_number'] ?? '';
    const woman = Number(birth.slice(2, 4)) > 50;
    byId.set(row['client_id'] ?? '', {
      woman,
      born: 19_000_000 + Number(birth) - (woman ? 5000 : 0),
      region: districts.get(row['district_id'])?.['A3'] ?? '',
      district: districts.get(row['district_id'])?.['A2'] ?? '',
      districtId: row['district_id'] ?? '',
      accounts: [],
      loans: [],
      cards: [],
      orders: 0,
      transactions: [],
    });
  }
  const ownerOf = new Map<string, Client>();
  const holderOf = new Map<string, Client>();
  for (const row of readRaw('disp')) {
    const client = byId.get(row['client_id'] ?? '');
    if (!client) throw new Error('a disposition without a client');
    holderOf.set(row['disp_id'] ?? '', client);
    if (row['type'] === 'OWNER') ownerOf.set(row['account_id'] ?? '', client);
  }
  for (const row of readRaw('account')) ownerOf.get(row['account_id'] ?? '')?.accounts.push(number(row['date'] ?? ''));
  for (const row of readRaw('loan')) ownerOf.get(row['account_id'] ?? '')?.loans.push(number(row['date'] ?? ''));
  for (const row of readRaw('card')) holderOf.get(row['disp_id'] ?? '')?.cards.push(number(row['issued'] ?? ''));
  for (const row of readRaw('order')) {
    const owner = ownerOf.get(row['account_id'] ?? '');
    if (owner) owner.orders += 1;
  }
  for (const row of readRaw('trans')) {
    ownerOf.get(row['account_id'] ?? '')?.transactions.push({
      day: number(row['date'] ?? ''),
      credit: row['type'] === 'PRIJEM',
      operation: row['operation'] ?? '',
      cents: Math.round(Number(row['amount']) * 100),
      balance: Math.round(Number(row['balance']) * 100),
      account: row['account_id'] ?? '',
    });
  }
  // In the order of the days; within one as the file has them.
  for (const client of byId.values()) client.transactions.sort((a, b) => a.day - b.day);
  return [...byId.values()];
}

/** Whole years on a day. */
export const age = (client: Client, asOf: number) => Math.floor((asOf - client.born) / 10_000);
/** How many of these days have come. */
export const upTo = (days: number[], asOf: number) => days.filter((day) => day <= asOf).length;
export const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);

/** What is on the accounts at the end of a day, in cents. */
export function balance(client: Client, asOf: number): number {
  const last = new Map<string, number>();
  for (const one of client.transactions) if (one.day <= asOf) last.set(one.account, one.balance);
  return sum([...last.values()]);
}

/** A day counted from 1970. */
export const dayNumber = (day: number) =>
  Date.UTC(Math.floor(day / 10_000), (Math.floor(day / 100) % 100) - 1, day % 100) / 86_400_000;
