import { type Database, type Queryable, type Sql, sql, type Tx } from '../db/index.js';
import { uuidv7 } from '../runtime/index.js';
import { activeTraceId } from '../telemetry/index.js';

/** What an audit record takes from a call. A kit/rpc Call is one; `systemCaller` makes one for events and timers. */
export interface AuditCaller {
  principal: { subject: string; roles: readonly string[] };
  /** full RPC name, event type or job name */
  method: string;
  purpose: string;
}

/** The caller of work that no person asked for: `systemCaller('segmentation', 'rapport.customer.v1.PartyMerged')`. */
export function systemCaller(service: string, method: string): AuditCaller {
  return {
    principal: { subject: `service:${service}`, roles: ['service'] },
    method,
    purpose: 'processing',
  };
}

type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json | undefined };

export interface AuditEntry {
  /** default: the caller's method */
  action?: string;
  /** resource name, or several: one record each */
  resource: string | readonly string[];
  /** what changed, by field: never a personal value, only that it changed, or finite facts (status, count, version) */
  change?: Readonly<Record<string, Json | undefined>>;
  /** the names of the fields that were written or shown */
  fields?: readonly string[];
  /** default: the caller's */
  purpose?: string;
  /** why a masked value was revealed, as the person gave it: a reason code, not free text about the customer */
  reason?: string;
}

/** What the records of many calls share. */
interface AuditContext {
  actor: string;
  /** stored between commas on the way: arrays of arrays cannot be unnested */
  roles: readonly string[];
  action: string;
  purpose: string;
  detail: string;
}

/** A record before it is stored. */
export interface AuditRow {
  id: string;
  at: Date;
  resource: string;
  traceId: string | null;
  context: AuditContext;
}

/** What most records say of themselves: nothing but who read what. */
const NO_DETAIL = '{}';

function detailOf({ change, fields, reason }: AuditEntry): string {
  if (change === undefined && fields === undefined && reason === undefined) return NO_DETAIL;
  return JSON.stringify({ change, fields, reason });
}

/** The records of one entry, all with the same time. */
export function auditRows(caller: AuditCaller, entry: AuditEntry, at = new Date()): AuditRow[] {
  const { subject: actor, roles } = caller.principal;
  const context: AuditContext = {
    actor,
    roles,
    action: entry.action ?? caller.method,
    purpose: entry.purpose ?? caller.purpose,
    detail: detailOf(entry),
  };
  const traceId = activeTraceId() ?? null;
  if (typeof entry.resource === 'string') return [{ id: uuidv7(), at, resource: entry.resource, traceId, context }];
  return entry.resource.map((resource) => ({ id: uuidv7(), at, resource, traceId, context }));
}

function sameContext(a: AuditContext, b: AuditContext): boolean {
  const caller = a.actor === b.actor && a.action === b.action && a.purpose === b.purpose;
  return caller && a.detail === b.detail && (a.roles === b.roles || a.roles.join() === b.roles.join());
}

/** Contexts that are compared with: callers of one kind of call come together, and a search is no better than a few of it. */
const MOST_COMPARED = 4;

/** The contexts of records, those that follow on each other as one, and for each record the place of its own, from 1. */
function contextsOf(rows: readonly AuditRow[]): { contexts: AuditContext[]; places: number[] } {
  const contexts: AuditContext[] = [];
  const places = rows.map(({ context }) => {
    const lowest = Math.max(0, contexts.length - MOST_COMPARED);
    for (let at = contexts.length - 1; at >= lowest; at -= 1)
      if (sameContext(contexts[at] as AuditContext, context)) return at + 1;
    return contexts.push(context);
  });
  return { contexts, places };
}

/**
 * One statement for any number of records, in which what many of them share stands once. With `asynchronous` the commit
 * does not wait for the disk: a crash of Postgres (not of ours) may lose the records of the last fraction of a second.
 */
export function insertAudit(rows: readonly AuditRow[], asynchronous = false): Sql {
  const commit = asynchronous
    ? sql`(SELECT set_config('synchronous_commit', 'off', true)) AS setting`
    : sql`(SELECT 1) AS setting`;
  const { contexts, places } = contextsOf(rows);
  return sql`
    INSERT INTO kit.audit (id, at, actor, roles, action, resource, purpose, detail, trace_id)
    SELECT id, at, actor, string_to_array(roles, ','), action, resource, purpose, detail, trace_id
    FROM ${commit}, unnest(
      ${rows.map((row) => row.id)}::uuid[],
      ${rows.map((row) => row.at)}::timestamptz[],
      ${rows.map((row) => row.resource)}::text[],
      ${rows.map((row) => row.traceId)}::text[],
      ${places}::int[]
    ) AS record (id, at, resource, trace_id, place)
    JOIN unnest(
      ${contexts.map((context) => context.actor)}::text[],
      ${contexts.map((context) => context.roles.join(','))}::text[],
      ${contexts.map((context) => context.action)}::text[],
      ${contexts.map((context) => context.purpose)}::text[],
      ${contexts.map((context) => context.detail)}::jsonb[]
    ) WITH ORDINALITY AS context (actor, roles, action, purpose, detail, place) USING (place)`;
}

function isTx(target: Tx | Database): target is Tx {
  return 'marks' in target;
}

/**
 * Writes the audit record of a change. Inside a transaction it commits with the change or not at all, and marks the
 * transaction, which `idempotent` demands of every mutation. With a database it commits at once (denials, exports).
 * The record joins the hash chain when the sealer next runs.
 */
export async function audit<P>(target: Tx<P> | Database<P>, caller: AuditCaller, entry: AuditEntry): Promise<void> {
  const rows = auditRows(caller, entry);
  if (rows.length === 0) return;
  const inTransaction = isTx(target);
  const on: Queryable = inTransaction ? target : target.unprotected;
  await on.run(insertAudit(rows));
  if (!inTransaction) return;
  target.marks.add('audit');
  target.marks.add(`audited ${rows[0]?.resource ?? ''}`);
}
