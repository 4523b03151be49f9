import { ask, get, nameOf, write } from './client.js';
import type { Party } from './customer.js';
import type { Paged } from './types.js';

/** A person's use of a right over their own data. */
export interface DataSubjectRequest {
  /** `dataSubjectRequests/{uuid}`. */
  name: string;
  party: string;
  kind: string;
  state: string;
  receiveTime?: string;
  dueTime?: string;
  overdue: boolean;
  extensionReason: string;
  identityCheck: string;
  refusalReason: string;
  purpose: string;
  case: string;
  organisationPath: string;
  createdBy: string;
  decidedBy: string;
  decideTime?: string;
  closeTime?: string;
  receipts: { service: string; party: string; counts: Record<string, string>; time: string }[];
  missingReceipts: string[];
  retainUntil?: string;
}

const values = (prefix: string, names: string) => names.split(' ').map((name) => `${prefix}_${name}`);

export const requestKinds = values(
  'DATA_SUBJECT_REQUEST_KIND',
  'ACCESS PORTABILITY RECTIFICATION RESTRICTION ERASURE OBJECTION',
);
export const identityChecks = values('IDENTITY_CHECK', 'DOCUMENT SIGNED_IN KNOWN_IN_PERSON CALL_BACK REPRESENTATIVE');
export const refusalReasons = values(
  'REFUSAL_REASON',
  'IDENTITY_NOT_PROVEN UNFOUNDED EXCESSIVE LEGAL_OBLIGATION LEGAL_CLAIMS OVERRIDING_GROUNDS DATA_IS_RIGHT',
);
export const extensionReasons = values('EXTENSION_REASON', 'COMPLEXITY NUMBER_OF_REQUESTS');
export const holdReasons = values(
  'LEGAL_HOLD_REASON',
  'LITIGATION INVESTIGATION MONEY_LAUNDERING COURT_ORDER TAX_AUDIT',
);

/** Requests, those due first at the top. */
export const listDataSubjectRequests = (
  filter: { open: boolean; party: string },
  pageToken: string,
  signal?: AbortSignal,
) =>
  get<{ dataSubjectRequests: DataSubjectRequest[] } & Paged>(
    'dataSubjectRequests',
    { ...filter, pageSize: 20, pageToken },
    signal,
  );

export const getDataSubjectRequest = (id: string, signal?: AbortSignal) =>
  get<{ dataSubjectRequest: DataSubjectRequest }>(nameOf('dataSubjectRequests', id), {}, signal);

export interface NewRequest {
  party: string;
  kind: string;
  identityCheck: string;
  purpose: string;
  /** Unset means now. */
  receiveTime?: string;
}

export const createDataSubjectRequest = (dataSubjectRequest: NewRequest) =>
  write<{ dataSubjectRequest: DataSubjectRequest }>('dataSubjectRequests', { dataSubjectRequest });

export type RequestStep =
  | { verb: 'decide'; refusalReason?: string; identityCheck?: string }
  | { verb: 'extend'; reason: string }
  | { verb: 'complete' };

/** Decides, extends or completes a request. */
export const actOnRequest = (name: string, { verb, ...fields }: RequestStep) =>
  write<{ dataSubjectRequest: DataSubjectRequest }>(`${name}:${verb}`, fields);

/** A party with what the caller may see of it. */
export const getParty = (id: string, signal?: AbortSignal) => get<{ party: Party }>(nameOf('parties', id), {}, signal);

export const liftRestriction = (id: string) => write<object>(`${nameOf('parties', id)}:liftRestriction`, {});

export interface LegalHold {
  name: string;
  reason: string;
  endTime: string;
  placedBy: string;
  placeTime?: string;
  releasedBy: string;
  releaseTime?: string;
}

export const listLegalHolds = (id: string, pageToken: string, signal?: AbortSignal) =>
  get<{ legalHolds: LegalHold[] } & Paged>(`${nameOf('parties', id)}/legalHolds`, { pageSize: 20, pageToken }, signal);

export const placeLegalHold = (id: string, legalHold: { reason: string; endTime: string }) =>
  write<{ legalHold: LegalHold }>(`${nameOf('parties', id)}/legalHolds`, { legalHold });

export const releaseLegalHold = (name: string) => write<{ legalHold: LegalHold }>(`${name}:release`, {});

/** Who did what to a customer's data, and why. */
export interface AuditRecord {
  id: string;
  time: string;
  actor: string;
  roles: string[];
  action: string;
  resource: string;
  purpose: string;
  fields: string[];
  reason: string;
  /** Its place in the hash chain, from 1; 0 while it is not sealed into it. */
  sequence: string;
}

export const listAuditRecords = (
  id: string,
  filter: { actor: string; startTime: string; endTime: string },
  pageToken: string,
  signal?: AbortSignal,
) =>
  get<{ auditRecords: AuditRecord[] } & Paged>(
    `${nameOf('parties', id)}/auditRecords`,
    { ...filter, pageSize: 30, pageToken },
    signal,
  );

export const revealReasons = values(
  'REVEAL_REASON',
  'IDENTITY_CHECK CUSTOMER_REQUEST CASE FRAUD DATA_SUBJECT_REQUEST LEGAL_DUTY',
);

/** Shows one masked field for a reason; every call is audited and counted. */
export const revealField = (id: string, field: string, reason: string, caseName: string) =>
  ask<{ values: string[]; remaining: number }>(`${nameOf('parties', id)}:revealField`, {
    field,
    reason,
    case: caseName,
  });
