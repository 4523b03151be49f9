import type { UploadRow } from '../../api/lists.js';
import type { FileLine } from './read-file.js';

/** What may stand in the column that names the customer. */
export const ways = ['party', 'sourceKey', 'account', 'identifier'] as const;
export type Way = (typeof ways)[number];

/** Which columns of a file mean what; -1 is none. */
export interface Columns {
  way: Way;
  key: number;
  /** The source of keys, for the whole file; empty is any. */
  source: string;
  until: number;
  note: number;
}

const usual: Readonly<Record<Way | 'until' | 'note', RegExp>> = {
  party: /^(party|customer|客户|客户编号)$/i,
  sourceKey: /^(source[_ ]?key|key|client|客户号|来源键)$/i,
  account: /^(account|iban|账号|账户)$/i,
  identifier: /^(identifier|证件号|标识)$/i,
  until: /^(until|valid[_ ]until|end|截止日期|截止)$/i,
  note: /^(note|comment|remark|备注)$/i,
};

/** What the columns of a file mean by their names; the first one names the customer where none is known. */
export function guessColumns(heading: readonly string[]): Columns {
  const find = (pattern: RegExp) => heading.findIndex((name) => pattern.test(name.trim()));
  const way = ways.find((one) => find(usual[one]) >= 0) ?? 'party';
  return {
    ...{ way, source: '' },
    key: Math.max(0, find(usual[way])),
    until: find(usual.until),
    note: find(usual.note),
  };
}

/** The row that is sent of a record; one of another width than the heading is told as unreadable. */
export function rowOf({ line, cells }: FileLine, width: number, columns: Columns): UploadRow {
  const cell = (column: number, most = 200) => (column < 0 ? '' : (cells[column] ?? '')).trim().slice(0, most);
  if (cells.length !== width) return { line, party: cells.join(' ').slice(0, 200), unreadable: 'COLUMN_COUNT' };
  const named = { [columns.way]: cell(columns.key) };
  const source = columns.way === 'sourceKey' && columns.source.trim() !== '' ? { source: columns.source.trim() } : {};
  return { line, ...named, ...source, until: cell(columns.until), note: cell(columns.note, 1000) };
}
