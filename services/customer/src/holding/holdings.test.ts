import { sql } from '@rapport/kit/db';
import { uuidv7 } from '@rapport/kit/runtime';
import { Holding, HoldingOpened, HoldingRole, HoldingStatus, type Party } from '@rapport/proto/customer/v1';
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
let brno: Party;

beforeAll(async () => {
  running = await startCustomer();
  jana = await createParty(running, person({ relationshipManager: 'staff/rm1' }));
  petr = await createParty(running);
  brno = await createParty(running, person({ organisationPath: '/berka/brno/2' }));
});
afterAll(() => running.stop());

const create = (holding: Holding | undefined, options = operator(), requestId = uuidv7(), parent = jana.name) =>
  running.customer.createHolding({ parent, holding, requestId }, options);
const czk = (minorUnits: bigint) => ({ minorUnits, currencyCode: 'CZK' });
const day = { year: 1993, month: 7, day: 5 };

describe('CreateHolding', () => {
  it('creates an account with owners and publishes all of them', async () => {
    const owners = [
      { party: petr.name, role: authorisedUser },
      { party: jana.name, role: owner },
    ];
    const requestId = uuidv7();
    const wish = account({ owners, source: 'berka', sourceKey: 'account/1', balance: czk(5n) });
    const { holding } = await create(wish, operator(), requestId);
    expect(holding).toMatchObject({
      kind: 1,
      status: 1,
      organisationPath: '/berka/prague/1',
      balance: czk(5n),
      etag: '"1"',
    });
    expect(holding?.owners).toEqual([owners[1], owners[0]]);
    const [event] = await all<{ payload: Buffer }>(
      running,
      sql`SELECT payload FROM kit.outbox WHERE type LIKE '%HoldingOpened'`,
    );
    expect(HoldingOpened.decode(event?.payload as Buffer)).toMatchObject({
      holding: holding?.name,
      party: jana.name,
      owners: holding?.owners,
      relationshipManager: 'staff/rm1',
      openedDate: { year: 1993, month: 1, day: 1 },
    });
    const before = await counts(running);
    expect(await create(wish, operator(), requestId)).toEqual({ holding });
    expect(await failure(create(wish))).toMatchObject({ reason: 'DUPLICATE_SOURCE_KEY' });
    expect(await counts(running)).toEqual(before);
    expect((await running.customer.getHolding({ name: holding?.name as string }, operator())).holding).toEqual(holding);
  });

  it('creates loans, cards and standing orders on an account', async () => {
    const { name } = await createHolding(running, jana.name);
    const loan = { amount: czk(96_396_00n), durationMonths: 12, payment: czk(8033_00n), status: 2 };
    const order = { counterparty: { account: '87144583', bank: 'YZ' }, amount: czk(2452_00n), purpose: 'household' };
    const wishes = [
      Holding.fromPartial({ details: { $case: 'loan', value: loan }, openedDate: day, accountHolding: name }),
      Holding.fromPartial({
        details: { $case: 'card', value: { type: 'gold', issuedDate: day } },
        openedDate: day,
        accountHolding: name,
      }),
      Holding.fromPartial({ details: { $case: 'standingOrder', value: order }, accountHolding: name }),
    ];
    for (const wish of wishes) {
      const { holding } = await create(wish);
      expect(holding).toMatchObject({ details: wish.details, accountHolding: name });
    }
    const card = await create(wishes[1]);
    expect(
      await failure(create({ ...(wishes[1] as Holding), accountHolding: card.holding?.name as string })),
    ).toMatchObject({ reason: 'HOLDING_NOT_FOUND' });
  });

  it.each<[string, Holding | undefined, string]>([
    ['nothing', undefined, 'invalid'],
    ['no details', account({ details: undefined }), 'invalid'],
    ['no date', account({ openedDate: undefined }), 'invalid'],
    ['an impossible date', account({ openedDate: { year: 1993, month: 2, day: 29 } }), 'invalid'],
    ['an end before the beginning', account({ closedDate: { year: 1990, month: 1, day: 1 } }), 'invalid'],
    ['two currencies', account({ balance: { minorUnits: 1n, currencyCode: 'EUR' } }), 'invalid'],
    [
      '51 owners',
      account({ owners: Array.from({ length: 51 }, () => ({ party: `parties/${uuidv7()}`, role: 1 })) }),
      'invalid',
    ],
    ['owners without the parent', account({ owners: [{ party: `parties/${uuidv7()}`, role: 1 }] }), 'invalid'],
    [
      'a loan of nothing',
      Holding.fromPartial({
        details: { $case: 'loan', value: { amount: czk(0n), durationMonths: 12, status: 1 } },
        openedDate: day,
      }),
      'invalid',
    ],
  ])('refuses %s and changes nothing', async (_what, holding, kind) => {
    const before = await counts(running);
    expect(await failure(create(holding))).toMatchObject({ kind });
    expect(await counts(running)).toEqual(before);
  });

  it('is for those who may, on parties that they see', async () => {
    const before = await counts(running);
    const elsewhere = as({ sub: 'b', roles: ['branch_manager'], orgPath: '/berka/brno' });
    expect(await failure(create(account(), elsewhere))).toMatchObject({ reason: 'PARTY_NOT_FOUND' });
    const both = account({
      owners: [
        { party: jana.name, role: owner },
        { party: brno.name, role: owner },
      ],
    });
    const inPrague = as({ sub: 'b', roles: ['branch_manager'], orgPath: '/berka/prague' });
    expect(await failure(create(both, inPrague))).toMatchObject({ reason: 'PARTY_NOT_FOUND' });
    for (const role of allRoles.filter(
      (one) => !['relationship_manager', 'branch_manager', 'operator'].includes(one),
    )) {
      expect(await failure(create(account(), as({ roles: [role], orgPath: '/' })))).toMatchObject({ kind: 'denied' });
    }
    expect(await counts(running)).toEqual(before);
  });
});

describe('holdings of every kind', () => {
  const kinds: [details: object, kind: number, amount: bigint | undefined][] = [
    [
      {
        $case: 'deposit',
        value: { termMonths: 12, maturityDate: { ...day, year: 1994 }, interestRateBasisPoints: 450 },
      },
      5,
      undefined,
    ],
    [{ $case: 'fund', value: { isin: 'LU0323578657', unitsMicro: 12_500_000n } }, 6, undefined],
    [{ $case: 'insurance', value: { type: 'life', sumInsured: czk(100_000n), premium: czk(300n) } }, 7, 100_000n],
    [{ $case: 'overdraft', value: { limit: czk(20_000n) } }, 8, 20_000n],
  ];

  it.each(kinds)('keeps all that a holding says: %j', async (details, kind, amount) => {
    const guarantor = { party: petr.name, role: HoldingRole.HOLDING_ROLE_GUARANTOR };
    const third = await createParty(running);
    const behind = { party: third.name, role: HoldingRole.HOLDING_ROLE_BENEFICIAL_OWNER };
    const owners = [{ party: jana.name, role: owner }, guarantor, behind];
    const stated = Holding.fromPartial({ details: details as never, openedDate: day, owners, balance: czk(77n) });
    const { holding } = await create(stated);
    expect(holding).toMatchObject({ kind, details, owners, balance: czk(77n) });
    expect((await running.customer.getHolding({ name: holding?.name ?? '' }, operator())).holding).toEqual(holding);
    const rows = await all<{ payload: Buffer }>(
      running,
      sql`SELECT payload FROM kit.outbox WHERE type = 'rapport.customer.v1.HoldingOpened' ORDER BY id DESC LIMIT 1`,
    );
    const event = HoldingOpened.decode(rows[0]?.payload as Buffer);
    expect(event).toMatchObject({ kind, owners });
    expect(event.amount?.minorUnits).toBe(amount);
    const found = async (over: object) =>
      (
        await running.customer.listHoldings(
          { parent: third.name, pageSize: 0, pageToken: '', kind, status: 0, role: 0, ...over },
          operator(),
        )
      ).holdings;
    expect(await found({ role: HoldingRole.HOLDING_ROLE_BENEFICIAL_OWNER })).toEqual([holding]);
    expect(await found({ role: owner })).toEqual([]);
    expect(await found({ status: HoldingStatus.HOLDING_STATUS_OPEN })).toEqual([holding]);
    expect(await found({ status: HoldingStatus.HOLDING_STATUS_CLOSED })).toEqual([]);
  });

  it('refuses what no such holding can be', async () => {
    const bad: [details: object, field: string][] = [
      [{ $case: 'deposit', value: { maturityDate: { ...day, year: 1990 } } }, 'holding.deposit.maturity_date'],
      [{ $case: 'overdraft', value: { limit: czk(0n) } }, 'holding.overdraft.limit'],
      [{ $case: 'insurance', value: { type: 'life', premium: czk(-1n) } }, 'holding.insurance.premium'],
      [
        { $case: 'insurance', value: { type: 'life', endDate: { year: 2001, month: 2, day: 30 } } },
        'holding.insurance.end_date',
      ],
      [{ $case: 'fund', value: { isin: 'nonsense' } }, 'holding.fund.isin'],
      [{ $case: 'overdraft', value: {} }, 'holding.overdraft.limit'],
    ];
    for (const [details, field] of bad) {
      const holding = Holding.fromPartial({ details: details as never, openedDate: day });
      expect(await failure(create(holding))).toMatchObject({ kind: 'invalid', fields: [field] });
    }
  });
});

describe('GetHolding and ListHoldings', () => {
  const list = (parent: string, options = operator(), over: object = {}) =>
    running.customer.listHoldings(
      { parent, pageSize: 0, pageToken: '', kind: 0, status: 0, role: 0, ...over },
      options,
    );

  it('lists what a party owns or uses, in the order it was opened, in pages', async () => {
    const own = await createHolding(running, brno.name, account({ openedDate: { year: 1995, month: 1, day: 1 } }));
    const order = { counterparty: { account: '1', bank: '' }, amount: czk(1n) };
    const undated = await createHolding(
      running,
      brno.name,
      Holding.fromPartial({ details: { $case: 'standingOrder', value: order } }),
    );
    const early = await createHolding(running, brno.name, account({ openedDate: { year: 1991, month: 1, day: 1 } }));
    const first = await list(brno.name, operator(), { pageSize: 2 });
    expect(first.holdings).toEqual([undated, early]);
    const second = await list(brno.name, operator(), { pageSize: 2, pageToken: first.nextPageToken });
    expect(second).toEqual({ holdings: [own], nextPageToken: '' });
    expect((await list(brno.name, operator(), { kind: 4 })).holdings).toEqual([undated]);
  });

  it('keeps to what the caller may see', async () => {
    const shared = await createHolding(
      running,
      jana.name,
      account({
        owners: [
          { party: jana.name, role: owner },
          { party: brno.name, role: authorisedUser },
        ],
      }),
    );
    const inBrno = as({ sub: 'b', roles: ['branch_manager'], orgPath: '/berka/brno' });
    expect((await list(brno.name, operator())).holdings).toContainEqual(shared);
    expect((await list(brno.name, inBrno)).holdings).not.toContainEqual(shared);
    expect(await failure(running.customer.getHolding({ name: shared.name }, inBrno))).toMatchObject({
      reason: 'HOLDING_NOT_FOUND',
    });
    expect(await failure(list(jana.name, inBrno))).toMatchObject({ reason: 'PARTY_NOT_FOUND' });
    const colleague = as({ sub: 'staff/rm2', roles: ['relationship_manager'], orgPath: '/berka/prague/1' });
    expect(await failure(running.customer.getHolding({ name: shared.name }, colleague))).toMatchObject({
      reason: 'HOLDING_NOT_FOUND',
    });
    for (const role of ['marketer', 'analyst', 'administrator', 'marketing_approver']) {
      expect(await failure(running.customer.getHolding({ name: shared.name }, as({ roles: [role] })))).toMatchObject({
        kind: 'denied',
      });
      expect(await failure(list(jana.name, as({ roles: [role] })))).toMatchObject({ kind: 'denied' });
    }
    expect(await failure(list('parties/x'))).toMatchObject({ kind: 'invalid', fields: ['parent'] });
    expect(await failure(list(jana.name, operator(), { pageToken: 'x' }))).toMatchObject({
      reason: 'PAGE_TOKEN_INVALID',
    });
    expect(await failure(running.customer.getHolding({ name: jana.name }, operator()))).toMatchObject({
      kind: 'invalid',
    });
  });
});
