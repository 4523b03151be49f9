import { createHash } from 'node:crypto';
import { sql } from '@rapport/kit/db';
import { uuidv7 } from '@rapport/kit/runtime';
import {
  Consent,
  DataSubjectRequestKind as Kind,
  DataSubjectRequestState as State,
  type ExportManifest,
  Interaction,
  LegalHold,
  PartyState,
  Transaction,
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
  owner,
  person,
  type Running,
  startCustomer,
} from '../customer.testkit.js';
import { csvCell } from './export-file.js';
import { officer, rightsAt } from './privacy.testkit.js';

const clock = { at: new Date('2026-01-31T10:00:00Z') };
let running: Running;
beforeAll(async () => {
  running = await startCustomer({ now: () => clock.at });
});
afterAll(() => running.stop());
beforeEach(() => {
  clock.at = new Date('2026-01-31T10:00:00Z');
});

const { open, get, decide, complete } = rightsAt(() => running);

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

  it('says what sources said, in words, with what is owned together, and nothing of holds or other customers', async () => {
    const [jana, petr] = [
      await createParty(
        running,
        person({
          ...{ source: 'branch', sourceKey: 'client/export' },
          contactPoints: [{ point: { $case: 'phone', value: '601 998 877' } }],
        }),
      ),
      await createParty(running),
    ];
    const joint = account({
      iban: 'CZ65 0800 0000 1920 0014 5399',
      owners: [
        { party: petr.name, role: owner },
        { party: jana.name, role: owner },
      ],
    });
    const holding = await createHolding(running, petr.name, joint);
    const transaction = Transaction.fromPartial({
      ...{ direction: 1, operation: 1, amount: { minorUnits: 500n, currencyCode: 'CZK' }, purpose: 'owls' },
      bookingDate: { year: 2026, month: 1, day: 5 },
    });
    const booking = { parent: holding.name, transaction, requestId: uuidv7() };
    await running.customer.bookTransaction(booking, operator());
    const tag = { definition: 'tagDefinitions/vip', expireTime: undefined, model: '' };
    await running.portrait.setTags({ parent: jana.name, tags: [tag], requestId: uuidv7() }, operator());
    const legalHold = LegalHold.fromPartial({ reason: 1, endTime: new Date('2027-01-01T00:00:00Z') });
    await running.privacy.placeLegalHold({ parent: jana.name, legalHold, requestId: uuidv7() }, officer());
    const { name } = await open(jana, Kind.DATA_SUBJECT_REQUEST_KIND_ACCESS);
    await decide(name);
    const { files, manifest } = await exported(name, 1);
    const rowsOf = (collection: string) =>
      (JSON.parse(files.get(`customer-${collection}.json`)?.toString() ?? '{"rows":[]}') as { rows: object[] }).rows;
    // As received, before it was cleaned.
    expect(rowsOf('source_record')).toMatchObject([
      { source: 'branch', source_key: 'client/export', party: { contactPoints: [{ phone: '601 998 877' }] } },
    ]);
    expect(rowsOf('holding')).toMatchObject([
      { kind: 'HOLDING_KIND_ACCOUNT', status: 'HOLDING_STATUS_OPEN', iban: 'CZ6508000000192000145399' },
    ]);
    expect(rowsOf('transaction')).toMatchObject([
      { direction: 'TRANSACTION_DIRECTION_CREDIT', amount: 500, purpose: 'owls' },
    ]);
    expect(rowsOf('party_tag')).toMatchObject([{ tag_id: 'vip', source: 'TAG_SOURCE_STAFF' }]);
    expect(manifest?.files.find(({ file }) => file === 'customer-party_tag.json')?.rows).toBe(1n);
    expect([...files.keys()].filter((file) => /hold\.|candidate/.test(file))).toEqual([]);
    const csv = (await exported(name, 2)).files.get('customer-party_tag.csv')?.toString();
    expect(csv?.split('\r\n')[1]).toContain('olga,TAG_SOURCE_STAFF,vip');
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
