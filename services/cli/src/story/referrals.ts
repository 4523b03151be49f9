import { ReferralState } from '@rapport/proto/marketing/v1';
import type { StaffRow } from '../bank/bank.js';
import { pick } from '../bank/synthesis.js';
import { each } from '../progress.js';
import type { Story } from './context.js';

const SPLIT_BASIS_POINTS = 4_000;

/** A party that somebody refers to a colleague. */
export interface Referred {
  readonly key: string;
  readonly party: string;
  readonly manager: string;
}

/**
 * Each of these parties is referred by its relationship manager to a colleague of another branch, who accepts; four of
 * five are won. Credit is split 40 to 60. Gives how many were made.
 */
export async function makeReferrals(story: Story, parties: readonly Referred[]): Promise<number> {
  const { bank, clients } = story;
  const managers = bank.staff.filter((person) => person.roles.includes('relationship_manager'));
  const byId = new Map(managers.map((person) => [person.id, person]));
  const step = story.progress.step('Referrals', parties.length);
  let made = 0;
  await each(parties, 8, async ({ key, party, manager }) => {
    const from = byId.get(manager);
    const others = managers.filter((person) => person.unit !== from?.unit);
    const to = others[pick(`${bank.id}/referral/${key}/to`, Math.max(1, others.length))] as StaffRow | undefined;
    if (!from || !to) return;
    const created = await clients.marketing.createReferral(
      {
        referral: {
          name: '',
          party,
          product: `products/${bank.id}-term-deposit`,
          fromStaff: `staff/${from.id}`,
          fromUnit: `organisationUnits/${from.unit}`,
          toStaff: `staff/${to.id}`,
          toUnit: `organisationUnits/${to.unit}`,
          creditSplitBasisPoints: SPLIT_BASIS_POINTS,
          note: '',
          organisationPath: from.organisationPath,
          state: ReferralState.REFERRAL_STATE_UNSPECIFIED,
          lostReason: '',
          etag: '',
        },
        requestId: story.request('referral', key),
      },
      await clients.as(from),
    );
    const name = created.referral?.name ?? '';
    await clients.marketing.acceptReferral(
      { name, etag: '', requestId: story.request('accept', key) },
      await clients.as(to),
    );
    if (pick(`${bank.id}/referral/${key}/won`, 5) === 0) {
      await clients.marketing.loseReferral(
        { name, reason: 'chose_another_bank', etag: '', requestId: story.request('lose', key) },
        await clients.as(to),
      );
    } else {
      await clients.marketing.winReferral(
        {
          name,
          amount: {
            minorUnits: BigInt(1_000_000 + pick(`${bank.id}/referral/${key}/amount`, 9_000_000)),
            currencyCode: bank.currency,
          },
          etag: '',
          requestId: story.request('win', key),
        },
        await clients.as(to),
      );
    }
    made += 1;
    step.advance();
  });
  step.done(`${made} made`);
  return made;
}
