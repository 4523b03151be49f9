import { uuidv7 } from '@rapport/kit/runtime';
import {
  HoldingKind,
  HoldingUpdated,
  PartyMerged,
  PartyUnmerged,
  type HoldingOwner,
  HoldingRole,
} from '@rapport/proto/customer/v1';
import { openSuite, type Suite } from '../segmentation.testkit.js';

let suite: Suite;
const account = HoldingKind.HOLDING_KIND_ACCOUNT;
const rule = 'holdings.count("account") == 2 && tx.sum("credit", duration("2160h")) == 300 && party.sex == "female"';

beforeAll(async () => {
  suite = await openSuite();
});
afterAll(() => suite.close());

const operator = () => suite.as(['operator'], '/');
const membersOf = async (segment: string) => {
  await suite.settled();
  const { members } = await operator().listMembers({ parent: segment, pageSize: 1000, pageToken: '' });
  return members.map(({ party }) => party);
};
/** Waits until the segment has these members: what was told last is looked at a moment later. */
async function expectMembers(segment: string, parties: readonly string[]): Promise<void> {
  const wanted = [...parties].sort();
  const deadline = Date.now() + 15_000;
  for (;;) {
    const found = (await membersOf(segment)).sort();
    if (Date.now() > deadline || found.join() === wanted.join()) {
      expect(found).toEqual(wanted);
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
const memberships = async (party: string) =>
  (await operator().getMemberships({ party })).memberships.map(({ segmentVersion }) => segmentVersion);
const preview = async (text: string) =>
  (
    await operator().previewSegment({ rule: text, organisationPath: '/demo', asOf: undefined, sampleSize: 100 })
  ).sample.sort();

async function publish(segmentId: string, text: string): Promise<string> {
  const marketer = suite.as(['marketer']);
  const common = { organisationPath: '/demo', rule: text, asOf: undefined, title: segmentId };
  await marketer.createSegment({ ...common, segmentId, requestId: uuidv7() });
  await suite.publish(`segments/${segmentId}@1`);
  return `segments/${segmentId}@1`;
}

const merge = (survivor: string, merged: string[], mergeTime: Date) =>
  suite.customer.send(
    PartyMerged,
    PartyMerged.fromPartial({ survivor, merged, organisationPath: '/demo', mergeTime }),
    survivor,
  );
const unmerge = (survivor: string, party: string, restored: string[], unmergeTime: Date) =>
  suite.customer.send(
    PartyUnmerged,
    PartyUnmerged.fromPartial({ survivor, party, restored, organisationPath: '/demo', unmergeTime }),
    survivor,
  );

describe('a merged party', () => {
  let jana: string;
  let second: string;
  let segment: string;
  const moment = (minute: number) => new Date(Date.UTC(2026, 2, 15, 10, minute));

  it('counts for its golden record, what both own once', async () => {
    jana = await suite.customer.person({ woman: true });
    second = await suite.customer.person({ woman: false, region: 'south' });
    const own = await suite.customer.holding(jana, account, { opened: 20200101 });
    const joint = await suite.customer.holding(second, account, { also: [jana], opened: 20200101 });
    await suite.customer.booking(own, { parties: [jana], day: 20260301, cents: 100_00n });
    await suite.customer.booking(joint, { parties: [second, jana], day: 20260302, cents: 200_00n });
    await suite.settled();
    segment = await publish('both', rule);
    await expectMembers(segment, [jana]);
    const south = await publish('south', 'party.region == "south"');
    await expectMembers(south, [second]);

    await merge(jana, [second], moment(1));
    await expectMembers(segment, [jana]);
    await expectMembers(south, []);
    expect(await preview(rule)).toEqual([jana]);
    for (const party of [jana, second]) expect(await memberships(party)).toEqual([segment]);
  });

  it('is followed by what comes in under its own name', async () => {
    const third = await suite.customer.holding(second, account, { opened: 20200101 });
    await expectMembers(segment, []);
    const one = await publish('three', 'holdings.count("account") == 3');
    await expectMembers(one, [jana]);
    expect(third.startsWith(second)).toBe(true);
  });

  it('is itself again after an unmerge, with what came in meanwhile, whatever is told again or late', async () => {
    await unmerge(jana, second, [second], moment(2));
    await expectMembers('segments/three@1', []);
    await expectMembers('segments/south@1', [second]);
    await expectMembers(segment, [jana]);
    expect(await preview('holdings.count("account") == 2')).toEqual([jana, second].sort());
    await merge(jana, [second], moment(1));
    await expectMembers('segments/south@1', [second]);
    await operator().evaluateSegment({ name: 'segments/south@1', requestId: uuidv7() });
    await expectMembers('segments/south@1', [second]);
    await merge(jana, [second], moment(3));
    await expectMembers('segments/south@1', []);
    await expectMembers('segments/three@1', [jana]);
  });
});

describe('a holding that changed', () => {
  it('no longer counts for who left it, nor after the day it was closed', async () => {
    const [first, left] = [
      await suite.customer.person({ region: 'west' }),
      await suite.customer.person({ region: 'west' }),
    ];
    const holding = await suite.customer.holding(first, account, { also: [left], opened: 20200101 });
    const segment = await publish('west', 'party.region == "west" && holdings.count("account") == 1');
    await expectMembers(segment, [first, left]);
    const owners: HoldingOwner[] = [{ party: first, role: HoldingRole.HOLDING_ROLE_OWNER }];
    const common = {
      holding,
      party: first,
      organisationPath: '/demo',
      kind: account,
      owners,
      openedDate: { year: 2020, month: 1, day: 1 },
    };
    await suite.customer.send(HoldingUpdated, HoldingUpdated.fromPartial({ ...common, formerOwners: [left] }), first);
    await expectMembers(segment, [first]);
    const closedDate = { year: 2026, month: 3, day: 15 };
    await suite.customer.send(HoldingUpdated, HoldingUpdated.fromPartial({ ...common, closedDate }), first);
    await expectMembers(segment, []);
    const before = { year: 2026, month: 3, day: 14 };
    const { count } = await operator().previewSegment({
      rule: 'party.region == "west" && holdings.count("account") == 1',
      organisationPath: '/demo',
      asOf: before,
      sampleSize: 0,
    });
    expect(count).toBe(1n);
  });
});
