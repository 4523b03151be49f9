import { sql } from '@rapport/kit/db';
import { uuidv7 } from '@rapport/kit/runtime';
import {
  type Party,
  type PartyReference,
  PartyReference as Reference,
  ResolveReason,
} from '@rapport/proto/customer/v1';
import {
  all,
  allRoles,
  account,
  as,
  createHolding,
  createParty,
  failure,
  operator,
  owner,
  person,
  type Running,
  startCustomer,
} from '../customer.testkit.js';
import { merge } from '../golden/golden.testkit.js';

let running: Running;
let jana: Party;
let brno: Party;
let company: Party;

beforeAll(async () => {
  running = await startCustomer();
  jana = await createParty(running, person({ source: 'berka', sourceKey: 'client/1' }));
  brno = await createParty(
    running,
    person({ organisationPath: '/berka/brno/2', source: 'berka', sourceKey: 'client/2' }),
  );
  company = await createParty(
    running,
    person({
      details: { $case: 'organisation', value: { legalName: 'Pekárna s.r.o.', registrationNumber: '4711' } },
      identifiers: [{ kind: 5, value: '4711', countryCode: 'CZ' }],
      contactPoints: [],
      source: 'register',
      sourceKey: 'client/1',
    }),
  );
  await createHolding(running, jana.name, account({ source: 'berka', sourceKey: 'account/77' }));
  const both = [jana.name, company.name].map((party) => ({ party, role: owner }));
  await createHolding(running, jana.name, account({ source: 'berka', sourceKey: 'account/78', owners: both }));
});
afterAll(() => running.stop());

const at = (role: string, orgPath = '/berka') => as({ sub: 'x', roles: [role], orgPath });
const key = (source: string, text: string): PartyReference =>
  Reference.fromPartial({ reference: { $case: 'sourceKey', value: { source, key: text } } });
const of = ($case: 'party' | 'account' | 'identifier', value: string): PartyReference =>
  Reference.fromPartial({ reference: { $case, value } });
const resolve = async (references: PartyReference[], who = at('operator')) =>
  (await running.reference.batchResolveParties({ references }, who)).parties;
const found = (party: Party) => ({ party: party.name, reason: ResolveReason.RESOLVE_REASON_UNSPECIFIED });
const not = (reason: 'NOT_FOUND' | 'AMBIGUOUS' | 'NOT_PERMITTED') => ({
  party: '',
  reason: ResolveReason[`RESOLVE_REASON_${reason}`],
});

test('each reference has an answer in its place, whatever it is called by', async () => {
  const answer = await resolve([
    key('berka', 'client/2'),
    of('party', jana.name),
    key('berka', 'client/1'),
    key('berka', 'client/1'),
    key('', 'client/1'),
    key('', 'client/2'),
    key('other', 'client/1'),
    of('party', `parties/${uuidv7()}`),
    of('party', 'parties/Jana'),
    of('party', 'segments/vip'),
    of('account', '77'),
    of('account', '7 7'),
    of('account', '78'),
    of('account', '79'),
    of('identifier', '47 11'),
    of('identifier', '4712'),
  ]);
  expect(answer).toEqual([
    found(brno),
    found(jana),
    found(jana),
    found(jana),
    not('AMBIGUOUS'),
    found(brno),
    not('NOT_FOUND'),
    not('NOT_FOUND'),
    not('NOT_FOUND'),
    not('NOT_FOUND'),
    found(jana),
    found(jana),
    not('AMBIGUOUS'),
    not('NOT_FOUND'),
    found(company),
    not('NOT_FOUND'),
  ]);
});

test('who is out of reach is not there, and those who see no numbers look for none', async () => {
  const all = [of('party', brno.name), key('berka', 'client/2'), key('berka', 'client/1'), of('account', '77')];
  const prague = await resolve(all, at('operator', '/berka/prague'));
  expect(prague).toEqual([not('NOT_FOUND'), not('NOT_FOUND'), found(jana), found(jana)]);
  const marketer = await resolve([...all, of('identifier', '4711')], at('marketer'));
  expect(marketer).toEqual([found(brno), found(brno), found(jana), not('NOT_PERMITTED'), not('NOT_PERMITTED')]);
  // One key that two have is not ambiguous for those who see one of them.
  await createParty(running, person({ organisationPath: '/berka/brno/2', source: 'ledger', sourceKey: 'client/2' }));
  expect(await resolve([key('', 'client/1')], at('operator', '/berka/brno'))).toEqual([not('NOT_FOUND')]);
});

test('merged parties answer as the one that they are now, by every name and key that they had', async () => {
  const second = await createParty(running, person({ source: 'cards', sourceKey: 'holder/9' }));
  await merge(running, jana.name, second.name);
  expect(await resolve([of('party', second.name), key('cards', 'holder/9'), of('party', jana.name)])).toEqual([
    found(jana),
    found(jana),
    found(jana),
  ]);
});

test('who may not; and whoever was found is in the audit', async () => {
  const may = ['marketer', 'analyst', 'branch_manager', 'data_steward', 'administrator', 'operator'];
  for (const role of allRoles) {
    const asked = await failure(resolve([key('berka', 'client/1')], at(role)));
    expect([role, asked.kind]).toEqual([role, may.includes(role) ? 'ok' : 'denied']);
  }
  const records = await all<{ n: number }>(
    running,
    sql`SELECT count(*)::int AS n FROM kit.audit WHERE action LIKE '%BatchResolveParties' AND resource LIKE '%' || ${jana.name} || '%'`,
  );
  expect(records[0]?.n).toBeGreaterThan(may.length - 1);
  expect((await failure(resolve([], operator()))).kind).toBe('invalid');
});
