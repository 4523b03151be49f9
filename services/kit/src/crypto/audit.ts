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

/** A record before it is stored; one column of the multi-row insert each. */
export interface AuditRow {
  id: string;
  at: Date;
  actor: string;
  /** comma-separated: arrays of arrays cannot be unnested */
  roles: string;
  action: string;
  resource: string;
  purpose: string;
  detail: string;
  traceId: string | null;
}

/** The records of one entry, all with the same time. */
export function auditRows(caller: AuditCaller, entry: AuditEntry, at = new Date()): AuditRow[] {
  const detail = JSON.stringify({
    change: entry.change,
    fields: entry.fields,
    reason: entry.reason,
  });
  const traceId = activeTraceId() ?? null;
  const resources = typeof entry.resource === 'string' ? [entry.resource] : entry.resource;
  return resources.map((resource) => ({
    id: uuidv7(),
    at,
    actor: caller.principal.subject,
    roles: caller.principal.roles.join(','),
    action: entry.action ?? caller.method,
    resource,
    purpose: entry.purpose ?? caller.purpose,
    detail,
    traceId,
  }));
}

/**
 * One statement for any number of records. With `asynchronous` the commit does not wait for the disk: a crash of
 * Postgres (not of ours) may lose the records of the last fraction of a second.
 */
export function insertAudit(rows: readonly AuditRow[], asynchronous = false): Sql {
  const commit = asynchronous
    ? sql`(SELECT set_config('synchronous_commit', 'off', true)) AS setting`
    : sql`(SELECT 1) AS setting`;
  return sql`
    INSERT INTO kit.audit (id, at, actor, roles, action, resource, purpose, detail, trace_id)
    SELECT id, at, actor, string_to_array(roles, ','), action, resource, purpose, detail, trace_id
    FROM ${commit}, unnest(
      ${rows.map((row) => row.id)}::uuid[],
      ${rows.map((row) => row.at)}::timestamptz[],
      ${rows.map((row) => row.actor)}::text[],
      ${rows.map((row) => row.roles)}::text[],
      ${rows.map((row) => row.action)}::text[],
      ${rows.map((row) => row.resource)}::text[],
      ${rows.map((row) => row.purpose)}::text[],
      ${rows.map((row) => row.detail)}::jsonb[],
      ${rows.map((row) => row.traceId)}::text[]
    ) AS record (id, at, actor, roles, action, resource, purpose, detail, trace_id)`;
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
