import { sql } from '@rapport/kit/db';
import { uuidv7 } from '@rapport/kit/runtime';
import {
  IdentifierKind,
  LegalHoldReason,
  MatchBand,
  LegalHold,
  type MatchCandidate,
  MatchCandidateState,
  MatchVerdict,
  type Party,
} from '@rapport/proto/customer/v1';
import { all, as, createParty, failure, operator, person, type Running } from '../customer.testkit.js';
import { DEFAULT_BANDS } from './default-model.js';
import type { Matching } from './matching.testkit.js';
import { openStewards, type Stewards, steward } from './stewards.testkit.js';

let running: Running;
let matching: Matching;
let settle: Stewards['settle'];
let candidates: Stewards['candidates'];
let decide: Stewards['decide'];
let golden: Stewards['golden'];
let stop: Stewards['stop'];
beforeEach(async () => {
  ({ running, matching, settle, candidates, decide, golden, stop } = await openStewards());
});
afterEach(() => stop());

const { MATCH_CANDIDATE_STATE_OPEN: OPEN } = MatchCandidateState;

const address = (line: string) => ({
  point: {
    $case: 'postalAddress' as const,
    value: { lines: [line], locality: 'Praha', region: '', postalCode: '11000', countryCode: 'CZ' },
  },
});
const jana = (over: object = {}): Party =>
  person({
    contactPoints: [{ point: { $case: 'email', value: 'jana.novakova@example.com' } }, address('Dlouhá 12')],
    ...over,
  });

describe('a party that comes in', () => {
  it('is merged with the one that it surely is, once, and both names answer as one', async () => {
    const first = await createParty(running, jana());
    const second = await createParty(running, jana({ organisationPath: '/berka/brno/1' }));
    await settle();
    await settle();
    const { party } = await running.customer.getParty({ name: second.name }, operator());
    expect(party?.name).toBe(first.name);
    expect(await candidates()).toEqual([]);
    const merged = sql`SELECT count(*)::int AS count FROM kit.outbox WHERE type LIKE '%PartyMerged'`;
    expect(await all(running, merged)).toEqual([{ count: 1 }]);
  });

  it('is left alone where nobody is like it', async () => {
    await createParty(running, jana());
    await createParty(
      running,
      person({
        contactPoints: [],
        details: {
          $case: 'person',
          value: { givenName: 'Petr', familyName: 'Svoboda', birthDate: { year: 1980, month: 1, day: 2 } },
        },
      }),
    );
    await settle();
    expect(await candidates()).toEqual([]);
  });

  it.each([
    [
      'another passport',
      { identifiers: [{ kind: IdentifierKind.IDENTIFIER_KIND_PASSPORT, value: 'AB1234567', countryCode: 'CZ' }] },
      { identifiers: [{ kind: IdentifierKind.IDENTIFIER_KIND_PASSPORT, value: 'AB1234568', countryCode: 'CZ' }] },
    ],
    [
      'another birth date at the same address (father and daughter)',
      {},
      {
        contactPoints: [address('Dlouhá 12')],
        details: {
          $case: 'person',
          value: { givenName: 'Jana', familyName: 'Nováková', sex: 1, birthDate: { year: 1998, month: 3, day: 2 } },
        },
      },
    ],
  ])('with %s is for a steward, never merged by itself', async (_what, one, other) => {
    await createParty(running, jana(one));
    await createParty(running, jana(other));
    await settle();
    for (const row of await golden()) expect(row.party).toBe(row.golden);
    const [open] = await candidates();
    expect(open?.parties).toHaveLength(2);
  });

  it('of another bank is another party', async () => {
    await createParty(running, jana());
    await createParty(running, jana({ organisationPath: '/other/1' }));
    await settle();
    for (const row of await golden()) expect(row.party).toBe(row.golden);
    expect(await candidates(OPEN, as({ sub: 'o', roles: ['operator'], orgPath: '/' }))).toEqual([]);
  });
});

describe('a candidate', () => {
  const passport = (value: string) => ({
    identifiers: [{ kind: IdentifierKind.IDENTIFIER_KIND_PASSPORT, value, countryCode: 'CZ' }],
  });
  async function openOne(): Promise<MatchCandidate> {
    await createParty(running, jana(passport('AB1234567')));
    await createParty(running, jana({ ...passport('AB7654321'), organisationPath: '/berka/brno/1' }));
    await settle();
    const [open] = await candidates();
    return open as MatchCandidate;
  }

  it('opens into both sides and the evidence, which adds up', async () => {
    const open = await openOne();
    const answer = await matching.getMatchCandidate({ name: open.name }, steward());
    expect(answer.parties.map(({ name }) => name)).toEqual(open.parties);
    expect(answer.parties[0]?.details).toMatchObject({ value: { familyName: 'Nováková' } });
    const levels = Object.fromEntries(answer.evidence.map(({ field, level }) => [field, level]));
    expect(levels).toMatchObject({
      family_name: 'exact',
      birth_date: 'exact',
      identifier: 'different',
      phone: 'missing',
    });
    const sum = answer.evidence.reduce((total, { weight }) => total + weight, answer.prior + answer.household);
    expect(sum).toBeCloseTo(answer.weight, 6);
    expect(answer.weight).toBeCloseTo(open.weight, 3);
    const reads = await all<{ resource: string }>(
      running,
      sql`SELECT resource FROM kit.audit WHERE action LIKE '%/GetMatchCandidate'`,
    );
    expect(reads.map(({ resource }) => resource).sort()).toEqual([open.name, ...open.parties].sort());
  });

  it('merges by the word of a steward and comes apart by the word of a steward, exactly', async () => {
    const open = await openOne();
    const before = await golden();
    const request = { verdict: MatchVerdict.MATCH_VERDICT_SAME, identifiersMayDiffer: true, requestId: uuidv7() };
    expect((await failure(decide(open, MatchVerdict.MATCH_VERDICT_SAME))).reason).toBe('STRONG_IDENTIFIERS_DIFFER');
    const { matchCandidate: same } = await decide(open, request.verdict, request);
    expect(same?.state).toBe(MatchCandidateState.MATCH_CANDIDATE_STATE_SAME);
    expect((await decide(open, request.verdict, request)).matchCandidate).toEqual(same);
    expect(new Set((await golden()).map((row) => row.golden)).size).toBe(1);
    const { matchCandidate: again } = await decide(same as MatchCandidate, MatchVerdict.MATCH_VERDICT_UNDO);
    expect(again?.state).toBe(OPEN);
    expect(await golden()).toEqual(before);
    await settle();
    expect(await golden()).toEqual(before);
  });

  it('is found by band and by weight', async () => {
    const open = await openOne();
    const { weight } = open;
    const { MATCH_BAND_AUTO, MATCH_BAND_REVIEW, MATCH_BAND_NONE } = MatchBand;
    const found = async (over: object) => (await candidates(OPEN, steward(), over)).length;
    expect(weight).toBeGreaterThan(DEFAULT_BANDS.review);
    const mine = weight >= DEFAULT_BANDS.auto ? MATCH_BAND_AUTO : MATCH_BAND_REVIEW;
    for (const band of [MATCH_BAND_AUTO, MATCH_BAND_REVIEW, MATCH_BAND_NONE]) {
      expect(await found({ band })).toBe(band === mine ? 1 : 0);
    }
    expect(await found({ minWeight: weight - 0.1, maxWeight: weight + 0.1 })).toBe(1);
    expect(await found({ minWeight: weight + 0.1 })).toBe(0);
    expect(await found({ maxWeight: weight - 0.1 })).toBe(0);
    expect((await failure(candidates(OPEN, steward(), { minWeight: Number.NaN }))).kind).toBe('invalid');
  });

  it('under a legal hold merges only when the steward knows of the hold, and the hold then keeps both', async () => {
    const open = await openOne();
    const [held = '', other = ''] = open.parties;
    const officer = as({ sub: 'staff/piet', roles: ['privacy_officer'], orgPath: '/berka' });
    const endTime = new Date(Date.now() + 86_400_000);
    const legalHold = LegalHold.fromPartial({ reason: LegalHoldReason.LEGAL_HOLD_REASON_LITIGATION, endTime });
    await running.privacy.placeLegalHold({ parent: held, legalHold, requestId: uuidv7() }, officer);
    const same = MatchVerdict.MATCH_VERDICT_SAME;
    const differing = { identifiersMayDiffer: true };
    expect((await failure(decide(open, same, differing))).reason).toBe('MERGE_UNDER_LEGAL_HOLD');
    await decide(open, same, { ...differing, legalHoldKnown: true });
    expect(new Set((await golden()).map((row) => row.golden)).size).toBe(1);
    const { legalHolds } = await running.privacy.listLegalHolds({ parent: other, pageSize: 0, pageToken: '' }, officer);
    expect(legalHolds.map(({ name }) => name.startsWith(held))).toEqual([true]);
    const [noted] = await all<{ detail: object }>(
      running,
      sql`SELECT detail FROM kit.audit WHERE action LIKE '%/DecideMatch' AND resource = ${open.name}`,
    );
    expect(JSON.stringify(noted?.detail)).toContain('"legalHoldKnown":true');
  });

  it('that is sure but under a legal hold waits for a steward', async () => {
    const first = await createParty(running, jana());
    const officer = as({ sub: 'staff/piet', roles: ['privacy_officer'], orgPath: '/berka' });
    const endTime = new Date(Date.now() + 86_400_000);
    const legalHold = LegalHold.fromPartial({ reason: LegalHoldReason.LEGAL_HOLD_REASON_LITIGATION, endTime });
    await running.privacy.placeLegalHold({ parent: first.name, legalHold, requestId: uuidv7() }, officer);
    await createParty(running, jana());
    await settle();
    for (const row of await golden()) expect(row.party).toBe(row.golden);
    expect(await candidates()).toHaveLength(1);
  });

  it('takes no second decision and no old etag', async () => {
    const open = await openOne();
    expect((await failure(decide(open, MatchVerdict.MATCH_VERDICT_UNDO))).reason).toBe('MATCH_VERDICT_UNSUITABLE');
    const { matchCandidate } = await decide(open, MatchVerdict.MATCH_VERDICT_NEVER);
    expect((await failure(decide(open, MatchVerdict.MATCH_VERDICT_SAME))).kind).toBe('conflict');
    const late = decide(matchCandidate as MatchCandidate, MatchVerdict.MATCH_VERDICT_DIFFERENT);
    expect((await failure(late)).reason).toBe('MATCH_VERDICT_UNSUITABLE');
  });

  it('is there only for who may see both parties', async () => {
    const open = await openOne();
    expect(open.organisationPath).toBe('/berka');
    const elsewhere = steward('/berka/brno');
    expect(await candidates(OPEN, elsewhere)).toEqual([]);
    expect((await failure(matching.getMatchCandidate({ name: open.name }, elsewhere))).reason).toBe(
      'MATCH_CANDIDATE_NOT_FOUND',
    );
    const { matches } = await matching.findMatches({ party: open.parties[1] ?? '' }, elsewhere);
    expect(matches).toEqual([]);
    for (const role of ['relationship_manager', 'marketer', 'branch_manager', 'call_centre_agent']) {
      const token = as({ sub: 'anna', roles: [role], orgPath: '/berka' });
      expect((await failure(matching.getMatchCandidate({ name: open.name }, token))).kind).toBe('denied');
      expect((await failure(matching.findMatches({ party: open.parties[0] ?? '' }, token))).kind).toBe('denied');
    }
    const auditor = as({ sub: 'audrey', roles: ['auditor'], orgPath: '/berka' });
    expect(await candidates(OPEN, auditor)).toHaveLength(1);
  });
});
