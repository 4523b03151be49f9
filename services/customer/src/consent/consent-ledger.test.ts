import { sql } from '@rapport/kit/db';
import { uuidv7 } from '@rapport/kit/runtime';
import { Consent, ConsentChanged, ConsentState, type Party } from '@rapport/proto/customer/v1';
import { Channel } from '@rapport/proto/type/v1';
import { serviceToken } from '@rapport/test/kit';
import pg from 'pg';
import { all, createParty, failure, operator, person, type Running, startCustomer } from '../customer.testkit.js';
import { expireConsents } from './expire-consents.js';

const clock = { at: new Date('2026-03-01T10:00:00Z') };
let running: Running;
let jana: Party;

beforeAll(async () => {
  running = await startCustomer({ now: () => clock.at });
  jana = await createParty(running, person());
});
afterAll(() => running.stop());

const tomorrow = () => new Date(clock.at.getTime() + 86_400_000);
const set = (over: object = {}, parent = jana.name) =>
  running.customer.setConsent(
    {
      parent,
      consent: Consent.fromPartial({
        purpose: 'marketing',
        channel: Channel.CHANNEL_EMAIL,
        state: 1,
        textVersion: '1',
        ...over,
      }),
      requestId: uuidv7(),
    },
    operator(),
  );
const held = async (party = jana) =>
  (
    await running.customer.batchGetContactability(
      { parties: [party.name], channel: Channel.CHANNEL_EMAIL, purpose: 'marketing' },
      { token: serviceToken('marketing') },
    )
  ).contactabilities[0]?.consentState;
const told = async (party: Party) => {
  const rows = await all<{ payload: Buffer }>(
    running,
    sql`SELECT payload FROM kit.outbox WHERE type LIKE '%ConsentChanged' AND aggregate = ${party.name.slice(8)} ORDER BY xid, id`,
  );
  return rows.map(({ payload }) => ConsentChanged.decode(payload));
};

describe('a consent that ends', () => {
  it('counts until its end, not a moment longer, whether or not the end was announced', async () => {
    await set({ expireTime: tomorrow() });
    expect(await held()).toBe(ConsentState.CONSENT_STATE_GRANTED);
    clock.at = new Date(tomorrow().getTime() - 1);
    expect(await held()).toBe(ConsentState.CONSENT_STATE_GRANTED);
    expect(await expireConsents(running.db, clock.at)).toBe(0);
    clock.at = new Date(clock.at.getTime() + 1);
    expect(await held()).toBe(ConsentState.CONSENT_STATE_EXPIRED);
  });

  it('is announced once, as one more line of the ledger', async () => {
    expect(await expireConsents(running.db, clock.at)).toBe(1);
    expect(await expireConsents(running.db, clock.at)).toBe(0);
    const events = await told(jana);
    expect(events.map(({ state }) => state)).toEqual([1, 3]);
    expect(events[0]?.expireTime).toEqual(events[1]?.effectiveTime);
    const { consents } = await running.customer.listConsents(
      { parent: jana.name, pageSize: 0, pageToken: '', history: true },
      operator(),
    );
    expect(consents.map(({ state, recordedBy }) => [state, recordedBy])).toEqual([
      [3, 'service:customer'],
      [1, 'olga'],
    ]);
    expect(await held()).toBe(ConsentState.CONSENT_STATE_EXPIRED);
  });

  it('can be given anew, and what was said later outlives the end of what was said before', async () => {
    const other = await createParty(running, person());
    await set({ expireTime: tomorrow() }, other.name);
    clock.at = new Date(clock.at.getTime() + 1000);
    await set({ textVersion: '2' }, other.name);
    clock.at = tomorrow();
    expect(await expireConsents(running.db, clock.at)).toBe(1);
    expect(await held(other)).toBe(ConsentState.CONSENT_STATE_GRANTED);
    expect((await told(other)).map(({ state }) => state)).toEqual([1]);
  });

  it('is announced by one of two sweepers that run at once', async () => {
    const many = await Promise.all(Array.from({ length: 20 }, () => createParty(running, person())));
    for (const { name } of many) await set({ expireTime: tomorrow() }, name);
    clock.at = tomorrow();
    const sweeps = await Promise.all([expireConsents(running.db, clock.at), expireConsents(running.db, clock.at)]);
    await expireConsents(running.db, clock.at);
    expect(sweeps[0] + sweeps[1]).toBeGreaterThan(0);
    for (const party of many) expect((await told(party)).map(({ state }) => state)).toEqual([1, 3]);
  });

  it('is refused with an end before its beginning, and where nothing is granted', async () => {
    for (const bad of [{ expireTime: clock.at }, { state: 2, expireTime: tomorrow() }]) {
      expect(await failure(set(bad))).toMatchObject({ kind: 'invalid', fields: ['consent.expire_time'] });
    }
    // Nobody but the service says that something has ended.
    expect(await failure(set({ state: 3 }))).toMatchObject({ kind: 'invalid', fields: ['consent.state'] });
  });
});

describe('the ledger', () => {
  it('lets nobody change, remove or empty it, whatever rights the service has', async () => {
    const run = (text: string) => running.db.system.run(sql.raw(text));
    const [row] = await all<{ part: string }>(
      running,
      sql`SELECT tableoid::regclass::text AS part FROM consent LIMIT 1`,
    );
    for (const table of ['consent', row?.part as string]) {
      for (const statement of [
        `UPDATE ${table} SET state = 1`,
        `UPDATE ${table} SET proof = 'forged'`,
        `DELETE FROM ${table}`,
        `TRUNCATE ${table}`,
      ]) {
        await expect(run(statement)).rejects.toThrow('kept as they were given');
      }
    }
  });

  it('follows a party that moves, and lets go of one that was erased', async () => {
    const moved = await createParty(running, person());
    await set({}, moved.name);
    await running.customer.updateParty(
      {
        party: { ...moved, organisationPath: '/berka/brno/2' },
        updateMask: ['organisation_path'],
        requestId: uuidv7(),
      },
      operator(),
    );
    const id = moved.name.slice('parties/'.length);
    const paths = () =>
      all<{ path: string }>(running, sql`SELECT organisation_path AS path FROM consent WHERE party_id = ${id}`);
    expect(await paths()).toEqual([{ path: '/berka/brno/2' }]);
    const superuser = new pg.Client({ connectionString: running.superuserUrl });
    await superuser.connect();
    await superuser.query(`INSERT INTO kit.tombstone (aggregate, request) VALUES ($1, 'test')`, [id]);
    await superuser.end();
    await running.db.system.run(sql`DELETE FROM consent WHERE party_id = ${id}`);
    expect(await paths()).toEqual([]);
  });
});
