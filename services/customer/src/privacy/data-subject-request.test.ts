import { createHash } from 'node:crypto';
import { sql } from '@rapport/kit/db';
import { uuidv7 } from '@rapport/kit/runtime';
import {
  Consent,
  DataSubjectRequest,
  DataSubjectRequestKind as Kind,
  DataSubjectRequestState as State,
  type ExportManifest,
  Interaction,
  ListHoldingsRequest,
  MergePartiesRequest,
  type Party,
  PartyState,
} from '@rapport/proto/customer/v1';
import { Channel } from '@rapport/proto/type/v1';
import {
  account,
  all,
  allRoles,
  as,
  createHolding,
  createParty,
  eventTypes,
  failure,
  operator,
  person,
  type Running,
  startCustomer,
} from '../customer.testkit.js';
import { csvCell } from './export-file.js';
import { purgeRetained } from './purge-retained.js';

const clock = { at: new Date('2026-01-31T10:00:00Z') };
let running: Running;
beforeAll(async () => {
  running = await startCustomer({ now: () => clock.at });
});
afterAll(() => running.stop());
beforeEach(() => {
  clock.at = new Date('2026-01-31T10:00:00Z');
});

const officer = (orgPath = '/berka') => as({ sub: 'staff/petra', roles: ['privacy_officer'], orgPath });
const open = async (party: Party, kind: Kind, over: object = {}, options = officer()): Promise<DataSubjectRequest> => {
  const dataSubjectRequest = DataSubjectRequest.fromPartial({ party: party.name, kind, identityCheck: 1, ...over });
  const answer = await running.privacy.createDataSubjectRequest({ dataSubjectRequest, requestId: uuidv7() }, options);
  return answer.dataSubjectRequest as DataSubjectRequest;
};
const get = async (name: string, options = officer()) =>
  (await running.privacy.getDataSubjectRequest({ name }, options)).dataSubjectRequest as DataSubjectRequest;
const decide = async (name: string, over: object = {}, options = officer()) =>
  (
    await running.privacy.decideDataSubjectRequest(
      { name, refusalReason: 0, identityCheck: 0, requestId: uuidv7(), ...over },
      options,
    )
  ).dataSubjectRequest as DataSubjectRequest;
const complete = (name: string) => running.privacy.completeDataSubjectRequest({ name, requestId: uuidv7() }, officer());
const idOf = (party: Party) => party.name.slice('parties/'.length);

describe('the term of a request', () => {
  // Days end at midnight in Prague: 22:00 or 23:00 UTC.
  it.each([
    ['2026-01-31T10:00:00Z', '2026-02-28T23:00:00.000Z'],
    ['2028-01-31T10:00:00Z', '2028-02-29T23:00:00.000Z'],
    ['2026-03-15T23:30:00Z', '2026-04-16T22:00:00.000Z'],
    ['2026-12-05T08:00:00Z', '2027-01-05T23:00:00.000Z'],
  ])('of %s ends with the same day of the next month, %s', async (receiveTime, due) => {
    clock.at = new Date('2028-02-01T00:00:00Z');
    const { dueTime } = await open(await createParty(running), Kind.DATA_SUBJECT_REQUEST_KIND_ACCESS, {
      receiveTime: new Date(receiveTime),
    });
    expect(dueTime?.toISOString()).toBe(due);
  });

  it('is extended once, to three months in all, while the first lasts; then it is overdue', async () => {
    const { name } = await open(await createParty(running), Kind.DATA_SUBJECT_REQUEST_KIND_ACCESS);
    const extend = () => running.privacy.extendDataSubjectRequest({ name, reason: 1, requestId: uuidv7() }, officer());
    clock.at = new Date('2026-02-28T22:59:59Z');
    expect((await get(name)).overdue).toBe(false);
    expect((await extend()).dataSubjectRequest?.dueTime?.toISOString()).toBe('2026-04-30T22:00:00.000Z');
    expect(await failure(extend())).toMatchObject({ reason: 'EXTENSION_REFUSED' });
    clock.at = new Date('2026-04-30T22:00:01Z');
    expect((await get(name)).overdue).toBe(true);
    const late = await open(await createParty(running), Kind.DATA_SUBJECT_REQUEST_KIND_ACCESS);
    clock.at = new Date('2026-07-01T00:00:00Z');
    expect(
      await failure(
        running.privacy.extendDataSubjectRequest({ name: late.name, reason: 1, requestId: uuidv7() }, officer()),
      ),
    ).toMatchObject({ reason: 'EXTENSION_REFUSED' });
  });
});

describe('a request', () => {
  it('is opened once for each right, decided once with an identity check, and closed', async () => {
    const jana = await createParty(running);
    const before = (await eventTypes(running)).length;
    const { name, state } = await open(jana, Kind.DATA_SUBJECT_REQUEST_KIND_RECTIFICATION, { identityCheck: 0 });
    expect(state).toBe(State.DATA_SUBJECT_REQUEST_STATE_RECEIVED);
    expect(await failure(open(jana, Kind.DATA_SUBJECT_REQUEST_KIND_RECTIFICATION))).toMatchObject({
      reason: 'DATA_SUBJECT_REQUEST_OPEN',
    });
    expect(await failure(complete(name))).toMatchObject({ reason: 'DATA_SUBJECT_REQUEST_NOT_ACCEPTED' });
    expect(await failure(decide(name))).toMatchObject({ reason: 'IDENTITY_NOT_CHECKED' });
    expect(await decide(name, { identityCheck: 4 })).toMatchObject({ identityCheck: 4, decidedBy: 'staff/petra' });
    expect(await failure(decide(name))).toMatchObject({ reason: 'DATA_SUBJECT_REQUEST_DECIDED' });
    const closed = (await complete(name)).dataSubjectRequest;
    expect(closed).toMatchObject({ state: State.DATA_SUBJECT_REQUEST_STATE_COMPLETED, closeTime: clock.at });
    expect((await eventTypes(running)).slice(before)).toEqual(['DataSubjectRequestOpened', 'DataSubjectRequestClosed']);
    // The right can be used again.
    const again = await open(jana, Kind.DATA_SUBJECT_REQUEST_KIND_RECTIFICATION, { identityCheck: 0 });
    expect(await decide(again.name, { refusalReason: 7 })).toMatchObject({
      state: State.DATA_SUBJECT_REQUEST_STATE_REFUSED,
      refusalReason: 7,
    });
  });

  it('is taken by who serves customers, decided by the privacy officer, and absent elsewhere', async () => {
    const jana = await createParty(running, person({ relationshipManager: 'staff/rm1' }));
    const staff = (role: string) =>
      as({ sub: role === 'relationship_manager' ? 'staff/rm1' : `staff/${role}`, roles: [role], orgPath: '/berka' });
    let kind = 0;
    for (const role of allRoles) {
      const may = ['relationship_manager', 'call_centre_agent', 'branch_manager', 'privacy_officer'].includes(role);
      if (may) kind += 1;
      expect([role, (await failure(open(jana, (may ? kind : 1) as Kind, {}, staff(role)))).kind]).toEqual([
        role,
        may ? 'ok' : 'denied',
      ]);
      const { name } = await open(await createParty(running), Kind.DATA_SUBJECT_REQUEST_KIND_ACCESS);
      expect([role, (await failure(decide(name, {}, staff(role)))).kind]).toEqual([
        role,
        role === 'privacy_officer' ? 'ok' : 'denied',
      ]);
    }
    const { name } = await open(await createParty(running), Kind.DATA_SUBJECT_REQUEST_KIND_ACCESS);
    for (const elsewhere of [officer('/berka/brno'), officer('/other')]) {
      expect(await failure(get(name, elsewhere))).toMatchObject({ reason: 'DATA_SUBJECT_REQUEST_NOT_FOUND' });
      const list = await running.privacy.listDataSubjectRequests(
        { party: '', open: false, pageSize: 0, pageToken: '' },
        elsewhere,
      );
      expect(list.dataSubjectRequests).toEqual([]);
    }
    const found: string[] = [];
    let pageToken = '';
    do {
      const page = await running.privacy.listDataSubjectRequests(
        { party: '', open: true, pageSize: 3, pageToken },
        officer(),
      );
      found.push(...page.dataSubjectRequests.map((one) => one.name));
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    expect(new Set(found).size).toBe(found.length);
    expect(found).toContain(name);
  });
});

describe('restriction and objection', () => {
  it('set the state and tell it, and let it be lifted', async () => {
    const jana = await createParty(running);
    const { name } = await open(jana, Kind.DATA_SUBJECT_REQUEST_KIND_RESTRICTION);
    expect(await decide(name)).toMatchObject({ state: State.DATA_SUBJECT_REQUEST_STATE_COMPLETED });
    const state = async () => (await running.customer.getParty({ name: jana.name }, operator())).party?.state;
    expect(await state()).toBe(PartyState.PARTY_STATE_RESTRICTED);
    expect((await eventTypes(running)).slice(-2)).toEqual(['PartyUpdated', 'DataSubjectRequestClosed']);
    const lift = () => running.privacy.liftRestriction({ name: jana.name, requestId: uuidv7() }, officer());
    await lift();
    expect(await state()).toBe(PartyState.PARTY_STATE_ACTIVE);
    const events = (await eventTypes(running)).length;
    await lift();
    expect(await eventTypes(running)).toHaveLength(events);
  });

  it('withdraw the consents for the purpose on every channel', async () => {
    const jana = await createParty(running);
    const consent = Consent.fromPartial({
      purpose: 'marketing',
      channel: Channel.CHANNEL_EMAIL,
      state: 1,
      textVersion: '1',
    });
    await running.customer.setConsent({ parent: jana.name, consent, requestId: uuidv7() }, operator());
    clock.at = new Date(clock.at.getTime() + 1000);
    await decide((await open(jana, Kind.DATA_SUBJECT_REQUEST_KIND_OBJECTION)).name);
    const { consents } = await running.customer.listConsents(
      { parent: jana.name, pageSize: 0, pageToken: '', history: false },
      operator(),
    );
    expect(consents.map(({ purpose, state }) => `${purpose} ${state}`)).toEqual(
      Array.from({ length: 7 }, () => 'marketing 2'),
    );
  });
});

describe('an export', () => {
  async function exported(name: string, format: number) {
    const files = new Map<string, Buffer[]>();
    let manifest: ExportManifest | undefined;
    for await (const { part } of running.privacy.exportDataSubjectRequest({ name, format }, officer())) {
      if (part?.$case === 'manifest') manifest = part.value;
      if (part?.$case === 'chunk')
        files.set(part.value.file, [...(files.get(part.value.file) ?? []), Buffer.from(part.value.data)]);
    }
    return { files: new Map([...files].map(([file, parts]) => [file, Buffer.concat(parts)])), manifest };
  }

  it('holds everything, with a manifest that its bytes agree with, as JSON and as CSV without formulas', async () => {
    const jana = await createParty(
      running,
      person({ identifiers: [{ kind: 2, value: 'P 998877', countryCode: 'CZ' }] }),
    );
    await createHolding(running, jana.name);
    const interaction = Interaction.fromPartial({
      channel: Channel.CHANNEL_PHONE,
      direction: 1,
      kind: 'call',
      subject: '=HYPERLINK("http://evil")',
      note: 'said, "thanks"\nand rang off',
      time: new Date(clock.at.getTime() - 1000),
    });
    await running.customer.recordInteraction({ parent: jana.name, interaction, requestId: uuidv7() }, operator());
    const { name } = await open(jana, Kind.DATA_SUBJECT_REQUEST_KIND_PORTABILITY);
    expect(await failure(exported(name, 1))).toMatchObject({ reason: 'DATA_SUBJECT_REQUEST_NOT_ACCEPTED' });
    await decide(name);
    for (const [format, extension] of [
      [1, 'json'],
      [2, 'csv'],
    ] as const) {
      const { files, manifest } = await exported(name, format);
      expect(manifest?.parties).toEqual([jana.name]);
      expect(manifest?.services).toHaveLength(6);
      expect(manifest?.files.map(({ file }) => file)).toEqual([...files.keys()]);
      for (const file of manifest?.files ?? []) {
        const bytes = files.get(file.file) as Buffer;
        expect([file.bytes, file.sha256]).toEqual([
          BigInt(bytes.length),
          createHash('sha256').update(bytes).digest('hex'),
        ]);
      }
      const text = Buffer.concat([...files.values()]).toString();
      for (const known of ['Nováková', 'Jana.Novakova@example.com', '+420601123456', 'P 998877', 'rang off'])
        expect([known, text.includes(known)]).toEqual([known, true]);
      expect(text).not.toContain('\\\\x');
      expect(files.has(`customer-holding.${extension}`)).toBe(true);
      if (format === 2) {
        expect(text).toContain(`"'=HYPERLINK(""http://evil"")"`);
        expect(files.get('customer-interaction.csv')?.toString().split('\r\n')[0]).toContain('interaction_id');
      } else JSON.parse(files.get('customer-party.json')?.toString() ?? '');
    }
    const audited = await all<{ detail: object }>(
      running,
      sql`SELECT detail FROM kit.audit WHERE action LIKE '%ExportDataSubjectRequest' AND resource = ${jana.name}`,
    );
    expect(audited).toEqual([{ detail: { reason: 'export' } }, { detail: { reason: 'export' } }]);
    const access = await open(jana, Kind.DATA_SUBJECT_REQUEST_KIND_RESTRICTION);
    expect(await failure(exported(access.name, 1))).toMatchObject({ reason: 'EXPORT_NOT_FOR_KIND' });
  });

  it('is complete or fails', async () => {
    const { name } = await open(await createParty(running), Kind.DATA_SUBJECT_REQUEST_KIND_ACCESS);
    await decide(name);
    const { peers } = running.deps;
    const broken = {
      exportPersonalData: async function* () {
        yield { collection: 'cases', json: '{}', dataClass: 2 };
        throw Object.assign(new Error('away'), { name: 'Failure' });
      },
    };
    Object.assign(running.deps, { peers: { ...peers, cases: broken } });
    expect((await failure(exported(name, 1))).kind).not.toBe('ok');
    Object.assign(running.deps, { peers });
    expect((await exported(name, 1)).manifest).toBeDefined();
  });

  it.each([
    ['=1+1', "'=1+1"],
    ['+420601', "'+420601"],
    ['@x', "'@x"],
    [-5, '-5'],
    ['a,b', '"a,b"'],
    [null, ''],
    [{ a: 1 }, '"{""a"":1}"'],
  ])('writes the cell %j as %s', (value, cell) => expect(csvCell(value)).toBe(cell));
});

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
      account({ status: 2, closedDate: { year: 2025, month: 6, day: 30 }, source: 'berka', sourceKey: 'account/99' }),
    );
    expect(closed.name).toContain(jana.name);
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
