import type { PlainDate } from '../bank/bank.js';
import { readDay, readMoney } from '../csv/values.js';
import { OperatorError } from '../suite.js';
import { type Element, find, readXml, textAt } from './xml.js';

/** One booked movement: an entry, or one transaction of a batch entry. */
export interface Movement {
  readonly line: number;
  /** Its number within the statement's entries, from 1, and within the entry, from 1; 0 for an entry as a whole. */
  readonly entry: number;
  readonly part: number;
  readonly credit: boolean;
  readonly reversal: boolean;
  readonly amountMinor: bigint;
  readonly currency: string;
  readonly bookingDate: PlainDate;
  /** ISO 8601 with offset, where the entry states a moment. */
  readonly bookingTime?: string;
  /** The account servicer's reference; '' when none. */
  readonly reference: string;
  /** Domain, family and subfamily of the bank transaction code (ISO 20022 external codes); '' where proprietary. */
  readonly domain: string;
  readonly family: string;
  readonly subFamily: string;
  /** External purpose code; '' when none. */
  readonly purpose: string;
  readonly counterpartyAccount: string;
  readonly counterpartyBank: string;
  readonly counterpartyName: string;
  /** From when the money counts; unset where the entry does not say it. */
  readonly valueDate?: PlainDate;
}

/** An entry that cannot be taken. */
export interface Unread {
  readonly line: number;
  readonly field: string;
  readonly reason: string;
  readonly value: string;
}

/** Whether the booked entries of a statement lead from its opening to its closing balance. */
export interface BalanceCheck {
  readonly statement: string;
  readonly account: string;
  readonly line: number;
  readonly entries: number;
  /** Entries that are not booked: pending or for information. */
  readonly passedOver: number;
  readonly outcome: 'closes' | 'differs' | 'cannot_tell';
  /** Closing balance less opening balance and entries, in minor units, where it differs. */
  readonly gapMinor?: bigint;
  readonly currency: string;
}

/** What a file says, in its order. */
export type CamtPart =
  | { readonly is: 'statement'; readonly id: string; readonly account: string; readonly currency: string }
  | { readonly is: 'movement'; readonly of: Movement }
  | { readonly is: 'unread'; readonly of: Unread }
  | { readonly is: 'end'; readonly check: BalanceCheck };

const NAMESPACE = /^urn:iso:std:iso:20022:tech:xsd:camt\.053\.001\.(\d{2})$/;
const KNOWN = ['02', '03', '04', '05', '06', '07', '08', '09', '10', '11', '12', '13'];
const BASE = 'Document/BkToCstmrStmt';
const STATEMENT = `${BASE}/Stmt`;

/** Everything that is read of an entry, a balance, an account or the heading. */
const kept = new Set([
  ...['MsgId', 'Id', 'IBAN', 'Othr', 'Ccy', 'Tp', 'CdOrPrtry', 'Cd', 'Prtry', 'Amt', 'CdtDbtInd', 'RvslInd', 'Sts'],
  ...['BookgDt', 'Dt', 'DtTm', 'AcctSvcrRef', 'BkTxCd', 'Domn', 'Fmly', 'SubFmlyCd', 'NtryDtls', 'TxDtls', 'Refs'],
  ...['AmtDtls', 'TxAmt', 'InstdAmt', 'RltdPties', 'DbtrAcct', 'CdtrAcct', 'RltdAgts', 'DbtrAgt', 'CdtrAgt'],
  ...['FinInstnId', 'BICFI', 'BIC', 'Purp', 'ValDt', 'Dbtr', 'Cdtr', 'Pty', 'Nm'],
]);

interface Open {
  id: string;
  account: string;
  currency: string;
  line: number;
  started: boolean;
  balances: { type: string; amountMinor: bigint; currency: string }[];
  entries: number;
  passedOver: number;
  sum: bigint;
  currencies: Set<string>;
  unread: number;
}

/**
 * Reads ISO 20022 camt.053 (bank to customer statement, versions 02 to 13: elements that differ between them are found
 * under either name), statement by statement. Throws an OperatorError with the place and the reason for a file that is no
 * camt.053, or lacks what every statement has; an entry that cannot be read is given as such and the next one is read.
 */
export async function* readStatements(chunks: AsyncIterable<string>, file: string): AsyncGenerator<CamtPart> {
  const queue: CamtPart[] = [];
  let wake: (() => void) | undefined;
  let drained: (() => void) | undefined;
  const state = { ended: false, left: false, failed: undefined as Error | undefined };
  const parsing = parse(chunks, file, queue, () => {
    // The reader is given what is there before more is parsed: the queue never holds more than one piece of the file.
    if (state.left) throw new Error('nobody listens any more');
    if (queue.length === 0) return Promise.resolve();
    const waiting = new Promise<void>((resolve) => {
      drained = resolve;
    });
    wake?.();
    return waiting;
  }).then(
    () => {
      state.ended = true;
      wake?.();
    },
    (error: unknown) => {
      state.ended = true;
      state.failed = error instanceof Error ? error : new Error(String(error));
      wake?.();
    },
  );
  try {
    for (;;) {
      while (queue.length > 0) yield queue.shift() as CamtPart;
      drained?.();
      drained = undefined;
      if (state.ended && queue.length === 0) break;
      await new Promise<void>((resolve) => {
        wake = resolve;
        if (queue.length > 0 || state.ended) resolve();
      });
    }
  } finally {
    state.left = true;
    drained?.();
  }
  await parsing;
  if (state.failed) throw state.failed;
}

async function parse(
  chunks: AsyncIterable<string>,
  file: string,
  queue: CamtPart[],
  drain: () => Promise<void>,
): Promise<void> {
  let version = '';
  let statements = 0;
  let heading = false;
  let body = false;
  let open: Open | undefined;
  const refuse = (line: number, why: string): never => {
    throw new OperatorError(`${file}:${line}: ${why}`);
  };
  await readXml(
    chunks,
    file,
    {
      root(name, namespace) {
        const found = NAMESPACE.exec(namespace);
        if (name !== 'Document' || !found)
          refuse(1, `no camt.053: the document is ${name} of "${namespace.slice(0, 100)}"`);
        version = found?.[1] ?? '';
        if (!KNOWN.includes(version))
          refuse(1, `camt.053.001.${version} is not known; known are ${KNOWN[0]} to ${KNOWN.at(-1)}`);
      },
      keeps: (name) => kept.has(name),
      wants: (path) => path === `${BASE}/GrpHdr` || (path.startsWith(`${STATEMENT}/`) && path.split('/').length === 4),
      begins(path, line) {
        if (path === BASE) body = true;
        if (path !== STATEMENT) return;
        statements += 1;
        open = {
          id: '',
          account: '',
          currency: '',
          line,
          started: false,
          balances: [],
          entries: 0,
          passedOver: 0,
          sum: 0n,
          currencies: new Set(),
          unread: 0,
        };
      },
      whole(path, element) {
        if (path === `${BASE}/GrpHdr`) {
          heading = true;
          if (textAt(element, 'MsgId') === '') refuse(element.line, 'GrpHdr lacks MsgId');
        } else if (open) inStatement(open, element);
      },
      ends(path, line) {
        if (path === 'Document' && !body) refuse(line, 'Document holds no BkToCstmrStmt');
        if (path === BASE && !heading) refuse(line, 'BkToCstmrStmt lacks GrpHdr');
        if (path === BASE && statements === 0) {
          refuse(line, `BkToCstmrStmt holds no Stmt: camt.053.001.${version} demands at least one statement`);
        }
        if (path !== STATEMENT || !open) return;
        start(open);
        if (open.balances.length === 0) refuse(line, `statement ${open.id} lacks Bal`);
        queue.push({ is: 'end', check: checkOf(open) });
        open = undefined;
      },
    },
    drain,
  );

  function start(of: Open): void {
    if (of.started) return;
    if (of.id === '') refuse(of.line, 'Stmt lacks Id');
    if (of.account === '') refuse(of.line, `statement ${of.id} lacks the account's number (Acct/Id)`);
    of.started = true;
    queue.push({ is: 'statement', id: of.id, account: of.account, currency: of.currency });
  }

  function inStatement(of: Open, element: Element): void {
    if (element.name === 'Id') of.id = element.text.trim();
    else if (element.name === 'Acct') {
      of.account = textAt(element, 'Id/IBAN', 'Id/Othr/Id').replaceAll(' ', '');
      of.currency = textAt(element, 'Ccy');
    } else if (element.name === 'Bal') {
      const amount = amountOf(element);
      if ('reason' in amount) refuse(element.line, `a balance cannot be read: ${amount.reason}`);
      else {
        const sign = textAt(element, 'CdtDbtInd') === 'DBIT' ? -1n : 1n;
        of.balances.push({
          type: textAt(element, 'Tp/CdOrPrtry/Cd'),
          amountMinor: sign * amount.minor,
          currency: amount.currency,
        });
      }
    } else if (element.name === 'Ntry') {
      start(of);
      entryOf(of, element);
    }
  }

  function entryOf(of: Open, element: Element): void {
    of.entries += 1;
    const status = textAt(element, 'Sts/Cd', 'Sts/Prtry', 'Sts');
    if (status !== 'BOOK') {
      of.passedOver += 1;
      return;
    }
    const read = movementsOf(element, of.entries);
    if ('reason' in read) {
      of.unread += 1;
      queue.push({ is: 'unread', of: read });
      return;
    }
    for (const movement of read.movements) queue.push({ is: 'movement', of: movement });
    of.sum += read.signedMinor;
    of.currencies.add(read.currency);
  }
}

function checkOf(of: Open): BalanceCheck {
  const opening = of.balances.find(({ type }) => type === 'OPBD') ?? of.balances.find(({ type }) => type === 'PRCD');
  const closing = of.balances.find(({ type }) => type === 'CLBD');
  const currencies = new Set([
    ...of.currencies,
    ...[opening, closing].flatMap((balance) => (balance ? [balance.currency] : [])),
  ]);
  const common = {
    statement: of.id,
    account: of.account,
    line: of.line,
    entries: of.entries,
    passedOver: of.passedOver,
    currency: closing?.currency ?? '',
  };
  if (!opening || !closing || currencies.size !== 1 || of.unread > 0) return { ...common, outcome: 'cannot_tell' };
  const gapMinor = closing.amountMinor - opening.amountMinor - of.sum;
  return gapMinor === 0n ? { ...common, outcome: 'closes' } : { ...common, outcome: 'differs', gapMinor };
}

type Amount =
  | { readonly minor: bigint; readonly currency: string }
  | { readonly reason: string; readonly value: string };

function amountOf(element: Element, ...paths: string[]): Amount {
  const amount = (paths.length === 0 ? ['Amt'] : paths)
    .map((path) => find(element, path))
    .find((one) => one !== undefined);
  if (!amount) return { reason: 'AMOUNT_MISSING', value: '' };
  const text = amount.text.trim();
  const read = readMoney(text, amount.currency, { decimal: '.', group: '', minor: false });
  if ('reason' in read) return { reason: read.reason, value: `${text} ${amount.currency}`.trim() };
  return read.value < 0n ? { reason: 'AMOUNT_INVALID', value: text } : { minor: read.value, currency: amount.currency };
}

type Read = { readonly movements: Movement[]; readonly signedMinor: bigint; readonly currency: string };

/** The movements of a booked entry: those of its transactions where they state amounts that add up to it, else one. */
function movementsOf(entry: Element, number: number): Read | Unread {
  const unread = (field: string, reason: string, value: string): Unread => ({ line: entry.line, field, reason, value });
  const amount = amountOf(entry);
  if ('reason' in amount) return unread('Amt', amount.reason, amount.value);
  if (amount.minor === 0n) return unread('Amt', 'AMOUNT_ZERO', textAt(entry, 'Amt'));
  const indicator = textAt(entry, 'CdtDbtInd');
  if (indicator !== 'CRDT' && indicator !== 'DBIT') return unread('CdtDbtInd', 'INDICATOR_INVALID', indicator);
  const stated = textAt(entry, 'BookgDt/Dt', 'BookgDt/DtTm');
  const day = readDay(stated.slice(0, 10), 'yyyy-MM-dd');
  if ('reason' in day) return unread('BookgDt', stated === '' ? 'DATE_MISSING' : day.reason, stated);
  const moment = textAt(entry, 'BookgDt/DtTm');
  const value = textAt(entry, 'ValDt/Dt', 'ValDt/DtTm').slice(0, 10);
  const valueDay = value === '' ? undefined : readDay(value, 'yyyy-MM-dd');
  if (valueDay && 'reason' in valueDay) return unread('ValDt', valueDay.reason, value);
  const common = {
    line: entry.line,
    entry: number,
    reversal: /^(true|1)$/.test(textAt(entry, 'RvslInd')),
    currency: amount.currency,
    bookingDate: day.value,
    // Without an offset a moment is some clock's; the day alone is then sure.
    ...(/(Z|[+-]\d{2}:\d{2})$/.test(moment) && { bookingTime: moment }),
    ...(valueDay && { valueDate: valueDay.value }),
  };
  const details = entry.children
    .filter(({ name }) => name === 'NtryDtls')
    .flatMap(({ children }) => children.filter(({ name }) => name === 'TxDtls'));
  const whole = {
    ...common,
    ...sideOf(details.length === 1 ? details[0] : undefined, entry, indicator === 'CRDT'),
    part: 0,
    credit: indicator === 'CRDT',
    amountMinor: amount.minor,
    reference: textAt(entry, 'AcctSvcrRef'),
  };
  const signedMinor = indicator === 'CRDT' ? amount.minor : -amount.minor;
  if (details.length < 2) return { movements: [whole], signedMinor, currency: amount.currency };
  const parts: Movement[] = [];
  let sum = 0n;
  for (const [index, detail] of details.entries()) {
    const part = amountOf(detail, 'Amt', 'AmtDtls/TxAmt/Amt', 'AmtDtls/InstdAmt/Amt');
    if ('reason' in part || part.currency !== amount.currency || part.minor === 0n)
      return { movements: [whole], signedMinor, currency: amount.currency };
    const credit = (textAt(detail, 'CdtDbtInd') || indicator) === 'CRDT';
    sum += credit ? part.minor : -part.minor;
    parts.push({
      ...common,
      ...sideOf(detail, entry, credit),
      part: index + 1,
      credit,
      amountMinor: part.minor,
      reference: textAt(detail, 'Refs/AcctSvcrRef'),
    });
  }
  return { movements: sum === signedMinor ? parts : [whole], signedMinor, currency: amount.currency };
}

/** What the details of a transaction say of the other side and of the kind; the entry's own where they say nothing. */
function sideOf(detail: Element | undefined, entry: Element, credit: boolean) {
  const code = find(detail, 'BkTxCd/Domn') ? find(detail, 'BkTxCd') : find(entry, 'BkTxCd');
  const side = credit ? 'Dbtr' : 'Cdtr';
  return {
    domain: textAt(code, 'Domn/Cd'),
    family: textAt(code, 'Domn/Fmly/Cd'),
    subFamily: textAt(code, 'Domn/Fmly/SubFmlyCd'),
    purpose: textAt(detail, 'Purp/Cd'),
    counterpartyAccount: textAt(detail, `RltdPties/${side}Acct/Id/IBAN`, `RltdPties/${side}Acct/Id/Othr/Id`).slice(
      0,
      60,
    ),
    counterpartyBank: textAt(
      detail,
      `RltdAgts/${side}Agt/FinInstnId/BICFI`,
      `RltdAgts/${side}Agt/FinInstnId/BIC`,
    ).slice(0, 60),
    // Since version 8 the party stands one level deeper.
    counterpartyName: [...textAt(detail, `RltdPties/${side}/Nm`, `RltdPties/${side}/Pty/Nm`)].slice(0, 140).join(''),
  };
}
