import { sql } from '@rapport/kit/db';
import { uuidv7 } from '@rapport/kit/runtime';
import {
  type Holding,
  Interaction,
  type Party,
  SpendingRule,
  SpendingRules,
  Transaction,
  TransactionBooked,
  TransactionKind,
  TransactionRecategorised,
} from '@rapport/proto/customer/v1';
import fc from 'fast-check';
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
import { defaultRules } from './default-rules.js';
import { fits, unitsAbove } from './spending.js';

let running: Running;
let jana: Party;
let user: Party;
let current: Holding;

beforeEach(async () => {
  running = await startCustomer();
  jana = await createParty(running, person({ relationshipManager: 'staff/rm1' }));
  user = await createParty(running);
  const owners = [
    { party: jana.name, role: owner },
    { party: user.name, role: authorisedUser },
  ];
  current = await createHolding(running, jana.name, account({ owners }));
});
afterEach(() => running.stop());

const czk = (minorUnits: bigint) => ({ minorUnits, currencyCode: 'CZK' });
async function book(over: object, parent = current.name): Promise<Transaction> {
  const transaction = Transaction.fromPartial({
    direction: 2,
    amount: czk(100n),
    operation: 10,
    bookingDate: { year: 2024, month: 3, day: 31 },
    ...over,
  });
  const answer = await running.customer.bookTransaction({ parent, transaction, requestId: uuidv7() }, operator());
  return answer.transaction as Transaction;
}
const march = { startDate: { year: 2024, month: 3, day: 1 }, endDate: { year: 2024, month: 4, day: 1 } };
const setRules = (organisationPath: string, rules: object[], etag = '', options = operator()) =>
  running.spending.setSpendingRules(
    { rules: SpendingRules.fromPartial({ organisationPath, rules, etag }), requestId: uuidv7() },
    options,
  );

describe('the category of a transaction', () => {
  it('follows from the merchant, the purpose or the kind, and is published', async () => {
    expect((await book({ merchantCategory: '5411' })).category).toBe('groceries');
    expect((await book({ operation: 5, purpose: 'insurance' })).category).toBe('insurance');
    expect((await book({ operation: 7 })).category).toBe('fees');
    expect((await book({ operation: 3 })).category).toBe('cash');
    expect((await book({ operation: 5 })).category).toBe('');
    expect((await book({ merchantCategory: '5411', category: 'gifts' })).category).toBe('gifts');
    const events = await all<{ payload: Buffer }>(
      running,
      sql`SELECT payload FROM kit.outbox WHERE type = 'rapport.customer.v1.TransactionBooked' ORDER BY id LIMIT 1`,
    );
    expect(TransactionBooked.decode(events[0]?.payload as Buffer)).toMatchObject({
      kind: TransactionKind.TRANSACTION_KIND_CARD,
      merchantCategory: '5411',
      category: 'groceries',
    });
  });

  it('is none for money that comes in, but for what a merchant gives back', async () => {
    expect((await book({ direction: 1, operation: 4, purpose: 'insurance' })).category).toBe('');
    expect((await book({ direction: 1, merchantCategory: '5651' })).category).toBe('clothing');
  });

  it('follows the nearest unit that has rules, then those above, then the product', async () => {
    await setRules('/berka', [
      { category: 'food', firstMerchantCategory: '5411', lastMerchantCategory: '5499' },
      { category: 'club', counterpartyAccount: '123' },
    ]);
    await setRules('/berka/prague', [{ category: 'local', firstMerchantCategory: '5411' }]);
    expect((await book({ merchantCategory: '5411' })).category).toBe('local');
    expect((await book({ merchantCategory: '5499' })).category).toBe('food');
    expect((await book({ operation: 5, counterparty: { account: '123', bank: '' } })).category).toBe('club');
    expect((await book({ merchantCategory: '5912' })).category).toBe('health');
    const brno = await createParty(running, person({ organisationPath: '/berka/brno/2' }));
    const there = await createHolding(running, brno.name);
    expect((await book({ merchantCategory: '5411' }, there.name)).category).toBe('food');
  });

  it('is the same by import as by booking', async () => {
    await setRules('/berka', [{ category: 'food', firstMerchantCategory: '5411' }]);
    const { importOf } = await import('../customer.testkit.js');
    const row = { direction: 2, amount: czk(5n), operation: 10, bookingDate: { year: 2024, month: 3, day: 2 } };
    const rows = [
      { line: 1n, row: { $case: 'party', value: { sourceKey: 'c/1', party: person() } } },
      {
        line: 2n,
        row: { $case: 'holding', value: { sourceKey: 'a/1', ownerSourceKey: 'c/1', holding: account() } },
      },
      ...['5411', '5812', ''].map((merchantCategory, index) => ({
        line: BigInt(index + 3),
        row: {
          $case: 'transaction',
          value: {
            sourceKey: `t/${index}`,
            holdingSourceKey: 'a/1',
            transaction: { ...row, merchantCategory, channel: 3 },
          },
        },
      })),
    ];
    await running.customer.import(importOf({}, [rows]), operator());
    const stored = await all<{ category: string; kind: number; channel: number }>(
      running,
      sql`SELECT category, kind, channel FROM transaction ORDER BY source_key`,
    );
    expect(stored).toEqual([
      { category: 'food', kind: 5, channel: 3 },
      { category: 'restaurants', kind: 5, channel: 3 },
      { category: '', kind: 5, channel: 3 },
    ]);
  });
});

describe('GetSpendingRules and SetSpendingRules', () => {
  it('give those of the nearest unit, replace them by etag only, and keep who did', async () => {
    const none = await running.spending.getSpendingRules({ organisationPath: '/berka/prague/1' }, operator());
    expect(none.rules).toMatchObject({ organisationPath: '/', updatedBy: '', etag: '' });
    expect(none.rules?.rules).toEqual(defaultRules);
    const { rules: first } = await setRules('/berka', [{ category: 'food', firstMerchantCategory: '5411' }]);
    expect(await failure(setRules('/berka', [], ''))).toMatchObject({ reason: 'ETAG_MISMATCH' });
    const { rules: second } = await setRules('/berka', [{ category: 'food', purpose: 'food' }], first?.etag);
    const read = await running.spending.getSpendingRules({ organisationPath: '/berka/prague/1' }, operator());
    expect(read.rules).toEqual(second);
    expect(read.rules).toMatchObject({ organisationPath: '/berka', updatedBy: 'olga' });
  });

  it('refuse rules that say nothing or are twisted, and whoever stands elsewhere or may not', async () => {
    const before = await counts(running);
    expect(await failure(setRules('/berka', [{ category: 'food' }]))).toMatchObject({ fields: ['rules.rules[0]'] });
    const twisted = { category: 'food', firstMerchantCategory: '5499', lastMerchantCategory: '5411' };
    expect(await failure(setRules('/berka', [twisted]))).toMatchObject({
      fields: ['rules.rules[0].last_merchant_category'],
    });
    const elsewhere = as({ roles: ['administrator'], orgPath: '/other' });
    expect(await failure(setRules('/berka', [], '', elsewhere))).toMatchObject({ reason: 'ORGANISATION_PATH_OUTSIDE' });
    for (const role of allRoles.filter((one) => !['administrator', 'operator'].includes(one))) {
      const options = as({ roles: [role], orgPath: '/' });
      expect(await failure(setRules('/berka', [], '', options))).toMatchObject({ kind: 'denied' });
    }
    for (const role of ['relationship_manager', 'call_centre_agent', 'marketer', 'marketing_approver']) {
      const asked = running.spending.getSpendingRules(
        { organisationPath: '/berka' },
        as({ roles: [role], orgPath: '/' }),
      );
      expect(await failure(asked)).toMatchObject({ kind: 'denied' });
    }
    expect(await counts(running)).toEqual(before);
  });
});

describe('RecategoriseTransaction', () => {
  const move = (name: string, category: string, options = operator(), requestId = uuidv7()) =>
    running.spending.recategoriseTransaction({ name, category, requestId }, options);
  const published = () =>
    all<{ payload: Buffer }>(
      running,
      sql`SELECT payload FROM kit.outbox WHERE type = 'rapport.customer.v1.TransactionRecategorised' ORDER BY id`,
    );

  it('moves it once, says so once, and shows it everywhere', async () => {
    const { name } = await book({ merchantCategory: '5411' });
    const requestId = uuidv7();
    const first = await move(name, 'gifts', operator(), requestId);
    expect(first.transaction).toMatchObject({ name, category: 'gifts' });
    expect(await move(name, 'gifts', operator(), requestId)).toEqual(first);
    await move(name, 'gifts');
    const events = await published();
    expect(events.map(({ payload }) => TransactionRecategorised.decode(payload))).toMatchObject([
      { transaction: name, parties: [jana.name], category: 'gifts', previousCategory: 'groceries', amount: czk(100n) },
    ]);
    const { spending } = await running.spending.getSpending({ name: jana.name, ...march }, operator());
    expect(spending.map(({ category }) => category)).toEqual(['gifts']);
  });

  it('is for those who serve the customer', async () => {
    const { name } = await book({ merchantCategory: '5411' });
    const own = as({ sub: 'staff/rm1', roles: ['relationship_manager'], orgPath: '/berka/prague/1' });
    expect((await move(name, 'gifts', own)).transaction?.category).toBe('gifts');
    const other = as({ sub: 'staff/rm2', roles: ['relationship_manager'], orgPath: '/berka/prague/1' });
    expect(await failure(move(name, 'x', other))).toMatchObject({ reason: 'TRANSACTION_NOT_FOUND' });
    for (const role of ['marketer', 'marketing_approver', 'auditor', 'analyst', 'administrator']) {
      expect(await failure(move(name, 'x', as({ roles: [role], orgPath: '/' })))).toMatchObject({ kind: 'denied' });
    }
    const unknown = `${current.name}/transactions/${uuidv7()}`;
    expect(await failure(move(unknown, 'x'))).toMatchObject({ reason: 'TRANSACTION_NOT_FOUND' });
  });
});

describe('GetSpending', () => {
  const spending = (name: string, period: object = march, options = operator()) =>
    running.spending.getSpending({ name, ...march, ...period }, options);

  it('adds up debits by month, category and currency, of the days of the period alone', async () => {
    await book({ merchantCategory: '5411', amount: czk(100n), bookingDate: { year: 2024, month: 3, day: 1 } });
    // Late in the evening before the first day by UTC, on the first day by the bank's clock.
    const bookingTime = new Date('2024-03-31T22:30:00Z');
    await book({
      merchantCategory: '5411',
      amount: czk(7n),
      bookingDate: { year: 2024, month: 4, day: 1 },
      bookingTime,
    });
    await book({ merchantCategory: '5411', amount: czk(50n), bookingDate: { year: 2024, month: 3, day: 31 } });
    await book({ merchantCategory: '5411', amount: czk(9n), bookingDate: { year: 2024, month: 2, day: 29 } });
    await book({ operation: 5, amount: czk(30n) });
    await book({ direction: 1, merchantCategory: '5411', amount: czk(1_000n) });
    // What a loan pays out is a debit of the loan and no spending.
    const details = { $case: 'loan', value: { amount: czk(500n), durationMonths: 12, status: 3 } };
    const loan = await createHolding(running, jana.name, account({ details }));
    expect((await book({ operation: 11, amount: czk(500n) }, loan.name)).category).toBe('');
    const inMarch = (category: string, amount: bigint, transactions: bigint) => ({
      month: { year: 2024, month: 3, day: 1 },
      category,
      amount: czk(amount),
      transactions,
    });
    expect((await spending(jana.name)).spending).toEqual([inMarch('', 30n, 1n), inMarch('groceries', 150n, 2n)]);
    const wider = await spending(jana.name, {
      startDate: { year: 2024, month: 2, day: 1 },
      endDate: { year: 2024, month: 5, day: 1 },
    });
    expect(wider.spending.map((one) => [one.month?.month, one.category, one.amount?.minorUnits])).toEqual([
      [2, 'groceries', 9n],
      [3, '', 30n],
      [3, 'groceries', 150n],
      [4, 'groceries', 7n],
    ]);
    // Who may only use the account has spent nothing of it.
    expect((await spending(user.name)).spending).toEqual([]);
  });

  it('refuses periods that are none, and whoever may not see the customer', async () => {
    const bad: [object, string][] = [
      [{ endDate: march.startDate }, 'end_date'],
      [{ startDate: { year: 2024, month: 2, day: 30 } }, 'start_date'],
      [{ endDate: { year: 2027, month: 3, day: 2 } }, 'end_date'],
    ];
    for (const [period, field] of bad) {
      expect(await failure(spending(jana.name, period))).toMatchObject({ kind: 'invalid', fields: [field] });
    }
    const elsewhere = as({ roles: ['branch_manager'], orgPath: '/berka/brno' });
    expect(await failure(spending(jana.name, march, elsewhere))).toMatchObject({ reason: 'PARTY_NOT_FOUND' });
    for (const role of ['marketer', 'marketing_approver', 'analyst', 'administrator']) {
      const options = as({ roles: [role], orgPath: '/' });
      expect(await failure(spending(jana.name, march, options))).toMatchObject({ kind: 'denied' });
    }
  });
});

describe('ListTimeline with filters of transactions', () => {
  const found = async (over: object) => {
    const request = {
      parent: jana.name,
      pageSize: 0,
      pageToken: '',
      kind: 0,
      kinds: [],
      channels: [],
      transactionKind: 0,
      transactionChannel: 0,
      category: '',
      minimumMinorUnits: 0n,
      maximumMinorUnits: 0n,
      holding: '',
      ...over,
    };
    const { entries } = await running.customer.listTimeline(request, operator());
    return entries.map(({ entry }) => (entry?.value as { name?: string } | undefined)?.name);
  };

  it('finds by kind, channel, category, amount and holding, rows from before kinds were kept too', async () => {
    const loan = await createHolding(
      running,
      jana.name,
      account({ details: { $case: 'loan', value: { amount: czk(9n), durationMonths: 12, status: 3 } } }),
    );
    const bought = await book({ merchantCategory: '5411', channel: 3, amount: czk(70n) });
    const paid = await book({ operation: 5, amount: czk(30n), purpose: 'insurance', channel: 4 });
    const repaid = await book({ operation: 4, direction: 1, amount: czk(5n) }, loan.name);
    expect(repaid.kind).toBe(TransactionKind.TRANSACTION_KIND_LOAN);
    const time = new Date();
    await running.customer.recordInteraction(
      {
        parent: jana.name,
        interaction: Interaction.fromPartial({ channel: 3, direction: 1, kind: 'enquiry', time }),
        requestId: uuidv7(),
      },
      operator(),
    );
    expect(await found({})).toHaveLength(4);
    expect(await found({ transactionKind: 5 })).toEqual([bought.name]);
    expect(await found({ transactionKind: 4 })).toEqual([repaid.name]);
    expect(await found({ transactionChannel: 4 })).toEqual([paid.name]);
    expect(await found({ category: 'groceries' })).toEqual([bought.name]);
    expect(await found({ minimumMinorUnits: 6n, maximumMinorUnits: 30n })).toEqual([paid.name]);
    expect(await found({ holding: loan.name })).toEqual([repaid.name]);
    await running.db.system.run(sql`UPDATE transaction SET kind = 0`);
    expect(await found({ transactionKind: 3 })).toEqual(expect.arrayContaining([paid.name, repaid.name]));
  });
});

describe('rules', () => {
  const digits = fc.integer({ min: 0, max: 9999 }).map((code) => String(code).padStart(4, '0'));
  it('fit exactly the codes of their range', () => {
    fc.assert(
      fc.property(digits, digits, digits, (a, b, code) => {
        const [first, last] = [a, b].sort() as [string, string];
        const rule = SpendingRule.fromPartial({
          category: 'x',
          firstMerchantCategory: first,
          lastMerchantCategory: last,
        });
        const spent = {
          direction: 2,
          kind: 5,
          merchantCategory: code,
          purpose: '',
          counterpartyAccount: '',
          counterpartyBank: '',
        };
        expect(fits(rule, spent)).toBe(Number(code) >= Number(first) && Number(code) <= Number(last));
        expect(fits(rule, { ...spent, merchantCategory: '' })).toBe(false);
      }),
    );
  });

  it('of the product are ranges that do not overlap', () => {
    const ranges = defaultRules.filter((rule) => rule.firstMerchantCategory !== '');
    for (const [index, rule] of ranges.entries()) {
      expect(rule.lastMerchantCategory >= rule.firstMerchantCategory).toBe(true);
      const next = ranges[index + 1];
      if (next) expect(next.firstMerchantCategory > rule.lastMerchantCategory).toBe(true);
    }
  });

  it('climb to the root', () => {
    expect(unitsAbove('/a/b')).toEqual(['/a/b', '/a', '/']);
    expect(unitsAbove('/')).toEqual(['/']);
  });
});
