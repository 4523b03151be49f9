import { type Queryable, type Scope, type Sql, sql } from '@rapport/kit/db';
import { type Call, decodePage, encodePage, pageSize, scopeFor } from '@rapport/kit/rpc';
import {
  HoldingRole,
  type ListTimelineRequest,
  type ListTimelineResponse,
  TimelineEntryKind,
} from '@rapport/proto/customer/v1';
import { seen } from '../access/access.js';
import { eventColumns, type EventRecord } from '../behaviour/behaviour.js';
import type { Deps } from '../deps.js';
import { holdingIdsIn } from '../holding/holding.js';
import { lifeEventColumns, type LifeEventRecord, sensitiveKinds } from '../life-event/life-event.js';
import { assertParty, membersOf } from '../party/party.js';
import { interactionColumns, type InteractionRecord } from './interaction.js';
import { stepColumns, type StepRecord } from './service-step.js';
import {
  behaviourEntry,
  type Entry,
  interactionEntry,
  lifeEventEntry,
  newestFirst,
  stepEntry,
  transactionEntry,
} from './timeline.js';
import { operationsOf, transactionColumns, type TransactionRecord } from './transaction.js';

/** Where a page begins: after the entry with these values. */
type Cursor = readonly [time: Date, sequence: number, id: string];

/**
 * Lists what happened to a party, newest first. The place of an entry in the order is part of the entry and never
 * changes, and a page goes on strictly behind the last one shown: what others write meanwhile can neither show an entry
 * twice nor hide one.
 */
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
  const ask: Ask = { on, members, scope, request, cursor, size };
  const found: Entry[] = [];
  if (asksFor(request, TimelineEntryKind.TIMELINE_ENTRY_KIND_TRANSACTION)) {
    found.push(...(await transactions(ask)).map(transactionEntry));
  }
  if (asksFor(request, TimelineEntryKind.TIMELINE_ENTRY_KIND_INTERACTION)) {
    found.push(...(await interactions(ask)).map(interactionEntry));
  }
  if (asksFor(request, TimelineEntryKind.TIMELINE_ENTRY_KIND_BEHAVIOUR)) {
    found.push(...(await behaviour(ask)).map(behaviourEntry));
  }
  const services = [TimelineEntryKind.TIMELINE_ENTRY_KIND_CAMPAIGN, TimelineEntryKind.TIMELINE_ENTRY_KIND_CASE].filter(
    (kind) => asksFor(request, kind),
  );
  if (services.length > 0) found.push(...(await steps(ask, services)).map(stepEntry));
  if (asksFor(request, TimelineEntryKind.TIMELINE_ENTRY_KIND_LIFE_EVENT)) {
    found.push(...(await lifeEvents(ask, deps.bank.timeZone)).map(lifeEventEntry));
  }
  const entries = found.sort(newestFirst);
  await deps.reads.record(call, `${request.parent}/timeline`);
  const last = entries.at(size - 1);
  return {
    entries: entries.slice(0, size).map(({ message }) => message),
    nextPageToken: last && entries.length > size ? encodePage(call, request, [last.time, last.sequence, last.id]) : '',
  };
}

/** What the queries of all kinds need. */
interface Ask {
  on: Queryable;
  members: readonly string[];
  scope: Scope;
  request: ListTimelineRequest;
  cursor: Cursor | undefined;
  size: number;
}

/** Whether the filters leave entries of a kind. */
function asksFor(request: ListTimelineRequest, kind: TimelineEntryKind): boolean {
  if (request.kind !== 0 && request.kind !== kind) return false;
  if (request.kinds.length > 0 && !request.kinds.includes(kind)) return false;
  const transaction = kind === TimelineEntryKind.TIMELINE_ENTRY_KIND_TRANSACTION;
  if (!transaction && asksForTransactions(request)) return false;
  const lifeEvent = kind === TimelineEntryKind.TIMELINE_ENTRY_KIND_LIFE_EVENT;
  return request.channels.length === 0 || !(transaction || lifeEvent);
}

function between(request: ListTimelineRequest, table: 't' | 'i' | 'e' | 's'): Sql {
  const time = sql.raw(`${table}.time`);
  const from = request.startTime ? sql`AND ${time} >= ${request.startTime}` : sql.empty;
  // The way by which a transaction came is another filter.
  const by =
    request.channels.length > 0 && table !== 't'
      ? sql`AND ${sql.raw(`${table}.channel`)} = ANY(${request.channels}::smallint[])`
      : sql.empty;
  const until = request.endTime ? sql`AND ${time} < ${request.endTime}` : sql.empty;
  return sql`${from} ${until} ${by}`;
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
function transactions({ on, members, scope, request, cursor, size }: Ask): Promise<TransactionRecord[]> {
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

function interactions({ on, members, scope, request, cursor, size }: Ask): Promise<InteractionRecord[]> {
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

function behaviour({ on, members, scope, request, cursor, size }: Ask): Promise<EventRecord[]> {
  const after = cursor
    ? sql`AND e.time <= ${cursor[0]} AND (e.time, 0, e.event_id) < (${cursor[0]}, ${cursor[1]}::int, ${cursor[2]}::uuid)`
    : sql.empty;
  return on.rows<EventRecord>(sql`
    SELECT ${eventColumns} FROM unnest(${members}::uuid[]) AS member (id) CROSS JOIN LATERAL (
      SELECT * FROM behaviour_event e
      WHERE e.party_id = member.id AND ${seen(scope, 'e')}
        ${between(request, 'e')} ${after}
      ORDER BY e.time DESC, e.event_id DESC LIMIT ${size + 1}) e
    ORDER BY e.time DESC, e.event_id DESC LIMIT ${size + 1}`);
}

function steps({ on, members, scope, request, cursor, size }: Ask, kinds: readonly number[]): Promise<StepRecord[]> {
  const after = cursor
    ? sql`AND (s.time, 0, s.step_id) < (${cursor[0]}, ${cursor[1]}::int, ${cursor[2]}::uuid)`
    : sql.empty;
  return on.rows<StepRecord>(sql`
    SELECT ${stepColumns} FROM unnest(${members}::uuid[]) AS member (id) CROSS JOIN LATERAL (
      SELECT * FROM service_step s
      WHERE s.party_id = member.id AND ${seen(scope, 's')}
        AND s.kind = ANY(${kinds}::smallint[]) ${between(request, 's')} ${after}
      ORDER BY s.time DESC, s.step_id DESC LIMIT ${size + 1}) s
    ORDER BY s.time DESC, s.step_id DESC LIMIT ${size + 1}`);
}

/** A party has few of them: they are all read, and ordered by the start of their first day. */
function lifeEvents(
  { on, members, scope, request, cursor, size }: Ask,
  timeZone: string,
): Promise<(LifeEventRecord & { time: Date })[]> {
  const after = cursor
    ? sql`AND (l.time, 0, l.life_event_id) < (${cursor[0]}, ${cursor[1]}::int, ${cursor[2]}::uuid)`
    : sql.empty;
  return on.rows<LifeEventRecord & { time: Date }>(sql`
    SELECT ${lifeEventColumns}, l.time FROM unnest(${members}::uuid[]) AS member (id) CROSS JOIN LATERAL (
      SELECT l.*, l.start_date::timestamp AT TIME ZONE ${timeZone} AS time FROM life_event l
      WHERE l.party_id = member.id AND l.retract_time IS NULL AND l.kind <> ALL(${[...sensitiveKinds]}::smallint[])
        AND ${seen(scope, 'l')} OFFSET 0) l
    WHERE (${request.startTime ?? null}::timestamptz IS NULL OR l.time >= ${request.startTime ?? null})
      AND (${request.endTime ?? null}::timestamptz IS NULL OR l.time < ${request.endTime ?? null}) ${after}
    ORDER BY l.time DESC, l.life_event_id DESC LIMIT ${size + 1}`);
}
