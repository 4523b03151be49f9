import { audit } from '@rapport/kit/crypto';
import { type Call, idempotent } from '@rapport/kit/rpc';
import { uuidv7 } from '@rapport/kit/runtime';
import { type CreateOfferRequest, CreateOfferResponse } from '@rapport/proto/marketing/v1';
import { assertInside } from '../access/access.js';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { findProductAt } from '../product/product.js';
import { dayOf, toOffer } from './offer.js';

export async function createOffer(
  { db, clock }: Deps,
  request: CreateOfferRequest,
  call: Call,
): Promise<CreateOfferResponse> {
  const { offer } = request;
  if (!offer) throw new TypeError('validation lets no request without an offer pass');
  const { title, terms, organisationPath } = offer;
  const scope = call.scope;
  assertInside(scope, organisationPath);
  const startDate = dayOf(offer.startDate, 'offer.start_date');
  const endDate = dayOf(offer.endDate, 'offer.end_date');
  if (startDate !== undefined && endDate !== undefined && endDate < startDate) {
    throw fail('DATES_REVERSED', { violations: [{ field: 'offer.end_date', description: 'is before start_date' }] });
  }
  return idempotent(
    db,
    call,
    request,
    CreateOfferResponse,
    async (tx) => {
      const product = await findProductAt(tx, organisationPath, offer.product);
      if (!product) throw fail('PRODUCT_NOT_FOUND', { metadata: { product: offer.product } });
      const { productId } = product;
      const write = { offerId: uuidv7(), productId, title, terms, organisationPath, createTime: clock.now() };
      await tx.prisma.offer.create({
        data: {
          ...write,
          startDate: startDate === undefined ? null : new Date(startDate),
          endDate: endDate === undefined ? null : new Date(endDate),
        },
      });
      await audit(tx, call, { resource: `offers/${write.offerId}`, fields: Object.keys(offer) });
      const row = { ...write, productTitle: product.title, startDate: startDate ?? null, endDate: endDate ?? null };
      return { offer: toOffer(row) };
    },
    { scope },
  );
}
