import { sql } from '@rapport/kit/db';
import { uuidv7 } from '@rapport/kit/runtime';
import { HoldingKind, PartyUpdated } from '@rapport/proto/customer/v1';
import { openSuite, type Suite } from '../segmentation.testkit.js';

let suite: Suite;
let north: string[];
let south: string;

beforeAll(async () => {
  suite = await openSuite();
  const { customer } = suite;
  north = [
    await customer.person({ path: '/demo/north/1' }),
    await customer.person({ path: '/demo/north/2', manager: 'staff/anna' }),
  ];
  south = await customer.person({ path: '/demo/south' });
  await customer.holding(south, HoldingKind.HOLDING_KIND_LOAN, { opened: 20260310 });
  await suite.settled();
}, 60_000);

afterAll(() => suite.close());

describe('members and memberships', () => {
  beforeAll(async () => {
    const marketer = suite.as(['marketer']);
    const common = { organisationPath: '/demo', rule: 'true', asOf: undefined };
    await marketer.createSegment({ ...common, segmentId: 'everyone', title: 'Everyone', requestId: uuidv7() });
    await marketer.createSegment({ ...common, segmentId: 'draft', title: 'Draft', requestId: uuidv7() });
    await suite.publish('segments/everyone@1');
  });
  const name = 'segments/everyone@1';

  test('members come in stable pages, only those within reach, and are audited', async () => {
    const marketer = suite.as(['marketer']);
    const first = await marketer.listMembers({ parent: name, pageSize: 2, pageToken: '' });
    expect(first.total).toBe(3n);
    const second = await marketer.listMembers({ parent: name, pageSize: 2, pageToken: first.nextPageToken });
    expect(second.nextPageToken).toBe('');
    const parties = [...first.members, ...second.members].map(({ party }) => party);
    expect(parties).toEqual([...north, south].sort());
    const { n } = await suite.deps.db.system.one<{ n: bigint }>(sql`
      SELECT count(*) AS n FROM kit.audit WHERE action LIKE '%/ListMembers' AND resource = ${south}`);
    expect(n).toBe(1n);
    const of = await marketer.listMembers({ parent: name, pageSize: 2, pageToken: first.nextPageToken });
    expect(of).toEqual(second);
    const [binding] = JSON.parse(Buffer.from(first.nextPageToken, 'base64url').toString());
    for (const id of ['-'.repeat(36), "' OR true --"]) {
      const pageToken = Buffer.from(JSON.stringify([binding, id])).toString('base64url');
      await expect(marketer.listMembers({ parent: name, pageSize: 2, pageToken })).rejects.toMatchObject({
        reason: 'PAGE_TOKEN_INVALID',
      });
    }
    await expect(
      marketer.listMembers({ parent: 'segments/draft@1', pageSize: 2, pageToken: first.nextPageToken }),
    ).rejects.toMatchObject({ reason: 'PAGE_TOKEN_INVALID' });
  });

  test('a party out of reach has no memberships, in one answer and in many', async () => {
    const own = suite.as(['relationship_manager'], '/demo/north/1');
    const titles = async (client: ReturnType<Suite['as']>, party: string) =>
      (await client.getMemberships({ party })).memberships.map(({ title }) => title);
    expect(await titles(suite.as(['call_centre_agent']), south)).toContain('Everyone');
    expect(await titles(own, north[0] ?? '')).toContain('Everyone');
    expect(await titles(own, north[1] ?? '')).toEqual([]);
    // Anna looks after that customer, wherever she sits.
    const anna = suite.as(['relationship_manager'], '/demo/south/9', 'staff/anna');
    expect(await titles(anna, north[1] ?? '')).toContain('Everyone');
    expect(await titles(anna, south)).toEqual([]);
    expect(await titles(suite.as(['branch_manager'], '/demo/south'), north[0] ?? '')).toEqual([]);
    const parties = [south, north[0] ?? '', `parties/${uuidv7()}`];
    const { parties: answers } = await own.batchGetMemberships({ parties, segmentVersion: name });
    expect(answers.map(({ party, memberships }) => [party, memberships.length])).toEqual([
      [south, 0],
      [parties[1], 1],
      [parties[2], 0],
    ]);
    const other = await suite
      .asService('marketing')
      .batchGetMemberships({ parties, segmentVersion: 'segments/draft@1' });
    expect(other.parties.map(({ memberships }) => memberships.length)).toEqual([0, 0, 0]);
    const all = await suite.asService('marketing').listMembers({ parent: name, pageSize: 0, pageToken: '' });
    expect(all.members).toHaveLength(3);
  });

  test('row security hides members from a session of another place', async () => {
    const seen = (subtree: string) =>
      suite.deps.db
        .scoped({ kind: 'rows', subtree })
        .one<{ n: bigint }>(sql`SELECT count(*) AS n FROM membership WHERE segment_id = 'everyone'`);
    expect((await seen('/demo/north')).n).toBe(2n);
    expect((await seen('/elsewhere')).n).toBe(0n);
  });
});

test('progress counts facts within reach', async () => {
  const progress = await suite.as(['operator']).getSegmentProgress({ organisationPath: '' });
  expect(progress).toMatchObject({
    facts: { parties: 3n, holdings: 1n, transactions: 0n, consents: 0n },
    pendingEvents: 0n,
    pendingParties: 0n,
    caughtUp: true,
  });
  expect(progress.lastEventTime).toBeInstanceOf(Date);
  const northern = await suite.as(['branch_manager'], '/demo/north').getSegmentProgress({ organisationPath: '' });
  expect(northern.facts?.parties).toBe(2n);
  const south1 = await suite.as(['operator']).getSegmentProgress({ organisationPath: '/demo/south' });
  expect(south1.facts?.parties).toBe(1n);
});

test('a party that moves is seen from its new place at once', async () => {
  const { customer } = suite;
  const moving = await customer.person({ path: '/demo/north/1' });
  await suite.settled();
  await customer.send(
    PartyUpdated,
    PartyUpdated.fromJSON({ party: moving, organisationPath: '/demo/south', kind: 'PARTY_KIND_PERSON' }),
    moving,
  );
  await suite.settled();
  const southern = suite.as(['branch_manager'], '/demo/south');
  const northern = suite.as(['branch_manager'], '/demo/north');
  expect((await southern.getMemberships({ party: moving })).memberships).toHaveLength(1);
  expect((await northern.getMemberships({ party: moving })).memberships).toEqual([]);
});
