import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '@rapport/kit/rpc';
import {
  CampaignState,
  DeliveryDecision,
  DeliveryReason,
  type GetCampaignSummaryResponse,
  type ReasonCount,
  VariableType,
} from '@rapport/proto/marketing/v1';
import { Channel } from '@rapport/proto/type/v1';
import type { Story } from './context.js';

const DAYS = 7;
const MESSAGES = 2;

/** `HH:00` in UTC-free local terms of the bank, `hours` after now. */
function hourFromNow(timeZone: string, hours: number): string {
  const text = new Intl.DateTimeFormat('en-GB', { timeZone, hour: '2-digit', hourCycle: 'h23' }).format(
    new Date(Date.now() + hours * 3_600_000),
  );
  return `${text.padStart(2, '0')}:00`;
}

/**
 * Sets the bank's contact policy unless it has one: two messages in seven days, and eight quiet hours that begin twelve
 * hours after the first run. A policy that looked at the night would make the story's counts depend on the hour in which
 * somebody runs it; the gate itself is the same.
 */
async function setContactPolicy(story: Story): Promise<void> {
  const { marketing } = story.clients;
  const organisationPath = `/${story.bank.id}`;
  const present = await marketing.getContactPolicy({ organisationPath }).catch((error: unknown) => {
    if (error instanceof Failure && error.kind === 'not_found') return undefined;
    throw error;
  });
  if (present?.policy?.organisationPath === organisationPath) return;
  const { timeZone } = story.bank;
  await marketing
    .setContactPolicy({
      policy: {
        organisationPath,
        frequencyCaps: [{ purpose: 'marketing', messages: MESSAGES, days: DAYS }],
        quietHours: { start: hourFromNow(timeZone, 12), end: hourFromNow(timeZone, 20) },
        etag: '',
      },
      requestId: story.request('contact policy'),
    })
    .catch((error: unknown) => {
      // An interrupted run set it in another hour: it stands.
      if (!(error instanceof Failure && error.reason === 'REQUEST_ID_REUSED')) throw error;
    });
}

/** Makes product, offer, template and campaign, has it approved by somebody else and launches it. Gives its name. */
export async function launchCampaign(story: Story, segmentVersion: string): Promise<string> {
  const { bank, clients } = story;
  const { marketing } = clients;
  const organisationPath = `/${bank.id}`;
  const marketer = await clients.as(story.employee('marketer'));
  const approver = await clients.as(story.employee('approver'));
  await setContactPolicy(story);
  const product = `${bank.id}-term-deposit`;
  await marketing.createProduct(
    {
      productId: product,
      product: {
        name: '',
        title: 'Term deposit',
        description: 'Savings with a fixed rate for twelve months',
        category: 'deposit',
        organisationPath,
      },
      requestId: story.request('product'),
    },
    marketer,
  );
  const { offer } = await marketing.createOffer(
    {
      offer: {
        name: '',
        product: `products/${product}`,
        title: 'Twelve months fixed',
        terms: 'From 10,000 upwards; interest at the end of the term.',
        organisationPath,
      },
      requestId: story.request('offer'),
    },
    marketer,
  );
  const template = `${bank.id}-term-deposit`;
  await marketing.createTemplate(
    {
      templateId: template,
      title: 'Term deposit for savers',
      organisationPath,
      version: {
        name: '',
        version: 0,
        variables: [
          {
            key: 'rate',
            type: VariableType.VARIABLE_TYPE_STRING,
            required: true,
            description: 'The interest rate of the year as it is written in the offer',
            example: '4.2 %',
          },
        ],
        variants: [
          {
            language: 'en',
            subject: '{{ offer.title }} at {{ rate }}',
            textBody:
              'Dear {{ party.display_name }},\n\nyour savings can earn {{ rate }} for a year: {{ offer.title }}. {{ offer.terms }}\n\nYour bank\n',
            htmlBody:
              '<p>Dear {{ party.display_name }},</p><p>your savings can earn <strong>{{ rate }}</strong> for a year: {{ offer.title }}. {{ offer.terms }}</p><p>Your bank</p>',
          },
          {
            language: 'zh',
            subject: '{{ offer.title }}，年利率 {{ rate }}',
            textBody:
              '尊敬的{{ party.display_name }}：\n\n您的存款可享受一年 {{ rate }} 的利率：{{ offer.title }}。{{ offer.terms }}\n\n您的银行\n',
            htmlBody:
              '<p>尊敬的{{ party.display_name }}：</p><p>您的存款可享受一年 <strong>{{ rate }}</strong> 的利率：{{ offer.title }}。{{ offer.terms }}</p><p>您的银行</p>',
          },
        ],
        createdBy: '',
      },
      requestId: story.request('template'),
    },
    marketer,
  );
  const created = await marketing.createCampaign(
    {
      campaign: {
        name: '',
        title: 'Term deposit for active savers',
        segmentVersion,
        templateVersion: `templates/${template}@1`,
        offer: offer?.name ?? '',
        channel: Channel.CHANNEL_EMAIL,
        purpose: 'marketing',
        organisationPath,
        onEnter: true,
        holdoutPercent: 0,
        values: { rate: '4.2 %' },
        state: CampaignState.CAMPAIGN_STATE_UNSPECIFIED,
        createdBy: '',
        approvedBy: '',
        etag: '',
      },
      requestId: story.request('campaign'),
    },
    marketer,
  );
  const name = created.campaign?.name ?? '';
  await marketing.submitCampaign({ name, etag: '', requestId: story.request('submit') }, marketer);
  await marketing.approveCampaign({ name, etag: '', requestId: story.request('approve') }, approver);
  await marketing.launchCampaign({ name, etag: '', requestId: story.request('launch') }, marketer);
  return name;
}

export type Summary = GetCampaignSummaryResponse;

/** Waits until every member of the audience has a decision. Throws after ten minutes. */
export async function awaitDeliveries(story: Story, campaign: string, atLeast: bigint): Promise<Summary> {
  const step = story.progress.step('Campaign', Number(atLeast));
  const until = Date.now() + 600_000;
  let shown = 0;
  for (;;) {
    const summary = await story.clients.marketing.getCampaignSummary({ name: campaign });
    const decided = Number(summary.audience - summary.pending);
    step.advance(decided - shown);
    shown = decided;
    if (summary.audience >= atLeast && summary.pending === 0n) {
      step.done(`${summary.sent} sent to an audience of ${summary.audience}`);
      return summary;
    }
    if (Date.now() > until) {
      throw new Error(
        `${summary.pending} of ${summary.audience} deliveries still wait for a decision after ten minutes`,
      );
    }
    await sleep(200);
  }
}

/** Waits until the party of the followed transaction was mailed. Gives the trace id of its delivery. */
export async function awaitFollowed(story: Story, campaign: string, party: string): Promise<string> {
  const until = Date.now() + 180_000;
  for (;;) {
    const answer = await story.clients.marketing.explainDelivery({ campaign, party });
    if (answer.decision === DeliveryDecision.DELIVERY_DECISION_SENT) return answer.delivery?.traceId ?? '';
    const open = [DeliveryDecision.DELIVERY_DECISION_PENDING, DeliveryDecision.DELIVERY_DECISION_NOT_IN_AUDIENCE];
    if (!open.includes(answer.decision)) {
      throw new Error(`the followed transaction led to no mail: ${answer.explanation}`);
    }
    if (Date.now() > until)
      throw new Error(`the followed transaction led to no mail in three minutes: ${answer.explanation}`);
    await sleep(200);
  }
}

/** `DELIVERY_REASON_NO_CONSENT` becomes `no_consent`. */
export function byReason(counts: readonly ReasonCount[]): Record<string, number> {
  return Object.fromEntries(
    counts.map(({ reason, count }) => [
      (DeliveryReason[reason] ?? 'unknown').replace('DELIVERY_REASON_', '').toLowerCase(),
      Number(count),
    ]),
  );
}
