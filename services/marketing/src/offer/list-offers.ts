import { sql } from '@rapport/kit/db';
import { type Call, pageSize } from '@rapport/kit/rpc';
import type { ListOffersRequest, ListOffersResponse } from '@rapport/proto/marketing/v1';
import { idBefore, idOf, pageOf, sharedFilter, underPath } from '../access/access.js';
import type { Deps } from '../deps.js';
import { type OfferRow, offerColumns, toOffer } from './offer.js';

export async function listOffers({ db }: Deps, request: ListOffersRequest, call: Call): Promise<ListOffersResponse> {
  const ofProduct = request.product === '' ? sql.empty : sql`AND product_id = ${idOf(request.product)}`;
  const rows = await db.system.rows<OfferRow>(sql`
    SELECT ${offerColumns} FROM offer
    WHERE offer_id < ${idBefore(call, request)}::uuid AND ${sharedFilter(call.scope)}
      AND ${underPath(request.organisationPath)} ${ofProduct}
    ORDER BY offer_id DESC LIMIT ${pageSize(request) + 1}`);
  const { page, nextPageToken } = pageOf(call, request, rows, (row) => row.offerId);
  return { offers: page.map(toOffer), nextPageToken };
}
