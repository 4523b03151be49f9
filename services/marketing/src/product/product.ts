import { type Queryable, type Scope, type Sql, sql } from '@rapport/kit/db';
import type { Product } from '@rapport/proto/marketing/v1';
import { above, idOf, sharedFilter } from '../access/access.js';

export interface ProductRow {
  productId: string;
  title: string;
  description: string;
  category: string;
  organisationPath: string;
  createTime: Date;
}

export const productColumns = sql.raw(`product_id AS "productId", title, description, category,
  organisation_path AS "organisationPath", create_time AS "createTime"`);

export function toProduct(row: ProductRow): Product {
  return {
    name: `products/${row.productId}`,
    title: row.title,
    description: row.description,
    category: row.category,
    organisationPath: row.organisationPath,
    createTime: row.createTime,
  };
}

/** The product of a name if the caller may see it. */
export function findProduct(db: Queryable, scope: Scope, name: string): Promise<ProductRow | undefined> {
  return one(db, name, sharedFilter(scope));
}

/** The product of a name if it is sold at the organisation path. */
export function findProductAt(db: Queryable, organisationPath: string, name: string): Promise<ProductRow | undefined> {
  return one(db, name, above(organisationPath));
}

function one(db: Queryable, name: string, condition: Sql): Promise<ProductRow | undefined> {
  return db.maybe<ProductRow>(
    sql`SELECT ${productColumns} FROM product WHERE product_id = ${idOf(name)} AND ${condition}`,
  );
}
