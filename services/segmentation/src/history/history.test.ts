import { uuidv7 } from '@rapport/kit/runtime';
import { PartyErasureRequested, PartyKind, PartyUpdated, Sex } from '@rapport/proto/customer/v1';
import { MembershipReason } from '@rapport/proto/segmentation/v1';
import fc from 'fast-check';
import { openSuite, type Suite } from '../segmentation.testkit.js';
import { daysAfter, daysBetween } from './history.js';

test('days are counted over months, leap days and summer time', () => {
  fc.assert(
    fc.property(fc.integer({ min: -40_000, max: 40_000 }), (days) => {
      expect(daysBetween(20240229, daysAfter(20240229, days))).toBe(days);
    }),
  );
  expect(daysAfter(20240228, 1)).toBe(20240229);
  expect(daysAfter(20260330, -30)).toBe(20260228);
});

describe('how segments grew', () => {
  let suite: Suite;
  const clock = { at: new Date('2026-03-15T12:00:00Z') };
  const people: string[] = [];

  beforeAll(async () => {
    suite = await openSuite(clock.at);
    suite.deps.clock.now = () => clock.at;
    for (const region of ['north', 'north', 'south']) {
      people.push(await suite.customer.person({ path: `/demo/${region}`, region }));
    }
    await suite.settled();
    const marketer = suite.as(['marketer'], '/');
    for (const region of ['north', 'south']) {
      await marketer.createSegment({
        segmentId: region,
        title: region,
        organisationPath: '/demo',
        rule: `party.region == "${region}"`,
        asOf: undefined,
        requestId: uuidv7(),
      });
      await suite.publish(`segments/${region}@1`);
    }
  }, 60_000);

  afterAll(() => suite.close());

  const analyst = () => suite.as(['analyst'], '/demo');
  const history = async (name: string, more: object = {}) =>
    (await analyst().getSegmentHistory({ name, from: undefined, to: undefined, pageSize: 0, pageToken: '', ...more }))
      .days;
  const march = (day: number) => ({ year: 2026, month: 3, day });
  const flows = async (from: number, to: number | undefined, client = analyst()) =>
    (
      await client.getSegmentFlows({
        segments: ['segments/north', 'segments/south'],
        from: march(from),
        to: to === undefined ? undefined : march(to),
      })
    ).flows.map(({ source, target, parties }) => `${source.slice(9)}>${target.slice(9)} ${parties}`);
  const moved = (party: string, region: string) =>
    suite.customer.send(
      PartyUpdated,
      PartyUpdated.fromPartial({
        party,
        organisationPath: `/demo/${region}`,
        kind: PartyKind.PARTY_KIND_PERSON,
        sex: Sex.SEX_FEMALE,
        birthDate: { year: 1980, month: 1, day: 1 },
        region,
      }),
      party,
    );

  test('day by day and by reason, from the transaction in which it happened', async () => {
    expect(await history('segments/north')).toMatchObject([
      { day: march(15), version: 1, members: 2n, entered: 2n, exited: 0n },
    ]);
    clock.at = new Date('2026-03-16T23:30:00Z');
    // In Prague it is the 17th already.
    await moved(people[0] ?? '', 'south');
    await suite.settled();
    expect(await history('segments/north')).toMatchObject([
      { day: march(15), members: 2n },
      {
        day: march(17),
        members: 1n,
        entered: 0n,
        exited: 1n,
        reasons: [{ reason: MembershipReason.MEMBERSHIP_REASON_EVENT, entered: 0n, exited: 1n }],
      },
    ]);
    expect(await history('segments/south@1')).toMatchObject([
      { day: march(15), members: 1n },
      { day: march(17), members: 2n },
    ]);
    // The first day of a period shows the size that it began with.
    expect(await history('segments/north', { from: march(16), to: march(16) })).toMatchObject([
      { day: march(16), members: 2n, entered: 0n, exited: 0n, reasons: [] },
    ]);
    const pages = await analyst().getSegmentHistory({
      name: 'segments/north',
      from: march(1),
      to: march(20),
      pageSize: 1,
      pageToken: '',
    });
    const rest = { name: 'segments/north', from: march(1), to: march(20), pageSize: 1, pageToken: pages.nextPageToken };
    expect((await analyst().getSegmentHistory(rest)).days).toMatchObject([{ day: march(17) }]);
  });

  test('from which to which, until a day and until now, within reach', async () => {
    expect(await flows(14, 15)).toEqual(['>north 2', '>south 1']);
    expect(await flows(15, 17)).toEqual(['north>north 1', 'north>south 1', 'south>south 1']);
    expect(await flows(15, 16)).toEqual(['north>north 2', 'south>south 1']);
    expect(await flows(15, undefined)).toEqual(await flows(15, 17));
    expect(await flows(15, 17, suite.as(['branch_manager'], '/'))).toHaveLength(3);
    const below = suite.as(['analyst'], '/demo/north');
    await expect(flows(15, 17, below)).rejects.toMatchObject({ reason: 'SEGMENT_NOT_FOUND' });
  });

  test('a next version and a retirement are told, and nobody seems to have left between two versions', async () => {
    clock.at = new Date('2026-03-18T09:00:00Z');
    const marketer = suite.as(['marketer'], '/');
    const more = { rule: 'party.region in ["north", "polar"]', asOf: undefined, requestId: uuidv7() };
    await marketer.createSegmentVersion({ parent: 'segments/north', ...more });
    await suite.publish('segments/north@2');
    await suite.settled();
    expect(await history('segments/north', { from: march(18) })).toMatchObject([
      { version: 1, members: 0n, exited: 1n, reasons: [{ reason: MembershipReason.MEMBERSHIP_REASON_RETIRED }] },
      { version: 2, members: 1n, entered: 1n, reasons: [{ reason: MembershipReason.MEMBERSHIP_REASON_PUBLISHED }] },
    ]);
    expect(await flows(17, 18)).toEqual(['north>north 1', 'south>south 2']);
    clock.at = new Date('2026-03-19T09:00:00Z');
    await marketer.retireSegmentVersion({ name: 'segments/north@2', requestId: uuidv7() });
    await suite.settled();
    expect(await flows(18, 19)).toEqual(['north> 1', 'south>south 2']);
    expect(await history('segments/north', { from: march(20), to: march(21) })).toEqual([]);
  });

  test('an erased party leaves the size, and every trace in the flows', async () => {
    const party = people[2] ?? '';
    const event = PartyErasureRequested.fromPartial({
      party,
      dataSubjectRequest: `dataSubjectRequests/${uuidv7()}`,
      organisationPath: '/demo',
    });
    await suite.customer.send(PartyErasureRequested, event, party.slice(8));
    for (let tries = 0; (await flows(15, 17)).length > 2 && tries < 500; tries += 1) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(await flows(15, 17)).toEqual(['north>north 1', 'north>south 1']);
    expect((await history('segments/south')).at(-1)).toMatchObject({
      members: 1n,
      reasons: [{ reason: MembershipReason.MEMBERSHIP_REASON_ERASED, exited: 1n }],
    });
  });

  test.each([
    [{ from: march(20), to: march(1) }, 'PERIOD_INVALID'],
    [{ from: { year: 2020, month: 1, day: 1 } }, 'PERIOD_INVALID'],
    [{ from: march(32) }, ''],
    [{ to: { year: 2026, month: 2, day: 30 } }, 'DATE_INVALID'],
    [{ name: 'segments/nowhere' }, 'SEGMENT_NOT_FOUND'],
    [{ name: 'segments/south@9' }, 'SEGMENT_NOT_FOUND'],
  ])('%j is refused', async (more, reason) => {
    const failure = await history('segments/south', more).catch((error: unknown) => error);
    if (reason === '') expect(failure).toMatchObject({ kind: 'invalid' });
    else expect(failure).toMatchObject({ reason });
  });
});
