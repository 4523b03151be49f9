import type { Deps } from '../deps.js';
import type { Pass } from './run.js';
import type { SchemeRow } from './scheme.js';

/** Assigns every party of the scheme for a day. Gives how many changed group. */
export async function assign(_deps: Deps, row: SchemeRow, _pass: Pass): Promise<bigint> {
  throw new Error(`schemes/${row.scheme_id} is not computed`);
}
