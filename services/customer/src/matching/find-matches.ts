import { type Queryable, sql } from '@rapport/kit/db';
import type { Deps } from '../deps.js';
import { openParty, partyColumns, type PartyRecord } from '../party/party.js';
import { comparerOf } from './comparison.js';
import { type CurrentModel, currentModel, termFrequency } from './current-model.js';
import { mayBeRelatives, restsOnNear } from './model.js';
import { bankOf, partyProfile } from './matching.js';
import { collectPopulation } from './population.js';
import { type Score, scorer } from './scoring.js';

/** How sure a pair is. */
export type Band = 'auto' | 'review';

/** Another golden record that may be the same party. */
export interface Match {
  other: PartyRecord;
  weight: number;
  probability: number;
  band: Band;
}

/** A golden record with those that may be the same. */
export interface Matched {
  subject: PartyRecord;
  matches: Match[];
}

/** The version of the model that ships: what it says of typing errors, it did not see in this bank. */
const SHIPPED = 0;

/** A key that more parties share says too little for what comparing them costs. */
const LARGEST_BLOCK = 60;

/** The golden records among `ids` with the others that may be the same, the surest first, by the current model. */
export async function findMatches(
  deps: Deps,
  on: Queryable,
  ids: readonly string[],
): Promise<{ matched: Matched[]; model: CurrentModel }> {
  const model = await currentModel(deps);
  const blocks = await on.rows<{ subject: string; members: string[] }>(sql`
    SELECT profile.party_id AS subject, block.members
    FROM match_profile profile CROSS JOIN LATERAL unnest(profile.keys) AS had (key) CROSS JOIN LATERAL (
      SELECT array_agg(party_id) AS members
      FROM (SELECT party_id FROM match_key WHERE match_key.key = had.key LIMIT ${LARGEST_BLOCK + 1}) AS sharing
    ) AS block
    WHERE profile.party_id = ANY(${ids}::uuid[])`);
  const others = new Map<string, Set<string>>(ids.map((id) => [id, new Set()]));
  for (const { subject, members } of blocks) {
    if (members === null || members.length > LARGEST_BLOCK) continue;
    for (const member of members) if (member !== subject) others.get(subject)?.add(member);
  }
  const wanted = [...new Set([...ids, ...[...others.values()].flatMap((some) => [...some])])];
  const rows = await on.rows<PartyRecord>(sql`
    SELECT ${partyColumns} FROM party WHERE party_id = ANY(${wanted}::uuid[]) AND golden_id = party_id`);
  const compare = comparison(deps, model, rows);
  const byId = new Map(rows.map((row) => [row.partyId, row]));
  const matched = ids.flatMap((id) => {
    const subject = byId.get(id);
    if (!subject) return [];
    const matches = [...(others.get(id) ?? [])].flatMap((otherId) => {
      const other = byId.get(otherId);
      if (!other || !comparable(subject, other)) return [];
      const match = compare(subject, other);
      return match ? [{ other, ...match }] : [];
    });
    matches.sort((a, b) => b.weight - a.weight || (a.other.partyId < b.other.partyId ? -1 : 1));
    return [{ subject, matches }];
  });
  return { matched, model };
}

function comparable(a: PartyRecord, b: PartyRecord): boolean {
  return a.kind === b.kind && a.synthetic === b.synthetic && bankOf(a.organisationPath) === bankOf(b.organisationPath);
}

/** Compares rows with each other by a model; undefined below the band of review. */
function comparison(
  deps: Deps,
  model: CurrentModel,
  rows: readonly PartyRecord[],
): (a: PartyRecord, b: PartyRecord) => Omit<Match, 'other'> | undefined {
  const { numbers, score, levels, contradict } = stand(deps, model, rows);
  return (a, b) => {
    const [one, other] = [numbers.get(a.partyId) as number, numbers.get(b.partyId) as number];
    const { weight, probability } = score(one, other);
    if (weight < model.bands.review) return undefined;
    // What only a steward may decide stays in the band of review, however sure it looks.
    const guessed = model.version === SHIPPED && restsOnNear(levels);
    const doubtful = mayBeRelatives(levels) || guessed || contradict(one, other);
    return { weight, probability, band: weight >= model.bands.auto && !doubtful ? 'auto' : 'review' };
  };
}

function stand(deps: Deps, model: CurrentModel, rows: readonly PartyRecord[]) {
  const collected = collectPopulation();
  const numbers = new Map(
    rows.map((row) => [row.partyId, collected.add(partyProfile(row, openParty(deps.cipher, row)))]),
  );
  const population = collected.done();
  const comparer = comparerOf(population);
  return {
    numbers,
    contradict: comparer.contradict,
    ...scorer(model, comparer, termFrequency(deps.cipher, model, population)),
  };
}

/** The score of two rows with what each field says. */
export function explained(deps: Deps, model: CurrentModel, a: PartyRecord, b: PartyRecord): Score {
  const { numbers, score } = stand(deps, model, [a, b]);
  return structuredClone(score(numbers.get(a.partyId) as number, numbers.get(b.partyId) as number, true));
}
