import { inWords, rowsWith, sql, tablesWith } from '@rapport/kit/db';
import type { PersonalRow } from '@rapport/kit/events';
import { CasePriority, CaseState, SurveyState } from '@rapport/proto/cases/v1';
import { Channel } from '@rapport/proto/type/v1';
import type { Deps } from '../deps.js';

/** The column by which tables belong to a party. */
export const PARTY = 'party_id';

/** What numbers stand for, as whoever gets the file has no contract beside it. */
const words = { channel: Channel, state: CaseState, priority: CasePriority, survey_state: SurveyState };

/** Gives the function that gathers everything this service keeps about parties: their cases with all that was said. */
export function personalData({ db }: Pick<Deps, 'db'>) {
  return async function* (ids: readonly string[]): AsyncIterable<PersonalRow> {
    for (const table of await tablesWith(db.system, PARTY)) {
      for (const row of await rowsWith(db.system, table, ids)) {
        yield { collection: table.table, row: inWords(row, words), dataClass: 'C2' };
      }
    }
    const told = await db.system.rows<{ row: unknown }>(sql`
      SELECT to_jsonb(h) AS row FROM case_history h JOIN service_case c USING (case_id)
      WHERE c.party_id = ANY(${[...ids]}::uuid[]) ORDER BY h.case_id, h.entry_id`);
    for (const { row } of told) yield { collection: 'case_history', row, dataClass: 'C2' };
  };
}
