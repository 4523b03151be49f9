import type { Deps } from '../deps.js';
import type { Pass } from '../pass/pass.js';
import type { SchemeRow } from './scheme.js';

/** Fits the model of a draft. */
export async function fit(_deps: Deps, row: SchemeRow, _pass: Pass): Promise<void> {
  throw new Error(`schemes/${row.scheme_id} has no model`);
}
