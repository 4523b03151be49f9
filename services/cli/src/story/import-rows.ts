import {
  ConsentState,
  HoldingKind,
  HoldingRole,
  HoldingStatus,
  type Import,
  ImportKind,
  type ImportRow,
  LoanStatus,
  EducationLevel,
  PartyKind,
  PartyState,
  Sex,
  StatementFrequency,
  TransactionChannel,
  TransactionDirection,
  TransactionKind,
  TransactionOperation,
} from '@rapport/proto/customer/v1';
import { Channel } from '@rapport/proto/type/v1';
import type { HoldingRow, PartyRow, Reject, TransactionRow } from '../bank/bank.js';
import { send } from '../importing/send.js';
import type { Story } from './context.js';

export interface ImportPlan {
  /** Names the import: the same words in a later run continue or repeat the same import. */
  readonly words: readonly (string | number)[];
  readonly file: string;
  readonly kind: ImportKind;
  readonly rows: () => AsyncIterable<ImportRow>;
  /** W3C traceparent under which the whole import runs. */
  readonly traceparent?: string;
}

/** Streams rows into the customer service until it has answered for all of them. Gives the import as it ended. */
export function importRows(story: Story, plan: ImportPlan): Promise<Import> {
  return send(story.clients, {
    header: {
      importId: story.request('import', ...plan.words),
      source: story.bank.id,
      organisationPath: `/${story.bank.id}`,
      file: plan.file,
      kind: plan.kind,
    },
    rows: plan.rows,
    traceparent: plan.traceparent,
    onRetry: (reason) => story.progress.note(`${plan.file}: ${reason} Trying again.`),
  });
}

/** What an import took of one kind: rows that are in the bank now, whether this run or an earlier one brought them. */
export function taken(done: Import, kind: ImportKind): number {
  const count = done.counts.find((one) => one.kind === kind);
  return count ? Number(count.created + count.unchanged + count.updated) : 0;
}

export const rejected = (done: Import): number =>
  done.counts.reduce((total, count) => total + Number(count.rejected), 0);

/** Lines that the adapter could not read, as rows of the import that reports them. */
export function* unreadable(rejects: readonly Reject[], kind: ImportKind): Generator<ImportRow> {
  for (const reject of rejects) {
    yield {
      line: BigInt(Math.max(1, reject.line)),
      row: {
        $case: 'unreadable',
        value: { kind, field: reject.field, reason: 'VALUE_INVALID', originalValue: reject.value, keys: [] },
      },
    };
  }
}

export function partyRow(row: PartyRow): ImportRow {
  const { livelihood } = row;
  return {
    line: BigInt(row.line),
    row: {
      $case: 'party',
      value: {
        sourceKey: row.sourceKey,
        party: {
          name: '',
          kind: PartyKind.PARTY_KIND_UNSPECIFIED,
          details: {
            $case: 'person',
            value: {
              givenName: row.givenName,
              familyName: row.familyName,
              sex: row.sex === 'male' ? Sex.SEX_MALE : Sex.SEX_FEMALE,
              birthDate: row.birthDate,
              salutation: '',
              occupation: livelihood?.occupation ?? '',
              industry: livelihood?.industry ?? '',
              education: livelihood?.education ?? EducationLevel.EDUCATION_LEVEL_UNSPECIFIED,
              income: livelihood && {
                perYear: { minorUnits: livelihood.incomeMinor, currencyCode: livelihood.incomeCurrency },
                asOf: livelihood.incomeAsOf,
              },
            },
          },
          displayName: '',
          source: '',
          sourceKey: '',
          organisationPath: row.organisationPath,
          relationshipManager: row.relationshipManager ? `staff/${row.relationshipManager}` : '',
          region: row.region,
          district: row.district,
          branch: row.branch,
          timeZone: row.timeZone,
          language: row.language,
          contactPoints: [
            { point: { $case: 'email', value: row.email }, preferred: true },
            { point: { $case: 'phone', value: row.phone }, preferred: false },
            {
              point: {
                $case: 'postalAddress',
                value: {
                  lines: [row.street],
                  locality: row.city,
                  region: row.region,
                  postalCode: row.postalCode,
                  countryCode: row.country,
                },
              },
              preferred: false,
            },
          ],
          identifiers: [],
          synthetic: true,
          state: PartyState.PARTY_STATE_UNSPECIFIED,
          etag: '',
          aliases: [],
        },
      },
    },
  };
}

/** Undefined for a party that never said anything about marketing by e-mail. */
export function consentRow(row: PartyRow): ImportRow | undefined {
  if (row.consent === 'none') return undefined;
  const granted = row.consent === 'granted';
  return {
    line: BigInt(row.line),
    row: {
      $case: 'consent',
      value: {
        partySourceKey: row.sourceKey,
        consent: {
          name: '',
          purpose: 'marketing',
          channel: Channel.CHANNEL_EMAIL,
          state: granted ? ConsentState.CONSENT_STATE_GRANTED : ConsentState.CONSENT_STATE_WITHDRAWN,
          textVersion: '2026-01',
          proof: '',
          effectiveTime: new Date('2026-01-02T08:00:00Z'),
          recordedBy: '',
        },
      },
    },
  };
}

const LOAN_STATUS = {
  finished: LoanStatus.LOAN_STATUS_REPAID,
  finished_unpaid: LoanStatus.LOAN_STATUS_DEFAULTED,
  running: LoanStatus.LOAN_STATUS_PERFORMING,
  running_in_debt: LoanStatus.LOAN_STATUS_IN_ARREARS,
} as const;
const FREQUENCY = {
  monthly: StatementFrequency.STATEMENT_FREQUENCY_MONTHLY,
  weekly: StatementFrequency.STATEMENT_FREQUENCY_WEEKLY,
  after_transaction: StatementFrequency.STATEMENT_FREQUENCY_AFTER_TRANSACTION,
} as const;

export function holdingRow(row: HoldingRow): ImportRow {
  const money = (minorUnits: bigint) => ({ minorUnits, currencyCode: row.currency });
  const [owner, ...others] = [...row.owners].sort((a, b) => Number(b.role === 'owner') - Number(a.role === 'owner'));
  const details = () => {
    if (row.loan) {
      return {
        $case: 'loan' as const,
        value: {
          amount: money(row.loan.amountMinor),
          durationMonths: row.loan.durationMonths,
          payment: money(row.loan.paymentMinor),
          status: LOAN_STATUS[row.loan.status],
        },
      };
    }
    if (row.card) return { $case: 'card' as const, value: { type: row.card.type, issuedDate: row.openedOn } };
    if (row.standingOrder) {
      const { amountMinor, counterpartyAccount, counterpartyBank, purpose } = row.standingOrder;
      return {
        $case: 'standingOrder' as const,
        value: {
          counterparty: { account: counterpartyAccount, bank: counterpartyBank, name: '' },
          amount: money(amountMinor),
          purpose,
        },
      };
    }
    return {
      $case: 'account' as const,
      value: {
        statementFrequency: FREQUENCY[row.account?.statementFrequency ?? 'monthly'],
        currencyCode: row.currency,
      },
    };
  };
  return {
    line: BigInt(row.line),
    row: {
      $case: 'holding',
      value: {
        sourceKey: row.sourceKey,
        ownerSourceKey: owner?.partyKey ?? '',
        accountSourceKey: '',
        otherOwners: others.map((other) => ({
          partySourceKey: other.partyKey,
          role: other.role === 'owner' ? HoldingRole.HOLDING_ROLE_OWNER : HoldingRole.HOLDING_ROLE_AUTHORISED_USER,
        })),
        holding: {
          name: '',
          kind: HoldingKind.HOLDING_KIND_UNSPECIFIED,
          iban: '',
          details: details(),
          owners: [],
          accountHolding: '',
          source: '',
          sourceKey: '',
          organisationPath: '',
          openedDate: row.openedOn,
          status: HoldingStatus.HOLDING_STATUS_UNSPECIFIED,
          etag: '',
        },
      },
    },
  };
}

function operationOf(row: TransactionRow): TransactionOperation {
  switch (row.kind) {
    case 'deposit':
      return TransactionOperation.TRANSACTION_OPERATION_CASH_DEPOSIT;
    case 'withdrawal':
      return TransactionOperation.TRANSACTION_OPERATION_CASH_WITHDRAWAL;
    case 'card':
      return TransactionOperation.TRANSACTION_OPERATION_CARD_WITHDRAWAL;
    case 'transfer':
      return row.direction === 'credit'
        ? TransactionOperation.TRANSACTION_OPERATION_TRANSFER_IN
        : TransactionOperation.TRANSACTION_OPERATION_TRANSFER_OUT;
    case 'interest':
      return TransactionOperation.TRANSACTION_OPERATION_INTEREST;
    case 'fee':
      return TransactionOperation.TRANSACTION_OPERATION_FEE;
    case 'penalty':
      return TransactionOperation.TRANSACTION_OPERATION_PENALTY;
  }
}

/** A payment towards a loan is said by its purpose alone; every other kind follows from the operation. */
function kindOf(row: TransactionRow): TransactionKind {
  return row.purpose === 'loan_payment'
    ? TransactionKind.TRANSACTION_KIND_LOAN
    : TransactionKind.TRANSACTION_KIND_UNSPECIFIED;
}

/** As far as the files let it be known: cash is counted out in a branch or a machine, the bank books by itself. */
function channelOf(row: TransactionRow): TransactionChannel {
  if (row.kind === 'deposit' || row.kind === 'withdrawal') return TransactionChannel.TRANSACTION_CHANNEL_BRANCH;
  if (row.kind === 'card') return TransactionChannel.TRANSACTION_CHANNEL_ATM;
  return row.kind === 'transfer' && row.purpose === ''
    ? TransactionChannel.TRANSACTION_CHANNEL_UNSPECIFIED
    : TransactionChannel.TRANSACTION_CHANNEL_AUTOMATIC;
}

export function transactionRow(row: TransactionRow): ImportRow {
  const partner = row.counterpartyAccount !== '' || row.counterpartyBank !== '';
  return {
    line: BigInt(row.line),
    row: {
      $case: 'transaction',
      value: {
        sourceKey: row.sourceKey,
        holdingSourceKey: row.holdingKey,
        transaction: {
          name: '',
          direction:
            row.direction === 'credit'
              ? TransactionDirection.TRANSACTION_DIRECTION_CREDIT
              : TransactionDirection.TRANSACTION_DIRECTION_DEBIT,
          amount: { minorUnits: row.amountMinor, currencyCode: row.currency },
          balanceAfter: { minorUnits: row.balanceAfterMinor, currencyCode: row.currency },
          operation: operationOf(row),
          bookingDate: row.bookedOn,
          purpose: row.purpose,
          ...(partner && {
            counterparty: { account: row.counterpartyAccount, bank: row.counterpartyBank, name: '' },
          }),
          source: '',
          sourceKey: '',
          sequence: row.sequence,
          kind: kindOf(row),
          channel: channelOf(row),
          merchantCategory: '',
          category: '',
        },
      },
    },
  };
}
