import { defineFailures } from '@rapport/kit/rpc';

/** The reasons that this service can fail for. */
export const fail = defineFailures('segmentation.rapport', {
  SEGMENT_NOT_FOUND: { kind: 'not_found', message: 'There is no such segment, or it is out of your reach.' },
  SEGMENT_EXISTS: { kind: 'already_exists', message: 'A segment of that id exists.' },
  SEGMENT_RETIRED: { kind: 'precondition', message: 'The version was retired and does not come back into use.' },
  SEGMENT_NOT_APPROVED: {
    kind: 'precondition',
    message: 'The version is a draft: another person than its author has to approve it first.',
  },
  SEGMENT_STATE: { kind: 'precondition', message: 'The version does not stand where this is possible.' },
  SEGMENT_IN_USE: { kind: 'precondition', message: 'Campaigns send to the version: pause them or wait for their end.' },
  FOUR_EYES: { kind: 'precondition', message: 'A version is approved by another person than the one who wrote it.' },
  SEGMENT_NOT_PUBLISHED: { kind: 'precondition', message: 'The version is not in use.' },
  RULE_INVALID: { kind: 'invalid', message: 'The rule is not sound.' },
  BOUNDS_INVALID: { kind: 'invalid', message: 'The bands are not sound.' },
  DATE_INVALID: { kind: 'invalid', message: 'There is no such day.' },
  ORGANISATION_PATH_OUTSIDE: { kind: 'denied', message: 'That part of the organisation is out of your reach.' },
});
