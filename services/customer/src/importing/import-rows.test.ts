import { sql } from '@rapport/kit/db';
import {
  HoldingOpened,
  HoldingUpdated,
  type ImportResponse,
  type ImportRequest,
  TransactionBooked,
} from '@rapport/proto/customer/v1';
import {
  all,
  allRoles,
  as,
  authorisedUser,
  counts,
  eventTypes,
  failure,
  importOf,
  operator,
  owner,
  person,
  type Running,
  startCustomer,
} from '../customer.testkit.js';
import { party, holding, transaction, consent, interaction, outcome, bank, type Rows } from './rows.testkit.js';

let running: Running;
beforeEach(async () => {
  running = await startCustomer();
});
afterEach(() => running.stop());

const send = (requests: ImportRequest[], options = operator()): Promise<ImportResponse> =>
  running.customer.import(requests, options);

describe('Import', () => {
  it('takes a bank in one batch, with the events of every row', async () => {
    const response = await send(importOf({}, [bank]));
    expect(outcome(response)).toEqual({
      1: [2, 0, 0, 0],
      2: [2, 0, 0, 0],
      3: [2, 0, 0, 0],
      4: [1, 0, 0, 0],
      5: [1, 0, 0, 0],
    });
    expect(response.rejects).toEqual([]);
    expect(response.import?.completeTime).toBeDefined();
    expect((await eventTypes(running)).sort()).toEqual(
      [
        'PartyCreated',
        'PartyCreated',
        'HoldingOpened',
        'HoldingOpened',
        'ConsentChanged',
        'InteractionRecorded',
        'TransactionBooked',
        'TransactionBooked',
      ].sort(),
    );
    const events = await all<{ type: string; payload: Buffer; aggregate: string }>(
      running,
      sql`SELECT type, payload, aggregate FROM kit.outbox ORDER BY id`,
    );
    const opened = HoldingOpened.decode(events.find(({ type }) => type === HoldingOpened.$type)?.payload as Buffer);
    expect(opened.owners.map(({ role }) => role)).toEqual([owner, authorisedUser]);
    const booked = events.find(({ type }) => type === TransactionBooked.$type);
    const message = TransactionBooked.decode(booked?.payload as Buffer);
    expect(message.parties).toEqual([opened.party]);
    expect(message).toMatchObject({
      sequence: 1,
      source: 'berka',
      organisationPath: '/berka/prague/1',
      bookingDate: { day: 2 },
    });
    const { view } = await running.customer.getCustomerView(
      { name: opened.party, timelineSize: 0, parts: [] },
      operator(),
    );
    expect(view?.balances?.balances).toEqual([
      { kind: 1, holdings: 1, balance: { minorUnits: 200n, currencyCode: 'CZK' } },
    ]);
    expect(view?.timeline?.entries).toHaveLength(3);
    const search = await running.customer.searchParties(
      { query: { $case: 'phone', value: '+420601123456' }, organisationPath: '', pageSize: 0, pageToken: '' },
      operator(),
    );
    expect(search.parties).toHaveLength(2);
  });

  it('changes and publishes nothing when the same rows come again', async () => {
    await send(importOf({}, [bank]));
    const before = await counts(running);
    const again = await send(importOf({}, [bank]));
    expect(outcome(again)).toEqual({
      1: [0, 0, 2, 0],
      2: [0, 0, 2, 0],
      3: [0, 0, 2, 0],
      4: [0, 0, 1, 0],
      5: [0, 0, 1, 0],
    });
    expect(await counts(running)).toEqual({ ...before, import_run: (before['import_run'] as number) + 1 });
  });

  it('answers a finished import the same and reads no rows of it', async () => {
    const requests = importOf({}, [bank]);
    const first = await send(requests);
    const before = await counts(running);
    expect(await send(requests)).toEqual(first);
    expect(await counts(running)).toEqual(before);
    const other = importOf({ importId: first.import?.name.slice(8), file: 'other.csv' }, [bank]);
    expect(await failure(send(other))).toMatchObject({ reason: 'IMPORT_HEADER_CHANGED' });
  });

  it('updates what says something else, and publishes that', async () => {
    await send(importOf({}, [bank]));
    const changed = [
      party(1, { region: 'north Moravia' }),
      holding(1, 1, [{ partySourceKey: 'client/2', role: owner }]),
      consent(1, 2),
      transaction(1, 1, { amount: { minorUnits: 7n, currencyCode: 'CZK' } }),
    ];
    const before = (await eventTypes(running)).length;
    const response = await send(importOf({}, [changed]));
    expect(outcome(response)).toEqual({ 1: [0, 1, 0, 0], 2: [0, 1, 0, 0], 3: [0, 0, 0, 1], 5: [1, 0, 0, 0] });
    expect(response.rejects[0]).toMatchObject({ reason: 'KEY_DUPLICATE', line: 2n });
    expect((await eventTypes(running)).slice(before)).toEqual(['PartyUpdated', 'HoldingUpdated', 'ConsentChanged']);
    const [event] = await all<{ payload: Buffer }>(
      running,
      sql`SELECT payload FROM kit.outbox WHERE type LIKE '%HoldingUpdated'`,
    );
    const { owners } = HoldingUpdated.decode(event?.payload as Buffer);
    expect(owners.map(({ role }) => role)).toEqual([owner, owner]);
    const roles = await all<{ role: number }>(running, sql`SELECT role FROM holding_role`);
    expect(roles.map(({ role }) => role)).toEqual([1, 1, 1]);
  });

  it('rejects bad rows one by one with line, field, reason and value, and stops nothing else', async () => {
    const rows: Rows = [
      party(1),
      { line: 20n, row: { $case: 'party', value: { sourceKey: '', party: person() } } },
      party(21, {
        details: {
          $case: 'person',
          value: { givenName: 'A', familyName: 'B', birthDate: { year: 1970, month: 2, day: 30 } },
        },
      }),
      party(22, { contactPoints: [{ point: { $case: 'email', value: '' } }] }),
      party(23, { organisationPath: '/other' }),
      party(24, { region: 'a\0b' }),
      holding(1, 1),
      holding(30, 99),
      transaction(1, 1),
      transaction(2, 77),
      transaction(3, 1, { amount: { minorUnits: -5n, currencyCode: 'CZK' } }),
      transaction(4, 1, { amount: { minorUnits: 5n, currencyCode: 'EUR' }, balanceAfter: undefined }),
      transaction(1, 1, { purpose: 'other' }),
      { line: 60n },
      {
        line: 61n,
        row: {
          $case: 'unreadable',
          value: { kind: 3, field: 'date', reason: 'DATE_INVALID', originalValue: '931399' },
        },
      },
      interaction(5),
      consent(6),
    ];
    const response = await send(importOf({ file: 'trans.asc' }, [rows]));
    const seen = response.rejects.map(
      ({ file, line, field, reason, originalValue }) => `${file}:${line} ${field} ${reason} ${originalValue}`,
    );
    expect(seen).toEqual([
      'trans.asc:2 source_key KEY_DUPLICATE trans/1',
      'trans.asc:3 holding_source_key REFERENCE_UNKNOWN account/77',
      'trans.asc:4 amount VALUE_INVALID -5',
      'trans.asc:5 party_source_key REFERENCE_UNKNOWN client/5',
      'trans.asc:5 amount CURRENCY_MISMATCH EUR',
      'trans.asc:6 party_source_key REFERENCE_UNKNOWN client/6',
      'trans.asc:20 source_key VALUE_INVALID ',
      'trans.asc:22 person.birth_date VALUE_INVALID 1970-2-30',
      'trans.asc:23 contact_points[0].email VALUE_INVALID ',
      'trans.asc:24 organisation_path ORGANISATION_PATH_OUTSIDE /other',
      'trans.asc:25  VALUE_INVALID ',
      'trans.asc:31 owner_source_key REFERENCE_UNKNOWN client/99',
      'trans.asc:60  ROW_EMPTY ',
      'trans.asc:61 date DATE_INVALID 931399',
    ]);
    expect(outcome(response)).toEqual({
      0: [0, 0, 0, 1],
      1: [1, 0, 0, 5],
      2: [1, 0, 0, 1],
      3: [1, 0, 0, 5],
      4: [0, 0, 0, 1],
      5: [0, 0, 0, 1],
    });
    const page = await running.customer.listImportRejects(
      { parent: response.import?.name as string, pageSize: 10, pageToken: '' },
      operator(),
    );
    expect(page.rejects).toEqual(response.rejects.slice(0, 10));
    const rest = await running.customer.listImportRejects(
      { parent: response.import?.name as string, pageSize: 10, pageToken: page.nextPageToken },
      operator(),
    );
    expect(rest.rejects).toEqual(response.rejects.slice(10));
  });

  it('goes on where a broken stream stopped, and refuses other rows under the same id', async () => {
    const requests = importOf({}, [[party(1), party(2)], [holding(1, 1)], [transaction(1, 1)]]);
    async function* broken() {
      yield* requests.slice(0, 3);
      // The server writes a batch when the next message comes or the stream ends; wait until both are in.
      for (;;) {
        const [row] = await all<{ rows: number }>(running, sql`SELECT rows FROM import_run`);
        if (row?.rows === 3) break;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      throw new Error('the line went dead');
    }
    await expect(running.customer.import(broken(), operator())).rejects.toThrow();
    const importId = (requests[0] as { part: { value: { importId: string } } }).part.value.importId;
    const { import: half } = await running.customer.getImport({ name: `imports/${importId}` }, operator());
    expect(half).toMatchObject({ state: 1, completeTime: undefined });
    const other = importOf({ importId }, [[party(3), party(2)], [holding(1, 1)]]);
    expect(await failure(send(other))).toMatchObject({ reason: 'IMPORT_ROWS_CHANGED' });
    expect(await failure(send(importOf({ importId }, [[party(1)]])))).toMatchObject({ reason: 'IMPORT_ROWS_CHANGED' });
    const whole = await send(requests);
    expect(outcome(whole)).toEqual({ 1: [2, 0, 0, 0], 2: [1, 0, 0, 0], 3: [1, 0, 0, 0] });
    expect((await counts(running))['transaction']).toBe(1);
    expect(await eventTypes(running)).toHaveLength(4);
  });

  it('knows a key again under any account, among many new rows, and publishes each new one once', async () => {
    const day = (n: number) => ({ bookingDate: { year: 1993, month: 1 + (n % 12), day: 1 }, sequence: n });
    const many = (from: number, to: number): Rows =>
      Array.from({ length: to - from }, (_none, at) => transaction(from + at, 1 + (at % 2), day(from + at)));
    const people = [party(1), party(2), holding(1, 1), holding(2, 2)];
    expect(outcome(await send(importOf({}, [people, many(1, 61)])))).toMatchObject({ 3: [60, 0, 0, 0] });
    // 1 belongs to the first account; 2 says the same again; the others are new.
    const mixed = [transaction(1, 2, day(1)), transaction(2, 2, day(2)), ...many(61, 101)];
    const response = await send(importOf({}, [mixed, many(101, 141)]));
    expect(outcome(response)).toEqual({ 3: [80, 0, 1, 1] });
    expect(response.rejects).toEqual([expect.objectContaining({ reason: 'KEY_DUPLICATE', originalValue: 'trans/1' })]);
    expect((await counts(running))['transaction']).toBe(140);
    const [published] = await all<{ events: number }>(
      running,
      sql`SELECT sum(events)::int AS events FROM kit.outbox WHERE type LIKE '%TransactionBooked'`,
    );
    expect(published?.events).toBe(140);
  });

  it('takes an account as it is when it changed since the batch before', async () => {
    await send(importOf({}, [[party(1), holding(1, 1)]]));
    const day = { bookingDate: { year: 1993, month: 5, day: 5 }, balanceAfter: undefined };
    const requests = importOf({}, [[transaction(1, 1, day)], [transaction(2, 1, day)], [transaction(3, 1, day)]]);
    const stored = () =>
      all<{ path: string }>(running, sql`SELECT organisation_path AS path FROM transaction ORDER BY source_key`);
    async function* moving() {
      yield* requests.slice(0, 2);
      while ((await stored()).length < 1) await new Promise((resolve) => setTimeout(resolve, 20));
      await all(running, sql`UPDATE holding SET organisation_path = '/berka/brno'`);
      yield* requests.slice(2);
    }
    expect(outcome(await running.customer.import(moving(), operator()))).toEqual({ 3: [3, 0, 0, 0] });
    expect((await stored()).map(({ path }) => path)).toEqual(['/berka/prague/1', '/berka/brno', '/berka/brno']);
  });

  it('gives rows without a place the next one of their day', async () => {
    const day = { bookingDate: { year: 1993, month: 5, day: 5 }, sequence: 0, balanceAfter: undefined };
    await send(
      importOf({}, [
        [party(1), holding(1, 1), transaction(1, 1, day), transaction(2, 1, day)],
        [transaction(3, 1, day)],
      ]),
    );
    const rows = await all<{ key: string; sequence: number; time: Date }>(
      running,
      sql`SELECT source_key AS key, sequence, time FROM transaction ORDER BY sequence`,
    );
    expect(rows.map(({ key, sequence }) => [key, sequence])).toEqual([
      ['trans/1', 1],
      ['trans/2', 2],
      ['trans/3', 3],
    ]);
    expect(rows[0]?.time).toEqual(new Date('1993-05-04T22:00:00Z'));
  });

  it('does not touch what the caller may not see', async () => {
    await send(importOf({}, [bank]));
    const before = await counts(running);
    const brno = as({ sub: 'b', roles: ['operator'], orgPath: '/berka/brno' });
    expect(await failure(send(importOf({}, [[party(5)]]), brno))).toMatchObject({
      reason: 'ORGANISATION_PATH_OUTSIDE',
    });
    const here = { organisationPath: '/berka/brno' };
    const response = await send(importOf(here, [[party(1, here), holding(1, 1), transaction(9, 1)]]), brno);
    expect(outcome(response)).toEqual({ 1: [0, 0, 0, 1], 2: [0, 0, 0, 1], 3: [0, 0, 0, 1] });
    expect(response.rejects.map(({ reason }) => reason).sort()).toEqual([
      'KEY_DUPLICATE',
      'REFERENCE_UNKNOWN',
      'REFERENCE_UNKNOWN',
    ]);
    const { import_run: _run, import_reject: _rejects, ...rest } = await counts(running);
    expect(before).toMatchObject(rest);
  });

  it('needs a header first and only once, and somebody who may', async () => {
    const [header, batch] = importOf({}, [[party(1)]]) as [ImportRequest, ImportRequest];
    expect(await failure(send([batch]))).toMatchObject({ reason: 'IMPORT_HEADER_MISSING' });
    expect(await failure(send([]))).toMatchObject({ reason: 'IMPORT_HEADER_MISSING' });
    expect(await failure(send([header, header]))).toMatchObject({ reason: 'IMPORT_HEADER_REPEATED' });
    expect(await failure(send(importOf({ source: 'Not A Source' }, [])))).toMatchObject({
      kind: 'invalid',
      fields: ['header.source'],
    });
    for (const role of allRoles.filter((one) => one !== 'operator')) {
      expect(await failure(send([header, batch], as({ roles: [role], orgPath: '/' })))).toMatchObject({
        kind: 'denied',
      });
    }
    expect((await counts(running))['party']).toBe(0);
  });
});
