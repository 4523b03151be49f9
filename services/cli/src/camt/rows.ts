import {
  ImportKind,
  type ImportRow,
  TransactionChannel,
  TransactionKind,
  TransactionOperation,
} from '@rapport/proto/customer/v1';
import { rowMessage } from '../importing/row.js';
import type { CamtPart, Movement } from './statement.js';

/** References that are kept to tell those apart that a bank gives to several entries of one statement. */
const MOST_REFERENCES = 100_000;

/** Gives the source key of a holding for the number of its account. */
export type AccountKey = (account: string) => string;

/** The transactions that statements make; entries that cannot be read become unreadable rows. */
export async function* transactionsOf(parts: AsyncIterable<CamtPart>, keyOf: AccountKey): AsyncGenerator<ImportRow> {
  let statement = '';
  let account = '';
  let references = new Map<string, number>();
  for await (const part of parts) {
    if (part.is === 'statement') {
      statement = part.id;
      account = part.account;
      references = new Map();
    } else if (part.is === 'movement') {
      if (references.size >= MOST_REFERENCES) references = new Map();
      const times = (references.get(referenceOf(part.of)) ?? 0) + 1;
      if (part.of.reference !== '') references.set(referenceOf(part.of), times);
      yield transaction(part.of, sourceKey(account, statement, part.of, times), keyOf(account));
    } else if (part.is === 'unread') {
      const { line, field, reason, value } = part.of;
      const row = {
        kind: ImportKind.IMPORT_KIND_TRANSACTION,
        field,
        reason,
        originalValue: [...value].slice(0, 200).join(''),
        keys: [keyOf(account)].filter((key) => key !== ''),
      };
      yield rowMessage(line, { $case: 'unreadable', value: row });
    }
  }
}

const referenceOf = ({ reference, reversal, part }: Movement): string =>
  `${reference}${reversal ? '/reversal' : ''}/${part}`;

/**
 * The account servicer's reference names a transaction in every statement that shows it; where a bank gives it to several
 * entries of one statement, the second and later ones are numbered. Without one, the place in the statement names it.
 */
function sourceKey(account: string, statement: string, movement: Movement, times: number): string {
  const { reference, entry, part } = movement;
  const name =
    reference === '' ? `${statement}/${entry}/${part}` : `${referenceOf(movement)}${times > 1 ? `#${times}` : ''}`;
  return `camt/${account}/${name}`.slice(0, 120);
}

function transaction(of: Movement, key: string, holding: string): ImportRow {
  const counterparty = { account: of.counterpartyAccount, bank: of.counterpartyBank, name: of.counterpartyName };
  const transaction = {
    direction: of.credit ? 1 : 2,
    amount: { minorUnits: of.amountMinor, currencyCode: of.currency },
    bookingDate: of.bookingDate,
    ...(of.bookingTime !== undefined && { bookingTime: new Date(of.bookingTime) }),
    purpose: of.reversal ? 'reversal' : purposeOf(of.purpose),
    ...(Object.values(counterparty).some((text) => text !== '') && { counterparty }),
    ...(of.valueDate && { valueDate: of.valueDate }),
    ...classOf(of),
  };
  return rowMessage(of.line, {
    $case: 'transaction',
    value: { sourceKey: key, holdingSourceKey: holding, transaction },
  });
}

/** Our words for external purpose codes (ISO 20022 ExternalPurpose1Code); others stand as they are, in lower case. */
const PURPOSES: Readonly<Record<string, string>> = {
  SALA: 'salary',
  PENS: 'pension',
  SSBE: 'benefit',
  BENE: 'benefit',
  RENT: 'rent',
  ELEC: 'utilities',
  GASB: 'utilities',
  WTER: 'utilities',
  UBIL: 'utilities',
  INSU: 'insurance',
  INPC: 'insurance',
  LIFI: 'insurance',
  HLTI: 'insurance',
  LOAN: 'loan',
  LOAR: 'loan',
  HLRP: 'mortgage',
  TAXS: 'tax',
  VATX: 'tax',
  SAVG: 'savings',
};

function purposeOf(code: string): string {
  const word = PURPOSES[code] ?? code.toLowerCase();
  return /^[a-z][a-z0-9_]{0,39}$/.test(word) ? word : '';
}

interface Class {
  operation: TransactionOperation;
  kind?: TransactionKind;
  channel?: TransactionChannel;
}

/** Sub-families that say fee or interest in every family (ISO 20022 external bank transaction codes). */
const FEES = ['CHRG', 'FEES', 'COMM', 'COME', 'COMI', 'COMT', 'TAXE'];

/** What a bank transaction code says; a proprietary one says nothing, and then the other side does. */
function classOf({ domain, family, subFamily, credit, counterpartyAccount }: Movement): Class {
  const transfer = credit
    ? TransactionOperation.TRANSACTION_OPERATION_TRANSFER_IN
    : TransactionOperation.TRANSACTION_OPERATION_TRANSFER_OUT;
  if (FEES.includes(subFamily)) {
    return {
      operation: TransactionOperation.TRANSACTION_OPERATION_FEE,
      channel: TransactionChannel.TRANSACTION_CHANNEL_AUTOMATIC,
    };
  }
  if (subFamily === 'INTR') {
    return {
      operation: TransactionOperation.TRANSACTION_OPERATION_INTEREST,
      channel: TransactionChannel.TRANSACTION_CHANNEL_AUTOMATIC,
    };
  }
  if (domain === 'PMNT' && ['CCRD', 'MCRD'].includes(family)) {
    return subFamily === 'CWDL'
      ? {
          operation: TransactionOperation.TRANSACTION_OPERATION_CARD_WITHDRAWAL,
          channel: TransactionChannel.TRANSACTION_CHANNEL_ATM,
        }
      : {
          operation: TransactionOperation.TRANSACTION_OPERATION_CARD_PAYMENT,
          channel: TransactionChannel.TRANSACTION_CHANNEL_POINT_OF_SALE,
        };
  }
  if (domain === 'PMNT' && family === 'CNTR' && ['CDPT', 'CWDL'].includes(subFamily)) {
    const operation =
      subFamily === 'CDPT'
        ? TransactionOperation.TRANSACTION_OPERATION_CASH_DEPOSIT
        : TransactionOperation.TRANSACTION_OPERATION_CASH_WITHDRAWAL;
    return { operation, channel: TransactionChannel.TRANSACTION_CHANNEL_BRANCH };
  }
  if (domain === 'PMNT' && ['RDDT', 'IDDT'].includes(family)) {
    return { operation: transfer, channel: TransactionChannel.TRANSACTION_CHANNEL_AUTOMATIC };
  }
  if (domain === 'PMNT' && ['RCDT', 'ICDT', 'RRCT', 'IRCT'].includes(family)) return { operation: transfer };
  if (domain === 'LDAS' && ['FTLN', 'NTLN', 'MTLN', 'CSLN', 'SYDN'].includes(family)) {
    const operation = credit
      ? TransactionOperation.TRANSACTION_OPERATION_LOAN_DISBURSEMENT
      : TransactionOperation.TRANSACTION_OPERATION_LOAN_REPAYMENT;
    return { operation };
  }
  return { operation: counterpartyAccount === '' ? TransactionOperation.TRANSACTION_OPERATION_OTHER : transfer };
}
