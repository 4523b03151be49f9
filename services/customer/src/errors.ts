import { defineFailures } from '@rapport/kit/rpc';

/** The reasons for which this service refuses, each with its kind. Published: a reason never changes its meaning. */
export const fail = defineFailures('customer.rapport', {
  PARTY_NOT_FOUND: { kind: 'not_found', message: 'There is no such party, or you may not see it.' },
  HOLDING_NOT_FOUND: { kind: 'not_found', message: 'There is no such holding, or you may not see it.' },
  TRANSACTION_NOT_FOUND: { kind: 'not_found', message: 'There is no such transaction, or you may not see it.' },
  IMPORT_NOT_FOUND: { kind: 'not_found', message: 'There is no such import, or you may not see it.' },
  DUPLICATE_SOURCE_KEY: { kind: 'already_exists', message: 'The source key is taken.' },
  ORGANISATION_PATH_OUTSIDE: { kind: 'denied', message: 'The organisation path lies outside of yours.' },
  FIELD_INVALID: { kind: 'invalid', message: 'A field of the request is not valid.' },
  BIRTH_DATE_INVALID: {
    kind: 'invalid',
    message: 'The date of birth is no day of the calendar, or lies in the future.',
  },
  TIME_ZONE_UNKNOWN: { kind: 'invalid', message: 'The time zone is not known.' },
  FIELD_IMMUTABLE: { kind: 'invalid', message: 'The field cannot change.' },
  OWNER_MISSING: { kind: 'invalid', message: 'The party that the holding is created under must own it.' },
  CURRENCY_MISMATCH: { kind: 'invalid', message: 'The amounts are not in the currency of the holding.' },
  TIME_IN_FUTURE: { kind: 'invalid', message: 'The time lies in the future.' },
  HOLDING_CLOSED: { kind: 'precondition', message: 'The holding is closed.' },
  HOLDING_NOT_AN_ACCOUNT: {
    kind: 'precondition',
    message: 'No transactions are booked on standing orders and insurances.',
  },
  REVEAL_LIMIT_REACHED: { kind: 'exhausted', message: 'Too many fields were revealed within the hour.' },
  TAG_DEFINITION_NOT_FOUND: { kind: 'not_found', message: 'There is no such tag for this party.' },
  TAG_NOT_FOUND: { kind: 'not_found', message: 'The party has no such tag, or you may not see it.' },
  TAG_NOT_YOURS: { kind: 'denied', message: 'The tag is for other roles to set.' },
  TAG_RULE_INVALID: { kind: 'invalid', message: 'The rule of the tag cannot be judged.' },
  TAG_MODEL_MISSING: { kind: 'invalid', message: 'A service names its model, and nobody else does.' },
  TAG_RETIRED: { kind: 'precondition', message: 'The tag is no longer used.' },
  TAG_SET_BY_RULE: { kind: 'precondition', message: 'A rule or a segment sets the tag.' },
  EXPIRE_TIME_PAST: { kind: 'invalid', message: 'The time of the end lies in the past.' },
  IMPORT_HEADER_MISSING: { kind: 'invalid', message: 'The first message of an import must be its header.' },
  IMPORT_HEADER_REPEATED: { kind: 'invalid', message: 'Only the first message of an import may be a header.' },
  IMPORT_HEADER_CHANGED: { kind: 'already_exists', message: 'The import_id was used with another header.' },
  IMPORT_ROWS_CHANGED: {
    kind: 'precondition',
    message: 'The rows differ from those that this import took before it broke.',
  },
  IMPORT_IN_PROGRESS: { kind: 'conflict', message: 'This import is coming in on another stream.' },
});
