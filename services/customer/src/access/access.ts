import { type Scope, within } from '@rapport/kit/db';
import { fail } from '../errors.js';

/** What decides whether a caller may see a row. */
export interface Placed {
  organisationPath: string;
  /** Staff id of who looks after it; empty when nobody does. */
  manager: string;
}

/** Refuses to put a row where the caller could not see it. */
export function assertInside(scope: Scope, row: Placed): void {
  if (within(scope, row.organisationPath, row.manager)) return;
  throw fail('ORGANISATION_PATH_OUTSIDE', { metadata: { organisation_path: row.organisationPath } });
}
