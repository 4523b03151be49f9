import type { EventMeta } from '@rapport/kit/events';
import type { CaseClosed, SurveyAnswered } from '@rapport/proto/cases/v1';
import type { HoldingOpened } from '@rapport/proto/customer/v1';
import type { ReferralWon } from '@rapport/proto/marketing/v1';
import { FactKind } from '@rapport/proto/performance/v1';
import type { Achievement } from './fact.js';

const ONE = 1_000n;
const WHOLE = 10_000n;

function told(meta: EventMeta, event: { organisationPath: string }) {
  return { eventId: meta.id, eventType: meta.type, organisationPath: event.organisationPath };
}

/** The credit of a sale: each of the two employees has a fact with the share, together exactly one. */
export function referralWon(event: ReferralWon, meta: EventMeta): Achievement[] {
  const toSender = (BigInt(event.creditSplitBasisPoints) * ONE) / WHOLE;
  const shares = new Map<string, bigint>();
  for (const [staff, share] of [
    [event.fromStaff, toSender],
    [event.toStaff, ONE - toSender],
  ] as const) {
    if (staff !== '' && share > 0n) shares.set(staff, (shares.get(staff) ?? 0n) + share);
  }
  const occurred = event.closeTime ?? meta.occurred;
  const kind = FactKind.FACT_KIND_REFERRAL_WON;
  return [...shares].map(([staff, value]) => ({ ...told(meta, event), staff, kind, value, occurred }));
}

/** A closed case counts for who had it, once more when it was resolved in time. */
export function caseClosed(event: CaseClosed, meta: EventMeta): Achievement[] {
  if (event.assignee === '') return [];
  const kinds = [FactKind.FACT_KIND_CASE_CLOSED];
  if (event.resolvedInTime) kinds.push(FactKind.FACT_KIND_CASE_CLOSED_IN_TIME);
  const occurred = event.closeTime ?? meta.occurred;
  const common = { ...told(meta, event), staff: event.assignee, value: ONE, occurred, onceFor: event.case };
  return kinds.map((kind) => ({ ...common, kind }));
}

/** The answer to a survey counts for who has the case. */
export function surveyAnswered(event: SurveyAnswered, meta: EventMeta): Achievement[] {
  if (event.assignee === '' || event.score < 1) return [];
  const value = BigInt(event.score) * ONE;
  const occurred = event.answerTime ?? meta.occurred;
  return [{ ...told(meta, event), staff: event.assignee, kind: FactKind.FACT_KIND_SURVEY_SCORE, value, occurred }];
}

/** A holding counts for who looks after its first owner, on the day it was opened; without that day it does not count. */
export function holdingOpened(event: HoldingOpened, meta: EventMeta): Achievement[] {
  const { relationshipManager: staff, openedDate: occurred } = event;
  if (staff === '' || occurred === undefined) return [];
  return [{ ...told(meta, event), staff, kind: FactKind.FACT_KIND_HOLDING_OPENED, value: ONE, occurred }];
}
