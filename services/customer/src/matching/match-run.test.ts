import { sql } from '@rapport/kit/db';
import { uuidv7 } from '@rapport/kit/runtime';
import { ListMatchRunsRequest, MatchCandidateState, MatchRunState, MatchVerdict } from '@rapport/proto/customer/v1';
import { all, as, failure, type Running } from '../customer.testkit.js';
import type { Matching } from './matching.testkit.js';
import { workOnRun } from './run.js';
import { importPeople, openStewards, type Stewards, steward } from './stewards.testkit.js';

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

const { MATCH_CANDIDATE_STATE_NEVER: NEVER } = MatchCandidateState;

async function runMatching(): Promise<string> {
  const { matchRun } = await matching.startMatchRun({ organisationPath: '/berka', requestId: uuidv7() }, steward());
  expect(await workOnRun(running.deps, new AbortController().signal)).toBe(true);
  const { matchRun: done } = await matching.getMatchRun({ name: matchRun?.name ?? '' }, steward());
  expect(done?.state).toBe(MatchRunState.MATCH_RUN_STATE_COMPLETED);
  await settle();
  return done?.name as string;
}

describe('a run over the bank', () => {
  it('keeps a thousand decisions and every golden id, however often it runs', async () => {
    const created = await importPeople(running, 31, 900, 0.3);
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
    await importPeople(running, 32, 400, 0.4);
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
