import { type Sql, sql } from '@rapport/kit/db';
import { CaseStepKind, type TimelineEntry, TimelineEntryKind } from '@rapport/proto/customer/v1';

/** A step of a campaign or a case as it is stored, in the names of the Prisma model. */
export interface StepRecord {
  partyId: string;
  time: Date;
  stepId: string;
  kind: TimelineEntryKind;
  /** For a case the kind of the step; 0 for a campaign. */
  step: number;
  channel: number;
  resource: string;
  detail: StepDetail;
}

/** Codes and names that go with a step. */
export interface StepDetail {
  delivery?: string;
  purpose?: string;
  decision?: string;
  reason?: string;
  template?: string;
  type?: string;
  complaint?: boolean;
}

/** The columns of a `StepRecord`, of the table service_step under the name s. */
export const stepColumns: Sql = sql.raw(`s.party_id AS "partyId", s.time, s.step_id AS "stepId", s.kind, s.step,
  s.channel, s.resource, s.detail`);

/** A row that came as JSON. */
export function stepFromJson(json: StepRecord): StepRecord {
  return { ...json, time: new Date(json.time) };
}

/** The entry of a row as a message. */
export function stepMessage({ time, kind, step, channel, resource, detail }: StepRecord): TimelineEntry {
  const { delivery = '', purpose = '', decision = '', reason = '', template = '', type = '', complaint } = detail;
  if (kind === TimelineEntryKind.TIMELINE_ENTRY_KIND_CASE) {
    const value = { caseName: resource, type, step: step as CaseStepKind, channel, isComplaint: complaint ?? false };
    return { time, entry: { $case: 'caseStep', value } };
  }
  const value = { campaign: resource, delivery, channel, purpose, decision, reason, templateVersion: template };
  return { time, entry: { $case: 'campaign', value } };
}
