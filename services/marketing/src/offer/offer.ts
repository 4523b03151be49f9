import { type Queryable, type Scope, type Sql, sql } from '@rapport/kit/db';
import type { Offer } from '@rapport/proto/marketing/v1';
import type { DateMessage as CalendarDate } from '@rapport/proto/google/type';
import { above, sharedFilter, uuidOf } from '../access/access.js';
import { fail } from '../errors.js';

export interface OfferRow {
  offerId: string;
  productId: string;
  productTitle: string;
  title: string;
  terms: string;
  /** YYYY-MM-DD */
  startDate: string | null;
  endDate: string | null;
  organisationPath: string;
  createTime: Date;
}

export const offerColumns = sql.raw(`offer_id AS "offerId", offer.product_id AS "productId",
  (SELECT title FROM product WHERE product.product_id = offer.product_id) AS "productTitle", title, terms,
  start_date AS "startDate", end_date AS "endDate", organisation_path AS "organisationPath", create_time AS "createTime"`);

export function toOffer(row: OfferRow): Offer {
  return {
    name: `offers/${row.offerId}`,
    product: `products/${row.productId}`,
    title: row.title,
    terms: row.terms,
    startDate: toCalendarDate(row.startDate),
    endDate: toCalendarDate(row.endDate),
    organisationPath: row.organisationPath,
    createTime: row.createTime,
  };
}

function toCalendarDate(text: string | null): CalendarDate | undefined {
  if (text === null) return undefined;
  const [year = 0, month = 0, day = 0] = text.split('-').map(Number);
  return { year, month, day };
}

/** A day as YYYY-MM-DD; undefined for none. Throws DATE_INVALID for one that the calendar does not have. */
export function dayOf(date: CalendarDate | undefined, field: string): string | undefined {
  if (!date) return undefined;
  const { year, month, day } = date;
  const made = new Date(0);
  made.setUTCFullYear(year, month - 1, day);
  if (made.getUTCMonth() !== month - 1 || made.getUTCDate() !== day) {
    throw fail('DATE_INVALID', { violations: [{ field, description: 'is no day of the calendar' }] });
  }
  return made.toISOString().slice(0, 10);
}

/** The offer of a name if the caller may see it. */
export function findOffer(db: Queryable, scope: Scope, name: string): Promise<OfferRow | undefined> {
  return one(db, name, sharedFilter(scope));
}

/** The offer of a name if it holds at the organisation path. */
export function findOfferAt(db: Queryable, organisationPath: string, name: string): Promise<OfferRow | undefined> {
  return one(db, name, above(organisationPath));
}

async function one(db: Queryable, name: string, condition: Sql): Promise<OfferRow | undefined> {
  const id = uuidOf(name);
  if (id === undefined) return undefined;
  return db.maybe<OfferRow>(sql`SELECT ${offerColumns} FROM offer WHERE offer_id = ${id}::uuid AND ${condition}`);
}
