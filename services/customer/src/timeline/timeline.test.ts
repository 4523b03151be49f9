import { sql } from '@rapport/kit/db';
import { uuidv7 } from '@rapport/kit/runtime';
import {
  type Holding,
  HoldingStatus,
  Interaction,
  type InteractionRecorded,
  InteractionRecorded as InteractionRecordedCodec,
  type Party,
  Transaction,
  TransactionBooked,
} from '@rapport/proto/customer/v1';
import { serviceToken } from '@rapport/test/kit';
import {
  account,
  all,
  allRoles,
  as,
  authorisedUser,
  counts,
  createHolding,
  createParty,
  failure,
  operator,
  owner,
  person,
  type Running,
  startCustomer,
} from '../customer.testkit.js';

let running: Running;
let jana: Party;
let petr: Party;
let user: Party;
let joint: Holding;

beforeAll(async () => {
  running = await startCustomer();
  jana = await createParty(running, person({ relationshipManager: 'staff/rm1' }));
  petr = await createParty(running);
  user = await createParty(running);
  const owners = [
    { party: jana.name, role: owner },
    { party: petr.name, role: owner },
    { party: user.name, role: authorisedUser },
  ];
  joint = await createHolding(
    running,
    jana.name,
    account({ owners, balance: { minorUnits: 1000n, currencyCode: 'CZK' } }),
  );
});
afterAll(() => running.stop());

function transaction(over: object = {}): Transaction {
  return Transaction.fromPartial({
    direction: 1,
    amount: { minorUnits: 500n, currencyCode: 'CZK' },
    operation: 1,
    bookingDate: { year: 1994, month: 3, day: 31 },
    ...over,
  });
}
const book = (from: Transaction | undefined, options = operator(), requestId = uuidv7(), parent = joint.name) =>
  running.customer.bookTransaction({ parent, transaction: from, requestId }, options);
const timeline = (parent: string, options = operator(), over: object = {}) =>
  running.customer.listTimeline(
    {
      parent,
      pageSize: 0,
      pageToken: '',
      kind: 0,
      kinds: [],
      channels: [],
      startTime: undefined,
      endTime: undefined,
      transactionKind: 0,
      transactionChannel: 0,
      category: '',
      minimumMinorUnits: 0n,
      maximumMinorUnits: 0n,
      holding: '',
      ...over,
    },
    options,
  );

describe('BookTransaction', () => {
  it('books, computes the balance, publishes to all owners and to no user', async () => {
    const requestId = uuidv7();
    const { transaction: first } = await book(transaction({ source: 'core', sourceKey: 't/1' }), operator(), requestId);
    expect(first).toMatchObject({ sequence: 1, balanceAfter: { minorUnits: 1500n } });
    const { transaction: second } = await book(
      transaction({ direction: 2, amount: { minorUnits: 2000n, currencyCode: 'CZK' } }),
    );
    expect(second).toMatchObject({ sequence: 2, balanceAfter: { minorUnits: -500n } });
    const earlier = await book(
      transaction({
        bookingDate: { year: 1994, month: 3, day: 1 },
        balanceAfter: { minorUnits: 7n, currencyCode: 'CZK' },
      }),
    );
    expect(earlier.transaction?.sequence).toBe(1);
    expect((await running.customer.getHolding({ name: joint.name }, operator())).holding).toMatchObject({
      balance: { minorUnits: -500n },
      balanceTime: new Date('1994-03-30T22:00:00Z'),
    });
    const [event] = await all<{ payload: Buffer }>(
      running,
      sql`SELECT payload FROM kit.outbox WHERE type LIKE '%TransactionBooked' ORDER BY id`,
    );
    const message = TransactionBooked.decode(event?.payload as Buffer);
    expect(message.parties).toEqual([jana.name, petr.name]);
    expect(message).toMatchObject({
      transaction: first?.name,
      holding: joint.name,
      organisationPath: '/berka/prague/1',
    });
    const before = await counts(running);
    expect((await book(transaction({ source: 'core', sourceKey: 't/1' }), operator(), requestId)).transaction).toEqual(
      first,
    );
    expect(await failure(book(transaction({ source: 'core', sourceKey: 't/1' })))).toMatchObject({
      reason: 'DUPLICATE_SOURCE_KEY',
    });
    expect(await counts(running)).toEqual(before);
  });

  it('keeps the balances of one account in a chain however many book at once', async () => {
    const { name } = await createHolding(running, petr.name);
    await Promise.all(
      Array.from({ length: 20 }, () =>
        book(transaction({ amount: { minorUnits: 1n, currencyCode: 'CZK' } }), operator(), uuidv7(), name),
      ),
    );
    const rows = await all<{ sequence: number; balance: bigint }>(
      running,
      sql`
      SELECT sequence, balance_after AS balance FROM transaction WHERE holding_id = ${name.slice(-36)} ORDER BY sequence`,
    );
    expect(rows.map(({ sequence, balance }) => [sequence, Number(balance)])).toEqual(
      Array.from({ length: 20 }, (_none, n) => [n + 1, n + 1]),
    );
  });

  it.each<[string, Transaction | undefined]>([
    ['nothing', undefined],
    ['no amount', transaction({ amount: undefined })],
    ['a negative amount', transaction({ amount: { minorUnits: -1n, currencyCode: 'CZK' } })],
    ['another currency', transaction({ amount: { minorUnits: 1n, currencyCode: 'EUR' } })],
    ['no direction', transaction({ direction: 0 })],
    ['an impossible day', transaction({ bookingDate: { year: 1994, month: 2, day: 30 } })],
    ['a malformed purpose', transaction({ purpose: 'No Code' })],
    ['a source without a key', transaction({ source: 'core' })],
    ['an oversized key', transaction({ source: 'core', sourceKey: 'x'.repeat(121) })],
  ])('refuses %s and changes nothing', async (_what, from) => {
    const before = await counts(running);
    expect(await failure(book(from))).toMatchObject({ kind: 'invalid' });
    expect(await counts(running)).toEqual(before);
  });

  it('books only on open accounts, only for those who may', async () => {
    const closed = await createHolding(running, jana.name, account({ status: HoldingStatus.HOLDING_STATUS_CLOSED }));
    const insurance = await createHolding(
      running,
      jana.name,
      account({ details: { $case: 'insurance', value: { type: 'life' } } }),
    );
    const before = await counts(running);
    expect(await failure(book(transaction(), operator(), uuidv7(), closed.name))).toMatchObject({
      kind: 'precondition',
      reason: 'HOLDING_CLOSED',
    });
    expect(await failure(book(transaction(), operator(), uuidv7(), insurance.name))).toMatchObject({
      reason: 'HOLDING_NOT_AN_ACCOUNT',
    });
    const nowhere = `${jana.name}/holdings/${uuidv7()}`;
    expect(await failure(book(transaction(), operator(), uuidv7(), nowhere))).toMatchObject({
      reason: 'HOLDING_NOT_FOUND',
    });
    const brno = as({ sub: 'o', roles: ['operator'], orgPath: '/berka/brno' });
    expect(await failure(book(transaction(), brno))).toMatchObject({ reason: 'HOLDING_NOT_FOUND' });
    for (const role of allRoles.filter((one) => one !== 'operator')) {
      expect(await failure(book(transaction(), as({ roles: [role] })))).toMatchObject({ kind: 'denied' });
    }
    expect(await counts(running)).toEqual(before);
    expect((await book(transaction(), { token: serviceToken('cases') })).transaction?.sequence).toBe(3);
  });
});

function interaction(over: object = {}): Interaction {
  return Interaction.fromPartial({
    channel: 3,
    direction: 1,
    kind: 'enquiry',
    subject: 'a card',
    note: 'lost it',
    time: new Date('2020-05-05T10:00:00Z'),
    ...over,
  });
}
const record = (from: Interaction | undefined, options = operator(), requestId = uuidv7(), parent = jana.name) =>
  running.customer.recordInteraction({ parent, interaction: from, requestId }, options);

describe('RecordInteraction', () => {
  it('records once, and tells nothing of what was said', async () => {
    const requestId = uuidv7();
    const wish = interaction({ staff: 'staff/rm1', related: 'cases/1', source: 'desk', sourceKey: 'i/1' });
    const { interaction: made } = await record(wish, operator(), requestId);
    expect(made).toMatchObject({ note: 'lost it', staff: 'staff/rm1' });
    const [event] = await all<{ payload: Buffer }>(
      running,
      sql`SELECT payload FROM kit.outbox WHERE type LIKE '%InteractionRecorded'`,
    );
    const told: InteractionRecorded = InteractionRecordedCodec.decode(event?.payload as Buffer);
    expect(told).toMatchObject({ interaction: made?.name, party: jana.name, kind: 'enquiry', related: 'cases/1' });
    expect(event?.payload.includes('lost')).toBe(false);
    const before = await counts(running);
    expect((await record(wish, operator(), requestId)).interaction).toEqual(made);
    expect(await failure(record(wish))).toMatchObject({ reason: 'DUPLICATE_SOURCE_KEY' });
    expect(await counts(running)).toEqual(before);
  });

  it('refuses bad input and strangers, and changes nothing', async () => {
    const before = await counts(running);
    expect(await failure(record(undefined))).toMatchObject({ kind: 'invalid' });
    expect(await failure(record(interaction({ time: undefined })))).toMatchObject({ kind: 'invalid' });
    expect(await failure(record(interaction({ kind: 'A Kind' })))).toMatchObject({ kind: 'invalid' });
    expect(await failure(record(interaction({ note: 'x'.repeat(4001) })))).toMatchObject({ kind: 'invalid' });
    expect(await failure(record(interaction({ time: new Date(Date.now() + 3_600_000) })))).toMatchObject({
      reason: 'TIME_IN_FUTURE',
    });
    expect(await failure(record(interaction(), operator(), uuidv7(), `parties/${uuidv7()}`))).toMatchObject({
      reason: 'PARTY_NOT_FOUND',
    });
    const colleague = as({ sub: 'staff/rm2', roles: ['relationship_manager'], orgPath: '/berka/prague/1' });
    expect(await failure(record(interaction(), colleague))).toMatchObject({ reason: 'PARTY_NOT_FOUND' });
    for (const role of ['marketer', 'marketing_approver', 'analyst', 'auditor', 'administrator']) {
      expect(await failure(record(interaction(), as({ roles: [role] })))).toMatchObject({ kind: 'denied' });
    }
    expect(await counts(running)).toEqual(before);
  });
});

describe('ListTimeline', () => {
  it('puts both kinds in one order and pages through them without a gap', async () => {
    await record(interaction({ time: new Date('1994-03-15T10:00:00Z') }));
    const whole = await timeline(jana.name);
    const times = whole.entries.map(({ time }) => time?.getTime() ?? 0);
    expect(times).toEqual([...times].sort((a, b) => b - a));
    expect(new Set(whole.entries.map(({ entry }) => entry?.$case))).toEqual(new Set(['transaction', 'interaction']));
    const paged = [];
    let pageToken = '';
    do {
      const page = await timeline(jana.name, operator(), { pageSize: 2, pageToken });
      paged.push(...page.entries);
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    expect(paged).toEqual(whole.entries);
    const march = { startTime: new Date('1994-03-10'), endTime: new Date('1994-03-20') };
    expect((await timeline(jana.name, operator(), march)).entries).toHaveLength(1);
    expect(
      (await timeline(jana.name, operator(), { kind: 1 })).entries.every(({ entry }) => entry?.$case === 'transaction'),
    ).toBe(true);
    expect((await timeline(jana.name, operator(), { kind: 2 })).entries).toHaveLength(2);
  });

  it('shows a transaction to every owner and to no mere user', async () => {
    const own = (await timeline(petr.name, operator(), { kind: 1 })).entries.map(
      ({ entry }) => (entry as { value: Transaction }).value.name,
    );
    expect(own.filter((name) => name.startsWith(joint.name))).toHaveLength(4);
    expect((await timeline(user.name)).entries).toEqual([]);
  });

  it('is not for strangers', async () => {
    const brno = as({ sub: 'b', roles: ['branch_manager'], orgPath: '/berka/brno' });
    expect(await failure(timeline(jana.name, brno))).toMatchObject({ reason: 'PARTY_NOT_FOUND' });
    expect(await failure(timeline(jana.name, as({ roles: ['marketer'] })))).toMatchObject({ kind: 'denied' });
    expect(await failure(timeline(jana.name, operator(), { pageToken: 'x' }))).toMatchObject({
      reason: 'PAGE_TOKEN_INVALID',
    });
    expect(await failure(timeline('jana'))).toMatchObject({ kind: 'invalid' });
  });
});

describe('GetCustomerView', () => {
  const view = (name: string, options = operator(), timelineSize = 0) =>
    running.customer.getCustomerView({ name, timelineSize, parts: [] }, options);

  it('says the same as the single questions, each part with its time', async () => {
    const { view: all360 } = await view(jana.name, operator(), 100);
    expect(all360?.party?.party).toEqual((await running.customer.getParty({ name: jana.name }, operator())).party);
    expect(all360?.party?.asOf).toEqual(jana.updateTime);
    const { holdings } = await running.customer.listHoldings(
      { parent: jana.name, pageSize: 0, pageToken: '', kind: 0, status: 0, role: 0 },
      operator(),
    );
    expect(all360?.holdings?.holdings).toEqual(holdings);
    expect(all360?.holdings?.total).toBe(holdings.length);
    expect(all360?.timeline?.entries).toEqual((await timeline(jana.name)).entries);
    expect(all360?.interactions?.interactions).toHaveLength(2);
    expect(all360?.balances?.balances).toEqual([
      { kind: 1, holdings: 1, balance: { minorUnits: 0n, currencyCode: 'CZK' } },
    ]);
    expect(all360?.consents?.consents).toEqual([]);
    for (const part of [all360?.holdings, all360?.timeline, all360?.interactions, all360?.consents]) {
      expect(Math.abs((part?.asOf?.getTime() ?? 0) - Date.now())).toBeLessThan(60_000);
    }
    expect((await view(jana.name, operator(), 1)).view?.timeline?.entries).toHaveLength(1);
    expect((await view(user.name)).view).toMatchObject({
      holdings: { total: 1 },
      balances: { balances: [] },
      timeline: { entries: [] },
    });
  });

  it('is for those who may see the whole', async () => {
    const own = as({ sub: 'staff/rm1', roles: ['relationship_manager'], orgPath: '/elsewhere' });
    expect((await view(jana.name, own)).view?.holdings?.total).toBe(3);
    const colleague = as({ sub: 'staff/rm2', roles: ['relationship_manager'], orgPath: '/berka/prague/1' });
    expect(await failure(view(jana.name, colleague))).toMatchObject({ reason: 'PARTY_NOT_FOUND' });
    expect(
      await failure(view(jana.name, as({ sub: 'b', roles: ['branch_manager'], orgPath: '/other' }))),
    ).toMatchObject({ reason: 'PARTY_NOT_FOUND' });
    for (const role of ['marketer', 'marketing_approver', 'analyst', 'administrator']) {
      expect(await failure(view(jana.name, as({ roles: [role] })))).toMatchObject({ kind: 'denied' });
    }
    expect(await failure(view(jana.name, operator(), 101))).toMatchObject({
      kind: 'invalid',
      fields: ['timeline_size'],
    });
  });
});
