import type { Call } from '@rapport/kit/rpc';
import type { GetOfferRequest, GetOfferResponse } from '@rapport/proto/marketing/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { findOffer, toOffer } from './offer.js';

export async function getOffer({ db }: Deps, request: GetOfferRequest, call: Call): Promise<GetOfferResponse> {
  const row = await findOffer(db.system, call.scope, request.name);
  if (!row) throw fail('OFFER_NOT_FOUND', { metadata: { offer: request.name } });
  return { offer: toOffer(row) };
}
