import { sql } from '@rapport/kit/db';
import { TagSource } from '@rapport/proto/customer/v1';
import { all, importOf, operator, person, type Running, startCustomer } from '../customer.testkit.js';

let running: Running;
beforeAll(async () => {
  running = await startCustomer();
});
afterAll(() => running.stop());

const send = (batches: object[][]) => running.customer.import(importOf({}, batches), operator());
const tag = (key: string, id: string, over: object = {}) => ({
  $case: 'tag' as const,
  value: { partySourceKey: key, tag: { definition: `tagDefinitions/${id}`, ...over } },
});
const rows = (...given: object[]) => given.map((row, index) => ({ line: BigInt(index + 1), row }));
const counted = async (...given: object[]) => {
  const { import: made, rejects } = await send([rows(...given)]);
  const found = made?.counts.find(({ kind }) => kind === 20);
  return {
    made: [found?.created, found?.updated, found?.unchanged, found?.rejected].map(Number),
    rejects: rejects.map(({ line, field, reason }) => `${line} ${field} ${reason}`),
  };
};

describe('rows of tags', () => {
  it('are set once with their source as the ground, and refused where nothing fits', async () => {
    const party = { $case: 'party' as const, value: { sourceKey: 'client/1', party: person() } };
    await send([rows(party)]);
    const expireTime = new Date(Date.now() + 86_400_000);
    const vip = tag('client/1', 'vip');
    expect(await counted(vip, tag('client/1', 'investor', { expireTime }))).toEqual({
      made: [2, 0, 0, 0],
      rejects: [],
    });
    expect(await counted(vip, vip)).toEqual({ made: [0, 0, 2, 0], rejects: [] });
    const later = new Date(expireTime.getTime() + 1000);
    expect(await counted(tag('client/1', 'investor', { expireTime: later }))).toMatchObject({ made: [0, 1, 0, 0] });
    const refused = await counted(
      tag('client/2', 'vip'),
      tag('client/1', 'unknown'),
      tag('client/1', 'Not a name'),
      tag('client/1', 'vip', { expireTime: new Date(0) }),
      // Of class C3, which the bank's operations may not see.
      tag('client/1', 'hardship'),
    );
    expect(refused.made).toEqual([0, 0, 0, 5]);
    expect(refused.rejects.sort()).toEqual([
      '1 party_source_key REFERENCE_UNKNOWN',
      '2 definition REFERENCE_UNKNOWN',
      '3 definition VALUE_INVALID',
      '4 expire_time VALUE_INVALID',
      '5 definition REFERENCE_UNKNOWN',
    ]);
    const [{ name } = { name: '' }] = await all<{ name: string }>(
      running,
      sql`SELECT 'parties/' || party_id AS name FROM party`,
    );
    const { tags } = await running.portrait.listTags({ parent: name, pageSize: 0, pageToken: '' }, operator());
    expect(tags.map(({ grounds }) => grounds)).toMatchObject([
      [{ source: TagSource.TAG_SOURCE_IMPORT, reference: 'berka', setBy: 'olga', expireTime: later }],
      [{ source: TagSource.TAG_SOURCE_IMPORT, reference: 'berka', expireTime: undefined }],
    ]);
  });
});
