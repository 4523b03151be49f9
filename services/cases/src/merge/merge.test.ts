import { setTimeout as sleep } from 'node:timers/promises';
import { everything, openDatabase, sql } from '@rapport/kit/db';
import { connectBus, type EventCodec, publish, startConsumer, startRelay } from '@rapport/kit/events';
import { uuidv7 } from '@rapport/kit/runtime';
import { ListCasesRequest } from '@rapport/proto/cases/v1';
import { PartyMerged, PartyState, PartyUnmerged, PartyUpdated } from '@rapport/proto/customer/v1';
import { testBus, testDatabase } from '@rapport/test/kit';
import fc from 'fast-check';
import { failure, open, operator, party, type RunningCases, startCases } from '../cases.testkit.js';
import { handlers } from '../server.js';
import { membersOf, onPartyMerged, onPartyUnmerged } from './merge.js';

let running: RunningCases;
beforeAll(async () => {
  running = await startCases();
});
afterAll(() => running.stop());

const casesOf = async (name: string) => {
  const { cases } = await running.cases.listCases(ListCasesRequest.fromPartial({ party: name }), operator());
  return cases.map((one) => one.name).sort();
};
const at = (minute: number) => new Date(Date.UTC(2026, 2, 15, 10, minute));

test('the cases of merged parties are listed as those of one, until the merge is taken back', async () => {
  const bus = await testBus();
  const elsewhere = await testDatabase('kit');
  const customer = openDatabase({ url: elsewhere.url, application: 'customer' });
  const nats = await connectBus({ url: bus.url, name: 'cases-test' });
  const relay = startRelay({ db: customer, nats, domain: 'customer' });
  const consumer = startConsumer({ db: running.db, nats, name: 'cases-parties', handlers });
  let told = 0;
  /** Publishes as customer does, and waits until it was heard here. */
  const tell = async <T>(codec: EventCodec<T>, message: T, about: string) => {
    await customer.transaction(everything, (tx) => publish(tx, codec, message, { aggregate: about.slice(8) }));
    told += 1;
    const heard = sql`SELECT count(*)::int AS count FROM kit.inbox`;
    for (let tries = 0; (await running.db.system.one<{ count: number }>(heard)).count < told; tries += 1) {
      if (tries > 400) throw new Error('it was not heard');
      await sleep(50);
    }
  };
  const [jana, second, third] = [party('a1'), party('a2'), party('a3')];
  const own = await open(running, { party: jana });
  const other = await open(running, { party: second });
  const another = await open(running, { party: third });
  const alone = await open(running, { party: party('a4') });

  const merged = PartyMerged.fromPartial({ survivor: jana, merged: [second, third], mergeTime: at(1) });
  await tell(PartyMerged, merged, jana);
  const all = [own.name, other.name, another.name].sort();
  for (const name of [jana, second, third]) expect(await casesOf(name)).toEqual(all);
  expect(await casesOf(party('a4'))).toEqual([alone.name]);
  const { case: unchanged } = await running.cases.getCase({ name: other.name }, operator());
  expect(unchanged).toMatchObject({ party: second, dueTime: other.dueTime, etag: other.etag });

  // What is opened meanwhile is the golden record's, unless a source has a record of the merged party.
  running.customer.golden.set(second, jana);
  const meanwhile = await open(running, { party: second });
  const sourced = await open(running, { party: second, source: 'mail', sourceKey: uuidv7() });
  expect([meanwhile.party, sourced.party]).toEqual([jana, second]);

  // A restriction holds for all that is kept under any name of the golden record.
  const restricted = { party: jana, state: PartyState.PARTY_STATE_RESTRICTED };
  await tell(PartyUpdated, PartyUpdated.fromPartial(restricted), jana);
  const note = (name: string) => running.cases.addNote({ requestId: uuidv7(), name, text: 'Called' }, operator());
  for (const { name } of [own, other, sourced]) {
    expect(await failure(note(name))).toMatchObject({ reason: 'PARTY_RESTRICTED' });
  }
  expect(await failure(note(alone.name))).toMatchObject({ kind: 'ok' });
  const free = { party: jana, state: PartyState.PARTY_STATE_ACTIVE };
  await tell(PartyUpdated, PartyUpdated.fromPartial(free), jana);

  const restored = { party: second, restored: [second], survivor: jana, unmergeTime: at(2) };
  await tell(PartyUnmerged, PartyUnmerged.fromPartial(restored), jana);
  expect(await casesOf(second)).toEqual([other.name, sourced.name].sort());
  for (const name of [jana, third]) {
    expect(await casesOf(name)).toEqual([own.name, another.name, meanwhile.name].sort());
  }
  // The merge comes once more, late.
  await tell(PartyMerged, merged, jana);
  expect(await casesOf(second)).toEqual([other.name, sourced.name].sort());

  await consumer.stop();
  await relay.stop();
  await nats.close();
  await customer.close();
  await elsewhere.drop();
  await bus.close();
});

test('merges and unmerges in any order, some told twice, leave the same golden records', async () => {
  const ids = Array.from({ length: 5 }, (_, index) => party(`b${index}`));
  const change = fc.record({
    golden: fc.nat(4),
    moved: fc.uniqueArray(fc.nat(4), { minLength: 1 }),
    back: fc.boolean(),
  });
  const told = fc.array(change, { minLength: 1, maxLength: 6 }).chain((changes) => {
    const numbered = changes.map((one, index) => ({ ...one, time: at(index) }));
    return fc.tuple(
      fc.constant(numbered),
      fc.shuffledSubarray([...numbered, ...numbered], { minLength: numbered.length }),
    );
  });
  await fc.assert(
    fc.asyncProperty(told, async ([inOrder, some]) => {
      // Everything at least once, in any order, some of it twice.
      const heard = [...some, ...inOrder.filter((one) => !some.includes(one))];
      const expected = new Map<string, string>();
      for (const { golden, moved } of inOrder) {
        for (const index of moved) expected.set(ids[index] ?? '', ids[golden] ?? '');
      }
      await running.db.system.run(sql`DELETE FROM party_alias`);
      for (const { golden, moved, back, time } of heard) {
        const parties = moved.map((index) => ids[index] ?? '');
        const name = ids[golden] ?? '';
        const meta = { occurred: time } as never;
        await running.db.transaction(everything, (tx) =>
          back
            ? onPartyUnmerged(
                tx,
                PartyUnmerged.fromPartial({ party: name, restored: parties, unmergeTime: time }),
                meta,
              )
            : onPartyMerged(tx, PartyMerged.fromPartial({ survivor: name, merged: parties, mergeTime: time }), meta),
        );
      }
      const golden = (name: string) => expected.get(name) ?? name;
      for (const name of ids) {
        const { members } = await running.db.system.one<{ members: string[] }>(
          sql`SELECT ${membersOf(name.slice(8))} AS members`,
        );
        const same = ids.filter((one) => one !== golden(name) && golden(one) === golden(name));
        expect(members.map((id) => `parties/${id}`).sort()).toEqual([golden(name), ...same].sort());
      }
    }),
    { numRuns: 40 },
  );
});
