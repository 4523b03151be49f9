import { sql } from '@rapport/kit/db';
import { type Call, decodePage, pageSize } from '@rapport/kit/rpc';
import type { ListProductsRequest, ListProductsResponse } from '@rapport/proto/marketing/v1';
import { pageOf, sharedFilter, underPath } from '../access/access.js';
import type { Deps } from '../deps.js';
import { type ProductRow, productColumns, toProduct } from './product.js';

export async function listProducts(
  { db }: Deps,
  request: ListProductsRequest,
  call: Call,
): Promise<ListProductsResponse> {
  const [after = ''] = decodePage(call, request, 'string') ?? [];
  const rows = await db.system.rows<ProductRow>(sql`
    SELECT ${productColumns} FROM product
    WHERE product_id > ${after} AND ${sharedFilter(call.scope)} AND ${underPath(request.organisationPath)}
    ORDER BY product_id LIMIT ${pageSize(request) + 1}`);
  const { page, nextPageToken } = pageOf(call, request, rows, (row) => row.productId);
  return { products: page.map(toProduct), nextPageToken };
}
