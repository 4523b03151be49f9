import { covers, type Scope, within } from '@rapport/kit/db';
import type { Call } from '@rapport/kit/rpc';
import { fail } from '../errors.js';

/** What decides whether a caller may see a row. */
export interface Placed {
  organisationPath: string;
  /** Staff id of who looks after it; empty when nobody does. */
  manager: string;
}

/** Refuses to put a row where the caller could not see it. */
export function assertInside(scope: Scope, row: Placed): void {
  if (!within(scope, row.organisationPath, row.manager)) throw outside(row);
}

/**
 * Refuses to put a row of one's own (see `within`) into a part of the organisation that lies outside of the caller's:
 * looking after a customer makes it visible, it opens no other branch or bank. What stands elsewhere already stays.
 */
export function assertPlace(call: Call, row: Placed, before?: Placed): void {
  if (row.organisationPath === before?.organisationPath) return;
  if (!covers(call.principal.orgPath, row.organisationPath)) throw outside(row);
}

function outside(row: Placed): Error {
  return fail('ORGANISATION_PATH_OUTSIDE', { metadata: { organisation_path: row.organisationPath } });
}
