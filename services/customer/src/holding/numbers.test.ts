import { sql } from '@rapport/kit/db';
import { uuidv7 } from '@rapport/kit/runtime';
import {
  GetCustomerViewRequest,
  ListHoldingsRequest,
  type Party,
  type SearchPartiesRequest,
} from '@rapport/proto/customer/v1';
import {
  account,
  all,
  as,
  createHolding,
  createParty,
  failure,
  importOf,
  operator,
  person,
  type Running,
  startCustomer,
} from '../customer.testkit.js';
import { personalData } from '../privacy/personal-data.js';
import { numberHoldings } from './number-holdings.js';

const IBAN = 'CZ6508000000192000145399';
const OTHER = 'DE89370400440532013000';
let running: Running;
beforeAll(async () => {
  running = await startCustomer();
});
afterAll(() => running.stop());

const found = async (query: SearchPartiesRequest['query'], token = operator()): Promise<string[]> => {
  const request = { query, organisationPath: '', pageSize: 0, pageToken: '' };
  return (await running.customer.searchParties(request, token)).parties.map(({ name }) => name);
};
const byAccount = (value: string, token = operator()) => found({ $case: 'account', value }, token);
const row = (party: Party, over: object = {}) => ({
  $case: 'holding' as const,
  value: { sourceKey: 'account/77', ownerSourceKey: party.sourceKey, holding: account(over) },
});
const send = async (...rows: object[]) => {
  const batch = rows.map((one, at) => ({ line: BigInt(at + 1), row: one }));
  const { import: done, rejects } = await running.customer.import(importOf({}, [batch]), operator());
  const { created, updated, unchanged, rejected } = done?.counts.at(-1) ?? {};
  return { counts: [created, updated, unchanged, rejected].map(Number), rejects };
};

describe('the IBAN of a holding', () => {
  it('is taken however it is written, kept sealed, given to those who see the holding, and finds its owners', async () => {
    const jana = await createParty(running, person({ contactPoints: [] }));
    const requestId = uuidv7();
    const request = { parent: jana.name, holding: account({ iban: 'cz65 0800 0000 1920 0014 5399' }), requestId };
    const { holding } = await running.customer.createHolding(request, operator());
    expect(holding?.iban).toBe(IBAN);
    expect((await running.customer.createHolding(request, operator())).holding).toEqual(holding);
    expect((await running.customer.getHolding({ name: holding?.name ?? '' }, operator())).holding?.iban).toBe(IBAN);
    const { holdings } = await running.customer.listHoldings(
      ListHoldingsRequest.fromPartial({ parent: jana.name }),
      operator(),
    );
    expect(holdings.map(({ iban }) => iban)).toEqual([IBAN]);
    const view = await running.customer.getCustomerView(
      GetCustomerViewRequest.fromPartial({ name: jana.name }),
      operator(),
    );
    expect(
      JSON.stringify(view, (_key, value: unknown) => (typeof value === 'bigint' ? Number(value) : value)),
    ).toContain(IBAN);
    for (const table of ['holding', 'holding_number', 'natural_key', 'kit.outbox', 'kit.idempotency', 'kit.audit']) {
      const [{ hits } = { hits: 1 }] = await all<{ hits: number }>(
        running,
        sql`SELECT count(*)::int AS hits FROM ${sql.raw(table)} t
          WHERE t::text LIKE ${`%${IBAN}%`} OR t::text LIKE ${`%${Buffer.from(IBAN).toString('hex')}%`}`,
      );
      expect([table, hits]).toEqual([table, 0]);
    }
    expect(await byAccount('CZ65-0800 0000 1920 0014 5399')).toEqual([jana.name]);
    expect(await found({ $case: 'text', value: IBAN })).toEqual([jana.name]);
    expect(await byAccount(IBAN.replace(/9$/, '8'))).toEqual([]);
    expect(await byAccount(IBAN, as({ sub: 'a', roles: ['operator'], orgPath: '/berka/brno' }))).toEqual([]);
    const kept: unknown[] = [];
    for await (const one of personalData(running.deps)([jana.name.slice(8)])) {
      if (one.collection === 'holding') kept.push((one.row as { iban?: string }).iban);
      expect(one.collection).not.toBe('holding_number');
    }
    expect(kept).toEqual([IBAN]);
  });

  it.each(['CZ6508000000192000145398', 'ZZ6508000000192000145399', 'CZ65080000001920001453', '12345'])(
    'is refused when it is %s',
    async (iban) => {
      const jana = await createParty(running);
      const made = createHolding(running, jana.name, account({ iban }));
      expect(await failure(made)).toMatchObject({ reason: 'FIELD_INVALID', fields: ['holding.iban'] });
    },
  );

  it('comes in by import, changes with its row, and follows the party to another place', async () => {
    const jana = await createParty(running, person({ source: 'berka', sourceKey: 'client/7', contactPoints: [] }));
    expect((await send(row(jana, { iban: OTHER }))).counts).toEqual([1, 0, 0, 0]);
    expect((await send(row(jana, { iban: OTHER }))).counts).toEqual([0, 0, 1, 0]);
    expect(await byAccount(OTHER)).toEqual([jana.name]);
    expect(await byAccount('77')).toEqual([jana.name]);
    const wrong = await send(row(jana, { iban: 'DE89370400440532013001' }));
    expect(wrong.rejects.map(({ field, reason }) => `${field} ${reason}`)).toEqual(['iban VALUE_INVALID']);
    const next = 'GB82WEST12345698765432';
    expect((await send(row(jana, { iban: next }))).counts).toEqual([0, 1, 0, 0]);
    expect([await byAccount(OTHER), await byAccount(next)]).toEqual([[], [jana.name]]);
    const request = {
      party: { ...jana, organisationPath: '/berka/brno/3' },
      updateMask: ['organisation_path'],
      requestId: uuidv7(),
    };
    await running.customer.updateParty(request, operator());
    expect(await byAccount(next, as({ sub: 'a', roles: ['operator'], orgPath: '/berka/brno' }))).toEqual([jana.name]);
  });
});

it('holdings from before are found by the number in their source key once the service has been through them', async () => {
  const jana = await createParty(running);
  await createHolding(running, jana.name, account({ source: 'old', sourceKey: 'account/CZ-4711' }));
  await all(running, sql`DELETE FROM holding_number`);
  expect(await byAccount('cz4711')).toEqual([]);
  expect(await numberHoldings(running.deps)).toBeGreaterThan(0);
  expect(await byAccount('cz4711')).toEqual([jana.name]);
  expect(await numberHoldings(running.deps)).toBe(0);
});
