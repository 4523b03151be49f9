import type { Call } from '@rapport/kit/rpc';
import type { GetProductRequest, GetProductResponse } from '@rapport/proto/marketing/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { findProduct, toProduct } from './product.js';

export async function getProduct({ db }: Deps, request: GetProductRequest, call: Call): Promise<GetProductResponse> {
  const row = await findProduct(db.system, call.scope, request.name);
  if (!row) throw fail('PRODUCT_NOT_FOUND', { metadata: { product: request.name } });
  return { product: toProduct(row) };
}
