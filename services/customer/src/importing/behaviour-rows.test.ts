import { sql } from '@rapport/kit/db';
import { BehaviourKind } from '@rapport/proto/customer/v1';
import { Channel } from '@rapport/proto/type/v1';
import { all, importOf, operator, person, type Running, startCustomer } from '../customer.testkit.js';

let running: Running;
beforeAll(async () => {
  running = await startCustomer();
});
afterAll(() => running.stop());

const send = (...rows: object[]) =>
  running.customer.import(
    importOf({ source: 'app' }, [rows.map((row, index) => ({ line: BigInt(index + 1), row }))]),
    operator(),
  );
const did = (partySourceKey: string, key: string, over: object = {}) => ({
  $case: 'behaviour' as const,
  value: {
    partySourceKey,
    event: {
      ...{ key, kind: BehaviourKind.BEHAVIOUR_KIND_PAGE_VIEW, topic: 'funds', channel: Channel.CHANNEL_APP },
      time: new Date(Date.now() - 3 * 86_400_000),
      ...over,
    },
  },
});

it('rows of behaviour are kept once, measured, and refused where nothing fits', async () => {
  await send({ $case: 'party', value: { sourceKey: 'client/1', party: person() } });
  const counted = async (...rows: object[]) => {
    const { import: made, rejects } = await send(...rows);
    const found = made?.counts.find(({ kind }) => kind === 22);
    return {
      made: [found?.created, found?.updated, found?.unchanged, found?.rejected].map(Number),
      rejects: rejects.map(({ line, field, reason }) => `${line} ${field} ${reason}`).sort(),
    };
  };
  const time = new Date(Date.now() - 3 * 86_400_000);
  const [one, two] = [did('client/1', 'e/1', { time }), did('client/1', 'e/2', { time, topic: 'cards' })];
  expect(await counted(one, two)).toEqual({ made: [2, 0, 0, 0], rejects: [] });
  expect(await counted(one, did('client/1', 'e/3', { time }), two)).toMatchObject({ made: [1, 0, 2, 0] });
  expect(
    await counted(
      did('client/9', 'e/4'),
      did('client/1', 'not a key'),
      did('client/1', 'e/5', { topic: 'Fonds!' }),
      did('client/1', 'e/6', { time: new Date(Date.now() + 86_400_000) }),
      did('client/1', 'e/7', { kind: 0 }),
      did('client/1', 'e/8', { time: undefined }),
    ),
  ).toEqual({
    made: [0, 0, 0, 6],
    rejects: [
      '1 party_source_key REFERENCE_UNKNOWN',
      '2 key VALUE_INVALID',
      '3 topic VALUE_INVALID',
      '4 time VALUE_INVALID',
      '5 kind VALUE_INVALID',
      '6 time VALUE_INVALID',
    ],
  });
  const kept = await all<{ topic: string }>(running, sql`SELECT topic FROM behaviour_event ORDER BY topic`);
  expect(kept.map(({ topic }) => topic)).toEqual(['cards', 'funds', 'funds']);
  const [{ name } = { name: '' }] = await all<{ name: string }>(
    running,
    sql`SELECT 'parties/' || party_id AS name FROM party`,
  );
  const { baselines } = await running.portrait.listBaselines({ parent: name, pageSize: 0, pageToken: '' }, operator());
  expect(baselines.map(({ measure }) => measure?.code)).toEqual(expect.arrayContaining(['funds', 'cards']));
});
