import { type Bank, dayNumber, type PlainDate, type TransactionRow } from '../bank/bank.js';

/** The rule of the campaign's segment, in numbers, so that the story can find a party that one transaction moves into it. */
export interface SaverRule {
  /** Credit of the last ninety days above this, in minor units. */
  readonly creditMinor: bigint;
  /** Balance above this, in minor units. */
  readonly balanceMinor: bigint;
}

/** The rule as a marketer writes it: amounts in whole units of the currency. */
export const saverRule = (rule: SaverRule): string =>
  `tx.sum("credit", duration("2160h")) > ${rule.creditMinor / 100n} && holdings.balance > ${rule.balanceMinor / 100n}`;

/** First day of the ninety that end with `asOf`, as a day number. */
function windowStart(asOf: PlainDate): number {
  const start = new Date(Date.UTC(asOf.year, asOf.month - 1, asOf.day - 89));
  return dayNumber({ year: start.getUTCFullYear(), month: start.getUTCMonth() + 1, day: start.getUTCDate() });
}

interface Account {
  credit: bigint;
  balance: bigint;
  largest: TransactionRow | undefined;
}

/**
 * Finds the transaction that the story follows: the largest credit of an account, whose owner has granted marketing by
 * e-mail and is no saver without it and one with it. The first by source key, so that every run finds the same. Throws
 * when the bank has none.
 */
export async function findFollowed(bank: Bank, rule: SaverRule): Promise<TransactionRow> {
  const granted = new Set<string>();
  for await (const party of bank.parties()) if (party.consent === 'granted') granted.add(party.sourceKey);
  const owned = new Set<string>();
  const accounts = new Map<string, string[]>();
  for await (const holding of bank.holdings()) {
    if (holding.kind !== 'account') continue;
    const owners = holding.owners.filter((owner) => owner.role === 'owner').map((owner) => owner.partyKey);
    // A party with a second account could be a saver by it: only parties with one are considered.
    for (const owner of owners) {
      if (owned.has(owner)) granted.delete(owner);
      owned.add(owner);
    }
    accounts.set(holding.sourceKey, owners);
  }
  const from = windowStart(bank.asOf);
  const to = dayNumber(bank.asOf);
  const totals = new Map<string, Account>();
  const empty: Account = { credit: 0n, balance: 0n, largest: undefined };
  for await (const row of bank.transactions()) {
    const day = dayNumber(row.bookedOn);
    if (day > to) continue;
    const account = totals.get(row.holdingKey) ?? { ...empty };
    account.balance = row.balanceAfterMinor;
    if (day >= from && row.direction === 'credit') {
      account.credit += row.amountMinor;
      if (row.amountMinor > (account.largest?.amountMinor ?? 0n)) account.largest = row;
    }
    totals.set(row.holdingKey, account);
  }
  let found: TransactionRow | undefined;
  for (const [key, { credit, balance, largest }] of totals) {
    if (!largest || !accounts.get(key)?.every((owner) => granted.has(owner))) continue;
    const crosses = credit > rule.creditMinor && credit - largest.amountMinor <= rule.creditMinor;
    if (!crosses || balance <= rule.balanceMinor) continue;
    if (!found || largest.sourceKey < found.sourceKey) found = largest;
  }
  if (!found) throw new Error('the bank has no transaction that would make its owner a saver; nothing can be followed');
  return found;
}
