import { sql } from '@rapport/kit/db';
import { all, createParty, person, type Running, startCustomer } from '../customer.testkit.js';

let running: Running;
beforeAll(async () => {
  running = await startCustomer();
});
afterAll(() => running.stop());

describe('row security', () => {
  it('guards every table of customers even when a query forgets its filter', async () => {
    for (const organisationPath of ['/berka/prague/1', '/berka/brno/2', '/berka/brno/3'])
      await createParty(running, person({ organisationPath }));
    const tables = [
      'party',
      'party_word',
      'party_contact',
      'holding',
      'holding_number',
      'holding_role',
      'transaction',
      'interaction',
      'consent',
      'import_run',
      'import_reject',
      'source_record',
      'party_merge',
      'field_choice',
      'party_tag',
      'former_assignment',
      'preference',
      'relationship',
      'behaviour_event',
      'behaviour_baseline',
      'behaviour_change',
      'life_event',
      'goal',
      'service_step',
      'data_subject_request',
      'match_candidate',
      'match_run',
    ];
    const secured = await all<{ name: string }>(
      running,
      sql`
      SELECT relname AS name FROM pg_class WHERE relrowsecurity AND relforcerowsecurity AND relnamespace = 'public'::regnamespace
        AND NOT relispartition ORDER BY 1`,
    );
    expect(secured.map(({ name }) => name)).toEqual([...tables].sort());
    const partitions = await all(
      running,
      sql`SELECT FROM pg_class WHERE relispartition AND relkind = 'r'
      AND relnamespace = 'public'::regnamespace AND NOT (relrowsecurity AND relforcerowsecurity)`,
    );
    expect(partitions).toEqual([]);
    const seen = (subtree: string) => running.db.scoped({ kind: 'rows', subtree }).rows(sql`SELECT FROM party`);
    expect(await seen('/berka/brno')).toHaveLength(2);
    expect(await seen('/berka/brn')).toHaveLength(0);
    expect(await running.db.scoped({ kind: 'nothing' }).rows(sql`SELECT FROM party`)).toEqual([]);
  });
});
