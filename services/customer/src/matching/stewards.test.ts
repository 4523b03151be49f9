import { sql } from '@rapport/kit/db';
import { uuidv7 } from '@rapport/kit/runtime';
import {
  IdentifierKind,
  LegalHoldReason,
  ListMatchCandidatesRequest,
  ListMatchRunsRequest,
  MatchBand,
  LegalHold,
  type MatchCandidate,
  MatchCandidateState,
  MatchRunState,
  MatchVerdict,
  type Party,
} from '@rapport/proto/customer/v1';
import {
  all,
  as,
  createParty,
  failure,
  importOf,
  operator,
  person,
  type Running,
  startCustomer,
} from '../customer.testkit.js';
import { forgetModel } from './current-model.js';
import { DEFAULT_BANDS } from './default-model.js';
import { matchQueued, mergeSure } from './live.js';
import { type Matching, openMatching } from './matching.testkit.js';
import { workOnRun } from './run.js';
import { synthesis } from './synthetic.testkit.js';

let running: Running;
let matching: Matching;
beforeEach(async () => {
  running = await startCustomer();
  matching = openMatching(running.address);
});
afterEach(async () => {
  matching.close();
  await running.stop();
});

const steward = (orgPath = '/berka') => as({ sub: 'staff/stella', roles: ['data_steward'], orgPath });

/** Matches and merges until nothing is left to do. */
async function settle(): Promise<void> {
  forgetModel(running.deps);
  while ((await matchQueued(running.deps)) + (await mergeSure(running.deps)) > 0);
}

const { MATCH_CANDIDATE_STATE_OPEN: OPEN, MATCH_CANDIDATE_STATE_NEVER: NEVER } = MatchCandidateState;

const candidates = async (
  state: MatchCandidateState = OPEN,
  token = steward(),
  over: object = {},
): Promise<MatchCandidate[]> => {
  const found: MatchCandidate[] = [];
  let pageToken = '';
  do {
    const page = await matching.listMatchCandidates(
      ListMatchCandidatesRequest.fromPartial({ state, pageSize: 300, pageToken, ...over }),
      token,
    );
    found.push(...page.matchCandidates);
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
  return found;
};

const decide = (one: MatchCandidate, verdict: MatchVerdict, over: object = {}) =>
  matching.decideMatch(
    {
      name: one.name,
      etag: one.etag,
      verdict,
      reason: 'looked at both',
      identifiersMayDiffer: false,
      legalHoldKnown: false,
      requestId: uuidv7(),
      ...over,
    },
    steward(),
  );

const golden = () =>
  all<{ party: string; golden: string }>(
    running,
    sql`SELECT party_id AS party, golden_id AS golden FROM party ORDER BY party_id`,
  );

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

async function runMatching(): Promise<string> {
  const { matchRun } = await matching.startMatchRun({ organisationPath: '/berka', requestId: uuidv7() }, steward());
  expect(await workOnRun(running.deps, new AbortController().signal)).toBe(true);
  const { matchRun: done } = await matching.getMatchRun({ name: matchRun?.name ?? '' }, steward());
  expect(done?.state).toBe(MatchRunState.MATCH_RUN_STATE_COMPLETED);
  await settle();
  return done?.name as string;
}

/** Imports made-up people; gives how many. */
async function importPeople(seed: number, people: number, duplicated: number): Promise<number> {
  const made = synthesis(seed).bank(people, duplicated);
  const rows = made.map(({ record }, at) => ({
    line: BigInt(at + 1),
    row: {
      $case: 'party',
      value: {
        sourceKey: `client/${at}`,
        party: {
          details: {
            $case: 'person',
            value: {
              givenName: record.givenName || 'x',
              familyName: record.familyName || 'x',
              sex: record.sex,
              birthDate: dayOf(record.birthDate),
            },
          },
          organisationPath: '/berka/prague',
          contactPoints: [
            ...record.emails.map((value) => ({ point: { $case: 'email', value } })),
            ...record.phones.map((value) => ({ point: { $case: 'phone', value } })),
            {
              point: {
                $case: 'postalAddress',
                value: {
                  lines: record.addressLines,
                  locality: record.locality,
                  postalCode: record.postalCode,
                  countryCode: 'CZ',
                },
              },
            },
          ],
          identifiers: record.identifiers.map(({ value }) => ({
            kind: IdentifierKind.IDENTIFIER_KIND_PASSPORT,
            value,
            countryCode: 'CZ',
          })),
        },
      },
    },
  }));
  const batches = Array.from({ length: Math.ceil(rows.length / 500) }, (_none, at) =>
    rows.slice(at * 500, at * 500 + 500),
  );
  const { import: answer } = await running.customer.import(importOf({}, batches), {
    ...operator(),
    timeoutMs: 120_000,
  });
  const created = Number(answer?.counts.reduce((sum, count) => sum + count.created, 0n));
  expect(created).toBeGreaterThan(made.length * 0.95);
  return created;
}

function dayOf(digits: string): object | undefined {
  const [year, month, day] = [digits.slice(0, 4), digits.slice(4, 6), digits.slice(6)].map(Number);
  if (!year || !month || !day || month > 12 || day > 28 || year > 2020 || year < 1900) return undefined;
  return { year, month, day };
}

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

describe('a run over the bank', () => {
  it('keeps a thousand decisions and every golden id, however often it runs', async () => {
    const created = await importPeople(31, 900, 0.3);
    await settle();
    await runMatching();
    // What merges by itself has merged. Pairs of what is left are put before the stewards.
    await all(
      running,
      sql`WITH left_over AS (
          SELECT party_id AS id, organisation_path AS path, row_number() OVER (ORDER BY party_id) AS n FROM party
          WHERE golden_id = party_id)
        INSERT INTO match_candidate (candidate_id, party_id, other_party_id, state, weight, model_version, organisation_path)
        SELECT gen_random_uuid(), a.id, b.id, 1, 0.5, 1, '/berka/prague' FROM left_over a JOIN left_over b
          ON b.n = a.n + 1 OR b.n = a.n + 2
        ORDER BY a.n, b.n LIMIT 1100 ON CONFLICT DO NOTHING`,
    );
    const open = (await candidates()).slice(0, 1000);
    expect(open).toHaveLength(1000);
    const verdicts = [
      MatchVerdict.MATCH_VERDICT_DIFFERENT,
      MatchVerdict.MATCH_VERDICT_NEVER,
      MatchVerdict.MATCH_VERDICT_SAME,
    ];
    let refused = 0;
    for (const [at, one] of open.entries()) {
      const verdict = verdicts[at % 10 === 0 ? 2 : at % 2] as MatchVerdict;
      await decide(one, verdict, { identifiersMayDiffer: true }).catch(() => (refused += 1));
    }
    expect(refused).toBe(0);
    const decided = () =>
      all<object>(
        running,
        sql`SELECT candidate_id, state, decided_by, decide_time FROM match_candidate WHERE state IN (3, 4, 5) ORDER BY 1`,
      );
    const [saidBefore, goldenBefore] = [await decided(), await golden()];
    expect(saidBefore).toHaveLength(1000);
    expect(goldenBefore).toHaveLength(created);
    // Every party is matched anew, live and in a run, twice.
    for (let round = 0; round < 2; round += 1) {
      await all(
        running,
        sql`INSERT INTO match_queue (party_id) SELECT party_id FROM match_profile ON CONFLICT DO NOTHING`,
      );
      await settle();
      await runMatching();
    }
    expect(await decided()).toEqual(saidBefore);
    expect(await golden()).toEqual(goldenBefore);
    expect((await candidates(NEVER)).length).toBe(
      saidBefore.filter((row) => (row as { state: number }).state === 5).length,
    );
  }, 300_000);

  it('finds what live matching found not, and one runs at a time', async () => {
    await importPeople(32, 400, 0.4);
    await all(running, sql`TRUNCATE match_queue`);
    const { matchRun } = await matching.startMatchRun({ organisationPath: '/berka', requestId: uuidv7() }, steward());
    const second = matching.startMatchRun({ organisationPath: '/berka', requestId: uuidv7() }, steward());
    expect((await failure(second)).reason).toBe('MATCH_RUN_IN_PROGRESS');
    // A process that dies in the middle leaves the run as it is; the next one takes it up.
    const dying = new AbortController();
    dying.abort();
    await expect(workOnRun(running.deps, dying.signal)).rejects.toThrow();
    await workOnRun(running.deps, new AbortController().signal);
    await settle();
    const { matchRun: done } = await matching.getMatchRun({ name: matchRun?.name ?? '' }, steward());
    expect(done?.model).toMatch(/^matchModels\/\d+$/);
    expect(done?.autoPairs).toBeGreaterThan(150n);
    const merged = (await golden()).filter((row) => row.party !== row.golden);
    expect(merged.length).toBeGreaterThan(150);
    const runs = (over: object, token = steward()) =>
      matching.listMatchRuns(ListMatchRunsRequest.fromPartial(over), token);
    await matching.startMatchRun({ organisationPath: '/berka', requestId: uuidv7() }, steward());
    const { matchRuns, nextPageToken } = await runs({ pageSize: 1 });
    expect(matchRuns.map(({ state }) => state)).toEqual([MatchRunState.MATCH_RUN_STATE_RUNNING]);
    expect((await runs({ pageSize: 1, pageToken: nextPageToken })).matchRuns).toEqual([done]);
    expect((await runs({ state: MatchRunState.MATCH_RUN_STATE_COMPLETED })).matchRuns).toEqual([done]);
    expect((await runs({ organisationPath: '/other' })).matchRuns).toEqual([]);
    expect((await runs({}, steward('/berka/prague'))).matchRuns).toEqual([]);
    const marketer = as({ sub: 'staff/m', roles: ['marketer'], orgPath: '/berka' });
    expect((await failure(runs({}, marketer))).kind).toBe('denied');
    const elsewhere = steward('/berka/prague');
    const outside = matching.startMatchRun({ organisationPath: '/berka', requestId: uuidv7() }, elsewhere);
    expect((await failure(outside)).kind).toBe('denied');
    expect((await failure(matching.getMatchRun({ name: matchRun?.name ?? '' }, elsewhere))).reason).toBe(
      'MATCH_RUN_NOT_FOUND',
    );
  }, 120_000);
});
