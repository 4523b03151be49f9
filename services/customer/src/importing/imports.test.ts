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
