import { type Queryable, type Scope, type Sql, sql } from '@rapport/kit/db';
import { type Call, callerName, checkEtag, etag, Failure } from '@rapport/kit/rpc';
import { PartyState } from '@rapport/proto/customer/v1';
import { type Referral, ReferralState } from '@rapport/proto/marketing/v1';
import { Channel } from '@rapport/proto/type/v1';
import { uuidOf } from '../access/access.js';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';

export interface ReferralRow {
  referralId: string;
  partyId: string;
  productId: string;
  fromStaff: string;
  fromUnit: string;
  toStaff: string;
  toUnit: string;
  creditSplit: number;
  note: string;
  organisationPath: string;
  state: number;
  amountMinor: bigint | null;
  currency: string;
  lostReason: string;
  createTime: Date;
  acceptTime: Date | null;
  closeTime: Date | null;
  version: number;
}

export const referralColumns = sql.raw(`referral_id AS "referralId", party_id AS "partyId", product_id AS "productId",
  from_staff AS "fromStaff", from_unit AS "fromUnit", to_staff AS "toStaff", to_unit AS "toUnit",
  credit_split AS "creditSplit", note, organisation_path AS "organisationPath", state, amount_minor AS "amountMinor",
  currency, lost_reason AS "lostReason", create_time AS "createTime", accept_time AS "acceptTime",
  close_time AS "closeTime", version`);

export function toReferral(row: ReferralRow): Referral {
  return {
    name: `referrals/${row.referralId}`,
    party: `parties/${row.partyId}`,
    product: `products/${row.productId}`,
    fromStaff: row.fromStaff,
    fromUnit: row.fromUnit,
    toStaff: row.toStaff,
    toUnit: row.toUnit,
    creditSplitBasisPoints: row.creditSplit,
    note: row.note,
    organisationPath: row.organisationPath,
    state: row.state,
    amount: row.amountMinor === null ? undefined : { minorUnits: row.amountMinor, currencyCode: row.currency },
    lostReason: row.lostReason,
    createTime: row.createTime,
    acceptTime: row.acceptTime ?? undefined,
    closeTime: row.closeTime ?? undefined,
    etag: etag(row.referralId, row.version),
  };
}

/** What all events about a referral say. */
export function referralFacts(row: ReferralRow) {
  const { name, party, product, fromStaff, fromUnit, toStaff, toUnit } = toReferral(row);
  const { organisationPath, creditSplit: creditSplitBasisPoints } = row;
  const staff = { fromStaff, fromUnit, toStaff, toUnit };
  return { referral: name, party, product, organisationPath, ...staff, creditSplitBasisPoints };
}

/**
 * Asks customer, before a transaction, whether a party's data may be used. Throws PARTY_RESTRICTED where it may not, and
 * CUSTOMER_UNAVAILABLE where nobody says.
 */
export async function assertUsable(customer: Deps['customer'], call: Call, party: string): Promise<void> {
  const request = { parties: [party], channel: Channel.CHANNEL_EMAIL, purpose: 'marketing' };
  const options = { parent: call, asSelf: true, purpose: 'marketing', timeoutMs: 10_000 };
  const { contactabilities } = await customer.batchGetContactability(request, options).catch((error: unknown) => {
    throw error instanceof Failure && error.kind === 'unavailable' ? fail('CUSTOMER_UNAVAILABLE') : error;
  });
  if (contactabilities.some(({ state }) => state === PartyState.PARTY_STATE_RESTRICTED)) {
    throw fail('PARTY_RESTRICTED', { metadata: { party } });
  }
}

/** The rows in a scope: those of its part of the bank, and those that the caller made or was made. */
export function referralFilter(scope: Scope): Sql {
  if (scope.kind !== 'rows') return scope.kind === 'everything' ? sql`TRUE` : sql`FALSE`;
  const allowed: Sql[] = [];
  const { subtree, branch, own } = scope;
  if (subtree === '/') return sql`TRUE`;
  if (subtree) {
    allowed.push(sql`(organisation_path = ${subtree} OR starts_with(organisation_path, ${`${subtree}/`}))`);
  }
  if (branch) allowed.push(sql`organisation_path = ${branch}`);
  if (own) allowed.push(sql`from_staff = ${own} OR to_staff = ${own}`);
  return allowed.length > 0 ? sql`(${sql.join(allowed, ' OR ')})` : sql`FALSE`;
}

/** The referral of a name if the caller may see it. */
export async function findReferral(db: Queryable, scope: Scope, name: string): Promise<ReferralRow | undefined> {
  const id = uuidOf(name);
  if (id === undefined) return undefined;
  return db.maybe<ReferralRow>(sql`
    SELECT ${referralColumns} FROM referral WHERE referral_id = ${id}::uuid AND ${referralFilter(scope)}`);
}

/**
 * The referral of a name, locked until the transaction ends, for the one it was made to. Throws REFERRAL_NOT_FOUND,
 * NOT_YOUR_REFERRAL, ETAG_MISMATCH, and REFERRAL_STATE where it stands in none of the given states.
 */
export async function lockReferral(
  db: Queryable,
  scope: Scope,
  call: Call,
  request: { name: string; etag: string },
  ...states: ReferralState[]
): Promise<ReferralRow> {
  const row = await db.maybe<ReferralRow>(sql`
    SELECT ${referralColumns} FROM referral
    WHERE referral_id = ${uuidOf(request.name) ?? null}::uuid AND ${referralFilter(scope)} FOR UPDATE`);
  const metadata = { referral: request.name };
  if (!row) throw fail('REFERRAL_NOT_FOUND', { metadata });
  if (row.toStaff !== callerName(call)) throw fail('NOT_YOUR_REFERRAL', { metadata });
  checkEtag(request.etag, etag(row.referralId, row.version));
  if (!states.includes(row.state)) {
    throw fail('REFERRAL_STATE', { metadata: { ...metadata, state: ReferralState[row.state] ?? '' } });
  }
  return row;
}
