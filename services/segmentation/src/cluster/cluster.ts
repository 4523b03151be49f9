import type { Parameter } from '@rapport/kit/analytics';
import type { Cluster, ClusterChoice, ClusterFeature, ClusterModel, ClusterPlan } from '@rapport/proto/segmentation/v1';
import { findAttribute } from '../catalogue/catalogue.js';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { type Found, measure, readNumber, type Scan, type ScannedScheme, sampleOf } from '../scan/scan.js';
import { type Operand, operandWords } from '../rule/rule.js';
import { dateMessage } from '../segment/segment.js';
import { kMeans, matchClusters, nearest, type Point, randomOf, silhouette } from './k-means.js';

type Raw = (number | null)[];

const SAMPLE = 20_000;
/** Points by which clusters are judged; the work grows with their square. */
const JUDGED = 1000;
const MOST_CHOSEN = 8;

/** How a number is measured, by the parties of a sample. */
function featureOf(feature: string, values: readonly (number | null)[]): ClusterFeature {
  const known = values.filter((one) => one !== null).sort((a, b) => a - b);
  const at = (share: number) => known[Math.min(known.length - 1, Math.floor(share * known.length))] ?? 0;
  const [low, high] = [at(0.01), at(0.99)];
  const cut = known.map((one) => Math.min(Math.max(one, low), high));
  const mean = cut.reduce((sum, one) => sum + one, 0) / Math.max(cut.length, 1);
  const variance = cut.reduce((sum, one) => sum + (one - mean) ** 2, 0) / Math.max(cut.length, 1);
  return { feature, low, high, mean, deviation: variance > 0 ? Math.sqrt(variance) : 1 };
}

/** A party as a point: deviations from the mean of all; a missing number is the mean. */
function pointOf(raw: Raw, features: readonly ClusterFeature[]): Point {
  return features.map(({ low, high, mean, deviation }, index) => {
    const value = raw[index];
    return value === null || value === undefined ? 0 : (Math.min(Math.max(value, low), high) - mean) / deviation;
  });
}

function titleZh(value: Operand): string {
  if ('feature' in value) return findAttribute(value.feature.key)?.title.zh ?? value.feature.key;
  if ('parts' in value) return value.parts.map(titleZh).join(value.op);
  return 'size' in value ? titleZh(value.size) : String(value.value);
}

/** What tells a cluster from the others, the most telling first: "high balance of the owned accounts, low age". */
function profileOf(centre: Point, features: readonly ClusterFeature[]): { profile: string; profileZh: string } {
  const telling = centre
    .map((deviation, index) => ({ deviation, read: readNumber(features[index]?.feature ?? '') }))
    .filter(({ deviation }) => Math.abs(deviation) >= 0.4)
    .sort((a, b) => Math.abs(b.deviation) - Math.abs(a.deviation))
    .slice(0, 4)
    .flatMap(({ deviation, read }) => ('value' in read ? [{ deviation, value: read.value }] : []));
  const words = telling.map(({ deviation, value }) => {
    const much = Math.abs(deviation) >= 1;
    const high = deviation > 0;
    return {
      en: `${much ? 'very ' : ''}${high ? 'high' : 'low'} ${operandWords(value)}`,
      zh: `${titleZh(value)}${much ? '很' : '较'}${high ? '高' : '低'}`,
    };
  });
  if (words.length === 0) return { profile: 'average in everything', profileZh: '各方面均为平均水平' };
  return { profile: words.map(({ en }) => en).join(', '), profileZh: words.map(({ zh }) => zh).join('，') };
}

/** The middles of the clusters; where the plan does not name their number, those of the best silhouette among all tried. */
async function centresOf(
  points: readonly Point[],
  plan: ClusterPlan,
  signal: AbortSignal,
): Promise<{ centres: Point[]; choices: ClusterChoice[] }> {
  const random = () => randomOf(plan.seed);
  if (plan.clusters > 0) {
    return { centres: (await kMeans(points, plan.clusters, { random: random(), signal })).centres, choices: [] };
  }
  let best: { centres: Point[]; quality: number } = { centres: [], quality: Number.NEGATIVE_INFINITY };
  const choices: ClusterChoice[] = [];
  let before: readonly Point[] | undefined;
  for (let k = 2; k <= MOST_CHOSEN; k += 1) {
    const { centres, inertia } = await kMeans(points, k, { random: random(), tries: 2, before, signal });
    before = centres;
    // Of fewer different points than clusters, further ones tell nothing.
    if (centres.length < k) break;
    const quality = await silhouette(points.slice(0, JUDGED), centres);
    choices.push({ clusters: k, silhouette: quality, inertia: inertia / points.length });
    if (quality > best.quality) best = { centres, quality };
  }
  return { centres: best.centres, choices };
}

/** Names for new clusters: that of the old one whose members they have, else the next number that was never used. */
function namesOf(
  now: readonly number[],
  count: number,
  before: { model: ClusterModel; places: readonly number[] } | undefined,
): { ids: string[]; kept: number } {
  const shares = Array.from({ length: count }, (_, index) => now.filter((one) => one === index).length);
  const bySize = shares.map((_, index) => index).sort((a, b) => (shares[b] ?? 0) - (shares[a] ?? 0));
  const ids: string[] = [];
  let free = 1;
  let kept = 0;
  if (before) {
    const olds = before.model.clusters;
    const shared = shares.map(() => olds.map(() => 0));
    now.forEach((place, index) => {
      const row = shared[place];
      const old = before.places[index] ?? 0;
      if (row) row[old] = (row[old] ?? 0) + 1;
    });
    matchClusters(shared).forEach((old, index) => {
      const id = old === undefined ? undefined : olds[old]?.groupId;
      if (id === undefined || old === undefined) return;
      ids[index] = id;
      kept += shared[index]?.[old] ?? 0;
    });
    free = Math.max(0, ...olds.map(({ groupId }) => Number(groupId.slice(1)))) + 1;
  }
  for (const index of bySize) {
    if (ids[index] !== undefined) continue;
    ids[index] = `c${free}`;
    free += 1;
  }
  return { ids, kept: now.length === 0 ? 0 : kept / now.length };
}

/**
 * Fits clusters on a sample, the same for the same facts and seed. With the model in use before, clusters that have the
 * members of an old one keep its name. Throws SAMPLE_TOO_SMALL.
 */
export async function fitClusters(
  deps: Deps,
  row: ScannedScheme,
  { plan, before }: { plan: ClusterPlan; before: ClusterModel | undefined },
  { day, progress, signal }: Scan,
): Promise<ClusterModel> {
  await progress('READING');
  const numbers = [...plan.features, ...(before?.features.map(({ feature }) => feature) ?? [])];
  const { text, parameters } = await measure(deps, row, { numbers, day });
  const raws = await sampleOf<{ raw: Raw }>(
    deps,
    { text, parameters },
    {
      columns: `[${numbers.map((_, index) => `m${index}`).join(', ')}] AS raw`,
      where: '1',
      seed: plan.seed,
      most: plan.sampleSize || SAMPLE,
      signal,
    },
  );
  if (raws.length < Math.max(10, plan.clusters)) throw fail('SAMPLE_TOO_SMALL');
  const features = plan.features.map((feature, index) =>
    featureOf(
      feature,
      raws.map(({ raw }) => raw[index] ?? null),
    ),
  );
  const points = raws.map(({ raw }) => pointOf(raw, features));
  await progress('FITTING');
  const { centres, choices } = await centresOf(points, plan, signal);
  if (centres.length < 2) throw fail('SAMPLE_TOO_SMALL');
  const places = points.map((point) => nearest(point, centres).index);
  const old = before?.clusters.map(({ centre }) => centre) ?? [];
  const { ids, kept } = namesOf(
    places,
    centres.length,
    before && {
      model: before,
      places: raws.map(({ raw }) => nearest(pointOf(raw.slice(plan.features.length), before.features), old).index),
    },
  );
  const clusters = centres.map((centre, index): Cluster => {
    const members = raws.filter((_, at) => places[at] === index).map(({ raw }) => raw);
    const means = features.map((_, axis) => {
      const known = members.flatMap((raw) => raw[axis] ?? []);
      return known.reduce((sum, one) => sum + one, 0) / Math.max(known.length, 1);
    });
    const share = members.length / raws.length;
    return { groupId: ids[index] ?? '', centre: [...centre], means, share, ...profileOf(centre, features) };
  });
  const number = ({ groupId }: Cluster) => Number(groupId.slice(1));
  return {
    features,
    clusters: clusters.sort((a, b) => number(a) - number(b)),
    silhouette: await silhouette(points.slice(0, JUDGED), centres),
    parties: BigInt(raws.length),
    asOf: dateMessage(day),
    kept,
    choices,
  };
}

/** The cluster of every party: the one whose middle is nearest. */
export async function findClusters(
  deps: Deps,
  row: ScannedScheme,
  model: ClusterModel,
  { day, progress }: Scan,
): Promise<Found> {
  const { text, parameters } = await measure(deps, row, { numbers: model.features.map(({ feature }) => feature), day });
  await progress('ASSIGNING');
  const bound: Record<string, Parameter> = { cluster_ids: model.clusters.map(({ groupId }) => groupId) };
  const axes = model.features.map(({ low, high, mean, deviation }, index) => {
    Object.assign(bound, {
      [`low${index}`]: low,
      [`high${index}`]: high,
      [`mean${index}`]: mean,
      [`dev${index}`]: deviation,
    });
    const cut = `least(greatest(m${index}, {low${index}:Float64}), {high${index}:Float64})`;
    return `ifNull((${cut} - {mean${index}:Float64}) / {dev${index}:Float64}, 0)`;
  });
  const distances = model.clusters.map(({ centre }, index) => {
    bound[`centre${index}`] = [...centre];
    return `L2SquaredDistance(point, {centre${index}:Array(Float64)})`;
  });
  return {
    text: `SELECT *, [${distances.join(', ')}] AS distances FROM (SELECT *, [${axes.join(', ')}] AS point FROM (${text}))`,
    parameters: { ...parameters, ...bound },
    group: '{cluster_ids:Array(String)}[indexOf(distances, arrayMin(distances))]',
    score: 'sqrt(arrayMin(distances))',
    tolerance: 0.25,
  };
}
