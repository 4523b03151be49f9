import { sql } from '@rapport/kit/db';
import { uuidv7 } from '@rapport/kit/runtime';
import { Goal, GoalReached, GoalState, type Holding, type Party, Transaction } from '@rapport/proto/customer/v1';
import {
  account,
  all,
  as,
  authorisedUser,
  createHolding,
  createParty,
  failure,
  operator,
  owner,
  type Running,
  startCustomer,
} from '../customer.testkit.js';
import { followEvents, type PortraitEvent } from '../portrait/follow-events.js';

let running: Running;
let jana: Party;
let petr: Party;
let savings: Holding;

const czk = (minorUnits: bigint) => ({ minorUnits, currencyCode: 'CZK' });

beforeAll(async () => {
  running = await startCustomer();
  jana = await createParty(running);
  petr = await createParty(running);
  const owners = [
    { party: jana.name, role: owner },
    { party: petr.name, role: authorisedUser },
  ];
  savings = await createHolding(running, jana.name, account({ owners, balance: czk(250_000n) }));
});
afterAll(() => running.stop());

const goal = (over: object = {}) =>
  Goal.fromPartial({ kind: 1, target: czk(1_000_000n), holdings: [savings.name], ...over });
const set = async (from: Goal, options = operator(), requestId = uuidv7(), parent = jana.name) =>
  (await running.portrait.setGoal({ parent, goal: from, requestId }, options)).goal as Goal;
const list = async (options = operator(), over: object = {}) =>
  (
    await running.portrait.listGoals(
      { parent: jana.name, pageSize: 0, pageToken: '', showAbandoned: false, ...over },
      options,
    )
  ).goals;
const told = () =>
  all<{ payload: Buffer }>(running, sql`SELECT payload FROM kit.outbox WHERE type LIKE '%.GoalReached' ORDER BY id`);

/** Books on the savings and lets the portrait follow. */
async function save(amount: bigint): Promise<void> {
  const transaction = Transaction.fromPartial({
    direction: 1,
    operation: 1,
    amount: czk(amount),
    bookingDate: { year: 1994, month: 3, day: 31 },
  });
  await running.customer.bookTransaction({ parent: savings.name, transaction, requestId: uuidv7() }, operator());
  const booked = {
    type: 'rapport.customer.v1.TransactionBooked',
    event: { parties: [jana.name] },
    meta: { id: uuidv7(), occurred: new Date() },
  } as unknown as PortraitEvent;
  await followEvents(running.deps)([booked]);
}

describe('goals', () => {
  it('show how far their holdings have come, and say once that they are reached', async () => {
    const requestId = uuidv7();
    const home = await set(goal({ targetDate: { year: 2030, month: 1, day: 1 } }), operator(), requestId);
    expect(await set(goal({ targetDate: { year: 2030, month: 1, day: 1 } }), operator(), requestId)).toEqual(home);
    expect(home).toMatchObject({
      state: GoalState.GOAL_STATE_ACTIVE,
      progress: czk(250_000n),
      progressPercent: 25,
      setBy: 'olga',
    });
    const elsewhere = await set(goal({ target: { minorUnits: 100n, currencyCode: 'EUR' } }));
    expect(elsewhere.progress).toEqual({ minorUnits: 0n, currencyCode: 'EUR' });
    await save(749_999n);
    expect((await list()).find(({ name }) => name === home.name)?.progressPercent).toBe(99);
    expect(await told()).toEqual([]);
    await save(1n);
    await save(5n);
    const [reached] = (await list()).filter(({ name }) => name === home.name);
    expect(reached).toMatchObject({ state: GoalState.GOAL_STATE_REACHED, progressPercent: 100, etag: '"2"' });
    const events = await told();
    expect(events.map(({ payload }) => GoalReached.decode(payload))).toMatchObject([
      { goal: home.name, party: jana.name, progress: czk(1_000_000n) },
    ]);
    // Set anew, it begins again, and is reached at once where the money is there.
    expect(await failure(set({ ...home, target: czk(900_000n) }))).toMatchObject({ kind: 'conflict' });
    const again = await set({ ...(reached as Goal), target: czk(900_000n) });
    expect(again).toMatchObject({ name: home.name, state: GoalState.GOAL_STATE_REACHED });
    expect(await told()).toHaveLength(2);
    const { goal: given } = await running.portrait.abandonGoal(
      { name: elsewhere.name, requestId: uuidv7() },
      operator(),
    );
    expect(given?.state).toBe(GoalState.GOAL_STATE_ABANDONED);
    expect((await list()).map(({ name }) => name)).toEqual([home.name]);
    expect(await list(operator(), { showAbandoned: true })).toHaveLength(2);
  });

  it('count only what the party owns, and are not for strangers', async () => {
    expect(await failure(set(goal(), operator(), uuidv7(), petr.name))).toMatchObject({ reason: 'HOLDING_NOT_FOUND' });
    expect(await failure(set(goal({ target: czk(0n) })))).toMatchObject({ kind: 'invalid' });
    expect(await failure(set(goal({ targetDate: { year: 2026, month: 2, day: 30 } })))).toMatchObject({
      reason: 'FIELD_INVALID',
    });
    expect(await failure(set(goal({ name: `${jana.name}/goals/${uuidv7()}`, etag: '"1"' })))).toMatchObject({
      reason: 'GOAL_NOT_FOUND',
    });
    for (const role of ['marketer', 'marketing_approver', 'analyst', 'administrator', 'auditor']) {
      expect(await failure(set(goal(), as({ roles: [role] })))).toMatchObject({ kind: 'denied' });
      if (role !== 'auditor') expect(await failure(list(as({ roles: [role] })))).toMatchObject({ kind: 'denied' });
    }
    const brno = as({ sub: 'b', roles: ['branch_manager'], orgPath: '/berka/brno' });
    expect(await failure(list(brno))).toMatchObject({ reason: 'PARTY_NOT_FOUND' });
    const [one] = await list();
    const abandon = running.portrait.abandonGoal({ name: one?.name ?? '', requestId: uuidv7() }, brno);
    expect(await failure(abandon)).toMatchObject({ reason: 'GOAL_NOT_FOUND' });
  });
});
