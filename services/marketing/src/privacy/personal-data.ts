import { rowsWith, tablesWith } from '@rapport/kit/db';
import type { PersonalRow } from '@rapport/kit/events';
import type { Deps } from '../deps.js';

/** The column by which tables belong to a party. */
export const PARTY = 'party_id';

/** Gives the function that gathers everything this service keeps about parties: every table that belongs to one. */
export function personalData({ db }: Pick<Deps, 'db'>) {
  return async function* (ids: readonly string[]): AsyncIterable<PersonalRow> {
    for (const table of await tablesWith(db.system, PARTY)) {
      for (const row of await rowsWith(db.system, table, ids)) {
        yield { collection: table.table, row, dataClass: 'C2' };
      }
    }
  };
}
