import { defineFailures } from '@rapport/kit/rpc';

/** The reasons for which this service refuses, each with its kind. Published: a reason never changes its meaning. */
export const fail = defineFailures('performance.rapport', {
  UNIT_NOT_FOUND: { kind: 'not_found', message: 'There is no such unit, or you may not see it.' },
  UNIT_UNKNOWN: { kind: 'invalid', message: 'The request names a unit that is not there, or that you may not see.' },
  PARENT_UNIT_NOT_FOUND: { kind: 'invalid', message: 'There is no such parent unit, or you may not see it.' },
  PARENT_IN_OTHER_TREE: { kind: 'invalid', message: 'A unit moves within its bank only.' },
  UNIT_EXISTS: { kind: 'already_exists', message: 'The id of the unit is taken.' },
  UNIT_KIND_MISPLACED: { kind: 'invalid', message: 'A unit stands under one of a higher level; only a bank has none.' },
  UNIT_CYCLE: { kind: 'precondition', message: 'A unit cannot move below itself.' },
  SEGMENT_TAKEN: { kind: 'already_exists', message: 'Another unit under this parent has that segment.' },
  ORGANISATION_PATH_OUTSIDE: { kind: 'denied', message: 'The organisation path lies outside of yours.' },
  STAFF_NOT_FOUND: { kind: 'not_found', message: 'There is no such member of the staff, or you may not see it.' },
  STAFF_EXISTS: { kind: 'already_exists', message: 'The id is taken by another member of the staff.' },
  STAFF_ID_TWICE: { kind: 'invalid', message: 'The request has an id more than once.' },
  FIELD_INVALID: { kind: 'invalid', message: 'A field of the request is not valid.' },
  PLAN_NOT_FOUND: { kind: 'not_found', message: 'There is no such plan version, or you may not see it.' },
  PLAN_ID_TAKEN: { kind: 'already_exists', message: 'The id belongs to a plan that you may not change.' },
  PERIOD_REVERSED: { kind: 'invalid', message: 'The period of the plan ends before it begins.' },
  WEIGHTS_NOT_WHOLE: { kind: 'invalid', message: 'The weights of the KPIs do not sum to 10000.' },
  PLAN_APPROVED: { kind: 'precondition', message: 'The plan version is approved already.' },
  PLAN_NOT_APPROVED: { kind: 'precondition', message: 'Only an approved plan version can be scored.' },
  APPROVER_IS_AUTHOR: { kind: 'precondition', message: 'A plan is approved by another person than its author.' },
  AS_OF_IN_FUTURE: { kind: 'invalid', message: 'What will be known cannot be scored yet.' },
  SCORE_NOT_FOUND: { kind: 'not_found', message: 'There is no such score, or you may not see it.' },
  SCORING_RUN_NOT_FOUND: { kind: 'not_found', message: 'There is no such run of this plan, or you may not see it.' },
});
