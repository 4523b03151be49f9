import { type Queryable, type Scope, type Sql, sql } from '@rapport/kit/db';
import {
  Account,
  Card,
  Deposit,
  Fund,
  type Holding,
  HoldingKind,
  type HoldingOpened,
  HoldingRole,
  HoldingStatus,
  type HoldingUpdated,
  Insurance,
  Loan,
  Overdraft,
  StandingOrder,
} from '@rapport/proto/customer/v1';
import type { DateMessage } from '@rapport/proto/google/type';
import type { Money } from '@rapport/proto/type/v1';
import { seen } from '../access/access.js';
import { compact, ibanValid } from '../cleaning/cleaning.js';
import type { Deps } from '../deps.js';
import { openIban } from './numbers.js';
import { dayMessage, isoDay } from '../calendar/calendar.js';
import { partyName } from '../party/party.js';
import { holdingColumns, holdingIdsIn, holdingName, type HoldingRecord, notFound, type Owner } from './record.js';

export {
  holdingColumns,
  holdingFromJson,
  holdingIdsIn,
  holdingJsonColumns,
  holdingName,
  type HoldingRecord,
  notFound,
  type Owner,
} from './record.js';
export { indexNumbers, numberDigest, openIban } from './numbers.js';
export { claimKeys, insertHoldings, keyKind, type NumberedHolding, storeHoldings } from './store.js';

/** The holding of that name inside the scope; `lock` keeps it from changing until the transaction ends. */
export async function findHolding(
  on: Queryable,
  name: string,
  scope: Scope,
  lock: Sql = sql.empty,
): Promise<HoldingRecord> {
  const { partyId, holdingId } = holdingIdsIn(name);
  const row = await on.maybe<HoldingRecord>(sql`
    SELECT ${holdingColumns} FROM holding h
    WHERE h.party_id = ${partyId} AND h.holding_id = ${holdingId}
      AND ${seen(scope, 'h')} ${lock}`);
  if (!row) throw notFound(name);
  return row;
}

type Details = NonNullable<Holding['details']>;

const kinds: Readonly<Record<Details['$case'], HoldingKind>> = {
  account: HoldingKind.HOLDING_KIND_ACCOUNT,
  loan: HoldingKind.HOLDING_KIND_LOAN,
  card: HoldingKind.HOLDING_KIND_CARD,
  standingOrder: HoldingKind.HOLDING_KIND_STANDING_ORDER,
  deposit: HoldingKind.HOLDING_KIND_DEPOSIT,
  fund: HoldingKind.HOLDING_KIND_FUND,
  insurance: HoldingKind.HOLDING_KIND_INSURANCE,
  overdraft: HoldingKind.HOLDING_KIND_OVERDRAFT,
};

/** The kind that details make. */
export function kindOf(details: Details): HoldingKind {
  return kinds[details.$case];
}

/** Details as they are stored: the JSON form of the contract. */
export function detailsJson(details: Details): unknown {
  if (details.$case === 'account') return Account.toJSON(details.value);
  if (details.$case === 'loan') return Loan.toJSON(details.value);
  if (details.$case === 'card') return Card.toJSON(details.value);
  if (details.$case === 'deposit') return Deposit.toJSON(details.value);
  if (details.$case === 'fund') return Fund.toJSON(details.value);
  if (details.$case === 'insurance') return Insurance.toJSON(details.value);
  if (details.$case === 'overdraft') return Overdraft.toJSON(details.value);
  return StandingOrder.toJSON(details.value);
}

function detailsOf(kind: number, stored: unknown): Details {
  if (kind === HoldingKind.HOLDING_KIND_ACCOUNT) return { $case: 'account', value: Account.fromJSON(stored) };
  if (kind === HoldingKind.HOLDING_KIND_LOAN) return { $case: 'loan', value: Loan.fromJSON(stored) };
  if (kind === HoldingKind.HOLDING_KIND_CARD) return { $case: 'card', value: Card.fromJSON(stored) };
  if (kind === HoldingKind.HOLDING_KIND_DEPOSIT) return { $case: 'deposit', value: Deposit.fromJSON(stored) };
  if (kind === HoldingKind.HOLDING_KIND_FUND) return { $case: 'fund', value: Fund.fromJSON(stored) };
  if (kind === HoldingKind.HOLDING_KIND_INSURANCE) return { $case: 'insurance', value: Insurance.fromJSON(stored) };
  if (kind === HoldingKind.HOLDING_KIND_OVERDRAFT) return { $case: 'overdraft', value: Overdraft.fromJSON(stored) };
  return { $case: 'standingOrder', value: StandingOrder.fromJSON(stored) };
}

/** Every amount that a holding states. */
function amountsOf(holding: Holding): Money[] {
  const { details, balance } = holding;
  const stated: (Money | undefined)[] = [balance];
  if (details?.$case === 'loan') stated.push(details.value.amount, details.value.payment);
  if (details?.$case === 'standingOrder') stated.push(details.value.amount);
  if (details?.$case === 'insurance') stated.push(details.value.sumInsured, details.value.premium);
  if (details?.$case === 'overdraft') stated.push(details.value.limit);
  return stated.filter((money) => money !== undefined);
}

/** The currency of a holding, empty when it states none; undefined when its amounts are of several. */
export function currencyOf(holding: Holding): string | undefined {
  const named = holding.details?.$case === 'account' ? holding.details.value.currencyCode : '';
  const codes = new Set(amountsOf(holding).map((money) => money.currencyCode));
  if (named !== '') codes.add(named);
  return codes.size > 1 ? undefined : ([...codes][0] ?? '');
}

/** A rule of the domain that a holding breaks; `field` is relative to the holding. */
export interface HoldingBreach {
  field: string;
  reason: 'FIELD_INVALID' | 'CURRENCY_MISMATCH';
  description: string;
}

/** The first rule beyond those of the contract that the holding breaks. */
export function holdingBreach(holding: Holding): HoldingBreach | undefined {
  const { details, openedDate, closedDate } = holding;
  const invalid = (field: string, description: string): HoldingBreach => ({
    field,
    reason: 'FIELD_INVALID',
    description,
  });
  if (details === undefined) return invalid('account', 'the details of one kind are required');
  if (holding.iban !== '' && !ibanValid(ibanOf(holding))) {
    return invalid('iban', 'must be an IBAN: a country that has them, its length, and check digits that hold');
  }
  const opened = openedDate && isoDay(openedDate);
  const closed = closedDate && isoDay(closedDate);
  if (openedDate && opened === undefined) return invalid('opened_date', 'must be a day of the calendar');
  if (!openedDate && details.$case !== 'standingOrder') return invalid('opened_date', 'is required');
  if (closedDate && closed === undefined) return invalid('closed_date', 'must be a day of the calendar');
  if (opened && closed && closed < opened) return invalid('closed_date', 'must not lie before opened_date');
  if (details.$case === 'loan') {
    if ((details.value.amount?.minorUnits ?? 0n) <= 0n) return invalid('loan.amount', 'must be positive');
    if ((details.value.payment?.minorUnits ?? 1n) <= 0n) return invalid('loan.payment', 'must be positive');
  }
  if (details.$case === 'standingOrder' && (details.value.amount?.minorUnits ?? 0n) <= 0n) {
    return invalid('standing_order.amount', 'must be positive');
  }
  const later = laterBreach(details, opened);
  if (later) return invalid(...later);
  if (details.$case === 'card' && details.value.issuedDate && isoDay(details.value.issuedDate) === undefined) {
    return invalid('card.issued_date', 'must be a day of the calendar');
  }
  if (currencyOf(holding) === undefined) {
    return { field: 'balance', reason: 'CURRENCY_MISMATCH', description: 'all amounts must be in one currency' };
  }
  return undefined;
}

/** What deposits, insurances and overdrafts must keep: the field and the rule that is broken. */
function laterBreach(details: Details, opened: string | undefined): [field: string, description: string] | undefined {
  const end = (field: string, date: DateMessage | undefined): [string, string] | undefined => {
    const day = date && isoDay(date);
    if (date && day === undefined) return [field, 'must be a day of the calendar'];
    return day && opened && day < opened ? [field, 'must not lie before opened_date'] : undefined;
  };
  const positive = (field: string, money: Money | undefined): [string, string] | undefined =>
    money && money.minorUnits <= 0n ? [field, 'must be positive'] : undefined;
  if (details.$case === 'deposit') return end('deposit.maturity_date', details.value.maturityDate);
  if (details.$case === 'overdraft') return positive('overdraft.limit', details.value.limit);
  if (details.$case !== 'insurance') return undefined;
  const { endDate, sumInsured, premium } = details.value;
  return (
    end('insurance.end_date', endDate) ??
    positive('insurance.sum_insured', sumInsured) ??
    positive('insurance.premium', premium)
  );
}

/** The IBAN that a message states, letters and digits alone; empty for none. */
export function ibanOf({ iban }: Holding): string {
  return compact(iban);
}

/** The columns that follow from a message alone. */
export function holdingFields(holding: Holding) {
  const details = holding.details as Details;
  return {
    kind: kindOf(details),
    details: detailsJson(details),
    openedDate: (holding.openedDate && isoDay(holding.openedDate)) ?? null,
    closedDate: (holding.closedDate && isoDay(holding.closedDate)) ?? null,
    status:
      holding.status || (holding.closedDate ? HoldingStatus.HOLDING_STATUS_CLOSED : HoldingStatus.HOLDING_STATUS_OPEN),
    currency: currencyOf(holding) ?? '',
    balance: holding.balance?.minorUnits ?? null,
    sealed: null,
    wrappedKey: null,
  };
}

function moneyOf(row: HoldingRecord): Money | undefined {
  return row.balance === null ? undefined : { minorUnits: row.balance, currencyCode: row.currency };
}

function ownersOf(row: HoldingRecord): { party: string; role: HoldingRole }[] {
  return row.owners.map(({ party, role }) => ({ party: partyName(party), role }));
}

/** The message of a row. */
export function holdingMessage({ cipher }: Pick<Deps, 'cipher'>, row: HoldingRecord): Holding {
  const { accountPartyId, accountHoldingId } = row;
  return {
    name: holdingName(row),
    kind: row.kind,
    details: detailsOf(row.kind, row.details),
    owners: ownersOf(row),
    accountHolding:
      accountPartyId === null || accountHoldingId === null
        ? ''
        : holdingName({ partyId: accountPartyId, holdingId: accountHoldingId }),
    source: row.source ?? '',
    sourceKey: row.sourceKey ?? '',
    organisationPath: row.organisationPath,
    openedDate: row.openedDate === null ? undefined : dayMessage(row.openedDate),
    closedDate: row.closedDate === null ? undefined : dayMessage(row.closedDate),
    balance: moneyOf(row),
    balanceTime: row.balanceTime ?? undefined,
    status: row.status,
    createTime: row.createTime,
    updateTime: row.updateTime,
    etag: `"${row.version}"`,
    iban: openIban(cipher, row),
  };
}

/** The parties that own a holding, the first owner first; who only uses it or answers for it is not among them. */
export function ownerNames(owners: readonly Owner[]): string[] {
  return owners.filter(({ role }) => role === HoldingRole.HOLDING_ROLE_OWNER).map(({ party }) => partyName(party));
}

/** The one amount that says how big a holding is, where it has one beside its balance. */
function statedAmount(details: Details): Money | undefined {
  if (details.$case === 'overdraft') return details.value.limit;
  if (details.$case === 'insurance') return details.value.sumInsured;
  return details.$case === 'loan' || details.$case === 'standingOrder' ? details.value.amount : undefined;
}

/** Whether transactions are booked on holdings of this kind. */
export function isBookable(kind: number): boolean {
  return kind !== HoldingKind.HOLDING_KIND_STANDING_ORDER && kind !== HoldingKind.HOLDING_KIND_INSURANCE;
}

/**
 * The kinds from which a customer spends. What a loan pays out, or what leaves a deposit or a fund, is a debit of the
 * holding and no spending: it comes onto an account first.
 */
export const spendingKinds: readonly HoldingKind[] = [
  HoldingKind.HOLDING_KIND_ACCOUNT,
  HoldingKind.HOLDING_KIND_CARD,
  HoldingKind.HOLDING_KIND_OVERDRAFT,
];

/** What the world hears of a new holding. */
export function holdingOpened(row: HoldingRecord): HoldingOpened {
  const details = detailsOf(row.kind, row.details);
  const loan = details.$case === 'loan' ? details.value : undefined;
  const order = details.$case === 'standingOrder' ? details.value : undefined;
  return {
    holding: holdingName(row),
    party: partyName(row.partyId),
    organisationPath: row.organisationPath,
    kind: row.kind,
    owners: ownersOf(row),
    openedDate: row.openedDate === null ? undefined : dayMessage(row.openedDate),
    balance: moneyOf(row),
    status: row.status,
    amount: statedAmount(details),
    loanStatus: loan?.status ?? 0,
    loanDurationMonths: loan?.durationMonths ?? 0,
    cardType: details.$case === 'card' ? details.value.type : '',
    standingOrderPurpose: order?.purpose ?? '',
    relationshipManager: row.manager,
    source: row.source ?? '',
  };
}

/** What the world hears of a changed holding; `before` are those who had it until now. */
export function holdingUpdated(row: HoldingRecord, before: readonly Owner[]): HoldingUpdated {
  const details = detailsOf(row.kind, row.details);
  return {
    holding: holdingName(row),
    party: partyName(row.partyId),
    organisationPath: row.organisationPath,
    kind: row.kind,
    owners: ownersOf(row),
    openedDate: row.openedDate === null ? undefined : dayMessage(row.openedDate),
    closedDate: row.closedDate === null ? undefined : dayMessage(row.closedDate),
    balance: moneyOf(row),
    status: row.status,
    loanStatus: details.$case === 'loan' ? details.value.status : 0,
    updateTime: row.updateTime,
    formerOwners: before
      .filter(({ party }) => row.owners.every((owner) => owner.party !== party))
      .map(({ party }) => partyName(party)),
    amount: statedAmount(details),
    cardType: details.$case === 'card' ? details.value.type : '',
  };
}
