import { audit } from '@rapport/kit/crypto';
import { covers, sql, type Tx, within } from '@rapport/kit/db';
import { publish } from '@rapport/kit/events';
import { type Call, callerName, Failure, idempotent, scopeFor } from '@rapport/kit/rpc';
import { uuidv7 } from '@rapport/kit/runtime';
import {
  CaseAssigned,
  CaseOpened,
  CasePriority,
  CaseState,
  ComplaintStep,
  ComplaintStepReached,
  type OpenCaseRequest,
  OpenCaseResponse,
} from '@rapport/proto/cases/v1';
import { PartyState } from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import type { Change } from '../history/history.js';
import { REQUEST_TYPE } from '../restriction/restriction.js';
import { type ClockedType, dueTimes, typeIdIn } from '../type/type.js';
import { addressOf, assertPast, type CaseRow, caseColumns, caseFacts, caseMessage, caseName, seenBy } from './case.js';
import { record, stateChange } from './record.js';

/** How long customer may take to say whether a party is there, in milliseconds: somebody is on the phone. */
const PARTY_CHECK_MS = 3_000;

/** Opens a case and starts its clocks; a case with the same source key is answered as it is. */
export async function openCase(deps: Deps, request: OpenCaseRequest, call: Call): Promise<OpenCaseResponse> {
  const now = deps.clock.now();
  const receiveTime = request.receiveTime ?? now;
  const { organisationPath, assignee } = request;
  if (!covers(call.principal.orgPath, organisationPath) || !within(call.scope, organisationPath, assignee)) {
    throw fail('ORGANISATION_PATH_OUTSIDE', { metadata: { organisation_path: organisationPath } });
  }
  assertPast(receiveTime, now, 'receive_time');
  const type = await deps.types.find(typeIdIn(request.type));
  if (!type) throw fail('CASE_TYPE_NOT_FOUND', { violations: [{ field: 'type', description: 'does not exist' }] });
  // What is wrong with the party is said only when the case is not there yet: a repeat gets its answer, whatever became
  // of the party or of the service that knows it.
  const party = await checkParty(deps, request, call);
  const clear = scopeFor(call, 'C2');

  return idempotent(deps.db.plain, call, request, OpenCaseResponse, async (tx) => {
    const caseId = uuidv7();
    const there = await claimKey(tx, call, request, caseId);
    if (there) {
      await audit(tx, call, { resource: caseName(there.caseId), change: { existing: true } });
      return { case: caseMessage(there, clear, now), existing: true };
    }
    if (party instanceof Failure) throw party;
    const row = await insertCase(tx, call, { ...request, party }, { caseId, type, receiveTime, now });
    await record(tx, call, row, { at: receiveTime, now }, beginnings(row), { opened: true, type: row.type });
    await announce(tx, row);
    return { case: caseMessage(row, clear, now), existing: false };
  });
}

/**
 * Asks customer, in the caller's name, for the party. Gives the name to keep the case under, or what is wrong: a merged
 * party's case is its golden record's, and one from a source stays with the record that the source has.
 */
async function checkParty(deps: Deps, request: OpenCaseRequest, call: Call): Promise<Failure | string> {
  if (request.party === '') return '';
  try {
    const { party } = await deps.customer.getParty(
      { name: request.party },
      { parent: call, timeoutMs: PARTY_CHECK_MS },
    );
    if (bookOf(party?.organisationPath ?? '') !== bookOf(request.organisationPath)) return noParty();
    const restricted = party?.state === PartyState.PARTY_STATE_RESTRICTED;
    if (restricted && typeIdIn(request.type) !== REQUEST_TYPE) return fail('PARTY_RESTRICTED');
    return request.source === '' ? (party?.name ?? request.party) : request.party;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    if (error.kind === 'not_found' || error.kind === 'denied') return noParty();
    if (error.kind === 'cancelled' || error.kind === 'unauthenticated') return error;
    return fail('CUSTOMER_UNAVAILABLE', { retryInMs: 1_000, cause: error });
  }
}

function noParty(): Failure {
  return fail('PARTY_NOT_FOUND', {
    violations: [{ field: 'party', description: 'does not exist, or lies outside of what you may see' }],
  });
}

/** Takes the source key for a new case, or gives the case that has it. */
async function claimKey(tx: Tx, call: Call, request: OpenCaseRequest, caseId: string): Promise<CaseRow | undefined> {
  const { source, sourceKey } = request;
  if (source === '') return undefined;
  const book = bookOf(request.organisationPath);
  const claimed = await tx.run(sql`
    INSERT INTO case_key (book, source, source_key, case_id) VALUES (${book}, ${source}, ${sourceKey}, ${caseId})
    ON CONFLICT (book, source, source_key) DO NOTHING`);
  if (claimed === 1) return undefined;
  const holder = await tx.one<{ caseId: string }>(sql`
    SELECT case_id AS "caseId" FROM case_key
    WHERE book = ${book} AND source = ${source} AND source_key = ${sourceKey}`);
  const row = await tx.maybe<CaseRow>(
    sql`SELECT ${caseColumns} FROM service_case WHERE case_id = ${holder.caseId} AND ${seenBy(call.scope)}`,
  );
  if (!row) throw fail('SOURCE_KEY_TAKEN');
  return row;
}

async function insertCase(
  tx: Tx,
  call: Call,
  request: OpenCaseRequest,
  { caseId, type, receiveTime, now }: { caseId: string; type: ClockedType; receiveTime: Date; now: Date },
): Promise<CaseRow> {
  const { responseDueTime, dueTime } = dueTimes(type, receiveTime);
  const state = request.assignee === '' ? CaseState.CASE_STATE_OPEN : CaseState.CASE_STATE_ASSIGNED;
  const steps = type.isComplaint ? { times: [receiveTime], actors: [callerName(call)] } : undefined;
  const sourced = request.source === '' ? undefined : request;
  return tx.one<CaseRow>(sql`
    INSERT INTO service_case (case_id, number, type, is_complaint, party_id, channel, subject, description,
      organisation_path, branch, state, priority, step_times, step_actors, assignee, due_time, response_due_time,
      source, source_key, receive_time, last_change_time, create_time, update_time)
    SELECT ${caseId}, 'C-' || ${String(now.getUTCFullYear())}::text || '-' || lpad(n, greatest(6, length(n)), '0'),
      ${type.caseTypeId}, ${type.isComplaint}, ${request.party === '' ? null : request.party.slice('parties/'.length)},
      ${request.channel}, ${request.subject}, ${request.description}, ${request.organisationPath}, ${request.branch},
      ${state}, ${request.priority || CasePriority.CASE_PRIORITY_NORMAL}, ${steps?.times ?? []}, ${steps?.actors ?? []},
      ${request.assignee}, ${dueTime}, ${responseDueTime}, ${sourced?.source ?? null}, ${sourced?.sourceKey ?? null},
      ${receiveTime}, ${receiveTime}, ${now}, ${now}
    FROM CAST(nextval('case_number') AS text) AS n
    RETURNING ${caseColumns}`);
}

/** The first lines of the history. */
function beginnings(row: CaseRow): Change[] {
  const { CASE_STATE_UNSPECIFIED, CASE_STATE_OPEN, CASE_STATE_ASSIGNED } = CaseState;
  const lines: Change[] = [stateChange(CASE_STATE_UNSPECIFIED, CASE_STATE_OPEN)];
  if (row.isComplaint) lines.push({ $case: 'complaintStep', value: ComplaintStep.COMPLAINT_STEP_RECEIVED });
  if (row.assignee !== '') {
    lines.push({ $case: 'assignment', value: { previousAssignee: '', assignee: row.assignee } });
    lines.push(stateChange(CASE_STATE_OPEN, CASE_STATE_ASSIGNED));
  }
  return lines;
}

async function announce(tx: Tx, row: CaseRow): Promise<void> {
  const { receiveTime, dueTime, responseDueTime } = row;
  const facts = caseFacts(row);
  await publish(tx, CaseOpened, { ...facts, receiveTime, dueTime, responseDueTime }, addressOf(row));
  if (row.isComplaint) {
    const step = ComplaintStep.COMPLAINT_STEP_RECEIVED;
    await publish(
      tx,
      ComplaintStepReached,
      { ...facts, step, occurTime: receiveTime, responseInTime: false },
      addressOf(row),
    );
  }
  if (row.assignee !== '') {
    await publish(tx, CaseAssigned, { ...facts, previousAssignee: '', assignTime: receiveTime }, addressOf(row));
  }
}

/** The first segment of an organisation path: one bank's root. */
function bookOf(organisationPath: string): string {
  return organisationPath.split('/')[1] ?? '';
}
