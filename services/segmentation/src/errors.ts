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
  SEGMENT_IN_USE: {
    kind: 'precondition',
    message: 'The version is in use by others, which have to end or change first.',
  },
  FOUR_EYES: { kind: 'precondition', message: 'A version is approved by another person than the one who wrote it.' },
  SEGMENT_CHANGED: {
    kind: 'conflict',
    message: 'Somebody has saved a newer version in the meantime: look at it, then save yours as the next one.',
  },
  SEGMENT_NOT_PUBLISHED: { kind: 'precondition', message: 'The version is not in use.' },
  SEGMENT_OF_SCHEME: {
    kind: 'precondition',
    message: 'The segment is a group of a scheme: change, publish or retire the scheme instead.',
  },
  SCHEME_NOT_FOUND: { kind: 'not_found', message: 'There is no such scheme, or it is out of your reach.' },
  SCHEME_EXISTS: { kind: 'already_exists', message: 'A scheme of that id exists.' },
  SCHEME_KIND_FIXED: { kind: 'precondition', message: 'A scheme stays of its kind: make another scheme.' },
  SCHEME_STATE: { kind: 'precondition', message: 'The version does not stand where this is possible.' },
  SCHEME_NOT_FITTED: { kind: 'precondition', message: 'The model of the version is not fitted yet: fit it first.' },
  SCHEME_NOT_COMPUTED: { kind: 'precondition', message: 'The groups of a partition are rules: nothing is computed.' },
  SCHEME_DAY_DECIDED: { kind: 'precondition', message: 'Something is decided for that day already, and stays.' },
  SCHEME_RUN_NOT_FOUND: { kind: 'not_found', message: 'There is no such run, or it is out of your reach.' },
  SCHEME_APPROVER_IS_AUTHOR: { kind: 'denied', message: 'Another person than the author approves a version.' },
  LIST_NOT_FOUND: { kind: 'not_found', message: 'There is no such list, or it is out of your reach.' },
  LIST_EXISTS: { kind: 'already_exists', message: 'A list of that id exists.' },
  LIST_RETIRED: {
    kind: 'precondition',
    message: 'The list was retired: it changes no more, and no rule can ask for it.',
  },
  LIST_IN_USE: {
    kind: 'precondition',
    message: 'Segments or schemes in use ask for the list: change or retire them first.',
  },
  LIST_GUARDED: {
    kind: 'precondition',
    message: 'Something in use asks for the list: change it with an upload, which another person approves.',
  },
  LIST_CHANGED: {
    kind: 'precondition',
    message: 'The list has changed since the upload was compared with it, or is just changing: check the upload again.',
  },
  UPLOAD_NOT_FOUND: { kind: 'not_found', message: 'There is no such upload, or it is out of your reach.' },
  UPLOAD_STATE: { kind: 'precondition', message: 'The upload does not stand where this is possible.' },
  UPLOAD_OUT_OF_STEP: {
    kind: 'precondition',
    message: 'Other rows come next: go on with received_rows of the upload.',
  },
  UPLOAD_INCOMPLETE: { kind: 'precondition', message: 'Fewer or more rows have come than were announced.' },
  PLAN_INVALID: { kind: 'invalid', message: 'The plan is not sound.' },
  PARTITION_NOT_SOUND: { kind: 'invalid', message: 'The groups overlap or leave parties out.' },
  GROUP_SEGMENT_TAKEN: { kind: 'precondition', message: 'Another segment has the id that a group needs.' },
  SEED_TOO_SMALL: {
    kind: 'precondition',
    message: 'The seed or the rest has fewer than 20 parties: widen or narrow the rule of the seed.',
  },
  SAMPLE_TOO_SMALL: {
    kind: 'precondition',
    message: 'There are fewer different parties than clusters need: choose fewer clusters or other numbers.',
  },
  PARTY_NOT_FOUND: { kind: 'not_found', message: 'There is no such party, or it is out of your reach.' },
  TEMPLATE_NOT_FOUND: { kind: 'not_found', message: 'There is no such template.' },
  PARAMETER_INVALID: { kind: 'invalid', message: 'A parameter of the template is not sound.' },
  RULE_INVALID: { kind: 'invalid', message: 'The rule is not sound.' },
  BOUNDS_INVALID: { kind: 'invalid', message: 'The bands are not sound.' },
  PERIOD_INVALID: { kind: 'invalid', message: 'The period ends before it begins, or is too long.' },
  DATE_INVALID: { kind: 'invalid', message: 'There is no such day.' },
  ORGANISATION_PATH_OUTSIDE: { kind: 'denied', message: 'That part of the organisation is out of your reach.' },
});
