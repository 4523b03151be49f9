import { sql } from '@rapport/kit/db';
import { uuidv7 } from '@rapport/kit/runtime';
import type { Deps } from '../deps.js';
import { openSuite, type Suite } from '../segmentation.testkit.js';
import { findVersion } from '../segment/segment.js';
import { evaluateDue } from './follow-calendar.js';
import { fillVersions, forgetPasses, runPass } from './pass.js';

let suite: Suite;

beforeAll(async () => {
  suite = await openSuite();
}, 60_000);

afterAll(() => suite.close());

async function draft(segmentId: string, rule: string): Promise<string> {
  await suite.as(['marketer'], '/').createSegment({
    segmentId,
    title: segmentId,
    organisationPath: '/demo',
    rule,
    asOf: undefined,
    requestId: uuidv7(),
  });
  return `segments/${segmentId}@1`;
}

async function publish(segmentId: string, rule: string): Promise<void> {
  await suite.publish(await draft(segmentId, rule));
}

const membersOf = async (segmentId: string): Promise<string[]> => {
  const rows = await suite.deps.db.system.rows<{ party_id: string }>(sql`
    SELECT party_id FROM membership WHERE segment_id = ${segmentId} ORDER BY party_id`);
  return rows.map((row) => `parties/${row.party_id}`);
};
const countOf = async (segmentId: string): Promise<number> => {
  const { members } = await suite.deps.db.system.one<{ members: bigint }>(sql`
    SELECT members FROM segment_version WHERE segment_id = ${segmentId} AND version = 1`);
  return Number(members);
};
/** Events in the outbox by now, by their kind. */
async function published(): Promise<{ entered: number; exited: number }> {
  const rows = await suite.deps.db.system.rows<{ type: string; events: bigint }>(sql`
    SELECT type, sum(events)::bigint AS events FROM kit.outbox GROUP BY type`);
  // Many events of one commit share a row, which has a type of its own.
  const of = (kind: string) =>
    rows.filter(({ type }) => type.endsWith(kind)).reduce((sum, { events }) => sum + Number(events), 0);
  return { entered: of('SegmentEntered'), exited: of('SegmentExited') };
}
const moved = async (work: () => Promise<unknown>) => {
  const before = await published();
  await work();
  const after = await published();
  return { entered: after.entered - before.entered, exited: after.exited - before.exited };
};
const onDay = (day: string): Deps => ({ ...suite.deps, clock: { now: () => new Date(`${day}T06:00:00Z`) } });

test('tens of thousands come in slice by slice and leave so; parties of before there were numbers get theirs', async () => {
  const { deps } = suite;
  // As facts that were stored before: without numbers.
  await deps.analytics.command(`
    INSERT INTO party (party, organisation_path, manager, kind, sex, birth_date, region, version)
    SELECT generateUUIDv7(number), '/demo', '', 'person', 'female', 19800101, 'crowd', 9007199254740993 FROM numbers(45000)`);
  const filled = async (members: number): Promise<void> => {
    // A busy machine may take longer than the call.
    for (let tries = 0; (await countOf('crowd')) !== members; tries += 1) {
      if (tries > 300) throw new Error('it did not come to pass within 30 seconds');
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  };
  const come = () => publish('crowd', 'party.region == "crowd"').then(() => filled(45_000));
  expect(await moved(come)).toEqual({ entered: 45_000, exited: 0 });
  expect(await countOf('crowd')).toBe(45_000);
  const [numbers] = await deps.analytics.query<{ n: number; least: number; version: string }>(`
    SELECT uniqExact(number) AS n, min(number) AS least, toString(min(version)) AS version FROM party FINAL
    WHERE region = 'crowd'`);
  expect(numbers).toMatchObject({ n: 45_000, version: '9007199254740993' });
  expect(numbers?.least).toBeGreaterThan(0);
  const retire = () =>
    suite
      .as(['marketer'], '/')
      .retireSegmentVersion({ name: 'segments/crowd@1', requestId: uuidv7() })
      .then(() => filled(0));
  expect(await moved(retire)).toEqual({ entered: 0, exited: 45_000 });
  expect(await countOf('crowd')).toBe(0);
  expect(await membersOf('crowd')).toEqual([]);
  await deps.analytics.command(`ALTER TABLE party DELETE WHERE region = 'crowd'`);
}, 90_000);

test('a day later only what has time in it is looked at, and only what changed is written', async () => {
  const { customer } = suite;
  const born = [20000316, 20000317, 19990101];
  const [sixteenth, seventeenth, older] = await Promise.all(
    born.map((day) => customer.person({ born: day, region: 'east' })),
  );
  await suite.settled();
  await publish('of-age', 'party.age >= 26 && party.region == "east"');
  await publish('eastern', 'party.region == "east"');
  expect(await membersOf('of-age')).toEqual([older]);
  const { pass } = await suite.deps.db.system.one<{ pass: bigint }>(sql`
    SELECT pass FROM segment_version WHERE segment_id = 'eastern'`);

  expect(await moved(() => evaluateDue(onDay('2026-03-16')))).toEqual({ entered: 1, exited: 0 });
  expect(await membersOf('of-age')).toEqual([sixteenth, older].sort());
  // One that was looked at live meanwhile is compared with Postgres, not with the bitmap.
  await suite.deps.db.system.run(sql`UPDATE changed_party SET pending = true, change = change + 1`);
  await suite.settled();
  expect(await moved(() => evaluateDue(onDay('2026-03-17')))).toEqual({ entered: 1, exited: 0 });
  expect(await membersOf('of-age')).toEqual([sixteenth, seventeenth, older].sort());
  expect(await evaluateDue(onDay('2026-03-17'))).toBe(0);
  const row = await suite.deps.db.system.one(sql`
    SELECT pass, evaluated_day FROM segment_version WHERE segment_id = 'eastern'`);
  expect(row).toEqual({ pass, evaluated_day: '2026-03-17' });
}, 60_000);

test('killed anywhere, a pass is done again, and everybody has come in once', async () => {
  const { deps, customer } = suite;
  const people = await Promise.all(Array.from({ length: 5 }, () => customer.person({ region: 'west' })));
  await suite.settled();
  await suite.pause();
  let last = 0;
  for (let step = 1; last === step - 1; step += 1) {
    const segmentId = `west-${step}`;
    const name = await draft(segmentId, 'party.region == "west"');
    await deps.db.system.run(sql`UPDATE segment_version SET state = 3 WHERE segment_id = ${segmentId}`);
    const row = await findVersion(deps.db.system, { kind: 'everything' }, name);
    let steps = 0;
    // Dies with the n-th thing that it does, before it or after it by turns.
    const dying = async <T>(work: () => Promise<T>): Promise<T> => {
      steps += 1;
      if (steps !== step) return work();
      last = step;
      if (step % 2 === 0) await work();
      throw new Error('killed');
    };
    const { db, analytics } = deps;
    const mortal: Deps = {
      ...deps,
      analytics: {
        ...analytics,
        command: (text, parameters, options) => dying(() => analytics.command(text, parameters, options)),
        insert: (table, values) => dying(() => analytics.insert(table, values)),
      },
      db: { ...db, transaction: (scope, work) => dying(() => db.transaction(scope, work)) },
    };
    const events = await moved(async () => {
      const died = await runPass(mortal, [row]).then(
        () => false,
        () => true,
      );
      expect(died).toBe(last === step);
      await fillVersions(deps, [row]);
    });
    expect({ segmentId, ...events }).toEqual({ segmentId, entered: 5, exited: 0 });
    expect(await membersOf(segmentId)).toEqual([...people].sort());
    expect(await countOf(segmentId)).toBe(5);
    await deps.db.system.run(sql`UPDATE segment_version SET state = 1 WHERE segment_id = ${segmentId}`);
  }
  expect(last).toBeGreaterThan(4);
  await suite.restart();
}, 90_000);

test('a rule that the engine refuses stops no other', async () => {
  const { deps, customer } = suite;
  const party = await customer.person({ region: 'sound' });
  await suite.settled();
  await publish('refused', 'party.region == "refused"');
  await publish('sound', 'party.region == "sound"');
  expect(await membersOf('sound')).toEqual([party]);
  const { analytics } = deps;
  const refusing = <T>(parameters: object, work: () => Promise<T>): Promise<T> =>
    // A function that is not there, as a statement of a rule that cannot be run.
    Object.values(parameters).includes('refused') ? analytics.query('SELECT nonesuch()').then(work) : work();
  const picky: Deps = {
    ...deps,
    analytics: {
      ...analytics,
      command: (text, parameters = {}, options) =>
        text.includes('groupBitmapStateIf')
          ? refusing(parameters, () => analytics.command(text, parameters, options))
          : analytics.command(text, parameters, options),
    },
  };
  await deps.db.system.run(
    sql`UPDATE segment_version SET pass_asked = clock_timestamp() WHERE segment_id IN ('refused', 'sound')`,
  );
  await suite.pause();
  await deps.db.system.run(sql`DELETE FROM membership WHERE segment_id = 'sound'`);
  await deps.db.system.run(
    sql`UPDATE segment_version SET members = 0, pass = NULL, running_pass = NULL WHERE segment_id = 'sound'`,
  );
  expect(await evaluateDue(picky)).toBeGreaterThan(0);
  expect(await membersOf('sound')).toEqual([party]);
  const row = await deps.db.system.one(sql`
    SELECT running_pass = pass AS whole, pass_asked FROM segment_version WHERE segment_id = 'refused'`);
  expect(row).toEqual({ whole: true, pass_asked: null });
  await suite.restart();
}, 60_000);

test('what no pass is compared with any more is dropped', async () => {
  const { deps } = suite;
  await forgetPasses(deps);
  const kept = await deps.analytics.query<{ pass: number }>(
    'SELECT DISTINCT pass FROM membership_bitmap ORDER BY pass',
  );
  const used = await deps.db.system.rows<{ pass: bigint }>(sql`
    SELECT DISTINCT pass FROM segment_version WHERE state = 3 AND pass IS NOT NULL ORDER BY pass`);
  expect(kept.map(({ pass }) => BigInt(pass))).toEqual(used.map(({ pass }) => pass));
});
