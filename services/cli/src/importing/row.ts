import { ImportRow } from '@rapport/proto/customer/v1';

/**
 * The message of a row whose parts were put together from names in a file: fields that are not set get the contract's
 * defaults. What the values are was judged field by field; the service judges the row again.
 */
export function rowMessage(line: number, row: object): ImportRow {
  return ImportRow.fromPartial({ line: BigInt(line), row: row as NonNullable<ImportRow['row']> });
}
