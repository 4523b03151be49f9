import { sql } from '@rapport/kit/db';
import { uuidv7 } from '@rapport/kit/runtime';
import { Consent, Interaction, ListHoldingsRequest, ListTimelineRequest, type Party } from '@rapport/proto/customer/v1';
import { Channel } from '@rapport/proto/type/v1';
import {
  account,
  all,
  as,
  authorisedUser,
  createHolding,
  createParty,
  operator,
  owner,
  person,
  type Running,
  startCustomer,
} from '../customer.testkit.js';

let running: Running;
let survivor: Party;
let merged: Party;

const marketing = () =>
  as({ sub: 'service:marketing', typ: 'service', roles: ['service'], orgPath: '/', signedBy: 'marketing' });
const id = (party: Party) => party.name.slice('parties/'.length);

beforeAll(async () => {
  running = await startCustomer();
  survivor = await createParty(running, person({ source: 'core', sourceKey: 'c/1' }));
  merged = await createParty(running, person({ source: 'app', sourceKey: 'a/1', contactPoints: [] }));
  const owners = [
    { party: merged.name, role: owner },
    { party: survivor.name, role: authorisedUser },
  ];
  await createHolding(running, merged.name, account({ owners }));
  const interaction = { channel: Channel.CHANNEL_PHONE, direction: 1, kind: 'call', subject: 's', note: 'n' };
  for (const parent of [survivor.name, merged.name]) {
    const time = new Date(Date.now() - 60_000);
    const request = { parent, interaction: Interaction.fromPartial({ ...interaction, time }), requestId: uuidv7() };
    await running.customer.recordInteraction(request, operator());
  }
  await all(
    running,
    sql`WITH alias AS (UPDATE party SET merged_into = ${id(survivor)}, golden_id = ${id(survivor)},
        own_organisation_path = organisation_path, own_manager = manager WHERE party_id = ${id(merged)})
      UPDATE party SET aliases = ARRAY[${id(merged)}]::uuid[] WHERE party_id = ${id(survivor)}`,
  );
});

afterAll(() => running.stop());

describe('a merged party', () => {
  it('answers its golden record by every name', async () => {
    for (const name of [survivor.name, merged.name]) {
      const { party } = await running.customer.getParty({ name }, operator());
      expect([party?.name, party?.aliases]).toEqual([survivor.name, [merged.name]]);
      const { view } = await running.customer.getCustomerView({ name, timelineSize: 0, parts: [] }, operator());
      expect(view?.party?.party?.name).toBe(survivor.name);
      expect(view?.interactions?.interactions).toHaveLength(2);
      // Both have a part in the account; it counts once, and as owned.
      expect([view?.holdings?.total, view?.holdings?.holdings.length]).toEqual([1, 1]);
      const holdings = ListHoldingsRequest.fromPartial({ parent: name });
      expect((await running.customer.listHoldings(holdings, operator())).holdings).toHaveLength(1);
      const timeline = ListTimelineRequest.fromPartial({ parent: name });
      expect((await running.customer.listTimeline(timeline, operator())).entries).toHaveLength(2);
    }
  });

  it('shows once in lists, searches and batches', async () => {
    const names = (found: { parties: Party[] }) => found.parties.map(({ name }) => name);
    const list = { pageSize: 0, pageToken: '', organisationPath: '', relationshipManager: '', kind: 0, region: '' };
    for (const [source, sourceKey] of [
      ['', ''],
      ['app', ''],
      ['core', 'c/1'],
      ['app', 'a/1'],
    ] as const) {
      const found = await running.customer.listParties({ ...list, source, sourceKey }, operator());
      expect(names(found)).toEqual([survivor.name]);
    }
    const query = { $case: 'name' as const, value: 'Jana' };
    const search = { query, organisationPath: '', pageSize: 0, pageToken: '' };
    expect(names(await running.customer.searchParties(search, operator()))).toEqual([survivor.name]);
    const unknown = `parties/${uuidv7()}`;
    const batch = await running.customer.batchGetParties({ names: [merged.name, unknown, survivor.name] }, operator());
    expect([names(batch), batch.missing]).toEqual([[survivor.name], [unknown]]);
  });

  it('has one consent, whichever name it was said under, and is contacted at the address of the golden record', async () => {
    const consent = { purpose: 'marketing', channel: Channel.CHANNEL_EMAIL, textVersion: '1', proof: '' };
    const request = {
      parent: merged.name,
      consent: Consent.fromPartial({ ...consent, state: 1 }),
      requestId: uuidv7(),
    };
    const { consent: said } = await running.customer.setConsent(request, operator());
    // Whoever says something now says it about the golden record.
    expect(said?.name.startsWith(survivor.name)).toBe(true);
    for (const parent of [survivor.name, merged.name]) {
      const list = { parent, pageSize: 0, pageToken: '', history: false };
      expect((await running.customer.listConsents(list, operator())).consents).toHaveLength(1);
    }
    const channel = Channel.CHANNEL_EMAIL;
    const parties = [merged.name, survivor.name];
    const answer = await running.customer.batchGetContactability(
      { parties, channel, purpose: 'marketing' },
      marketing(),
    );
    expect(
      answer.contactabilities.map(({ party, goldenParty, consentState, address }) => [
        party,
        goldenParty,
        consentState,
        address,
      ]),
    ).toEqual(parties.map((name) => [name, survivor.name, 1, 'Jana.Novakova@example.com']));
  });

  it('takes new holdings as its golden record', async () => {
    const holding = await createHolding(running, merged.name);
    expect(holding.owners).toEqual([{ party: survivor.name, role: owner }]);
    expect(holding.name.startsWith(survivor.name)).toBe(true);
  });
});
