// What holds for every RPC alike: who may call it, what a broken request answers, that a repeated change happens once,
// that rows of other parts of the bank are absent, and that changes are audited. Each feature's own tests say the rest.
import { sql } from '@rapport/kit/db';
import { client } from '@rapport/kit/rpc';
import { MarketingServiceClient, Offer, Product } from '@rapport/proto/marketing/v1';
import { OperationsServiceClient } from '@rapport/proto/operations/v1';
import { testToken } from '@rapport/test/kit';
import { campaignCases } from './campaign-cases.testkit.js';
import { blocked, type Case, everyone, hint, me, page, person, type Role, version, world } from './cases.testkit.js';
import { catalogueCases } from './catalogue-cases.testkit.js';
import { type Client, failureOf, openSuite, request, rowCounts, type Suite } from './marketing.testkit.js';

let suite: Suite;

const ask = (who: Client, rpc: keyof Client, message: object): Promise<Record<string, unknown>> =>
  (who[rpc] as (message: object) => Promise<Record<string, unknown>>)(message);

const cases = [...catalogueCases, ...campaignCases];

const firstRole = ({ roles }: Case): Role => roles.at(-1) ?? 'marketer';

beforeAll(async () => {
  suite = await openSuite();
  world.suite = suite;
  await suite.policy();
  const { product } = await suite.marketer.createProduct({
    productId: 'loan',
    product: Product.fromJSON({ title: 'A loan', category: 'loan', organisationPath: '/demo' }),
    requestId: request(),
  });
  const { offer } = await suite.marketer.createOffer({
    offer: Offer.fromJSON({ product: 'products/loan', title: 'Cheap', organisationPath: '/demo' }),
    requestId: request(),
  });
  const template = await suite.template();
  const party = suite.customer.party({ relationshipManager: me('relationship_manager') });
  const segment = suite.segment([party]);
  suite.startWorkers();
  const sent = await suite.launched(segment, { templateVersion: template });
  await suite.until(sent, (summary) => summary.sent === 1n);
  await suite.stopWorkers();
  const things = {
    product: product?.name ?? '',
    offer: offer?.name ?? '',
    template,
    segment,
    party,
    sent,
    suppression: '',
    referral: '',
  };
  world.things = things;
  const { suppression } = await suite.marketer.addSuppression({ suppression: blocked(), requestId: request() });
  things.suppression = suppression?.name ?? '';
  const { referral } = await person('call_centre_agent').createReferral({
    referral: hint(me('call_centre_agent')),
    requestId: request(),
  });
  things.referral = referral?.name ?? '';
});
afterAll(() => suite.close());

it('has a case for every RPC', () => {
  expect(cases.map(({ rpc }) => rpc).sort()).toEqual(Object.keys(MarketingServiceClient.service).sort());
});

describe.each(cases.map((one) => [one.rpc, one] as const))('%s', (rpc, one) => {
  it('answers those who may ask and refuses the others, who change nothing', async () => {
    for (const role of one.roles) await ask(person(role), rpc, await one.sound(role));
    const message = await one.sound(firstRole(one));
    const before = await rowCounts(suite);
    for (const role of everyone.filter((some) => !one.roles.includes(some))) {
      expect(await failureOf(ask(person(role), rpc, message))).toMatchObject({
        kind: 'denied',
        reason: 'PERMISSION_DENIED',
      });
    }
    const nobody = client(MarketingServiceClient, suite.address, { attempts: 1 });
    expect(await failureOf(ask(nobody as Client, rpc, message))).toMatchObject({ kind: 'unauthenticated' });
    nobody.close();
    expect(await rowCounts(suite)).toEqual(before);
  });

  it('names the field that is wrong and changes nothing', async () => {
    const role = firstRole(one);
    for (const [spoil, field] of one.broken) {
      const message = spoil((await one.sound(role)) as never);
      const before = await rowCounts(suite);
      const failure = await failureOf(ask(person(role), rpc, message));
      expect({ kind: failure.kind, fields: failure.violations.map((violation) => violation.field) }).toEqual({
        kind: 'invalid',
        fields: expect.arrayContaining([field]) as unknown,
      });
      expect(await rowCounts(suite)).toEqual(before);
    }
  });

  it('shows nothing of other parts of the bank', async () => {
    const role = firstRole(one);
    const message = await one.sound(role);
    const before = await rowCounts(suite);
    // Another person of that role, in a sister bank.
    const stranger = suite.as([role], '/other', rpc === 'createReferral' ? me(role) : 'staff/stranger');
    if (typeof one.elsewhere === 'object') {
      expect((await ask(stranger, rpc, message))[one.elsewhere.empty]).toEqual([]);
      const { organisationPath: _path, ...rest } = message as { organisationPath?: string };
      const named = _path === undefined ? rest : { ...rest, organisationPath: '/demo' };
      expect((await ask(stranger, rpc, named))[one.elsewhere.empty]).toEqual([]);
    } else {
      expect((await failureOf(ask(stranger, rpc, message))).kind).toBe(one.elsewhere);
    }
    expect(await rowCounts(suite)).toEqual(before);
  });

  if (one.change) {
    it('happens once however often it is asked for, and leaves an audit record', async () => {
      const role = firstRole(one);
      const message = await one.sound(role);
      const first = await ask(person(role), rpc, message);
      const before = await rowCounts(suite);
      expect(await ask(person(role), rpc, message)).toEqual(first);
      const other = await failureOf(ask(person(role), rpc, spoiled(message)));
      expect(other.reason).toBe('REQUEST_ID_REUSED');
      expect(await rowCounts(suite)).toEqual(before);
      const method = `rapport.marketing.v1.MarketingService/${rpc[0]?.toUpperCase()}${rpc.slice(1)}`;
      const records = await suite.rows(sql`
        SELECT FROM kit.audit WHERE action = ${method} AND actor = ${me(role)} AND resource <> ''`);
      expect(records.length).toBeGreaterThan(0);
    });
  }
});

/** The same request id with other, still sound arguments. */
function spoiled(message: object): object {
  const fields = message as Record<string, unknown>;
  for (const [key, value] of Object.entries(fields)) {
    if (key === 'etag') return { ...fields, etag: '"another"' };
    if (key === 'title') return { ...fields, title: 'Another' };
    if (typeof value === 'object' && value !== null && 'title' in value)
      return { ...fields, [key]: { ...value, title: 'Another' } };
    if (key === 'suppression') return { ...fields, [key]: { ...(value as object), reason: 'another' } };
    if (key === 'referral') return { ...fields, [key]: { ...(value as object), note: 'another' } };
    if (key === 'policy') return { ...fields, [key]: { ...(value as object), frequencyCaps: [] } };
    if (key === 'parent')
      return {
        ...fields,
        version: { ...version(), variants: [{ language: 'zh', subject: 'x', textBody: 'x', htmlBody: '' }] },
      };
    if (key === 'name' && !('etag' in fields)) return { ...fields, name: world.things.suppression };
  }
  return fields;
}

it('tells audit who read about whom', async () => {
  await person('auditor').listDeliveries({ ...page, campaign: world.things.sent, party: '', decision: 0, reason: 0 });
  const records = await suite.rows(sql`
    SELECT FROM kit.audit WHERE resource = ${world.things.party} AND actor = ${me('auditor')}
      AND action = 'rapport.marketing.v1.MarketingService/ListDeliveries'`);
  expect(records.length).toBeGreaterThan(0);
});

it('refuses a message that is too large', async () => {
  const huge = { name: world.things.template, language: '', values: { 'party.given_name': 'x'.repeat(5_000_000) } };
  expect((await failureOf(suite.marketer.renderTemplate(huge))).kind).toBe('exhausted');
});

it('serves operations to operators and to nobody who writes to customers', async () => {
  const open = (roles: string[]) =>
    client(OperationsServiceClient, suite.address, { identity: { token: async () => testToken({ roles }) } });
  const [operator, marketer] = [open(['operator']), open(['marketer'])];
  const lag = await operator.getEventLag({ name: 'services/marketing' });
  expect(lag).toBeDefined();
  await suite.db.system.rows(sql`SELECT kit.maintain()`);
  const audit = await operator.verifyAudit({ name: 'services/marketing', fromSequence: 0n, maxRecords: 0n });
  expect(audit.broken).toBeUndefined();
  expect((await failureOf(marketer.getEventLag({ name: 'services/marketing' }))).kind).toBe('denied');
  operator.close();
  marketer.close();
});
