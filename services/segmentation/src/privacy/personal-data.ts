import { rowsWith, tablesWith } from '@rapport/kit/db';
import type { PersonalRow } from '@rapport/kit/events';
import type { Deps } from '../deps.js';
import { partyTables } from '../fact/fact.js';

/** The column by which tables in Postgres belong to a party. */
export const PARTY = 'party_id';

/** Gives the function that gathers everything this service keeps about parties: memberships, and facts in ClickHouse. */
export function personalData({ db, analytics }: Pick<Deps, 'db' | 'analytics'>) {
  return async function* (ids: readonly string[]): AsyncIterable<PersonalRow> {
    for (const table of await tablesWith(db.system, PARTY)) {
      for (const row of await rowsWith(db.system, table, ids)) {
        yield { collection: table.table, row, dataClass: 'C2' };
      }
    }
    for (const table of partyTables) {
      const rows = await analytics.query<object>(
        `SELECT * EXCEPT (version) FROM ${table} FINAL WHERE party IN {parties:Array(UUID)} ORDER BY party`,
        { parties: [...ids] },
      );
      for (const row of rows) yield { collection: `fact_${table}`, row, dataClass: 'C2' };
    }
  };
}
