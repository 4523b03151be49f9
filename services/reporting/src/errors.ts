import { defineFailures } from '@rapport/kit/rpc';

/** The reasons for which this service refuses, each with its kind. Published: a reason never changes its meaning. */
export const fail = defineFailures('reporting.rapport', {
  METRIC_UNKNOWN: { kind: 'invalid', message: 'The catalogue has no such metric.' },
  DIMENSION_UNKNOWN: { kind: 'invalid', message: 'A metric does not have that dimension.' },
  GRAIN_UNSUPPORTED: { kind: 'invalid', message: 'A metric cannot be asked at that grain.' },
  DATE_INVALID: { kind: 'invalid', message: 'A date is no day of the calendar.' },
  RANGE_REVERSED: { kind: 'invalid', message: 'The range ends before it begins.' },
  TOO_MANY_ROWS: { kind: 'exhausted', message: 'The answer has more than 10,000 rows: narrow it, or export it.' },
  DASHBOARD_NOT_FOUND: { kind: 'not_found', message: 'There is no such dashboard, or you may not see it.' },
  DASHBOARD_EXISTS: { kind: 'already_exists', message: 'A dashboard of that id exists.' },
  ORGANISATION_PATH_OUTSIDE: { kind: 'denied', message: 'The organisation path lies outside of yours.' },
});
