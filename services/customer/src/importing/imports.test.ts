import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from '@rapport/kit/db';
import { uuidv7 } from '@rapport/kit/runtime';
import { type ImportRequest, ImportState } from '@rapport/proto/customer/v1';
import { all, as, failure, importOf, operator, person, type Running, startCustomer } from '../customer.testkit.js';

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
    expect(await taken()).toBe(1n);
    // Under another id the file comes in whole; what was there is known.
    const { import: again } = await send(importOf({}, [[party(11)], [party(12)], [party(13)]]));
    expect(again?.counts).toMatchObject([{ created: 2n, unchanged: 1n }]);
    const completed = again?.name ?? '';
    expect(await failure(cancel(completed))).toMatchObject({ reason: 'IMPORT_ENDED' });
  });

  it('lets the same rows go on where they stopped when they are asked to', async () => {
    const importId = uuidv7();
    const name = `imports/${importId}`;
    const bad = { line: 21n, row: { $case: 'party', value: { sourceKey: '', party: person() } } };
    const rows = [[party(21), bad], [party(22)], [party(23)]];
    const messages = importOf({ importId }, rows);
    async function* broken() {
      yield* messages.slice(0, 2);
      while (!(await running.customer.getImport({ name }, operator()).catch(() => undefined))?.import?.counts.length)
        await sleep(20);
      throw new Error('the line went dead');
    }
    await expect(running.customer.import(broken(), operator())).rejects.toThrow();
    await cancel(name);
    const rejects = () => running.customer.listImportRejects({ parent: name, pageSize: 0, pageToken: '' }, operator());
    expect((await rejects()).rejects).toHaveLength(1);
    // Other rows are refused, and then it still waits for the right ones.
    const others = importOf({ importId, resume: true }, [[party(24), bad], [party(22)]]);
    expect(await failure(send(others))).toMatchObject({ reason: 'IMPORT_ROWS_CHANGED' });
    const brno = as({ sub: 'b', roles: ['operator'], orgPath: '/berka/brno' });
    const resumed = importOf({ importId, resume: true }, rows);
    expect(await failure(send(resumed, brno))).toMatchObject({ reason: 'ORGANISATION_PATH_OUTSIDE' });
    const done = await send(resumed);
    expect(done.import).toMatchObject({
      ...{ name, state: ImportState.IMPORT_STATE_COMPLETED, cancelledBy: '', cancelReason: '' },
      counts: [{ created: 3n, updated: 0n, unchanged: 0n, rejected: 1n }],
    });
    expect((await rejects()).rejects).toHaveLength(1);
    expect(await send(resumed)).toEqual(done);
    const audited = await all<{ detail: object }>(running, sql`SELECT detail FROM kit.audit WHERE resource = ${name}`);
    expect(audited.filter(({ detail }) => JSON.stringify(detail).includes('"resumed":true'))).toHaveLength(1);
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
