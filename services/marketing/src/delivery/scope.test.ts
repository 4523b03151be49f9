import { sql } from '@rapport/kit/db';
import { DeliveryDecision, DeliveryReason } from '@rapport/proto/marketing/v1';
import { failureOf, openSuite, type Suite } from '../marketing.testkit.js';

let suite: Suite;
let name: string;
const here: string[] = [];
let there: string;

const list = { campaign: '', party: '', decision: 0, reason: 0, pageSize: 0, pageToken: '' };

beforeAll(async () => {
  suite = await openSuite();
  await suite.policy();
  here.push(
    suite.customer.party({ organisationPath: '/demo/prague/1', relationshipManager: 'staff/rosa' }),
    suite.customer.party({ organisationPath: '/demo/prague/1', relationshipManager: 'staff/rudi' }),
  );
  there = suite.customer.party({ organisationPath: '/demo/brno/1', relationshipManager: 'staff/bo' });
  suite.startWorkers();
  name = await suite.launched(suite.segment([...here, there]));
  await suite.until(name, ({ sent }) => sent === 3n);
});
afterAll(() => suite.close());

it('a branch manager sees the messages to the own branch, and no others', async () => {
  const manager = suite.as(['branch_manager'], '/demo/prague/1');
  const { deliveries } = await manager.listDeliveries({ ...list, campaign: name });
  expect(deliveries.map(({ party }) => party).sort()).toEqual(here.toSorted());
  expect((await manager.listDeliveries({ ...list, party: there })).deliveries).toEqual([]);
  expect(await failureOf(manager.explainDelivery({ campaign: name, party: there }))).toMatchObject({
    kind: 'not_found',
  });
  expect(await failureOf(manager.getCampaignSummary({ name }))).toMatchObject({ kind: 'not_found' });
});

it('a relationship manager sees the messages to the own customers', async () => {
  const rosa = suite.as(['relationship_manager'], '/demo/prague/1', 'staff/rosa');
  const { deliveries } = await rosa.listDeliveries({ ...list, campaign: name });
  expect(deliveries.map(({ party }) => party)).toEqual([here[0]]);
  const answer = await rosa.explainDelivery({ campaign: name, party: here[0] ?? '' });
  expect(answer).toMatchObject({
    decision: DeliveryDecision.DELIVERY_DECISION_SENT,
    reason: DeliveryReason.DELIVERY_REASON_ALL_CHECKS_PASSED,
    explanation: 'It was sent: every check was passed.',
  });
  expect((await failureOf(rosa.explainDelivery({ campaign: name, party: there }))).kind).toBe('not_found');
});

it('says of a party that is not in the audience that it is not', async () => {
  const party = suite.customer.party();
  expect(await suite.marketer.explainDelivery({ campaign: name, party })).toMatchObject({
    decision: DeliveryDecision.DELIVERY_DECISION_NOT_IN_AUDIENCE,
    reason: DeliveryReason.DELIVERY_REASON_NOT_A_MEMBER,
    delivery: undefined,
  });
});

it('the database itself keeps back what lies outside, in every table about customers', async () => {
  const brno = suite.db.scoped({ kind: 'rows', subtree: '/demo/brno' });
  const nothing = suite.db.scoped({ kind: 'nothing' });
  for (const table of ['delivery', 'delivery_decision', 'message_slot']) {
    const count = sql`SELECT count(*) AS count FROM ${sql.raw(table)}`;
    expect(await brno.one(count)).toEqual({ count: 1n });
    expect(await nothing.one(count)).toEqual({ count: 0n });
    const parts = Array.from({ length: 16 }, (_, part) => sql.raw(`SELECT 1 FROM ${table}_${part}`));
    expect(await nothing.rows(sql.join(parts, ' UNION ALL '))).toEqual([]);
  }
  const moved = brno.run(sql`UPDATE delivery SET organisation_path = '/demo/prague'`);
  await expect(moved).rejects.toThrow('row-level security');
});
