import { everything, sql } from '@rapport/kit/db';
import type { EventMeta } from '@rapport/kit/events';
import type { CaseClosed, CaseOpened, CaseReopened, CaseResolved } from '@rapport/proto/cases/v1';
import { CaseStepKind, TimelineEntryKind } from '@rapport/proto/customer/v1';
import {
  DeliveryDecision,
  DeliveryReason,
  type MessageSent,
  type MessageSuppressed,
} from '@rapport/proto/marketing/v1';
import type { Deps } from '../deps.js';
import { idsIn } from '../party/party.js';
import type { StepRecord } from './service-step.js';

type Event<T extends string, M> = { type: `rapport.${T}`; event: M; meta: EventMeta };

/** What the timeline follows of other services. */
export type ServiceEvent =
  | Event<'marketing.v1.MessageSent', MessageSent>
  | Event<'marketing.v1.MessageSuppressed', MessageSuppressed>
  | Event<'cases.v1.CaseOpened', CaseOpened>
  | Event<'cases.v1.CaseResolved', CaseResolved>
  | Event<'cases.v1.CaseClosed', CaseClosed>
  | Event<'cases.v1.CaseReopened', CaseReopened>;

/** The consumer's name. */
export const TIMELINE = 'customer-timeline';

type Content = Pick<StepRecord, 'kind' | 'step' | 'channel' | 'resource' | 'detail'> & { time: Date | undefined };

function word(names: Readonly<Record<number, string>>, value: number, prefix: string): string {
  return (names[value] ?? '').replace(prefix, '').toLowerCase();
}

function contentOf(one: ServiceEvent): Content {
  switch (one.type) {
    case 'rapport.marketing.v1.MessageSent': {
      const { sendTime, channel, campaign, delivery, purpose, templateVersion } = one.event;
      const detail = { delivery, purpose, decision: 'sent', template: templateVersion };
      const kind = TimelineEntryKind.TIMELINE_ENTRY_KIND_CAMPAIGN;
      return { kind, step: 0, channel, resource: campaign, detail, time: sendTime };
    }
    case 'rapport.marketing.v1.MessageSuppressed': {
      const { decideTime, channel, campaign, delivery, purpose } = one.event;
      const decision = word(DeliveryDecision, one.event.decision, 'DELIVERY_DECISION_');
      const reason = word(DeliveryReason, one.event.reason, 'DELIVERY_REASON_');
      const kind = TimelineEntryKind.TIMELINE_ENTRY_KIND_CAMPAIGN;
      const detail = { delivery, purpose, decision, reason };
      return { kind, step: 0, channel, resource: campaign, detail, time: decideTime };
    }
    case 'rapport.cases.v1.CaseOpened':
      return caseContent(one.event, CaseStepKind.CASE_STEP_KIND_OPENED, one.event.receiveTime);
    case 'rapport.cases.v1.CaseResolved':
      return caseContent(one.event, CaseStepKind.CASE_STEP_KIND_RESOLVED, one.event.resolveTime);
    case 'rapport.cases.v1.CaseClosed':
      return caseContent(one.event, CaseStepKind.CASE_STEP_KIND_CLOSED, one.event.closeTime);
    case 'rapport.cases.v1.CaseReopened':
      return caseContent(one.event, CaseStepKind.CASE_STEP_KIND_REOPENED, one.event.reopenTime);
  }
}

function caseContent(
  event: Pick<CaseOpened, 'case' | 'type' | 'isComplaint' | 'channel'>,
  step: CaseStepKind,
  time: Date | undefined,
): Content {
  const detail = { type: event.type, complaint: event.isComplaint };
  const kind = TimelineEntryKind.TIMELINE_ENTRY_KIND_CASE;
  return { kind, step, channel: event.channel, resource: event.case, detail, time };
}

/**
 * Keeps the steps of campaigns and cases for the timelines of their parties: names, kinds and codes, no text. The id of
 * the event is that of the row, so that an event that comes again changes nothing. A case without a party has none.
 */
export function followServices(deps: Pick<Deps, 'db'>): (events: ServiceEvent[]) => Promise<void> {
  return async (events) => {
    const rows = events.flatMap((one) => {
      const partyId = idsIn(one.event.party)?.[0];
      const { time, ...content } = contentOf(one);
      return partyId === undefined
        ? []
        : [{ ...content, partyId, time: time ?? one.meta.occurred, stepId: one.meta.id }];
    });
    if (rows.length === 0) return;
    await deps.db.transaction(everything, async (tx) => {
      // The lock keeps the parties where they are until the rows stand there too.
      await tx.run(sql`
        WITH r AS (
          SELECT * FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) AS r ("partyId" uuid, time timestamptz,
            "stepId" uuid, kind smallint, step smallint, channel smallint, resource text, detail jsonb)
        ), place AS (
          SELECT party_id, organisation_path, manager FROM party WHERE party_id IN (SELECT "partyId" FROM r)
          ORDER BY party_id FOR SHARE
        )
        INSERT INTO service_step (party_id, time, step_id, kind, step, channel, resource, detail, organisation_path,
          manager)
        SELECT r."partyId", r.time, r."stepId", r.kind, r.step, r.channel, r.resource, r.detail,
          place.organisation_path, place.manager
        FROM r JOIN place ON place.party_id = r."partyId" ON CONFLICT DO NOTHING`);
    });
  };
}
