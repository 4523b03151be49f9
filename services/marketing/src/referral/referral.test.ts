import { sql } from '@rapport/kit/db';
import { PartyState } from '@rapport/proto/customer/v1';
import { Product, Referral, ReferralLost, ReferralState, ReferralWon } from '@rapport/proto/marketing/v1';
import { failureOf, openSuite, request, type Suite } from '../marketing.testkit.js';

let suite: Suite;
beforeAll(async () => {
  suite = await openSuite();
  await suite.marketer.createProduct({
    productId: 'loan',
    product: Product.fromJSON({ title: 'A loan', category: 'loan', organisationPath: '/demo' }),
    requestId: request(),
  });
});
afterAll(() => suite.close());

const party = 'parties/01890000-0000-7000-8000-000000000001';
/** Anna of branch 1 in Prague refers to Ben of branch 2 in Brno. The gateway writes `staff/{id}`, the operator `{id}`. */
const anna = () => suite.as(['relationship_manager'], '/demo/prague/1', 'staff/anna');
const ben = () => suite.as(['relationship_manager'], '/demo/brno/2', 'staff/ben');
const cleo = () => suite.as(['relationship_manager'], '/demo/prague/1', 'staff/cleo');

const hint = (wish: object = {}): Referral =>
  Referral.fromJSON({
    party,
    product: 'products/loan',
    fromStaff: 'staff/anna',
    fromUnit: 'organisationUnits/one',
    toStaff: 'staff/ben',
    toUnit: 'organisationUnits/two',
    creditSplitBasisPoints: 3000,
    note: 'wants to build',
    organisationPath: '/demo/prague/1',
    ...wish,
  });
const make = async (): Promise<string> => {
  const { referral } = await anna().createReferral({ referral: hint(), requestId: request() });
  return referral?.name ?? '';
};
const step = (name: string, etag = '') => ({ name, etag, requestId: request() });
const amount = { minorUnits: 250_000_00n, currencyCode: 'CZK' };

describe('a referral', () => {
  it('is made, taken up and won, and each step tells units, staff and split', async () => {
    const name = await make();
    expect((await ben().acceptReferral(step(name))).referral).toMatchObject({
      state: ReferralState.REFERRAL_STATE_ACCEPTED,
      acceptTime: suite.clock.at,
    });
    const { referral } = await ben().winReferral({ ...step(name), amount });
    expect(referral).toMatchObject({ state: ReferralState.REFERRAL_STATE_WON, amount, closeTime: suite.clock.at });
    const events = await suite.rows<{ type: string; payload: Buffer }>(sql`
      SELECT type, payload FROM kit.outbox WHERE aggregate = ${name.slice(10)} ORDER BY xid, id`);
    expect(events.map(({ type }) => type.split('.').pop())).toEqual([
      'ReferralMade',
      'ReferralAccepted',
      'ReferralWon',
    ]);
    expect(ReferralWon.decode(events[2]?.payload ?? Buffer.alloc(0))).toEqual({
      referral: name,
      party,
      product: 'products/loan',
      organisationPath: '/demo/prague/1',
      fromStaff: 'staff/anna',
      fromUnit: 'organisationUnits/one',
      toStaff: 'staff/ben',
      toUnit: 'organisationUnits/two',
      creditSplitBasisPoints: 3000,
      amount,
      closeTime: suite.clock.at,
    });
    // What was noted about the customer stays here.
    expect(events.some(({ payload }) => payload.includes('build'))).toBe(false);
  });

  it('is lost from either state, with a reason', async () => {
    for (const accepted of [false, true]) {
      const name = await make();
      if (accepted) await ben().acceptReferral(step(name));
      const { referral } = await ben().loseReferral({ ...step(name), reason: 'competitor' });
      expect(referral).toMatchObject({ state: ReferralState.REFERRAL_STATE_LOST, lostReason: 'competitor' });
      const { payload } = await suite.db.system.one<{ payload: Buffer }>(sql`
        SELECT payload FROM kit.outbox WHERE aggregate = ${name.slice(10)} AND type LIKE '%ReferralLost'`);
      expect(ReferralLost.decode(payload)).toMatchObject({ referral: name, reason: 'competitor' });
    }
  });

  it('goes no way that it does not have', async () => {
    const name = await make();
    const wrong = { kind: 'precondition', reason: 'REFERRAL_STATE' };
    expect(await failureOf(ben().winReferral({ ...step(name), amount }))).toMatchObject(wrong);
    await ben().acceptReferral(step(name));
    expect(await failureOf(ben().acceptReferral(step(name)))).toMatchObject(wrong);
    await ben().winReferral({ ...step(name), amount });
    expect(await failureOf(ben().winReferral({ ...step(name), amount }))).toMatchObject(wrong);
    expect(await failureOf(ben().loseReferral({ ...step(name), reason: 'competitor' }))).toMatchObject(wrong);
  });

  it('is neither made nor taken up for a party whose processing is restricted, nor while nobody says whether it is', async () => {
    const restricted = suite.customer.party();
    const refer = () => anna().createReferral({ referral: hint({ party: restricted }), requestId: request() });
    const { referral } = await refer();
    const contact = suite.customer.contacts.get(restricted);
    if (!contact) throw new Error('the party is not there');
    suite.customer.contacts.set(restricted, { ...contact, state: PartyState.PARTY_STATE_RESTRICTED });
    const refused = { kind: 'precondition', reason: 'PARTY_RESTRICTED' };
    expect(await failureOf(refer())).toMatchObject(refused);
    const accept = () => ben().acceptReferral(step(referral?.name ?? ''));
    expect(await failureOf(accept())).toMatchObject(refused);
    suite.customer.broken = true;
    expect(await failureOf(accept())).toMatchObject({ kind: 'unavailable', reason: 'CUSTOMER_UNAVAILABLE' });
    suite.customer.broken = false;
    suite.customer.contacts.set(restricted, contact);
    expect((await accept()).referral).toMatchObject({ state: ReferralState.REFERRAL_STATE_ACCEPTED });
  });

  it('is made in the own name, for a party of the own part of the bank, about what is sold there', async () => {
    const refused = async (wish: object) =>
      (await failureOf(anna().createReferral({ referral: hint(wish), requestId: request() }))).reason;
    expect(await refused({ fromStaff: 'staff/cleo' })).toBe('NOT_YOUR_REFERRAL');
    expect(await refused({ organisationPath: '/demo/brno/2' })).toBe('ORGANISATION_PATH_OUTSIDE');
    expect(await refused({ product: 'products/nothing' })).toBe('PRODUCT_NOT_FOUND');
  });

  it('is taken up by the one it was made to, and seen by nobody else of the same rank', async () => {
    const name = await make();
    expect(await failureOf(anna().acceptReferral(step(name)))).toMatchObject({
      kind: 'denied',
      reason: 'NOT_YOUR_REFERRAL',
    });
    expect((await failureOf(cleo().acceptReferral(step(name)))).kind).toBe('not_found');
    expect((await failureOf(cleo().getReferral({ name }))).kind).toBe('not_found');
    const all = { pageSize: 0, pageToken: '', organisationPath: '', party: '', fromStaff: '', toStaff: '', state: 0 };
    expect((await cleo().listReferrals(all)).referrals).toEqual([]);
    const names = async (who: ReturnType<typeof anna>) =>
      (await who.listReferrals(all)).referrals.map((one) => one.name);
    expect(await names(anna())).toContain(name);
    expect(await names(ben())).toContain(name);
    const prague = suite.as(['branch_manager'], '/demo/prague', 'staff/pavla');
    const brno = suite.as(['branch_manager'], '/demo/brno', 'staff/bruno');
    expect(await names(prague)).toContain(name);
    expect(await names(brno)).not.toContain(name);
    const filtered = await anna().listReferrals({ ...all, toStaff: 'staff/nobody' });
    expect(filtered.referrals).toEqual([]);
  });

  it('is closed as what was read', async () => {
    const name = await make();
    const { referral } = await anna().getReferral({ name });
    await ben().acceptReferral(step(name, referral?.etag));
    expect(await failureOf(ben().loseReferral({ ...step(name, referral?.etag), reason: 'late' }))).toMatchObject({
      kind: 'conflict',
      reason: 'ETAG_MISMATCH',
    });
  });
});
