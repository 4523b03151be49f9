// New kinds of facts through the bus: the consumer hears them, and members follow.
import { uuidv7 } from '@rapport/kit/runtime';
import { HouseholdChanged, HouseholdKind, HouseholdRole, TagSet, TagSource } from '@rapport/proto/customer/v1';
import { openSuite, type Suite } from '../segmentation.testkit.js';

let suite: Suite;

beforeAll(async () => {
  suite = await openSuite(new Date('2026-03-15T12:00:00Z'));
}, 60_000);

afterAll(async () => {
  await suite.close();
});

async function publish(segmentId: string, rule: string): Promise<void> {
  const common = { organisationPath: '/demo', asOf: undefined, requestId: uuidv7() };
  await suite.as(['marketer'], '/').createSegment({ segmentId, title: segmentId, rule, ...common });
  await suite.publish(`segments/${segmentId}@1`);
}

async function segmentsOf(party: string): Promise<string[]> {
  await suite.settled();
  const { memberships } = await suite.as(['marketer'], '/').getMemberships({ party });
  return memberships.map(({ segmentVersion }) => segmentVersion.slice('segments/'.length, -2)).sort();
}

test('a tag that is set brings its party in, and so do segments that ask for that one', async () => {
  const party = await suite.customer.person({});
  await suite.settled();
  await publish('owners', 'tag.has("home-owner")');
  await publish('women-owners', 'segment.member("owners") && party.sex == "female"');
  expect(await segmentsOf(party)).toEqual([]);
  const message = {
    ...TagSet.fromJSON({ party, organisationPath: '/demo', definition: 'tagDefinitions/home-owner' }),
    source: TagSource.TAG_SOURCE_STAFF,
    setTime: new Date('2026-03-15T10:00:00Z'),
  };
  await suite.customer.send(TagSet, message, party);
  expect(await segmentsOf(party)).toEqual(['owners', 'women-owners']);
}, 60_000);

test('whoever stays in a household is looked at again when another leaves', async () => {
  const [stays, leaves] = [await suite.customer.person({}), await suite.customer.person({})];
  const household = `households/${uuidv7()}`;
  const change = (party: string, role: HouseholdRole, members: number, changeTime: Date) =>
    suite.customer.send(
      HouseholdChanged,
      {
        ...HouseholdChanged.fromJSON({ party, household, organisationPath: '/demo', members }),
        kind: HouseholdKind.HOUSEHOLD_KIND_FAMILY,
        role,
        changeTime,
      },
      party,
    );
  await publish('pairs', 'household.size() == 2');
  const joined = new Date('2026-03-14T10:00:00Z');
  await change(stays, HouseholdRole.HOUSEHOLD_ROLE_HEAD, 2, joined);
  await change(leaves, HouseholdRole.HOUSEHOLD_ROLE_MEMBER, 2, joined);
  expect(await segmentsOf(stays)).toEqual(['pairs']);
  // Nothing is said of the one who stays but by this.
  await change(leaves, HouseholdRole.HOUSEHOLD_ROLE_UNSPECIFIED, 1, new Date('2026-03-15T10:00:00Z'));
  expect(await segmentsOf(stays)).toEqual([]);
  expect(await segmentsOf(leaves)).toEqual([]);
}, 60_000);
