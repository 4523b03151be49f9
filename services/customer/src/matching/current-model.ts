import type { FieldCipher } from '@rapport/kit/crypto';
import { type Queryable, sql } from '@rapport/kit/db';
import type { Deps } from '../deps.js';
import type { Bands } from './bands.js';
import { DEFAULT_BANDS, defaultModel } from './default-model.js';
import type { Learned } from './engine.js';
import { field, fieldsWith } from './fields.js';
import type { Parameters } from './model.js';
import type { Population } from './population.js';
import type { Frequency, Model } from './scoring.js';

/** How often the commonest values of a field are, by keyed hash; `rest` is for those that are rarer. */
interface Terms {
  rest: number;
  shares: Record<string, number>;
}

/** The model that single parties are judged by. */
export interface CurrentModel extends Model {
  /** 0 of the one that ships. */
  version: number;
  bands: Bands;
  terms: Terms[];
  records: number;
  iterations: number;
  createTime?: Date;
}

interface ModelRow {
  version: number;
  parameters: Parameters;
  bands: Bands;
  terms: Terms[];
  records: number;
  iterations: number;
  createTime: Date;
}

const FRESH_MS = 10_000;
/** Of fewer parties than this little is known, and to be one of them says more than it should. */
const FEW_PARTIES = 50_000;
/** So many of the commonest values of a field are kept. */
const MOST_TERMS = 2_000;
const counted = [field.given, field.family, field.place];

const remembered = new WeakMap<object, { until: number; model: Promise<CurrentModel> }>();

/** The newest model, looked for at most every ten seconds. */
export function currentModel(deps: Pick<Deps, 'db'>): Promise<CurrentModel> {
  const known = remembered.get(deps.db);
  if (known && known.until > Date.now()) return known.model;
  const model = readModel(deps.db.unprotected);
  remembered.set(deps.db, { until: Date.now() + FRESH_MS, model });
  // What could not be read is asked for again.
  model.catch(() => remembered.delete(deps.db));
  return model;
}

/** Forgets what is remembered, because a new model was stored. */
export function forgetModel(deps: Pick<Deps, 'db'>): void {
  remembered.delete(deps.db);
}

async function readModel(on: Queryable): Promise<CurrentModel> {
  const row = await on.maybe<ModelRow>(sql`
    SELECT version, parameters, bands, terms, records, iterations, create_time AS "createTime" FROM match_model
    ORDER BY version DESC LIMIT 1`);
  const { parties } = await on.one<{ parties: number }>(sql`
    SELECT greatest(reltuples, 0)::float8 AS parties FROM pg_class WHERE oid = 'match_profile'::regclass`);
  const fields = fieldsWith();
  const base = row ?? { ...defaultModel, version: 0, bands: DEFAULT_BANDS, terms: [], iterations: 0 };
  return { ...base, fields, parameters: scaled(base.parameters, base.records, Math.max(parties, FEW_PARTIES)) };
}

/**
 * The same parameters for a population of another size: each record has as many others of its own as before, but among
 * more strangers.
 */
export function scaled(parameters: Parameters, from: number, to: number): Parameters {
  const share = Math.min(1, from / to);
  return { ...parameters, match: parameters.match * share, household: parameters.household * share };
}

/** What is stored of how common a value is. */
function termHash(cipher: FieldCipher, at: number, text: string): string {
  return cipher.index(`${at}\0${text}`, 'match term').toString('base64url', 0, 8);
}

function textOf({ texts }: Population, id: number): string {
  return String.fromCharCode(...texts.units.subarray(texts.offsets[id], texts.offsets[id + 1]));
}

/** How common the values of two records are in the bank, as the model counted them. */
export function termFrequency(cipher: FieldCipher, model: CurrentModel, population: Population): Frequency {
  const known = new Map<string, { count: number; share: number } | undefined>();
  return (at, text) => {
    const terms = model.terms[counted.indexOf(at as never)];
    if (!terms) return undefined;
    const key = `${at} ${text}`;
    if (!known.has(key)) {
      const share = terms.shares[termHash(cipher, at, textOf(population, text))] ?? terms.rest;
      known.set(key, { count: Math.round(share * model.records), share });
    }
    return known.get(key);
  };
}

/** Counts the commonest values of a population for a model. */
export function countTerms(
  cipher: FieldCipher,
  population: Population,
  valueOf: (record: number, at: number) => number,
): Terms[] {
  return counted.map((at) => {
    const seen = new Set<number>();
    let total = 0;
    for (let record = 0; record < population.size; record += 1) {
      const text = valueOf(record, at);
      if (text === 0) continue;
      total += 1;
      seen.add(text);
    }
    const common = [...seen]
      .sort((a, b) => (population.counts[b] as number) - (population.counts[a] as number))
      .slice(0, MOST_TERMS);
    const share = (text: number): number => (population.counts[text] as number) / Math.max(1, total);
    const rarest = common.length === 0 ? 0 : share(common.at(-1) as number);
    return {
      rest: Math.max(rarest, 1 / Math.max(1, total)),
      shares: Object.fromEntries(common.map((text) => [termHash(cipher, at, textOf(population, text)), share(text)])),
    };
  });
}

/** Stores what was learned as the newest model; gives its version. */
export async function storeModel(
  on: Queryable,
  learned: Learned,
  bands: Bands,
  terms: Terms[],
  records: number,
): Promise<number> {
  const { version } = await on.one<{ version: number }>(sql`
    INSERT INTO match_model (parameters, bands, terms, records, iterations)
    VALUES (${JSON.stringify(learned.parameters)}::jsonb, ${JSON.stringify(bands)}::jsonb,
      ${JSON.stringify(terms)}::jsonb, ${records}, ${learned.iterations})
    RETURNING version`);
  return version;
}
