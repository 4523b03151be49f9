import { setTimeout as sleep } from 'node:timers/promises';
import { uuidv7 } from '@rapport/kit/runtime';
import { type ImportRequest, ImportState } from '@rapport/proto/customer/v1';
import { as, failure, importOf, operator, person, type Running, startCustomer } from '../customer.testkit.js';

let running: Running;
beforeAll(async () => {
  running = await startCustomer();
});
afterAll(() => running.stop());

const party = (n: number) => ({
  line: BigInt(n + 1),
  row: { $case: 'party', value: { sourceKey: `client/${n}`, party: person() } },
});
const send = (requests: ReturnType<typeof importOf>, options = operator()) =>
  running.customer.import(requests, options);

describe('ListImports, GetImport and ListImportRejects', () => {
  it('lists imports to those who may see where they belong', async () => {
    await send(importOf({}, [[party(1)]]));
    await send(importOf({ organisationPath: '/berka/prague' }, [[party(1)]]));
    const list = (options: { token: string }, request = {}) =>
      running.customer.listImports(
        { pageSize: 1, pageToken: '', organisationPath: '', source: '', ...request },
        options,
      );
    const first = await list(operator());
    expect(first.imports).toHaveLength(1);
    const second = await list(operator(), { pageToken: first.nextPageToken });
    expect(second.imports).toHaveLength(1);
    expect(second.nextPageToken).toBe('');
    expect(second.imports[0]?.name).not.toBe(first.imports[0]?.name);
    const brno = as({ roles: ['auditor'], orgPath: '/berka/brno' });
    expect((await list(brno)).imports).toEqual([]);
    const name = first.imports[0]?.name as string;
    expect(await failure(running.customer.getImport({ name }, brno))).toMatchObject({ reason: 'IMPORT_NOT_FOUND' });
    const rejects = { parent: name, pageSize: 0, pageToken: '' };
    expect(await failure(running.customer.listImportRejects(rejects, brno))).toMatchObject({
      reason: 'IMPORT_NOT_FOUND',
    });
    expect(await failure(list(as({ roles: ['marketer'] })))).toMatchObject({ kind: 'denied' });
    const steward = as({ roles: ['data_steward'] });
    expect((await list(steward)).imports).toHaveLength(1);
    expect((await running.customer.listImportRejects(rejects, steward)).rejects).toEqual([]);
    expect(await failure(send(importOf({}, [[party(2)]]), steward))).toMatchObject({ kind: 'denied' });
    expect(await failure(running.customer.listImportRejects(rejects, as({ roles: ['administrator'] })))).toMatchObject({
      kind: 'denied',
    });
    expect(await failure(list(operator(), { pageToken: 'x' }))).toMatchObject({ reason: 'PAGE_TOKEN_INVALID' });
  });
});

describe('CancelImport', () => {
  const steward = () => as({ sub: 'staff/stella', roles: ['data_steward'], orgPath: '/berka' });
  const cancel = (name: string, token = steward(), requestId = uuidv7()) =>
    running.customer.cancelImport({ name, reason: 'the wrong file', requestId }, token);

  it('stops a stream that is coming in; what was written stays, what was not is not there', async () => {
    const importId = uuidv7();
    const name = `imports/${importId}`;
    const messages = importOf({ importId }, [[party(11)], [party(12)], [party(13)]]);
    const told = Promise.withResolvers<void>();
    const requestId = uuidv7();
    const taken = async (): Promise<bigint> => {
      const { import: one } = await running.customer.getImport({ name }, operator());
      return one?.counts[0]?.created ?? 0n;
    };
    async function* slowly() {
      yield messages[0] as ImportRequest;
      yield messages[1] as ImportRequest;
      await told.promise;
      yield messages[2] as ImportRequest;
      yield messages[3] as ImportRequest;
    }
    const coming = failure(running.customer.import(slowly(), operator()));
    while ((await taken().catch(() => 0n)) === 0n) await sleep(20);
    const first = await cancel(name, steward(), requestId);
    expect(first.import).toMatchObject({
      ...{ state: ImportState.IMPORT_STATE_CANCELLED, cancelledBy: 'staff/stella', cancelReason: 'the wrong file' },
      counts: [{ created: 1n }],
    });
    told.resolve();
    expect(await coming).toMatchObject({ kind: 'precondition', reason: 'IMPORT_CANCELLED' });
    expect(await taken()).toBe(1n);
    expect(await cancel(name, steward(), requestId)).toEqual(first);
    expect(await failure(cancel(name))).toMatchObject({ kind: 'precondition', reason: 'IMPORT_ENDED' });
    expect(await failure(send(messages))).toMatchObject({ reason: 'IMPORT_CANCELLED' });
    // Under another id the file comes in whole; what was there is known.
    const { import: again } = await send(importOf({}, [[party(11)], [party(12)], [party(13)]]));
    expect(again?.counts).toMatchObject([{ created: 2n, unchanged: 1n }]);
    const completed = again?.name ?? '';
    expect(await failure(cancel(completed))).toMatchObject({ reason: 'IMPORT_ENDED' });
  });

  it('is for those who answer for the data, where they do', async () => {
    const { import: done } = await send(importOf({}, [[party(1)]]));
    const name = done?.name ?? '';
    const brno = as({ roles: ['data_steward'], orgPath: '/berka/brno' });
    expect(await failure(cancel(name, brno))).toMatchObject({ reason: 'IMPORT_NOT_FOUND' });
    for (const role of ['auditor', 'relationship_manager', 'marketer', 'branch_manager', 'call_centre_agent']) {
      expect(await failure(cancel(name, as({ roles: [role] })))).toMatchObject({ kind: 'denied' });
    }
    const unknown = await failure(cancel(`imports/${uuidv7()}`));
    expect(unknown).toMatchObject({ reason: 'IMPORT_NOT_FOUND' });
  });
});
