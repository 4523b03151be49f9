/** Words of the page that verifies the audit. */
export const sections = {
  audit: {
    note: 'Every service writes down who read and changed what, in a chain that cannot be altered unnoticed.',
    verifyAll: 'Verify all',
    verify: 'Verify',
    stop: 'Stop',
    progress: 'Progress of the verification',
    broken: 'A record is not as it was written',
    brokenAdvice:
      'Do not change anything. Keep the backup from before the time of that record and tell the security officer: somebody wrote to the database past the service.',
    whole: 'All chains are whole: nothing was changed, removed or swapped.',
    service: 'Service',
    result: 'Result',
    records: 'Records verified',
    roots: 'Signed roots',
    unsealed: 'Not yet sealed',
    first: 'Record {{sequence}}:',
    written: 'written',
    services: {
      customer: 'Customers',
      segmentation: 'Segments',
      marketing: 'Marketing',
      cases: 'Cases',
      performance: 'Performance',
      reporting: 'Reporting',
    },
    states: {
      never: 'Not verified yet',
      waiting: 'Waits',
      running: 'Is verified',
      whole: 'Whole',
      broken: 'Broken',
      failed: 'Could not be verified',
      stopped: 'Stopped',
    },
  },
};

export const enums = {
  AUDIT_MISSING: 'it is missing',
  AUDIT_HASH_MISMATCH: 'it is not what was sealed there',
  AUDIT_ROOT_MISMATCH: 'it does not fit the signed root; the chain was rewritten up to it',
  AUDIT_SIGNATURE_INVALID: 'its root was not signed by the key of the service',
};
