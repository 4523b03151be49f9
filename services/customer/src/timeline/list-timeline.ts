import { type Queryable, type Scope, type Sql, sql } from '@rapport/kit/db';
import { type Call, decodePage, encodePage, pageSize, scopeFor } from '@rapport/kit/rpc';
import {
  HoldingRole,
  type ListTimelineRequest,
  type ListTimelineResponse,
  TimelineEntryKind,
} from '@rapport/proto/customer/v1';
import { seen } from '../access/access.js';
import type { Deps } from '../deps.js';
import { holdingIdsIn } from '../holding/holding.js';
import { assertParty, membersOf } from '../party/party.js';
import { interactionColumns, type InteractionRecord } from './interaction.js';
import { type Entry, interactionEntry, newestFirst, transactionEntry } from './timeline.js';
import { operationsOf, transactionColumns, type TransactionRecord } from './transaction.js';

/** Where a page begins: after the entry with these values. */
type Cursor = readonly [time: Date, sequence: number, id: string];

/** Lists a party's transactions and interactions, newest first. */
export async function listTimeline(
  deps: Deps,
  request: ListTimelineRequest,
  call: Call,
): Promise<ListTimelineResponse> {
  const size = pageSize(request);
  const cursor = decodePage(call, request, 'date', 'number', 'uuid');
  const scope = scopeFor(call, 'C2');
  const on = deps.db.scoped(scope);
  const members = membersOf(await assertParty(on, request.parent, scope));
  const found: Entry[] = [];
  if (request.kind !== TimelineEntryKind.TIMELINE_ENTRY_KIND_INTERACTION) {
    found.push(...(await transactions(on, members, scope, request, cursor, size)).map(transactionEntry));
  }
  if (request.kind !== TimelineEntryKind.TIMELINE_ENTRY_KIND_TRANSACTION && !asksForTransactions(request)) {
    found.push(...(await interactions(on, members, scope, request, cursor, size)).map(interactionEntry));
  }
  const entries = found.sort(newestFirst);
  await deps.reads.record(call, `${request.parent}/timeline`);
  const last = entries.at(size - 1);
  return {
    entries: entries.slice(0, size).map(({ message }) => message),
    nextPageToken: last && entries.length > size ? encodePage(call, request, [last.time, last.sequence, last.id]) : '',
  };
}

function between(request: ListTimelineRequest, table: 't' | 'i'): Sql {
  const time = sql.raw(`${table}.time`);
  const from = request.startTime ? sql`AND ${time} >= ${request.startTime}` : sql.empty;
  const until = request.endTime ? sql`AND ${time} < ${request.endTime}` : sql.empty;
  return sql`${from} ${until}`;
}

/** Whether the request sets a filter that only transactions can meet. */
function asksForTransactions(request: ListTimelineRequest): boolean {
  const { transactionKind, transactionChannel, category, minimumMinorUnits, maximumMinorUnits, holding } = request;
  const limits = minimumMinorUnits > 0n || maximumMinorUnits > 0n;
  return transactionKind !== 0 || transactionChannel !== 0 || category !== '' || limits || holding !== '';
}

/** The filters of transactions. Rows from before kinds were kept have 0; theirs follows from the operation. */
function wanted(request: ListTimelineRequest): Sql {
  const {
    transactionKind: kind,
    transactionChannel: channel,
    category,
    minimumMinorUnits,
    maximumMinorUnits,
  } = request;
  const filters: Sql[] = [];
  if (kind !== 0) {
    filters.push(sql`AND (t.kind = ${kind} OR (t.kind = 0 AND t.operation = ANY(${operationsOf(kind)}::smallint[])))`);
  }
  if (channel !== 0) filters.push(sql`AND t.channel = ${channel}`);
  if (category !== '') filters.push(sql`AND t.category = ${category}`);
  if (minimumMinorUnits > 0n) filters.push(sql`AND t.amount >= ${minimumMinorUnits}`);
  if (maximumMinorUnits > 0n) filters.push(sql`AND t.amount <= ${maximumMinorUnits}`);
  return sql.join(filters, ' ');
}

/** One walk backwards through the primary key per holding, each at most a page long. A joint holding counts once. */
function transactions(
  on: Queryable,
  members: readonly string[],
  scope: Scope,
  request: ListTimelineRequest,
  cursor: Cursor | undefined,
  size: number,
): Promise<TransactionRecord[]> {
  const after = cursor
    ? sql`AND (t.time, t.sequence, t.transaction_id) < (${cursor[0]}, ${cursor[1]}::int, ${cursor[2]}::uuid)`
    : sql.empty;
  const one = request.holding === '' ? undefined : holdingIdsIn(request.holding);
  const onlyHolding = one
    ? sql`AND r.holding_party_id = ${one.partyId} AND r.holding_id = ${one.holdingId}`
    : sql.empty;
  return on.rows<TransactionRecord>(sql`
    SELECT ${transactionColumns}
    FROM (SELECT DISTINCT r.holding_party_id, r.holding_id
        FROM unnest(${members}::uuid[]) AS member (id) CROSS JOIN LATERAL (
          SELECT * FROM holding_role r
          WHERE r.party_id = member.id AND r.role = ${HoldingRole.HOLDING_ROLE_OWNER} ${onlyHolding}
          OFFSET 0) r) r
      CROSS JOIN LATERAL (
      SELECT * FROM transaction t
      WHERE t.party_id = r.holding_party_id AND t.holding_id = r.holding_id
        AND ${seen(scope, 't')}
        ${between(request, 't')} ${wanted(request)} ${after}
      ORDER BY t.time DESC, t.sequence DESC, t.transaction_id DESC LIMIT ${size + 1}) t
    ORDER BY t.time DESC, t.sequence DESC, t.transaction_id DESC LIMIT ${size + 1}`);
}

function interactions(
  on: Queryable,
  members: readonly string[],
  scope: Scope,
  request: ListTimelineRequest,
  cursor: Cursor | undefined,
  size: number,
): Promise<InteractionRecord[]> {
  const after = cursor
    ? sql`AND (i.time, 0, i.interaction_id) < (${cursor[0]}, ${cursor[1]}::int, ${cursor[2]}::uuid)`
    : sql.empty;
  return on.rows<InteractionRecord>(sql`
    SELECT ${interactionColumns} FROM unnest(${members}::uuid[]) AS member (id) CROSS JOIN LATERAL (
      SELECT * FROM interaction i
      WHERE i.party_id = member.id AND ${seen(scope, 'i')}
        ${between(request, 'i')} ${after}
      ORDER BY i.time DESC, i.interaction_id DESC LIMIT ${size + 1}) i
    ORDER BY i.time DESC, i.interaction_id DESC LIMIT ${size + 1}`);
}
