import { HoldingKind } from '@rapport/proto/customer/v1';
import type { RfmPlan, SchemePlan } from '@rapport/proto/segmentation/v1';
import { create, publish, segmentsOf, title } from '../scheme/scheme.testkit.js';
import { openSuite, type Suite } from '../segmentation.testkit.js';
import { rfmGroups, rfmSql } from './rfm.js';

const usual: RfmPlan = { recency: '', frequency: '', monetary: '', groups: [], inactive: undefined };
const plan = (value: RfmPlan): SchemePlan => ({ kind: { $case: 'rfm', value } });

describe('RFM', () => {
  let suite: Suite;
  beforeAll(async () => {
    suite = await openSuite(new Date('2026-03-15T12:00:00Z'));
  }, 60_000);
  afterAll(() => suite.close());

  test('every pair of scores is in the group that the table says', async () => {
    const { group, parameters } = rfmSql(usual);
    const rows = await suite.deps.analytics.query<{ r: number; v: number; name: string }>(
      `SELECT r, v, ${group} AS name FROM (SELECT 1 + intDiv(number, 5) AS r, 1 + number % 5 AS v, v AS f, v AS m FROM numbers(25))`,
      parameters,
    );
    const table = [1, 2, 3, 4, 5].map((r) =>
      rows
        .filter((row) => Number(row.r) === r)
        .sort((a, b) => Number(a.v) - Number(b.v))
        .map(({ name }) => name),
    );
    expect(table).toEqual([
      ['lost', 'hibernating', 'at-risk', 'at-risk', 'cannot-lose'],
      ['hibernating', 'hibernating', 'at-risk', 'at-risk', 'cannot-lose'],
      ['about-to-sleep', 'about-to-sleep', 'need-attention', 'loyal', 'loyal'],
      ['promising', 'potential-loyalist', 'potential-loyalist', 'loyal', 'loyal'],
      ['new', 'potential-loyalist', 'potential-loyalist', 'champions', 'champions'],
    ]);
    expect(rfmGroups(usual)).toHaveLength(12);
  });

  test('scores are fifths, equal numbers get equal scores, and who never did anything is inactive', async () => {
    // Ten parties: the n-th was active 10 - n days ago, n times, with n crowns each; two never.
    const parties: string[] = [];
    for (let n = 1; n <= 10; n += 1) {
      const party = await suite.customer.person({});
      const account = await suite.customer.holding(party, HoldingKind.HOLDING_KIND_ACCOUNT);
      for (let time = 0; time < n; time += 1) {
        await suite.customer.booking(account, {
          parties: [party],
          day: 20260305 + n,
          cents: BigInt(n) * 100n,
          sequence: time,
        });
      }
      parties.push(party);
    }
    const never = [await suite.customer.person({}), await suite.customer.person({})];
    await suite.settled();
    const marketer = suite.schemes(['marketer']);
    const ask = { plan: plan(usual), organisationPath: '/demo', asOf: undefined };
    const { counts } = await marketer.checkScheme(ask);
    const sizes = Object.fromEntries(counts.map(({ groupId, parties: size }) => [groupId, Number(size)]));
    expect(sizes).toMatchObject({ champions: 2, loyal: 2, lost: 2, inactive: 2, 'at-risk': 0 });
    expect(counts.reduce((sum, one) => sum + one.parties, 0n)).toBe(12n);
    const day = { year: 2026, month: 3, day: 5 };
    const before = await marketer.checkScheme({ ...ask, asOf: day });
    expect(before.counts.find(({ groupId }) => groupId === 'inactive')?.parties).toBe(12n);
    await marketer.createScheme(create('rfm', plan(usual)));
    expect(await publish(suite, 'schemes/rfm@1')).toMatchObject({ message: '', changed: 12n });
    const scores: number[] = [];
    for (const party of [...parties, ...never]) {
      const { groups } = await suite
        .schemes(['analyst'])
        .listPartyGroups({ party, scheme: '', pageSize: 0, pageToken: '' });
      scores.push(groups[0]?.score ?? -1);
    }
    expect(scores).toEqual([111, 111, 222, 222, 333, 333, 444, 444, 555, 555, 0, 0]);
    expect(await segmentsOf(suite, parties[9] ?? '')).toEqual(['segments/rfm-champions@1']);
    expect(await segmentsOf(suite, parties[0] ?? '')).toEqual(['segments/rfm-lost@1']);
    expect(await segmentsOf(suite, never[0] ?? '')).toEqual(['segments/rfm-inactive@1']);
    const { version } = await marketer.getScheme({ name: 'schemes/rfm' });
    const model = version?.model?.kind;
    if (model?.$case !== 'rfm') throw new Error('the fifths are not shown');
    expect(model.value.parties).toBe(10n);
    for (const [index, cut] of [1.8, 3.6, 5.4, 7.2].entries()) expect(model.value.recencyCuts[index]).toBeCloseTo(cut);
    for (const [index, cut] of [2.8, 4.6, 6.4, 8.2].entries())
      expect(model.value.frequencyCuts[index]).toBeCloseTo(cut);
  }, 60_000);

  test('groups that leave scores out are refused', async () => {
    const answer = suite.schemes(['marketer']).checkScheme({
      plan: plan({
        ...usual,
        groups: [{ group: title('good'), recencyFrom: 2, recencyTo: 5, valueFrom: 1, valueTo: 5 }],
      }),
      organisationPath: '',
      asOf: undefined,
    });
    expect((await answer).problems.map(({ message }) => message)[0]).toBe('Recency 1 with value 1 is in no group.');
  });
});
