// A person who is about to be erased, with traces in every place of the suite that takes some.
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { client } from '@rapport/kit/rpc';
import { CasesServiceService, OpenCaseRequest } from '@rapport/proto/cases/v1';
import {
  Consent,
  CreateRelationshipRequest,
  CustomerServiceService,
  Goal,
  Holding,
  HouseholdServiceService,
  ImportRequest,
  Interaction,
  LifeEvent,
  ListMatchCandidatesRequest,
  MatchCandidateState,
  MatchingServiceService,
  MatchVerdict,
  Party,
  PortraitServiceService,
  SearchPartiesRequest,
  SetPreferencesRequest,
} from '@rapport/proto/customer/v1';
import { MarketingServiceService, Product, Referral, Suppression } from '@rapport/proto/marketing/v1';
import type { TestSuite } from '@rapport/test/kit';
import pg from 'pg';

/** What nobody may find of the person afterwards. */
export const planted = {
  name: 'Erasmusova',
  given: 'Zapomenka',
  phone: '777888991',
  email: 'zapomenka.e@mailbox.test',
  identifier: 'ZP4471199',
  street: 'Zapomenuta 7719',
  note: 'collects porcelain owls',
  complaint: 'the teller was rude about owls',
  sourceKey: 'client/zapomenka-1',
  birthDate: '1961-03-17',
  iban: 'CZ9455000000001011038930',
  payer: 'Plativoj Zapomenkovic',
  payerAccount: '7719903311',
  refused: '17th of march of sixty-one',
  evidence: 'she showed the owls of her sister',
  decision: 'the sister with the owls is another one',
  lifeEvent: 'owl_fair_7719',
  referral: 'wants a loan for an aviary',
};

/** Names of other people who stay, and in whose rows the person may be spoken of. */
const sister = { given: 'Sestra', name: 'Pamatna' };

/** Leaves the person's traces everywhere; gives it. `as` makes options of calls of somebody. */
export async function plant(
  suite: TestSuite,
  as: (roles: string[], sub: string) => { identity: { token(): Promise<string> }; timeoutMs: number },
): Promise<Party> {
  const operator = as(['operator', 'administrator'], 'staff/operator');
  const steward = as(['data_steward'], 'staff/stella');
  const clerk = as(['call_centre_agent', 'marketer', 'marketing_approver'], 'staff/anna');
  const customer = client({ service: CustomerServiceService }, suite.grpc('customer'), operator);
  const portrait = client({ service: PortraitServiceService }, suite.grpc('customer'), operator);
  const households = client({ service: HouseholdServiceService }, suite.grpc('customer'), operator);
  const matching = client({ service: MatchingServiceService }, suite.grpc('customer'), steward);
  const cases = client({ service: CasesServiceService }, suite.grpc('cases'), operator);
  const marketing = client({ service: MarketingServiceService }, suite.grpc('marketing'), clerk);
  const requestId = randomUUID;

  const create = async (over: object): Promise<Party> => {
    const { party } = await customer.createParty({
      party: Party.fromJSON({ organisationPath: '/demo/north/1', source: 'branch', ...over }),
      requestId: requestId(),
    });
    return party as Party;
  };
  const birthDate = { year: 1961, month: 3, day: 17 };
  const party = await create({
    person: { givenName: planted.given, familyName: planted.name, birthDate },
    sourceKey: planted.sourceKey,
    contactPoints: [
      { email: planted.email, preferred: true },
      { phone: `+420${planted.phone}` },
      { postalAddress: { lines: [planted.street], locality: 'Praha', postalCode: '11000', countryCode: 'CZ' } },
    ],
    identifiers: [{ kind: 'IDENTIFIER_KIND_PASSPORT', value: planted.identifier, countryCode: 'CZ' }],
  });
  const parent = party.name;
  // Somebody else, who stays.
  const other = await create({
    person: { givenName: sister.given, familyName: sister.name, birthDate: { year: 1964, month: 9, day: 2 } },
    sourceKey: 'client/sister',
    contactPoints: [{ email: 'sister@mailbox.test' }],
  });

  await customer.createHolding({
    parent,
    holding: Holding.fromJSON({
      account: { currencyCode: 'CZK' },
      ...{ source: 'branch', sourceKey: 'account/owls', iban: planted.iban, status: 'HOLDING_STATUS_CLOSED' },
      ...{ openedDate: { year: 2020, month: 1, day: 1 }, closedDate: { year: 2024, month: 6, day: 30 } },
    }),
    requestId: requestId(),
  });
  const counterparty = { account: planted.payerAccount, bank: '0800', name: planted.payer };
  const paid = {
    ...{ direction: 1, operation: 4, amount: { minorUnits: 500n, currencyCode: 'CZK' } },
    ...{ bookingDate: { year: 2024, month: 6, day: 1 }, counterparty },
  };
  const refused = { kind: 1, field: 'born', reason: 'DATE_INVALID', originalValue: planted.refused };
  const rows = [
    {
      $case: 'transaction',
      value: { sourceKey: 't/owls', holdingSourceKey: 'account/owls', transaction: paid },
    },
    { $case: 'unreadable', value: { ...refused, keys: [planted.sourceKey] } },
    { $case: 'consent', value: { partySourceKey: planted.sourceKey, consent: { purpose: planted.note } } },
  ];
  const header = { importId: requestId(), source: 'branch', organisationPath: '/demo', file: 'owls.csv' };
  const batch = { rows: rows.map((row, index) => ({ line: BigInt(index + 1), row })) };
  const { import: brought } = await customer.import([
    ImportRequest.fromPartial({ part: { $case: 'header', value: header } }),
    ImportRequest.fromPartial({ part: { $case: 'batch', value: batch } } as object),
  ]);
  expect(brought?.counts.map(({ created, rejected }) => [created, rejected])).toEqual(
    expect.arrayContaining([
      [1n, 0n],
      [0n, 1n],
    ]),
  );

  const interaction = Interaction.fromJSON({
    ...{ channel: 'CHANNEL_PHONE', direction: 'INTERACTION_DIRECTION_INBOUND', kind: 'call' },
    ...{ subject: planted.note, note: planted.note, time: new Date(Date.now() - 60_000).toISOString() },
  });
  await customer.recordInteraction({ parent, interaction, requestId: requestId() });
  const consent = Consent.fromJSON({
    ...{ purpose: 'marketing', channel: 'CHANNEL_EMAIL', state: 'CONSENT_STATE_GRANTED' },
    ...{ textVersion: '1', proof: planted.note },
  });
  await customer.setConsent({ parent, consent, requestId: requestId() });
  const lifeEvent = LifeEvent.fromJSON({
    ...{ kind: 'LIFE_EVENT_KIND_OTHER', otherKind: planted.lifeEvent, certainty: 'LIFE_EVENT_CERTAINTY_CONFIRMED' },
    startDate: { year: 2024, month: 1, day: 1 },
  });
  await portrait.recordLifeEvent({ parent, lifeEvent, requestId: requestId() });
  const goal = Goal.fromPartial({ kind: 1, target: { minorUnits: 7_719n, currencyCode: 'CZK' } });
  await portrait.setGoal({ parent, goal, requestId: requestId() });
  const tag = { definition: 'tagDefinitions/vip', expireTime: undefined, model: '' };
  await portrait.setTags({ parent, tags: [tag], requestId: requestId() });
  await households.setPreferences(
    SetPreferencesRequest.fromJSON({
      parent,
      preferences: { topics: ['owls'] },
      requestId: requestId(),
    }),
  );
  // Told of the sister, in whose rows it stands too.
  await households.createRelationship(
    CreateRelationshipRequest.fromJSON({
      parent: other.name,
      relationship: { toParty: parent, kind: 'RELATIONSHIP_KIND_SIBLING_OF', evidence: planted.evidence },
      requestId: requestId(),
    }),
  );
  const open = ListMatchCandidatesRequest.fromPartial({ state: MatchCandidateState.MATCH_CANDIDATE_STATE_OPEN });
  const database = new pg.Client({ connectionString: suite.database('customer') });
  await database.connect();
  // What a steward is asked about; how likely matching finds it is not what this is about.
  await database.query(
    `INSERT INTO match_candidate (candidate_id, party_id, other_party_id, state, weight, model_version, organisation_path)
     VALUES (gen_random_uuid(), least($1::uuid, $2::uuid), greatest($1::uuid, $2::uuid), 1, 9, 0, '/demo/north/1')
     ON CONFLICT DO NOTHING`,
    [parent.slice(8), other.name.slice(8)],
  );
  await database.end();
  const candidate = (await matching.listMatchCandidates(open)).matchCandidates.find(({ parties }) =>
    parties.includes(parent),
  );
  if (!candidate) throw new Error('there is nothing to decide');
  await matching.decideMatch({
    ...{ name: candidate.name, etag: candidate.etag, verdict: MatchVerdict.MATCH_VERDICT_NEVER },
    ...{ reason: planted.decision, identifiersMayDiffer: false, legalHoldKnown: false, requestId: requestId() },
  });

  const { case: complaint } = await cases.openCase(
    OpenCaseRequest.fromJSON({
      ...{ type: 'caseTypes/complaint', party: parent, channel: 'CHANNEL_PHONE', organisationPath: '/demo/north/1' },
      ...{ subject: planted.complaint, description: planted.complaint, requestId: requestId() },
    }),
  );
  const note = { name: complaint?.name ?? '', text: planted.note, requestId: requestId(), occurTime: undefined };
  await cases.addNote(note);
  await marketing.createProduct({
    productId: 'loan',
    product: Product.fromJSON({ title: 'A loan', category: 'loan', organisationPath: '/demo' }),
    requestId: requestId(),
  });
  await marketing.createReferral({
    referral: Referral.fromJSON({
      ...{ party: parent, product: 'products/loan', organisationPath: '/demo/north/1', note: planted.referral },
      ...{ fromStaff: 'staff/anna', toStaff: 'staff/ben', creditSplitBasisPoints: 3000 },
      ...{ fromUnit: 'organisationUnits/one', toUnit: 'organisationUnits/two' },
    }),
    requestId: requestId(),
  });
  const suppression = Suppression.fromJSON({
    party: parent,
    reason: 'asked_for_it',
    organisationPath: '/demo/north/1',
  });
  await marketing.addSuppression({ suppression, requestId: requestId() });
  await keepOnList(suite, parent);

  // Whoever looks for the person leaves no words of it, and neither does a call that goes wrong with them.
  for (const text of [planted.name, planted.phone, planted.email, planted.identifier, planted.iban])
    await customer.searchParties(SearchPartiesRequest.fromPartial({ query: { $case: 'text', value: text } }));
  await customer.getParty({ name: `parties/${planted.email}` }).catch(() => undefined);
  await create({ person: { givenName: planted.note, familyName: planted.note.repeat(40) } }).catch(() => undefined);
  await parkedLetter(suite, parent);
  await sleep(3000);
  for (const one of [customer, portrait, households, matching, cases, marketing]) one.close();
  return party;
}

/** A list of customers with the person on it, brought by the command line. */
async function keepOnList(suite: TestSuite, party: string): Promise<void> {
  const file = path.join(suite.data, 'owls.csv');
  writeFileSync(file, `party\n${party}\n`);
  await suite.rapport(['list', 'create', 'owls', '--path', '/demo']);
  const uploaded = await suite.rapport(['list', 'upload', file, '--list', 'owls']);
  if (!/1/.test(uploaded)) throw new Error(`nobody came on the list: ${uploaded}`);
}

/** An event of the party that nobody could take, as a consumer parks it. */
async function parkedLetter(suite: TestSuite, party: string): Promise<void> {
  const marketing = new pg.Client({ connectionString: suite.database('marketing') });
  await marketing.connect();
  await marketing.query(
    `INSERT INTO kit.dead_letter (id, consumer, event_id, type, aggregate, partition, stream_sequence, payload, headers,
       reason, attempts, occurred_at)
     VALUES (gen_random_uuid(), 'marketing-audience', gen_random_uuid(), 'rapport.customer.v1.PartyCreated', $1, 0, 1, $2,
       '{}', 'TEST', 8, now())`,
    [party.slice(8), Buffer.from(planted.note)],
  );
  await marketing.end();
}
