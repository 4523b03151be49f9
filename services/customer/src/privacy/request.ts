import { type Queryable, type Scope, type Sql, scopeFilter, sql, type Tx } from '@rapport/kit/db';
import { publish } from '@rapport/kit/events';
import {
  type DataSubjectRequest,
  DataSubjectRequestClosed,
  DataSubjectRequestKind,
  DataSubjectRequestState,
} from '@rapport/proto/customer/v1';
import { fail } from '../errors.js';
import { partyName } from '../party/party.js';

/** The services beside this one that keep data about parties, and answer erasures and exports. */
export const otherServices = ['segmentation', 'marketing', 'cases', 'performance', 'reporting'] as const;
export type OtherService = (typeof otherServices)[number];

/** A request as it is stored. */
export interface RequestRow {
  requestId: string;
  partyId: string;
  members: string[];
  kind: number;
  state: number;
  receiveTime: Date;
  dueTime: Date;
  extensionReason: number;
  identityCheck: number;
  refusalReason: number;
  purpose: string;
  caseName: string;
  organisationPath: string;
  createdBy: string;
  decidedBy: string;
  decideTime: Date | null;
  closeTime: Date | null;
  retainUntil: Date | null;
  createTime: Date;
}

export const requestColumns: Sql = sql.raw(`request_id AS "requestId", party_id AS "partyId", members, kind, state,
  receive_time AS "receiveTime", due_time AS "dueTime", extension_reason AS "extensionReason",
  identity_check AS "identityCheck", refusal_reason AS "refusalReason", purpose, case_name AS "caseName",
  organisation_path AS "organisationPath", created_by AS "createdBy", decided_by AS "decidedBy",
  decide_time AS "decideTime", close_time AS "closeTime", retain_until AS "retainUntil", create_time AS "createTime"`);

/** `dataSubjectRequests/{uuid}`. */
export function requestName(requestId: string): string {
  return `dataSubjectRequests/${requestId}`;
}

/** The uuid in `dataSubjectRequests/{uuid}`. */
export function requestIdIn(name: string): string {
  return name.slice('dataSubjectRequests/'.length);
}

/** The row filter of this table. */
export function requestsSeen(scope: Scope): Sql {
  return scopeFilter(scope, { path: 'organisation_path', manager: 'manager' });
}

/**
 * When a request that came at `time` must be answered: the end of the day `months` calendar months later, in the bank's
 * time zone; where the month has no such day, of its last day. GDPR article 12(3) with Regulation 1182/71 article 3, which
 * would add days up to the next working day: those are left to the bank as its reserve.
 */
export function termOf(time: Date, months: number, timeZone: string): Sql {
  return sql`((((${time}::timestamptz AT TIME ZONE ${timeZone}::text)::date + make_interval(months => ${months}::int))::date + 1)::timestamp
    AT TIME ZONE ${timeZone}::text)`;
}

/** A request inside the scope, locked until the transaction ends; throws when it is not there for the caller. */
export async function lockRequest(tx: Tx, scope: Scope, name: string): Promise<RequestRow> {
  const row = await tx.maybe<RequestRow>(sql`
    SELECT ${requestColumns} FROM data_subject_request
    WHERE request_id = ${requestIdIn(name)} AND ${requestsSeen(scope)} FOR UPDATE`);
  if (!row) throw fail('DATA_SUBJECT_REQUEST_NOT_FOUND', { metadata: { request: name } });
  return row;
}

interface Receipt {
  partyId: string;
  service: string;
  counts: Record<string, number>;
  time: Date;
}

/** The message of a row; of an erasure with what was answered and by whom not yet. */
export async function requestMessage(on: Queryable, row: RequestRow, now: Date): Promise<DataSubjectRequest> {
  const erasing = row.kind === DataSubjectRequestKind.DATA_SUBJECT_REQUEST_KIND_ERASURE && row.decideTime !== null;
  const receipts = erasing
    ? await on.rows<Receipt>(sql`
        SELECT party_id AS "partyId", service, counts, time FROM erasure_receipt WHERE request_id = ${row.requestId}
        ORDER BY time, service, party_id`)
    : [];
  const { kind, state, receiveTime, dueTime, extensionReason, identityCheck, refusalReason, purpose } = row;
  const open = row.closeTime === null;
  const accepted = state === DataSubjectRequestState.DATA_SUBJECT_REQUEST_STATE_ACCEPTED;
  return {
    name: requestName(row.requestId),
    party: partyName(row.partyId),
    kind,
    state,
    receiveTime,
    dueTime,
    overdue: open && dueTime < now,
    extensionReason,
    identityCheck,
    refusalReason,
    purpose,
    case: row.caseName,
    organisationPath: row.organisationPath,
    createdBy: row.createdBy,
    decidedBy: row.decidedBy,
    decideTime: row.decideTime ?? undefined,
    closeTime: row.closeTime ?? undefined,
    receipts: receipts.map(({ partyId, service, counts, time }) => ({
      service: `services/${service}`,
      party: partyName(partyId),
      counts: Object.fromEntries(Object.entries(counts).map(([what, count]) => [what, BigInt(count)])),
      time,
    })),
    missingReceipts: erasing && accepted ? missing(row.members, receipts).map((service) => `services/${service}`) : [],
    retainUntil: row.retainUntil ?? undefined,
    createTime: row.createTime,
  };
}

/** The first requests about a party, those due first at the top. */
export async function requestsOf(
  on: Queryable,
  partyId: string,
  scope: Scope,
  { limit, now }: { limit: number; now: Date },
): Promise<DataSubjectRequest[]> {
  const rows = await on.rows<RequestRow>(sql`
    SELECT ${requestColumns} FROM data_subject_request
    WHERE ${requestsSeen(scope)} AND ${partyId}::uuid = ANY(members) ORDER BY due_time, request_id LIMIT ${limit}`);
  return Promise.all(rows.map((row) => requestMessage(on, row, now)));
}

/** The services of which a receipt for one of the parties is missing. */
export function missing(
  members: readonly string[],
  receipts: readonly { partyId: string; service: string }[],
): OtherService[] {
  const there = new Set(receipts.map(({ partyId, service }) => `${service} ${partyId}`));
  return otherServices.filter((service) => members.some((member) => !there.has(`${service} ${member}`)));
}

/** Closes a request, and tells that it is. */
export async function closeRequest(
  tx: Tx,
  row: RequestRow,
  state:
    | DataSubjectRequestState.DATA_SUBJECT_REQUEST_STATE_COMPLETED
    | DataSubjectRequestState.DATA_SUBJECT_REQUEST_STATE_REFUSED,
  now: Date,
): Promise<RequestRow> {
  const closed = await tx.one<RequestRow>(sql`
    UPDATE data_subject_request SET state = ${state}, close_time = ${now} WHERE request_id = ${row.requestId}
    RETURNING ${requestColumns}`);
  const { requestId, partyId, organisationPath, kind, dueTime } = closed;
  const message = {
    dataSubjectRequest: requestName(requestId),
    party: partyName(partyId),
    organisationPath,
    kind,
    state,
    inTime: now <= dueTime,
    closeTime: now,
  };
  const options = { aggregate: requestId, subject: message.dataSubjectRequest };
  await publish(tx, DataSubjectRequestClosed, message, options);
  return closed;
}
