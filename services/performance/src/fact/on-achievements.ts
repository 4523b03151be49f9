import { everything } from '@rapport/kit/db';
import { type Nats, startBatchConsumer } from '@rapport/kit/events';
import type { Running } from '@rapport/kit/runtime';
import { CaseClosed, SurveyAnswered } from '@rapport/proto/cases/v1';
import { HoldingOpened } from '@rapport/proto/customer/v1';
import { ReferralWon } from '@rapport/proto/marketing/v1';
import type { Deps } from '../deps.js';
import { caseClosed, holdingOpened, referralWon, surveyAnswered } from './achievements.js';
import { storeFacts } from './fact.js';

/** Hears what the staff achieved and stores it as facts, a batch in one transaction; idempotent by event and person. */
export function onAchievements(deps: Deps, nats: Nats): Running {
  return startBatchConsumer({
    db: deps.db,
    nats,
    name: 'performance-facts',
    events: [ReferralWon, CaseClosed, SurveyAnswered, HoldingOpened],
    maxEvents: 500,
    maxWaitMs: 20,
    handle: async (batch) => {
      const achieved = batch.flatMap((one) => {
        switch (one.type) {
          case ReferralWon.$type:
            return referralWon(one.event as ReferralWon, one.meta);
          case CaseClosed.$type:
            return caseClosed(one.event as CaseClosed, one.meta);
          case SurveyAnswered.$type:
            return surveyAnswered(one.event as SurveyAnswered, one.meta);
          default:
            return holdingOpened(one.event as HoldingOpened, one.meta);
        }
      });
      if (achieved.length === 0) return;
      await deps.db.plain.transaction(everything, (tx) => storeFacts(tx, achieved, deps.timeZone));
    },
  });
}
