import { type Queryable, type Scope, scopeFilter, sql, type Sql, type Tx, within } from '@rapport/kit/db';
import { checkEtag, etag } from '@rapport/kit/rpc';
import {
  type Case,
  type CasePriority,
  CaseState,
  type ComplaintStep,
  SurveyState,
  type Survey,
} from '@rapport/proto/cases/v1';
import type { Channel } from '@rapport/proto/type/v1';
import { fail } from '../errors.js';
import type { Change } from '../history/history.js';
import { assertUsable } from '../restriction/restriction.js';
import { typeName } from '../type/type.js';

export { record } from './record.js';

/** A case as stored, with names of the contract. */
export interface CaseRow {
  organisationPath: string;
  /** `staff/{id}`, empty when nobody has it. */
  assignee: string;
  caseId: string;
  number: string;
  type: string;
  isComplaint: boolean;
  partyId: string | null;
  channel: Channel;
  subject: string;
  description: string;
  branch: string;
  state: CaseState;
  priority: CasePriority;
  stepTimes: Date[];
  stepActors: string[];
  dueTime: Date;
  responseDueTime: Date;
  pauseTime: Date | null;
  responseBreached: boolean;
  resolutionBreached: boolean;
  source: string | null;
  sourceKey: string | null;
  resolution: string;
  surveyState: SurveyState;
  surveyScore: number;
  surveyComment: string;
  surveyRequestTime: Date | null;
  surveyAnswerTime: Date | null;
  reopenCount: number;
  receiveTime: Date;
  responseTime: Date | null;
  resolveTime: Date | null;
  closeTime: Date | null;
  lastChangeTime: Date;
  version: number;
  createTime: Date;
  updateTime: Date;
}

export const caseColumns: Sql = sql.raw(
  `case_id AS "caseId", number, type, is_complaint AS "isComplaint", party_id AS "partyId", channel, subject,
   description, organisation_path AS "organisationPath", branch, state, priority, step_times AS "stepTimes",
   step_actors AS "stepActors", assignee, due_time AS "dueTime", response_due_time AS "responseDueTime",
   pause_time AS "pauseTime", response_breached AS "responseBreached", resolution_breached AS "resolutionBreached",
   source, source_key AS "sourceKey", resolution, survey_state AS "surveyState", survey_score AS "surveyScore",
   survey_comment AS "surveyComment", survey_request_time AS "surveyRequestTime",
   survey_answer_time AS "surveyAnswerTime", reopen_count AS "reopenCount", receive_time AS "receiveTime",
   response_time AS "responseTime", resolve_time AS "resolveTime", close_time AS "closeTime",
   last_change_time AS "lastChangeTime", version, create_time AS "createTime", update_time AS "updateTime"`,
);

/** The row filter of this table. */
export function seenBy(scope: Scope): Sql {
  return scopeFilter(scope, { path: 'organisation_path', manager: 'assignee' });
}

/** States in which work is still to be done, for SQL: OPEN, ASSIGNED, IN_PROGRESS, REOPENED. */
export const openStates: Sql = sql.raw('state IN (1, 2, 3, 6)');

/** `cases/{uuid}`. */
export function caseName(caseId: string): string {
  return `cases/${caseId}`;
}

/** The uuid in `cases/{uuid}`. */
export function caseIdIn(name: string): string {
  return name.slice('cases/'.length);
}

/** Whether work is still to be done. */
export function isOpen({ state }: Pick<CaseRow, 'state'>): boolean {
  return state !== CaseState.CASE_STATE_RESOLVED && state !== CaseState.CASE_STATE_CLOSED;
}

/** Which promises are broken at a moment: those found broken before, and those whose running clock has passed. */
export function breaches(row: CaseRow, now: Date): Pick<CaseRow, 'responseBreached' | 'resolutionBreached'> {
  const running = isOpen(row) && row.pauseTime === null;
  return {
    responseBreached: row.responseBreached || (running && row.responseTime === null && row.responseDueTime < now),
    resolutionBreached: row.resolutionBreached || (running && row.dueTime < now),
  };
}

function surveyOf(row: CaseRow): Survey | undefined {
  if (row.surveyState === SurveyState.SURVEY_STATE_UNSPECIFIED) return undefined;
  return {
    state: row.surveyState,
    score: row.surveyScore,
    comment: row.surveyComment,
    requestTime: row.surveyRequestTime ?? undefined,
    answerTime: row.surveyAnswerTime ?? undefined,
  };
}

/** The line of history for what the survey is now. */
export function surveyChange(row: CaseRow): Change[] {
  const value = surveyOf(row);
  return value ? [{ $case: 'survey', value }] : [];
}

/** The message of a row. Texts about the party (class C2) are left out where `clear` does not reach the row. */
export function caseMessage(row: CaseRow, clear: Scope, now: Date): Case {
  const told = within(clear, row.organisationPath, row.assignee);
  const survey = surveyOf(row);
  const broken = breaches(row, now);
  return {
    name: caseName(row.caseId),
    number: row.number,
    type: typeName(row.type),
    party: row.partyId === null ? '' : `parties/${row.partyId}`,
    channel: row.channel,
    subject: told ? row.subject : '',
    description: told ? row.description : '',
    organisationPath: row.organisationPath,
    branch: row.branch,
    state: row.state,
    priority: row.priority,
    isComplaint: row.isComplaint,
    complaintStep: stepReached(row),
    complaintSteps: row.stepTimes.map((occurTime, index) => ({
      step: (index + 1) as ComplaintStep,
      occurTime,
      actor: row.stepActors[index] ?? '',
    })),
    assignee: row.assignee,
    dueTime: row.dueTime,
    responseDueTime: row.responseDueTime,
    paused: row.pauseTime !== null,
    breached: broken.responseBreached || broken.resolutionBreached,
    source: row.source ?? '',
    sourceKey: row.sourceKey ?? '',
    resolution: told ? row.resolution : '',
    survey: survey && { ...survey, comment: told ? survey.comment : '' },
    reopenCount: row.reopenCount,
    receiveTime: row.receiveTime,
    responseTime: row.responseTime ?? undefined,
    resolveTime: row.resolveTime ?? undefined,
    closeTime: row.closeTime ?? undefined,
    createTime: row.createTime,
    updateTime: row.updateTime,
    etag: etag(row.caseId, row.version),
  };
}

/** The complaint step reached last; 0 (UNSPECIFIED) for a case that is no complaint. */
export function stepReached(row: Pick<CaseRow, 'stepTimes'>): ComplaintStep {
  return row.stepTimes.length as ComplaintStep;
}

/** What every event about a case carries. Nothing in it tells who the party is. */
export function caseFacts(row: CaseRow) {
  return {
    case: caseName(row.caseId),
    type: typeName(row.type),
    isComplaint: row.isComplaint,
    party: row.partyId === null ? '' : `parties/${row.partyId}`,
    assignee: row.assignee,
    branch: row.branch,
    organisationPath: row.organisationPath,
    channel: row.channel,
    priority: row.priority,
    source: row.source ?? '',
  };
}

/** How events of a case are addressed. */
export function addressOf(row: CaseRow): { aggregate: string; subject: string } {
  return { aggregate: row.caseId, subject: caseName(row.caseId) };
}

/** Whether the party had its first answer, and the case its resolution, by the due time. */
export function kept(row: CaseRow): { responseInTime: boolean; resolvedInTime: boolean } {
  return {
    responseInTime: row.responseTime !== null && row.responseTime <= row.responseDueTime,
    resolvedInTime: row.resolveTime !== null && row.resolveTime <= row.dueTime,
  };
}

/** One case inside the scope. Throws CASE_NOT_FOUND. */
export async function findCase(on: Queryable, scope: Scope, name: string): Promise<CaseRow> {
  const row = await on.maybe<CaseRow>(sql`
    SELECT ${caseColumns} FROM service_case WHERE case_id = ${caseIdIn(name)} AND ${seenBy(scope)}`);
  if (!row) throw fail('CASE_NOT_FOUND', { metadata: { case: name } });
  return row;
}

/**
 * The same, locked until the transaction ends, and as the caller knows it (ETAG_MISMATCH otherwise). For a change: refused
 * where the party's data may not be used (PARTY_RESTRICTED).
 */
export async function lockCase(tx: Tx, scope: Scope, request: { name: string; etag?: string }): Promise<CaseRow> {
  const row = await tx.maybe<CaseRow>(sql`
    SELECT ${caseColumns} FROM service_case
    WHERE case_id = ${caseIdIn(request.name)} AND ${seenBy(scope)} FOR UPDATE`);
  if (!row) throw fail('CASE_NOT_FOUND', { metadata: { case: request.name } });
  checkEtag(request.etag ?? '', etag(row.caseId, row.version));
  await assertUsable(tx, row);
  return row;
}

/**
 * When a change is said to have happened: the given time, which must lie between the last change and now, or now. Clocks
 * of replicas differ, so a change that names no time is never placed before the one it follows.
 */
export function momentOf(row: CaseRow, given: Date | undefined, now: Date): Date {
  if (given === undefined) return new Date(Math.max(now.getTime(), row.lastChangeTime.getTime()));
  assertPast(given, now, 'occur_time');
  if (given < row.lastChangeTime) {
    throw fail('TIME_BEFORE_LAST_CHANGE', {
      violations: [{ field: 'occur_time', description: `must not be before ${row.lastChangeTime.toISOString()}` }],
    });
  }
  return given;
}

/** Refuses a time in the future. */
export function assertPast(time: Date, now: Date, field: string): void {
  if (time <= now) return;
  throw fail('TIME_IN_FUTURE', { violations: [{ field, description: 'must not be in the future' }] });
}

/** Writes what may change of a locked case and gives it with its new version. */
export async function saveCase(tx: Tx, row: CaseRow, now: Date): Promise<CaseRow> {
  return tx.one<CaseRow>(sql`
    UPDATE service_case SET state = ${row.state}, assignee = ${row.assignee}, step_times = ${row.stepTimes},
      step_actors = ${row.stepActors}, due_time = ${row.dueTime}, response_due_time = ${row.responseDueTime},
      pause_time = ${row.pauseTime}, response_breached = ${row.responseBreached},
      resolution_breached = ${row.resolutionBreached}, resolution = ${row.resolution},
      survey_state = ${row.surveyState}, survey_score = ${row.surveyScore}, survey_comment = ${row.surveyComment},
      survey_request_time = ${row.surveyRequestTime}, survey_answer_time = ${row.surveyAnswerTime},
      reopen_count = ${row.reopenCount}, response_time = ${row.responseTime}, resolve_time = ${row.resolveTime},
      close_time = ${row.closeTime}, last_change_time = ${row.lastChangeTime}, version = version + 1,
      update_time = ${now}
    WHERE case_id = ${row.caseId} RETURNING ${caseColumns}`);
}
