import type { EducationLevel } from '@rapport/proto/customer/v1';

/** The neutral shape of a bank that the story can import: what an adapter yields, whatever the files looked like. */

/** A calendar day without a time or a zone. */
export interface PlainDate {
  readonly year: number;
  readonly month: number;
  readonly day: number;
}

/** A row that could not be taken, with all that somebody needs to mend it. */
export interface Reject {
  readonly file: string;
  /** Line in the file, counted from 1; 0 when the whole file is meant. */
  readonly line: number;
  readonly field: string;
  readonly reason: string;
  /** The original value, as read. */
  readonly value: string;
}

export interface UnitRow {
  readonly id: string;
  readonly title: string;
  readonly kind: 'bank' | 'region' | 'branch';
  /** Id of the unit above; absent for the bank itself. */
  readonly parent?: string;
  readonly organisationPath: string;
}

export interface StaffRow {
  readonly id: string;
  readonly displayName: string;
  readonly unit: string;
  readonly organisationPath: string;
  readonly roles: readonly string[];
}

/** What a person does and earns. */
export interface Livelihood {
  /** ISCO-08; empty for nobody's job. */
  readonly occupation: string;
  /** ISIC Rev. 4. */
  readonly industry: string;
  readonly education: EducationLevel;
  readonly incomeMinor: bigint;
  readonly incomeCurrency: string;
  readonly incomeAsOf: PlainDate;
}

export interface PartyRow {
  readonly file: string;
  readonly line: number;
  readonly sourceKey: string;
  readonly givenName: string;
  readonly familyName: string;
  readonly sex: 'male' | 'female';
  readonly birthDate: PlainDate;
  readonly region: string;
  readonly district: string;
  /** Organisation unit id of the branch that serves the party. */
  readonly branch: string;
  readonly organisationPath: string;
  /** Staff id. */
  readonly relationshipManager: string;
  readonly email: string;
  /** E.164. */
  readonly phone: string;
  readonly street: string;
  readonly city: string;
  readonly postalCode: string;
  readonly country: string;
  readonly language: 'cs' | 'en' | 'zh';
  readonly timeZone: string;
  readonly consent: 'granted' | 'withdrawn' | 'none';
  /** What the person does and earns; left out where the bank does not know. */
  readonly livelihood?: Livelihood;
}

export type HoldingKind = 'account' | 'loan' | 'card' | 'standing_order';

export interface HoldingRow {
  readonly file: string;
  readonly line: number;
  readonly sourceKey: string;
  readonly kind: HoldingKind;
  readonly openedOn?: PlainDate;
  readonly owners: readonly { readonly partyKey: string; readonly role: 'owner' | 'authorised_user' }[];
  readonly currency: string;
  /** Kind-specific facts, in the field's words. */
  readonly account?: { readonly statementFrequency: 'monthly' | 'weekly' | 'after_transaction' };
  readonly loan?: {
    readonly amountMinor: bigint;
    readonly durationMonths: number;
    readonly paymentMinor: bigint;
    readonly status: 'finished' | 'finished_unpaid' | 'running' | 'running_in_debt';
  };
  readonly card?: { readonly type: string };
  readonly standingOrder?: {
    readonly amountMinor: bigint;
    readonly counterpartyAccount: string;
    readonly counterpartyBank: string;
    readonly purpose: string;
  };
}

export type TransactionKind = 'deposit' | 'withdrawal' | 'card' | 'transfer' | 'interest' | 'fee' | 'penalty';

export interface TransactionRow {
  readonly file: string;
  readonly line: number;
  readonly sourceKey: string;
  readonly holdingKey: string;
  readonly direction: 'credit' | 'debit';
  /** Always positive; the direction carries the sign. */
  readonly amountMinor: bigint;
  readonly balanceAfterMinor: bigint;
  readonly currency: string;
  readonly bookedOn: PlainDate;
  /** Place among the rows of the same account and day, from 1. */
  readonly sequence: number;
  readonly kind: TransactionKind;
  readonly purpose: string;
  readonly counterpartyAccount: string;
  readonly counterpartyBank: string;
}

/**
 * A bank ready to be imported. Each call reads afresh, so a step can be repeated; rows that cannot be taken go to
 * `rejects` and stop nothing else.
 */
export interface Bank {
  /** First segment of every organisation path of this bank. */
  readonly id: string;
  readonly title: string;
  readonly currency: string;
  readonly timeZone: string;
  /** The day as of which the story looks at the bank. */
  readonly asOf: PlainDate;
  readonly units: readonly UnitRow[];
  readonly staff: readonly StaffRow[];
  readonly rejects: Reject[];
  parties(): AsyncIterable<PartyRow>;
  holdings(): AsyncIterable<HoldingRow>;
  transactions(): AsyncIterable<TransactionRow>;
}

/** Days are compared as numbers: 19940331. */
export const dayNumber = (date: PlainDate): number => date.year * 10000 + date.month * 100 + date.day;

/** `1994-03-31`. */
export const isoDate = (date: PlainDate): string =>
  `${date.year}-${String(date.month).padStart(2, '0')}-${String(date.day).padStart(2, '0')}`;

/** Lower-case ASCII words joined by hyphens, fit for an organisation path segment. */
export const slug = (text: string): string =>
  text
    .normalize('NFKD')
    .replace(/[^\x20-\x7e]/g, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');

/** True when the three numbers name a day of the calendar. */
export function isDay(date: PlainDate): boolean {
  const probe = new Date(Date.UTC(date.year, date.month - 1, date.day));
  return (
    probe.getUTCFullYear() === date.year && probe.getUTCMonth() === date.month - 1 && probe.getUTCDate() === date.day
  );
}
