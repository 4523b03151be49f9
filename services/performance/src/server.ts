import { type Nats, on, operations, startConsumer, startEraser } from '@rapport/kit/events';
import { type Route, route } from '@rapport/kit/rpc';
import type { Running } from '@rapport/kit/runtime';
import { PartyErasureRequested } from '@rapport/proto/customer/v1';
import { PerformanceServiceService } from '@rapport/proto/performance/v1';
import type { Deps } from './deps.js';
import { listFacts } from './fact/list-facts.js';
import { onAchievements } from './fact/on-achievements.js';
import { approvePlan } from './plan/approve-plan.js';
import { createPlan } from './plan/create-plan.js';
import { getPlan } from './plan/get-plan.js';
import { listPlans } from './plan/list-plans.js';
import { computeScores } from './score/compute-scores.js';
import { getRanking } from './score/get-ranking.js';
import { getScore } from './score/get-score.js';
import { recomputeScore } from './score/recompute-score.js';
import { batchCreateStaff } from './staff/batch-create-staff.js';
import { createStaff } from './staff/create-staff.js';
import { getStaff } from './staff/get-staff.js';
import { listStaff } from './staff/list-staff.js';
import { createUnit } from './unit/create-unit.js';
import { getUnit } from './unit/get-unit.js';
import { listUnits } from './unit/list-units.js';
import { moveUnit } from './unit/move-unit.js';

import { erasing, onPartyErasureRequested } from './privacy/erase-party.js';
import { personalData } from './privacy/personal-data.js';

/** The routing table. */
export function routes(deps: Deps): Route[] {
  return [
    route(PerformanceServiceService, {
      createUnit: (request, call) => createUnit(deps, request, call),
      getUnit: (request, call) => getUnit(deps, request, call),
      listUnits: (request, call) => listUnits(deps, request, call),
      moveUnit: (request, call) => moveUnit(deps, request, call),
      createStaff: (request, call) => createStaff(deps, request, call),
      batchCreateStaff: (request, call) => batchCreateStaff(deps, request, call),
      getStaff: (request, call) => getStaff(deps, request, call),
      listStaff: (request, call) => listStaff(deps, request, call),
      createPlan: (request, call) => createPlan(deps, request, call),
      approvePlan: (request, call) => approvePlan(deps, request, call),
      getPlan: (request, call) => getPlan(deps, request, call),
      listPlans: (request, call) => listPlans(deps, request, call),
      listFacts: (request, call) => listFacts(deps, request, call),
      computeScores: (request, call) => computeScores(deps, request, call),
      getScore: (request, call) => getScore(deps, request, call),
      recomputeScore: (request, call) => recomputeScore(deps, request, call),
      getRanking: (request, call) => getRanking(deps, request, call),
    }),
    operations({
      service: 'performance',
      db: deps.db,
      verifyAudit: deps.verifyAudit,
      personalData: personalData(),
    }),
  ];
}

/** What is heard: ReferralWon, CaseClosed, SurveyAnswered and HoldingOpened, together; and PartyErasureRequested. */
export function consumers(deps: Deps, nats: Nats): Running[] {
  return [
    onAchievements(deps, nats),
    startConsumer({
      db: deps.db,
      nats,
      name: 'performance-erasures',
      handlers: [on(PartyErasureRequested, onPartyErasureRequested)],
      shards: 1,
    }),
    startEraser(erasing(deps)),
  ];
}
