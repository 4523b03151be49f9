import { type Case, CasePriority, CaseState, ComplaintStep, SurveyState } from '@rapport/proto/cases/v1';
import { Channel } from '@rapport/proto/type/v1';
import { pick } from '../bank/synthesis.js';
import { each } from '../progress.js';
import type { Complaint } from './complaints.js';
import type { Story } from './context.js';

const CHANNELS: Readonly<Record<string, Channel>> = {
  Phone: Channel.CHANNEL_PHONE,
  Email: Channel.CHANNEL_EMAIL,
  'Postal mail': Channel.CHANNEL_POST,
  Fax: Channel.CHANNEL_POST,
};
/** After being received and recorded, in the order that the process demands. */
const STEPS = [
  ComplaintStep.COMPLAINT_STEP_RECORDED,
  ComplaintStep.COMPLAINT_STEP_RESPONDED,
  ComplaintStep.COMPLAINT_STEP_TRACKED,
  ComplaintStep.COMPLAINT_STEP_ANSWERED,
];
const WIDTH = 12;
const DAY_MS = 86_400_000;

/** Of a hundred cases this many are worked to their close; three of four of those answer a survey. */
const WORKED = 60;
const SURVEYED = 75;

/** Whose complaint it is, and who serves them. */
export interface Complainant {
  readonly party: string;
  readonly organisationPath: string;
  readonly branch: string;
  readonly agent: string;
}

/**
 * Opens a case for each complaint and works some of them through the five steps to their close, at the times that follow
 * from the day it was received: the same cases, steps and times in every run. Gives how many were opened and closed.
 */
export async function workCases(
  story: Story,
  complaints: AsyncIterable<Complaint>,
  limit: number,
  complainant: (key: string) => Complainant,
): Promise<{ opened: number; closed: number; surveys: number }> {
  const { cases } = story.clients;
  const step = story.progress.step('Cases', limit);
  const counts = { opened: 0, closed: 0, surveys: 0 };

  async function work(complaint: Complaint): Promise<void> {
    const key = complaint.sourceKey;
    const who = complainant(key);
    const draw = (what: string, below: number) => pick(`${story.bank.id}/case/${key}/${what}`, below);
    const { year, month, day } = complaint.receivedOn;
    const received = Date.UTC(year, month - 1, day, 9, draw('minute', 60));
    const after = (days: number) => new Date(received + days * DAY_MS);
    const request = (what: string) => story.request('case', key, what);
    const opened = await cases.openCase({
      requestId: request('open'),
      type: `caseTypes/${complaint.type}`,
      party: who.party,
      channel: CHANNELS[complaint.submittedVia] ?? Channel.CHANNEL_WEB,
      subject: complaint.subject,
      description: complaint.description,
      organisationPath: who.organisationPath,
      branch: who.branch,
      priority: CasePriority.CASE_PRIORITY_NORMAL,
      assignee: `staff/${who.agent}`,
      source: `${story.bank.id}_complaints`,
      sourceKey: key,
      receiveTime: after(0),
    });
    counts.opened += 1;
    step.advance();
    const { name, state } = opened.case as Case;
    if (draw('worked', 100) >= WORKED) return;
    // Stored answers are kept for seven days; a story told again later finds its cases closed and leaves them so.
    if (opened.existing && state === CaseState.CASE_STATE_CLOSED) {
      counts.closed += 1;
      counts.surveys += opened.case?.survey?.state === SurveyState.SURVEY_STATE_ANSWERED ? 1 : 0;
      return;
    }
    // Between one and nine working days: most within the time that a bank promises, some not.
    const days = 1 + draw('days', 9);
    const advance = async (one: ComplaintStep, index: number) =>
      cases.advanceComplaint({
        requestId: request(`step ${one}`),
        name,
        step: one,
        etag: '',
        occurTime: after((days * (index + 1)) / (STEPS.length + 1)),
      });
    for (const [index, one] of STEPS.entries()) await advance(one, index);
    await cases.addNote({
      requestId: request('note'),
      name,
      text: 'Answered in writing; the customer was told how to take it further.',
      occurTime: after(days),
    });
    await cases.resolveCase({
      requestId: request('resolve'),
      name,
      resolution: 'Explained and put right.',
      etag: '',
      occurTime: after(days),
    });
    await cases.closeCase({ requestId: request('close'), name, etag: '', occurTime: after(days + 1) });
    counts.closed += 1;
    await cases.requestSurvey({ requestId: request('survey'), name, occurTime: after(days + 1) });
    if (draw('survey', 100) >= SURVEYED) return;
    // Slow answers are liked less.
    const score = Math.max(1, 5 - Math.floor(days / 4) - draw('score', 2));
    await cases.answerSurvey({ requestId: request('answer'), name, score, comment: '', occurTime: after(days + 2) });
    counts.surveys += 1;
  }

  async function* first(): AsyncGenerator<Complaint> {
    let taken = 0;
    for await (const complaint of complaints) {
      if (taken === limit) return;
      taken += 1;
      yield complaint;
    }
  }
  await each(first(), WIDTH, work);
  step.done(`${counts.opened} opened, ${counts.closed} closed, ${counts.surveys} surveys`);
  return counts;
}
