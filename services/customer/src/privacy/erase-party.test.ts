import { sql } from '@rapport/kit/db';
import { uuidv7 } from '@rapport/kit/runtime';
import { client } from '@rapport/kit/rpc';
import {
  DataSubjectRequestKind as Kind,
  DataSubjectRequestState as State,
  ListHoldingsRequest,
  MergePartiesRequest,
  type Party,
} from '@rapport/proto/customer/v1';
import { OperationsServiceService } from '@rapport/proto/operations/v1';
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
import { idOf, officer, rightsAt } from './privacy.testkit.js';
import { purgeRetained } from './purge-retained.js';

const clock = { at: new Date('2026-01-31T10:00:00Z') };
let running: Running;
beforeAll(async () => {
  running = await startCustomer({ now: () => clock.at });
});
afterAll(() => running.stop());
const { open, get, decide } = rightsAt(() => running);

describe('an erasure', () => {
  const hold = (party: Party, endTime: Date) =>
    running.privacy.placeLegalHold(
      {
        parent: party.name,
        legalHold: {
          name: '',
          reason: 1,
          endTime,
          placedBy: '',
          placeTime: undefined,
          releasedBy: '',
          releaseTime: undefined,
        },
        requestId: uuidv7(),
      },
      officer(),
    );

  it('waits for legal holds and open holdings, and says until when', async () => {
    const jana = await createParty(running);
    const { name } = await open(jana, Kind.DATA_SUBJECT_REQUEST_KIND_ERASURE);
    expect(await failure(hold(jana, clock.at))).toMatchObject({ fields: ['legal_hold.end_time'] });
    const until = new Date('2026-06-01T00:00:00Z');
    const { legalHold } = await hold(jana, until);
    await expect(decide(name)).rejects.toMatchObject({
      reason: 'LEGAL_HOLD_IN_FORCE',
      metadata: { until: until.toISOString() },
    });
    const holds = () => running.privacy.listLegalHolds({ parent: jana.name, pageSize: 0, pageToken: '' }, officer());
    expect((await holds()).legalHolds).toEqual([legalHold]);
    await running.privacy.releaseLegalHold({ name: legalHold?.name ?? '', requestId: uuidv7() }, officer());
    expect((await holds()).legalHolds[0]).toMatchObject({ releasedBy: 'staff/petra' });
    await createHolding(running, jana.name);
    expect(await failure(decide(name))).toMatchObject({ reason: 'HOLDINGS_OPEN' });
    expect((await running.customer.getParty({ name: jana.name }, operator())).party?.displayName).toBe('Jana Nováková');
  });

  it('erases everybody who was merged into the golden record', async () => {
    const survivor = await createParty(running);
    const merged = await createParty(running);
    const steward = as({ sub: 'staff/sam', roles: ['data_steward'], orgPath: '/berka' });
    const request = {
      survivor: survivor.name,
      merged: merged.name,
      survivorEtag: survivor.etag,
      mergedEtag: merged.etag,
      reason: 'same_person',
      requestId: uuidv7(),
    };
    await running.golden.mergeParties(MergePartiesRequest.fromPartial(request), steward);
    const { name } = await open(merged, Kind.DATA_SUBJECT_REQUEST_KIND_ERASURE);
    const { receipts } = await decide(name);
    expect(receipts.map(({ party }) => party).sort()).toEqual([survivor.name, merged.name].sort());
    const asked = await all<{ aggregate: string }>(
      running,
      sql`SELECT aggregate FROM kit.outbox WHERE type LIKE '%PartyErasureRequested' AND subject = ${name}`,
    );
    expect(asked.map(({ aggregate }) => aggregate).sort()).toEqual([idOf(survivor), idOf(merged)].sort());
    for (const one of [survivor, merged])
      expect(await failure(running.customer.getParty({ name: one.name }, operator()))).toMatchObject({
        reason: 'PARTY_NOT_FOUND',
      });
  });

  it('leaves no row of the party but those of money, without names, until their time is over', async () => {
    const jana = await createParty(
      running,
      person({
        source: 'berka',
        sourceKey: 'client/99',
        identifiers: [{ kind: 1, value: '705213/9999', countryCode: 'CZ' }],
      }),
    );
    const other = await createParty(running);
    const closed = await createHolding(
      running,
      jana.name,
      account({
        ...{ status: 2, closedDate: { year: 2025, month: 6, day: 30 }, source: 'berka', sourceKey: 'account/99' },
        iban: 'CZ65 0800 0000 1920 0014 5399',
      }),
    );
    expect(closed.name).toContain(jana.name);
    const paid = {
      ...{ direction: 1, operation: 4, amount: { minorUnits: 5n, currencyCode: 'CZK' } },
      ...{
        bookingDate: { year: 2025, month: 6, day: 1 },
        counterparty: { account: '1', bank: '', name: 'Otto Plátce' },
      },
    };
    const value = { sourceKey: 't/99', holdingSourceKey: 'account/99', transaction: paid };
    const { import: brought } = await running.customer.import(
      importOf({}, [[{ line: 1n, row: { $case: 'transaction', value } }]]),
      operator(),
    );
    expect(brought?.counts).toMatchObject([{ created: 1n, rejected: 0n }]);
    const { name } = await open(jana, Kind.DATA_SUBJECT_REQUEST_KIND_ERASURE);
    const erased = await decide(name);
    expect(erased).toMatchObject({
      state: State.DATA_SUBJECT_REQUEST_STATE_ACCEPTED,
      missingReceipts: ['segmentation', 'marketing', 'cases', 'performance', 'reporting'].map(
        (one) => `services/${one}`,
      ),
      retainUntil: new Date('2030-06-30T00:00:00Z'),
    });
    expect(erased.receipts).toMatchObject([{ service: 'services/customer', party: jana.name }]);
    for (const ask of [
      running.customer.getParty({ name: jana.name }, operator()),
      running.customer.listHoldings(ListHoldingsRequest.fromPartial({ parent: jana.name }), operator()),
    ])
      expect(await failure(ask)).toMatchObject({ reason: 'PARTY_NOT_FOUND' });
    expect((await running.customer.getParty({ name: other.name }, operator())).party?.displayName).toBe(
      'Jana Nováková',
    );

    // Every table that has the party's id anywhere, in any column.
    const id = idOf(jana);
    const tables = await all<{ table: string }>(
      running,
      sql`SELECT c.oid::regclass::text AS table FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname IN ('public', 'kit') AND c.relkind IN ('r', 'p') AND NOT c.relispartition`,
    );
    const left: string[] = [];
    for (const { table } of tables) {
      const [row] = await all<{ hits: number }>(
        running,
        sql`SELECT count(*)::int AS hits FROM ${sql.raw(table)} t WHERE t::text LIKE ${`%${id}%`}`,
      );
      if (row && row.hits > 0) left.push(table);
    }
    const money = await all<{ sealed: Buffer | null; name: string }>(
      running,
      sql`SELECT h.sealed, t.counterparty_name AS name FROM holding h JOIN transaction t USING (party_id, holding_id)
        WHERE h.party_id = ${id}::uuid`,
    );
    expect(money).toEqual([{ sealed: null, name: '' }]);
    expect(left.sort()).toEqual(
      [
        'data_subject_request',
        'erasure_receipt',
        'holding',
        'holding_role',
        'kit.audit',
        'kit.idempotency',
        'kit.outbox',
        'kit.tombstone',
        'retention',
        'transaction',
      ].filter((table) => left.includes(table)),
    );
    expect(left).toEqual(expect.arrayContaining(['holding', 'retention', 'kit.tombstone']));
    expect(left).not.toContain('party');
    expect(await purgeRetained(running.db, new Date('2030-06-29T00:00:00Z'))).toBe(0);
    expect(await purgeRetained(running.db, new Date('2030-06-30T00:00:01Z'))).toBe(1);
    const [gone] = await all<{ hits: number }>(
      running,
      sql`SELECT count(*)::int AS hits FROM holding WHERE party_id = ${id}`,
    );
    expect(gone?.hits).toBe(0);
  });
});

describe('what imports refused', () => {
  it('is emptied where it quotes the party: by the keys that a row names, else by the values', async () => {
    const key = 'client/refused';
    const named = person({
      details: { $case: 'person', value: { givenName: '小芳', familyName: '王' } },
      ...{ source: 'berka', sourceKey: key, contactPoints: [] },
    });
    const wang = await createParty(running, named);
    await createHolding(running, wang.name, account({ status: 2, closedDate: { year: 2025, month: 6, day: 30 } }));
    const bad = (sourceKey: string, value: string) => ({
      $case: 'party',
      value: { sourceKey, party: person({ language: value }) },
    });
    const unreadable = (originalValue: string, keys: string[]) => ({
      $case: 'unreadable',
      value: { kind: 1, field: 'born', reason: 'DATE_INVALID', originalValue, keys },
    });
    const transaction = { sourceKey: 't/refused', holdingSourceKey: 'account/refused', transaction: {} };
    const rows = [
      bad(key, 'xiaofang.at.home'),
      bad('client/other', 'somebody.else'),
      unreadable('1990-13-45', [key]),
      unreadable('1991-13-45', ['client/other']),
      unreadable('王小芳 女', []),
      { $case: 'transaction', value: transaction },
    ];
    const batch = rows.map((row, index) => ({ line: BigInt(index + 1), row }));
    const { import: brought, rejects } = await running.customer.import(importOf({}, [batch]), operator());
    expect(rejects.map(({ originalValue }) => originalValue).slice(0, 5)).toEqual([
      ...['xiaofang.at.home', 'somebody.else', '1990-13-45', '1991-13-45', '王小芳 女'],
    ]);
    await decide((await open(wang, Kind.DATA_SUBJECT_REQUEST_KIND_ERASURE)).name);
    const left = await all<{ value: string }>(
      running,
      sql`SELECT original_value AS value FROM import_reject WHERE import_id = ${brought?.name.slice(8)} ORDER BY line`,
    );
    expect(left.map(({ value }) => value).slice(0, 5)).toEqual(['', 'somebody.else', '', '1991-13-45', '']);
  });
});

describe('a key of a source whose party was erased', () => {
  const steward = (orgPath = '/berka') => as({ sub: 'staff/sam', roles: ['data_steward'], orgPath });
  const row = (sourceKey: string) => ({ line: 1n, row: { $case: 'party', value: { sourceKey, party: person() } } });
  const bring = (sourceKey: string) => running.customer.import(importOf({}, [[row(sourceKey)]]), operator());
  const lift = (sourceKey: string, token = steward(), requestId = uuidv7()) =>
    running.source.liftErasedKey({ name: 'sources/berka', sourceKey, reason: 'customer again', requestId }, token);

  it('does not come back by an import or by hand, until a steward lets it, and then once', async () => {
    const [jana, merged] = [
      await createParty(running, person({ source: 'berka', sourceKey: 'client/erased' })),
      await createParty(running, person({ source: 'berka', sourceKey: 'client/merged' })),
    ];
    const etags = { survivorEtag: jana.etag, mergedEtag: merged.etag };
    const one = { survivor: jana.name, merged: merged.name, ...etags, reason: 'same_person', requestId: uuidv7() };
    await running.golden.mergeParties(MergePartiesRequest.fromPartial(one), steward());
    const { name } = await open(jana, Kind.DATA_SUBJECT_REQUEST_KIND_ERASURE);
    await decide(name);
    for (const key of ['client/erased', 'client/merged']) {
      const { import: again, rejects } = await bring(key);
      expect(again?.counts).toMatchObject([{ created: 0n, rejected: 1n }]);
      expect(rejects).toMatchObject([{ field: 'source_key', reason: 'ERASED', originalValue: '' }]);
      const byHand = createParty(running, person({ source: 'berka', sourceKey: key }));
      expect(await failure(byHand)).toMatchObject({ kind: 'precondition', reason: 'SOURCE_KEY_ERASED' });
    }
    const kept = await all<{ text: string }>(running, sql`SELECT k::text AS text FROM erased_key k`);
    expect(kept.length).toBeGreaterThanOrEqual(2);
    expect(JSON.stringify(kept)).not.toContain('client/');
    for (const roles of [['operator'], ['privacy_officer'], ['relationship_manager']]) {
      expect((await failure(lift('client/erased', as({ roles, orgPath: '/berka' })))).kind).toBe('denied');
    }
    expect((await failure(lift('client/erased', steward('/berka/brno')))).reason).toBe('ERASED_KEY_NOT_FOUND');
    expect((await failure(lift('client/never'))).reason).toBe('ERASED_KEY_NOT_FOUND');
    const requestId = uuidv7();
    const lifted = await lift('client/erased', steward(), requestId);
    expect(await lift('client/erased', steward(), requestId)).toEqual(lifted);
    expect((await bring('client/erased')).import?.counts).toMatchObject([{ created: 1n }]);
    expect((await bring('client/merged')).import?.counts).toMatchObject([{ rejected: 1n }]);
    const [noted] = await all<{ detail: object }>(
      running,
      sql`SELECT detail FROM kit.audit WHERE action LIKE '%/LiftErasedKey'`,
    );
    expect(JSON.stringify(noted?.detail)).toContain('customer again');
  });
});

describe('an erasure after a restore', () => {
  /** Every row with the party's id, by table: what a backup would bring back. */
  async function rowsOf(id: string): Promise<{ table: string; rows: object[] }[]> {
    const tables = await all<{ table: string }>(
      running,
      sql`SELECT DISTINCT a.attrelid::regclass::text AS table FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND a.attname = 'party_id'`,
    );
    const found: { table: string; rows: object[] }[] = [];
    for (const { table } of tables) {
      const rows = await all<{ row: object }>(
        running,
        sql`SELECT to_jsonb(t) AS row FROM ${sql.raw(table)} t WHERE party_id = ${id}::uuid`,
      );
      if (rows.length > 0) found.push({ table, rows: rows.map(({ row }) => row) });
    }
    return found;
  }
  const left = async (id: string) => (await rowsOf(id)).map(({ table }) => table);

  it('is carried out again with what the other services remember, also when it was not known here any more', async () => {
    const address = running.address;
    const operations = client({ service: OperationsServiceService }, address);
    const jana = await createParty(running, person({ source: 'berka', sourceKey: 'client/restored' }));
    const closed = { status: 2, closedDate: { year: 2025, month: 6, day: 30 } };
    await createHolding(running, jana.name, account({ ...closed, source: 'berka', sourceKey: 'account/restored' }));
    const id = idOf(jana);
    const request = await open(jana, Kind.DATA_SUBJECT_REQUEST_KIND_ERASURE);
    const backup = await rowsOf(id);
    expect(backup.map(({ table }) => table)).toEqual(expect.arrayContaining(['party', 'holding', 'source_record']));
    await decide(request.name);
    const kept = await left(id);
    expect(kept).not.toContain('party');

    // The backup is from before: its rows are there again, and of the erasure nothing is known.
    for (const { table } of backup) await all(running, sql`DELETE FROM ${sql.raw(table)} WHERE party_id = ${id}::uuid`);
    for (const { table, rows } of backup) {
      const [columns] = await all<{ names: string }>(
        running,
        sql`SELECT string_agg(quote_ident(attname), ', ') AS names FROM pg_attribute
          WHERE attrelid = ${table}::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''`,
      );
      await all(
        running,
        sql`INSERT INTO ${sql.raw(table)} (${sql.raw(columns?.names ?? '')}) OVERRIDING SYSTEM VALUE SELECT ${sql.raw(columns?.names ?? '')} FROM jsonb_populate_recordset(NULL::${sql.raw(table)}, ${JSON.stringify(rows)}::jsonb)
          ON CONFLICT DO NOTHING`,
      );
    }
    await all(running, sql`DELETE FROM kit.tombstone WHERE aggregate = ${id}`);
    await all(running, sql`DELETE FROM erasure_receipt WHERE party_id = ${id}::uuid`);
    await all(
      running,
      sql`UPDATE data_subject_request SET state = 1, decide_time = NULL, decided_by = '' WHERE party_id = ${id}::uuid`,
    );
    expect((await running.customer.getParty({ name: jana.name }, operator())).party?.displayName).toBe('Jana Nováková');

    const parent = 'services/customer';
    const erasure = {
      subject: jana.name,
      request: request.name,
      organisationPath: '/berka/prague/1',
      eraseTime: undefined,
      answerTime: undefined,
    };
    const replay = { parent, erasures: [erasure, erasure], requestId: uuidv7() };
    expect((await failure(operations.replayErasures(replay, officer('/')))).kind).toBe('denied');
    expect(await operations.replayErasures(replay, operator())).toEqual({ known: 0, unknown: 1 });
    expect(await operations.replayErasures(replay, operator())).toEqual({ known: 0, unknown: 1 });
    expect(await failure(running.customer.getParty({ name: jana.name }, operator()))).toMatchObject({
      reason: 'PARTY_NOT_FOUND',
    });
    expect((await left(id)).sort()).toEqual(kept.filter((table) => table !== 'erasure_receipt').sort());
    expect(await get(request.name)).toMatchObject({ state: State.DATA_SUBJECT_REQUEST_STATE_COMPLETED });
    const list = { parent, since: undefined, openOnly: false, pageSize: 1000, pageToken: '' };
    const { erasures } = await operations.listErasures(list, operator());
    expect(erasures.find(({ subject }) => subject === jana.name)).toMatchObject({
      request: request.name,
      answerTime: expect.any(Date) as Date,
    });
    // Once more, with nothing left to remove: known, and nothing else changes.
    expect(await operations.replayErasures({ ...replay, requestId: uuidv7() }, operator())).toEqual({
      known: 1,
      unknown: 0,
    });
    operations.close();
  });
});
