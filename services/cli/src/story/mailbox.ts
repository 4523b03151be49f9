import { z } from 'zod';

const countSchema = z.object({ messages: z.number().int().nonnegative() });

/** How many mails of the campaign lie in the local mailbox. */
export async function countMails(mailbox: string, campaign: string): Promise<number> {
  const answer = await fetch(new URL(`/count?campaign=${encodeURIComponent(campaign)}`, mailbox));
  if (!answer.ok) throw new Error(`the local mailbox answered ${answer.status}`);
  return countSchema.parse(await answer.json()).messages;
}
