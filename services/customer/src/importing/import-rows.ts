import { createHash, type Hash } from 'node:crypto';
import { audit } from '@rapport/kit/crypto';
import { scopeFilter, sql, type Tx } from '@rapport/kit/db';
import { publishingInBulk } from '@rapport/kit/events';
import { type Call, scopeFor } from '@rapport/kit/rpc';
import {
  type BehaviourEvent,
  type Consent,
  type ImportHeader,
  ImportKind,
  type ImportRequest,
  type ImportResponse,
  type ImportRow,
  type TagWish,
} from '@rapport/proto/customer/v1';
import { assertInside } from '../access/access.js';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { assertSource } from '../source/source.js';
import { type Batch, type Checked, refuse, type Stream } from './batch.js';
import { checkBehaviour, takeBehaviour } from './behaviour-rows.js';
import { checkConsent, takeConsents } from './consent-rows.js';
import { checkHolding, type HoldingWish, takeHoldings } from './holding-rows.js';
import {
  added,
  importColumns,
  importMessage,
  importName,
  type ImportRecord,
  type Refusal,
  type Rejected,
  type Tally,
} from './importing.js';
import { checkInteraction, type InteractionWish, takeInteractions } from './interaction-rows.js';
import { checkParty, type PartyWish, takeParties } from './party-rows.js';
import { insertRejects, rejectColumns, rejectMessage } from './rejects.js';
import { checkRelationship, type RelationshipWish, takeRelationships } from './relationship-rows.js';
import { checkTag, takeTags } from './tag-rows.js';
import { checkTransaction, takeTransactions, type TransactionWish } from './transaction-rows.js';

const FIRST_REJECTS = 100;

/**
 * Takes a header and then rows. Each batch is one transaction with its events and with how far the import has come, so
 * that a stream which broke goes on where it stopped when it is sent again. While Postgres writes one batch, the rows
 * that come meanwhile are judged; together they are the next one.
 */
export async function importRows(
  deps: Deps,
  requests: AsyncIterable<ImportRequest>,
  call: Call,
): Promise<ImportResponse> {
  const messages = requests[Symbol.asyncIterator]();
  const header = headerOf((await messages.next()).value as ImportRequest | undefined);
  const { source, organisationPath } = header;
  const scope = scopeFor(call, 'C2');
  assertInside(scope, { organisationPath, manager: '' });
  const { subject } = call.principal;
  const keys = { repeated: false };
  const stream: Stream = {
    deps,
    scope,
    sensitive: scopeFor(call, 'C3'),
    source,
    organisationPath,
    subject,
    accounts: new Map(),
    counterparties: new Map(),
    keys,
  };
  const begun = await begin(stream, call, header);
  if (begun.completeTime !== null) return answer(stream, begun);
  const writer = startWriter(stream, call, begun);
  const marker = createHash('sha256');
  let seen = 0;
  await publishingInBulk(async () => {
    for (let next = await messages.next(); !next.done; next = await messages.next()) {
      const { part } = next.value;
      if (part?.$case !== 'batch') throw fail('IMPORT_HEADER_REPEATED');
      const rows = fresh(begun, part.value.rows, marker, seen);
      seen += part.value.rows.length;
      if (rows.length === 0) continue;
      const upTo = { rows: seen, digest: marker.copy().digest('hex') };
      await writer.take(judge(stream, header.kind, rows), rows.length, upTo);
    }
    await writer.finish();
  });
  if (seen < begun.rows) throw fail('IMPORT_ROWS_CHANGED');
  return answer(stream, await complete(stream, call, writer.run()));
}

/** How far an import has come: its rows, and a digest that says which. */
interface Reached {
  rows: number;
  digest: string;
}

/** Rows that wait behind a batch that is being written; the stream is read no further while there are as many. */
const MOST_WAITING = 5_000;

/** Writes what it is given, one batch after the other; whatever comes during one is the next. */
function startWriter(stream: Stream, call: Call, begun: ImportRecord) {
  let run = begun;
  let waiting = undefined as { judged: Judged; rows: number; upTo: Reached } | undefined;
  let writing: Promise<void> | undefined;

  async function writeAll(): Promise<void> {
    while (waiting) {
      const { judged, upTo } = waiting;
      waiting = undefined;
      run = await write(stream, call, run, judged, upTo);
    }
    writing = undefined;
  }

  return {
    /** Takes rows; waits while too many others do. Throws when a batch before could not be written. */
    take: async (judged: Judged, rows: number, upTo: Reached): Promise<void> => {
      waiting = waiting
        ? { judged: together(waiting.judged, judged), rows: waiting.rows + rows, upTo }
        : { judged, rows, upTo };
      if (!writing) {
        writing = writeAll();
        // A failure is thrown where it is awaited; until then it must not count as unhandled.
        writing.catch(() => undefined);
      }
      if ((waiting?.rows ?? 0) >= MOST_WAITING) await writing;
    },
    /** Waits until all is written. */
    finish: async (): Promise<void> => writing,
    /** The import as the last batch left it. */
    run: () => run,
  };
}

function headerOf(message: ImportRequest | undefined): ImportHeader {
  if (message?.part?.$case !== 'header') throw fail('IMPORT_HEADER_MISSING');
  return message.part.value;
}

/** Notes the import, or finds how far it has come. One that was cancelled goes on only if it is asked to. */
async function begin(stream: Stream, call: Call, header: ImportHeader): Promise<ImportRecord> {
  const { importId, source, file, organisationPath, kind } = header;
  return stream.deps.db.transaction(stream.scope, async (tx) => {
    await assertSource(tx, stream.deps.bank, source);
    const made = await tx.maybe<ImportRecord>(sql`
      INSERT INTO import_run (import_id, source, file, organisation_path, kind, create_time)
      VALUES (${importId}, ${source}, ${file}, ${organisationPath}, ${kind}, ${stream.deps.clock.now()})
      ON CONFLICT (import_id) DO NOTHING RETURNING ${importColumns}`);
    await audit(tx, call, { resource: importName(importId), change: { started: made !== undefined } });
    if (made) return made;
    const found = await tx.maybe<ImportRecord>(sql`
      SELECT ${importColumns} FROM import_run WHERE import_id = ${importId}
        AND ${scopeFilter(stream.scope, { path: 'organisation_path' })}`);
    const same = found?.source === source && found.file === file && found.kind === kind;
    if (!same || found.organisationPath !== organisationPath) throw fail('IMPORT_HEADER_CHANGED');
    if (found.cancelledBy === '') return found;
    if (!header.resume) throw cancelled(found);
    await audit(tx, call, { resource: importName(importId), change: { resumed: true, rows: found.rows } });
    return tx.one<ImportRecord>(sql`
      UPDATE import_run SET complete_time = NULL, cancelled_by = '', cancel_reason = ''
      WHERE import_id = ${importId} RETURNING ${importColumns}`);
  });
}

/** The rows that the import has not taken yet. What it took before must be what it is sent now. */
function fresh(run: ImportRecord, rows: readonly ImportRow[], marker: Hash, seen: number): readonly ImportRow[] {
  const taken = Math.min(Math.max(run.rows - seen, 0), rows.length);
  mark(marker, rows.slice(0, taken));
  if (taken > 0 && seen + taken === run.rows && marker.copy().digest('hex') !== run.digest) {
    throw fail('IMPORT_ROWS_CHANGED');
  }
  const left = rows.slice(taken);
  mark(marker, left);
  return left;
}

function mark(marker: Hash, rows: readonly ImportRow[]): void {
  if (rows.length > 0) marker.update(rows.map(({ line, row }) => `${line} ${row?.$case} ${keyOf(row)}\n`).join(''));
}

function keyOf(row: ImportRow['row']): string {
  if (row === undefined || row.$case === 'unreadable') return '';
  if (row.$case === 'relationship') return `${row.value.partySourceKey} ${row.value.otherPartySourceKey}`;
  if (row.$case === 'behaviour') return row.value.event?.key ?? '';
  return 'sourceKey' in row.value ? row.value.sourceKey : row.value.partySourceKey;
}

/** The rows of one message that keep the rules which need no database, by kind, and the others. */
interface Judged {
  parties: Checked<PartyWish>[];
  holdings: Checked<HoldingWish>[];
  transactions: Checked<TransactionWish>[];
  interactions: Checked<InteractionWish>[];
  consents: Checked<Consent>[];
  tags: Checked<TagWish>[];
  relationships: Checked<RelationshipWish>[];
  behaviour: Checked<BehaviourEvent>[];
  tally: Tally;
  rejects: Rejected[];
  /** As they came, for whom a refused one is about. */
  rows: readonly ImportRow[];
}

const kindOfCase = {
  party: ImportKind.IMPORT_KIND_PARTY,
  holding: ImportKind.IMPORT_KIND_HOLDING,
  transaction: ImportKind.IMPORT_KIND_TRANSACTION,
  interaction: ImportKind.IMPORT_KIND_INTERACTION,
  consent: ImportKind.IMPORT_KIND_CONSENT,
  tag: ImportKind.IMPORT_KIND_TAG,
  relationship: ImportKind.IMPORT_KIND_RELATIONSHIP,
  behaviour: ImportKind.IMPORT_KIND_BEHAVIOUR,
} as const;

/** Two messages as one: what the second says comes after what the first says. */
function together(first: Judged, second: Judged): Judged {
  return {
    parties: [...first.parties, ...second.parties],
    holdings: [...first.holdings, ...second.holdings],
    transactions: first.transactions.concat(second.transactions),
    interactions: [...first.interactions, ...second.interactions],
    consents: [...first.consents, ...second.consents],
    tags: [...first.tags, ...second.tags],
    relationships: [...first.relationships, ...second.relationships],
    behaviour: first.behaviour.concat(second.behaviour),
    tally: added(first.tally, second.tally),
    rejects: [...first.rejects, ...second.rejects],
    rows: first.rows.concat(second.rows),
  };
}

function judge(stream: Stream, expected: ImportKind, rows: readonly ImportRow[]): Judged {
  const judged: Judged = {
    parties: [],
    holdings: [],
    transactions: [],
    interactions: [],
    consents: [],
    tags: [],
    relationships: [],
    behaviour: [],
    tally: {},
    rejects: [],
    rows,
  };
  for (const { line, row } of rows) {
    if (row === undefined) {
      const why = { field: '', reason: 'ROW_EMPTY', message: 'says nothing', value: '' };
      refuse(judged, ImportKind.IMPORT_KIND_UNSPECIFIED, line, why);
    } else if (row.$case === 'unreadable') {
      const { kind, field, reason, originalValue } = row.value;
      const why = {
        field: field.slice(0, 100),
        reason: reason.slice(0, 60) || 'UNREADABLE',
        message: 'could not be read',
      };
      refuse(judged, kind in ImportKind ? kind : 0, line, { ...why, value: originalValue });
    } else if (expected !== ImportKind.IMPORT_KIND_UNSPECIFIED && kindOfCase[row.$case] !== expected) {
      const why = {
        field: '',
        reason: 'KIND_UNEXPECTED',
        message: 'is not of the kind that the header says',
        value: '',
      };
      refuse(judged, kindOfCase[row.$case], line, why);
    } else {
      judgeOne(stream, judged, line, row);
    }
  }
  return judged;
}

function judgeOne(
  stream: Stream,
  judged: Judged,
  line: bigint,
  row: Exclude<NonNullable<ImportRow['row']>, { $case: 'unreadable' }>,
): void {
  const sort = <T>(into: Checked<T>[], result: Checked<T> | Refusal): void => {
    if ('reason' in result) refuse(judged, kindOfCase[row.$case], line, result);
    else into.push(result);
  };
  if (row.$case === 'transaction') sort(judged.transactions, checkTransaction(stream, line, row.value));
  else if (row.$case === 'party') sort(judged.parties, checkParty(stream, line, row.value));
  else if (row.$case === 'holding') sort(judged.holdings, checkHolding(stream, line, row.value));
  else if (row.$case === 'interaction') sort(judged.interactions, checkInteraction(stream, line, row.value));
  else if (row.$case === 'relationship') sort(judged.relationships, checkRelationship(stream, line, row.value));
  else if (row.$case === 'behaviour') sort(judged.behaviour, checkBehaviour(stream, line, row.value));
  else if (row.$case === 'tag') sort(judged.tags, checkTag(stream, line, row.value));
  else sort(judged.consents, checkConsent(stream, line, row.value));
}

/** Writes one batch: its rows, its events, its rejects and how far the import has come, or nothing. */
async function write(
  stream: Stream,
  call: Call,
  run: ImportRecord,
  judged: Judged,
  upTo: Reached,
): Promise<ImportRecord> {
  return stream.deps.db.transaction(stream.scope, async (tx) => {
    const batch: Batch = {
      ...stream,
      tx,
      now: stream.deps.clock.now(),
      tally: structuredClone(judged.tally),
      rejects: [...judged.rejects],
    };
    await takeParties(batch, judged.parties);
    await takeHoldings(batch, judged.holdings);
    await takeRelationships(batch, judged.relationships);
    await takeConsents(batch, judged.consents);
    await takeTags(batch, judged.tags);
    await takeInteractions(batch, judged.interactions);
    await takeBehaviour(batch, judged.behaviour);
    await takeTransactions(batch, judged.transactions);
    await insertRejects(tx, stream.deps.cipher, run, batch.rejects, judged.rows);
    const counts = added(run.counts, batch.tally);
    const after = await tx.maybe<ImportRecord>(sql`
      UPDATE import_run SET rows = ${upTo.rows}, digest = ${upTo.digest}, counts = ${JSON.stringify(counts)}::jsonb
      WHERE import_id = ${run.importId} AND rows = ${run.rows} AND complete_time IS NULL RETURNING ${importColumns}`);
    if (!after) throw await stopped(tx, run);
    await audit(tx, call, { resource: importName(run.importId), change: { rows: upTo.rows - run.rows } });
    return after;
  });
}

/** Why a batch cannot be written: the import was cancelled meanwhile, or another stream brings it. */
async function stopped(tx: Tx, run: ImportRecord): Promise<Error> {
  const now = await tx.one<ImportRecord>(
    sql`SELECT ${importColumns} FROM import_run WHERE import_id = ${run.importId}`,
  );
  return now.cancelledBy === '' ? fail('IMPORT_IN_PROGRESS', { retryInMs: 1_000 }) : cancelled(now);
}

function cancelled({ importId, cancelReason }: ImportRecord): Error {
  return fail('IMPORT_CANCELLED', { metadata: { import: importName(importId), reason: cancelReason } });
}

async function complete(stream: Stream, call: Call, run: ImportRecord): Promise<ImportRecord> {
  return stream.deps.db.transaction(stream.scope, async (tx) => {
    const after = await tx.maybe<ImportRecord>(sql`
      UPDATE import_run SET complete_time = ${stream.deps.clock.now()}
      WHERE import_id = ${run.importId} AND rows = ${run.rows} AND complete_time IS NULL RETURNING ${importColumns}`);
    if (!after) throw await stopped(tx, run);
    await audit(tx, call, { resource: importName(run.importId), change: { completed: true, rows: run.rows } });
    return after;
  });
}

async function answer(stream: Stream, run: ImportRecord): Promise<ImportResponse> {
  const rejects = await stream.deps.db.scoped(stream.scope).rows<Parameters<typeof rejectMessage>[0]>(sql`
    SELECT ${rejectColumns} FROM import_reject WHERE import_id = ${run.importId}
    ORDER BY line, ordinal LIMIT ${FIRST_REJECTS}`);
  return { import: importMessage(run), rejects: rejects.map((row) => rejectMessage(row, run.file)) };
}
