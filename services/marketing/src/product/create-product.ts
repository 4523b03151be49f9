import { audit } from '@rapport/kit/crypto';
import { type Call, idempotent } from '@rapport/kit/rpc';
import { type CreateProductRequest, CreateProductResponse } from '@rapport/proto/marketing/v1';
import { assertInside } from '../access/access.js';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { toProduct } from './product.js';

export async function createProduct(
  { db, clock }: Deps,
  request: CreateProductRequest,
  call: Call,
): Promise<CreateProductResponse> {
  const { productId, product } = request;
  if (!product) throw new TypeError('validation lets no request without a product pass');
  const { title, description, category, organisationPath } = product;
  const scope = call.scope;
  assertInside(scope, organisationPath);
  const write = { productId, title, description, category, organisationPath, createTime: clock.now() };
  return idempotent(
    db,
    call,
    request,
    CreateProductResponse,
    async (tx) => {
      const { count } = await tx.prisma.product.createMany({ data: [write], skipDuplicates: true });
      if (count === 0) throw fail('PRODUCT_EXISTS', { metadata: { product: `products/${productId}` } });
      await audit(tx, call, { resource: `products/${productId}`, fields: Object.keys(product) });
      return { product: toProduct(write) };
    },
    { scope },
  );
}
