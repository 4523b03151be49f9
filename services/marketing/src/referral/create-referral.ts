import { covers } from '@rapport/kit/db';
import { audit } from '@rapport/kit/crypto';
import { publish } from '@rapport/kit/events';
import { type Call, callerName, idempotent } from '@rapport/kit/rpc';
import { uuidv7 } from '@rapport/kit/runtime';
import {
  type CreateReferralRequest,
  CreateReferralResponse,
  ReferralMade,
  ReferralState,
} from '@rapport/proto/marketing/v1';
import { uuidOf } from '../access/access.js';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { goldenOf } from '../merge/merge.js';
import { findProductAt } from '../product/product.js';
import { assertUsable, referralFacts, toReferral } from './referral.js';

export async function createReferral(
  { db, clock, customer }: Deps,
  request: CreateReferralRequest,
  call: Call,
): Promise<CreateReferralResponse> {
  const { referral } = request;
  if (!referral) throw new TypeError('validation lets no request without a referral pass');
  const { fromStaff, fromUnit, toStaff, toUnit, note, organisationPath } = referral;
  if (fromStaff !== callerName(call)) throw fail('NOT_YOUR_REFERRAL', { metadata: { from_staff: fromStaff } });
  // Whom it is made to may sit anywhere in the bank; the party is one of the maker's own part of it.
  if (!covers(call.principal.orgPath, organisationPath)) {
    throw fail('ORGANISATION_PATH_OUTSIDE', { metadata: { organisation_path: organisationPath } });
  }
  const partyId = uuidOf(referral.party);
  if (partyId === undefined) {
    throw fail('PARTY_NAME_INVALID', { violations: [{ field: 'referral.party', description: 'is no name' }] });
  }
  await assertUsable(customer, call, referral.party);
  const scope = call.scope;
  return idempotent(
    db,
    call,
    request,
    CreateReferralResponse,
    async (tx) => {
      const product = await findProductAt(tx, organisationPath, referral.product);
      if (!product) throw fail('PRODUCT_NOT_FOUND', { metadata: { product: referral.product } });
      const write = {
        referralId: uuidv7(),
        partyId: await goldenOf(tx, partyId),
        productId: product.productId,
        fromStaff,
        fromUnit,
        toStaff,
        toUnit,
        creditSplit: referral.creditSplitBasisPoints,
        note,
        organisationPath,
        state: ReferralState.REFERRAL_STATE_MADE,
        createTime: clock.now(),
      };
      await tx.prisma.referral.createMany({ data: [write] });
      const closing = { amountMinor: null, currency: '', lostReason: '', acceptTime: null, closeTime: null };
      const row = { ...write, ...closing, version: 1 };
      const message = { ...referralFacts(row), createTime: row.createTime };
      await publish(tx, ReferralMade, message, { aggregate: row.referralId, subject: message.referral });
      await audit(tx, call, {
        resource: [message.referral, message.party],
        fields: ['party', 'product', 'from_staff', 'to_staff', 'credit_split_basis_points', 'note'],
      });
      return { referral: toReferral(row) };
    },
    { scope },
  );
}
