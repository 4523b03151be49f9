import { ListRejectReason, ListUploadMode, type ListUploadRow } from '@rapport/proto/segmentation/v1';
import { type DayNumber, dayNumber } from '../rule/rule.js';
import { partyForm } from './list.js';

/** How a row names its party. */
export type Reference =
  | { kind: 'party'; id: string }
  | { kind: 'sourceKey'; source: string; key: string }
  | { kind: 'account' | 'identifier'; number: string };

/** A row that can be taken, if its party is known. */
export interface UploadLine {
  /** Its place in the call, from 0. */
  index: number;
  reference: Reference;
  until: DayNumber | undefined;
  note: string;
}

/** A row that cannot. */
export interface RefusedRow {
  index: number;
  field: string;
  value: string;
  reason: ListRejectReason;
}

/** The longest that each may be, as the customer service takes them. */
const longest = { source: 60, sourceKey: 120, number: 64, note: 200 } as const;

const {
  LIST_REJECT_REASON_NAME_INVALID: nameInvalid,
  LIST_REJECT_REASON_REFERENCE_MISSING: missing,
  LIST_REJECT_REASON_DATE_INVALID: dateInvalid,
  LIST_REJECT_REASON_DATE_PAST: datePast,
  LIST_REJECT_REASON_NOTE_TOO_LONG: noteTooLong,
  LIST_REJECT_REASON_LINE_UNREADABLE: unreadable,
} = ListRejectReason;

/** What is kept of a number that tells who somebody is: its end, by which its owner knows it again. */
function endOf(number: string): string {
  return number.length > 4 ? `…${number.slice(-4)}` : '…';
}

/** The column that a reference stands in, and what may be shown of it. */
export function shownOf(row: ListUploadRow): { field: string; value: string } {
  if (row.party.trim() !== '') return { field: 'party', value: row.party.trim() };
  if (row.sourceKey.trim() !== '') return { field: 'source_key', value: row.sourceKey.trim() };
  if (row.account.trim() !== '') return { field: 'account', value: endOf(row.account.trim()) };
  if (row.identifier.trim() !== '') return { field: 'identifier', value: endOf(row.identifier.trim()) };
  return { field: 'party', value: '' };
}

function sourceKey(source: string, key: string): Reference | undefined {
  if (source.length > longest.source || key.length > longest.sourceKey) return undefined;
  return { kind: 'sourceKey', source, key };
}

/** How a row names its party; undefined when that is no way to name one. */
function referenceOf(row: ListUploadRow): Reference | undefined {
  const [party, key, account, identifier] = [row.party, row.sourceKey, row.account, row.identifier].map((text) =>
    text.trim(),
  ) as [string, string, string, string];
  if (party !== '') {
    const lower = party.toLowerCase();
    const id = partyForm.exec(lower.startsWith('parties/') ? lower : `parties/${lower}`)?.[1];
    if (id !== undefined) return { kind: 'party', id };
    const [, source, rest] = /^([\w.-]+):(\S.*)$/.exec(party) ?? [];
    return source !== undefined && rest !== undefined ? sourceKey(source, rest) : undefined;
  }
  if (key !== '') return sourceKey(row.source.trim(), key);
  const [kind, number] = account !== '' ? (['account', account] as const) : (['identifier', identifier] as const);
  return number.length > longest.number ? undefined : { kind, number };
}

/** The day of a cell: undefined for none, `invalid` for what is no day as ISO 8601 writes it. */
function dayOfCell(text: string): DayNumber | undefined | 'invalid' {
  if (text === '') return undefined;
  const [, year, month, day] = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text) ?? [];
  return dayNumber(Number(year), Number(month), Number(day)) ?? 'invalid';
}

/**
 * Tells the rows that can be taken from those that cannot, whoever their parties are; `today` is the earliest last day.
 * Of those to take off a list the last day does not matter. Pure.
 */
export function readUploadRows(
  rows: readonly ListUploadRow[],
  mode: ListUploadMode,
  today: DayNumber,
): { lines: UploadLine[]; refused: RefusedRow[] } {
  const lines: UploadLine[] = [];
  const refused: RefusedRow[] = [];
  rows.forEach((row, index) => {
    const no = (field: string, value: string, reason: ListRejectReason) =>
      refused.push({ index, field, value, reason });
    const shown = shownOf(row);
    const until = mode === ListUploadMode.LIST_UPLOAD_MODE_REMOVE ? undefined : dayOfCell(row.until.trim());
    const note = row.note.trim();
    if (row.unreadable !== '') return no('', `${row.unreadable}: ${row.party}`.slice(0, 200), unreadable);
    if (shown.value === '') return no('party', '', missing);
    if (until === 'invalid') return no('until', row.until.trim(), dateInvalid);
    if (until !== undefined && until < today) return no('until', row.until.trim(), datePast);
    if (note.length > longest.note) return no('note', `${note.slice(0, longest.note)}…`, noteTooLong);
    const reference = referenceOf(row);
    return reference ? lines.push({ index, reference, until, note }) : no(shown.field, shown.value, nameInvalid);
  });
  return { lines, refused };
}
