import { get, nameOf, write } from './client.js';
import type { Paged } from './types.js';

export interface Case {
  /** `cases/{uuid}`. */
  name: string;
  number: string;
  type: string;
  party: string;
  channel: string;
  subject: string;
  description: string;
  organisationPath: string;
  branch: string;
  state: string;
  priority: string;
  isComplaint: boolean;
  complaintStep: string;
  complaintSteps: { step: string; occurTime: string; actor: string }[];
  assignee: string;
  dueTime?: string;
  responseDueTime?: string;
  paused: boolean;
  breached: boolean;
  resolution: string;
  survey?: { state: string; score: number; comment: string; requestTime?: string; answerTime?: string };
  reopenCount: number;
  receiveTime?: string;
  resolveTime?: string;
  closeTime?: string;
  etag: string;
}

export interface HistoryEntry {
  name: string;
  actor: string;
  occurTime: string;
  note?: { text: string };
  stateChange?: { from: string; to: string; reason: string };
  assignment?: { previousAssignee: string; assignee: string };
  complaintStep?: string;
  paused?: boolean;
  survey?: { state: string; score: number; comment: string };
}

export interface CaseType {
  name: string;
  titleEn: string;
  titleZh: string;
  isComplaint: boolean;
  responseHours: number;
  resolutionHours: number;
}

export interface CaseFilter {
  states?: string[];
  assignee?: string;
  party?: string;
  type?: string;
  overdue?: boolean;
  orderBy?: string;
}

export const caseStates = [
  'CASE_STATE_OPEN',
  'CASE_STATE_ASSIGNED',
  'CASE_STATE_IN_PROGRESS',
  'CASE_STATE_RESOLVED',
  'CASE_STATE_CLOSED',
  'CASE_STATE_REOPENED',
] as const;

export const complaintSteps = [
  'COMPLAINT_STEP_RECEIVED',
  'COMPLAINT_STEP_RECORDED',
  'COMPLAINT_STEP_RESPONDED',
  'COMPLAINT_STEP_TRACKED',
  'COMPLAINT_STEP_ANSWERED',
] as const;

export const casePriorities = [
  'CASE_PRIORITY_LOW',
  'CASE_PRIORITY_NORMAL',
  'CASE_PRIORITY_HIGH',
  'CASE_PRIORITY_URGENT',
] as const;

export const listCases = (filter: CaseFilter, pageToken: string, signal?: AbortSignal) =>
  get<{ cases: Case[] } & Paged>('cases', { ...filter, pageSize: 20, pageToken }, signal);

export const getCase = (id: string, signal?: AbortSignal) => get<{ case: Case }>(nameOf('cases', id), {}, signal);

export const listCaseHistory = (id: string, pageToken: string, signal?: AbortSignal) =>
  get<{ entries: HistoryEntry[] } & Paged>(`${nameOf('cases', id)}/history`, { pageSize: 50, pageToken }, signal);

export interface CaseStatistics {
  open: string;
  overdue: string;
  unassigned: string;
  openComplaints: string;
  resolved: string;
  closed: string;
  asOf: string;
}

export const getCaseStatistics = (signal?: AbortSignal) => get<CaseStatistics>('cases:statistics', {}, signal);

export const listCaseTypes = (signal?: AbortSignal) =>
  get<{ caseTypes: CaseType[] } & Paged>('caseTypes', { pageSize: 1000 }, signal);

export interface NewCase {
  type: string;
  party: string;
  channel: string;
  subject: string;
  description: string;
  priority: string;
  organisationPath: string;
}

export const openCase = (request: NewCase) => write<{ case: Case; existing: boolean }>('cases', request);

export type CaseAction =
  | { verb: 'assign'; assignee: string }
  | { verb: 'addNote'; text: string }
  | { verb: 'advanceComplaint'; step: string }
  | { verb: 'pause' | 'resume' | 'close' | 'requestSurvey' }
  | { verb: 'resolve'; resolution: string }
  | { verb: 'reopen'; reason: string }
  | { verb: 'answerSurvey'; score: number; comment: string };

const withoutEtag = new Set(['addNote', 'requestSurvey', 'answerSurvey']);

/** Does one step of work on a case; refused when somebody else changed it meanwhile. */
export function actOnCase(of: Case, action: CaseAction): Promise<{ case?: Case }> {
  const { verb, ...fields } = action;
  return write(`${of.name}:${verb}`, withoutEtag.has(verb) ? fields : { ...fields, etag: of.etag });
}
