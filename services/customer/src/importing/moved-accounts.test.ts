import { sql } from '@rapport/kit/db';
import {
  account,
  all,
  everything,
  importOf,
  operator,
  person,
  type Running,
  startCustomer,
} from '../customer.testkit.js';

let running: Running;
beforeAll(async () => {
  running = await startCustomer();
});
afterAll(() => running.stop());

const send = (rows: object[]) => running.customer.import(importOf({}, [rows]), operator());

it('writes transactions where their account stands, also when it is being moved', async () => {
  const party = { $case: 'party', value: { sourceKey: 'client/1', party: person() } };
  const keys = { sourceKey: 'account/1', ownerSourceKey: 'client/1' };
  const holding = { $case: 'holding', value: { ...keys, holding: account(), otherOwners: [] } };
  await send([
    { line: 1n, row: party },
    { line: 2n, row: holding },
  ]);
  const transaction = {
    direction: 1,
    amount: { minorUnits: 100n, currencyCode: 'CZK' },
    operation: 1,
    bookingDate: { year: 1993, month: 1, day: 1 },
  };
  const row = { $case: 'transaction', value: { sourceKey: 'trans/1', holdingSourceKey: 'account/1', transaction } };
  let ended = false;
  let importing: Promise<unknown> | undefined;
  // As a move does it: the account first, then the transactions that are there.
  await running.db.transaction(everything, async (tx) => {
    await tx.run(sql`UPDATE holding SET organisation_path = '/berka/brno/2'`);
    await tx.run(sql`UPDATE transaction SET organisation_path = '/berka/brno/2'`);
    importing = send([{ line: 1n, row }]).finally(() => {
      ended = true;
    });
    const waits = sql`SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted) AS waits`;
    while (!ended && !(await running.db.system.one<{ waits: boolean }>(waits)).waits) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  });
  await importing;
  const rows = await all<{ path: string }>(running, sql`SELECT organisation_path AS path FROM transaction`);
  expect(rows).toEqual([{ path: '/berka/brno/2' }]);
});
