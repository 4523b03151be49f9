import { sql } from '@rapport/kit/db';
import { uuidv7 } from '@rapport/kit/runtime';
import {
  IdentifierKind,
  ListMatchCandidatesRequest,
  type MatchCandidate,
  MatchCandidateState,
  type MatchVerdict,
} from '@rapport/proto/customer/v1';
import { all, as, importOf, operator, type Running, startCustomer } from '../customer.testkit.js';
import { forgetModel } from './current-model.js';
import { matchQueued, mergeSure } from './live.js';
import { openMatching } from './matching.testkit.js';
import { synthesis } from './synthetic.testkit.js';

export const steward = (orgPath = '/berka') => as({ sub: 'staff/stella', roles: ['data_steward'], orgPath });

/** The customer service with what stewards do. */
export async function openStewards() {
  const running = await startCustomer();
  const matching = openMatching(running.address);

  /** Matches and merges until nothing is left to do. */
  async function settle(): Promise<void> {
    forgetModel(running.deps);
    while ((await matchQueued(running.deps)) + (await mergeSure(running.deps)) > 0);
  }

  const candidates = async (
    state: MatchCandidateState = MatchCandidateState.MATCH_CANDIDATE_STATE_OPEN,
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

  return {
    running,
    matching,
    settle,
    candidates,
    decide,
    golden,
    stop: async () => {
      matching.close();
      await running.stop();
    },
  };
}

export type Stewards = Awaited<ReturnType<typeof openStewards>>;

/** Imports made-up people; gives how many. */
export async function importPeople(
  running: Running,
  seed: number,
  people: number,
  duplicated: number,
): Promise<number> {
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
