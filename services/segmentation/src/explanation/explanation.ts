import {
  type DatedLeaf,
  type DayNumber,
  describeRule,
  featuresOf,
  type Leaf,
  type Rule,
  type SegmentRule,
  type SegmentRules,
} from '../rule/rule.js';

/** More leaves than this are told as they stand: a page has an end, and so has a statement. */
const MOST_LEAVES = 300;

/** A rule part by part, down to the rules of the segments that it asks for. */
export interface Told {
  rule: Rule;
  /** The text in which the part stands, and of another segment its version, `segments/{id}@{version}`. */
  text: string;
  segmentVersion: string;
  asOf: DayNumber;
  parts: readonly Told[];
  /** Which leaf it is; undefined for brackets. */
  leaf?: number;
  /** Of a leaf that asks for a segment: the rule of that, and whether the party is where that segment looks at all. */
  asked?: { told: Told; inside: boolean };
}

/** A part with what it found for one party, brackets and all. */
export interface Found extends Omit<Told, 'parts'> {
  holds: boolean;
  /** Whether the answer of the whole hangs on it. */
  decides: boolean;
  /** How many brackets it stands in. */
  depth: number;
}

/** What a rule is opened with: the segments in use, and of each whether it may be opened and looks at the party. */
export interface Opening {
  segments?: SegmentRules | undefined;
  inside(segment: SegmentRule): boolean;
  mayOpen(segment: SegmentRule): boolean;
}

const nothing: Opening = { inside: () => false, mayOpen: () => false };

function isLeaf(rule: Rule): rule is Leaf {
  return rule.kind !== 'and' && rule.kind !== 'or' && rule.kind !== 'not';
}

/**
 * A rule part by part, with the leaves that have to be asked, each with its day. A leaf that asks for another segment is
 * followed by the rule of that, which cannot lead back: circles are never in use. Pure.
 */
export function tell(
  { rule, text, asOf }: { rule: Rule; text: string; asOf: DayNumber },
  { segments, inside, mayOpen }: Opening = nothing,
): { told: Told; leaves: DatedLeaf[] } {
  const leaves: DatedLeaf[] = [];
  const walk = (part: Rule, place: Pick<Told, 'text' | 'segmentVersion' | 'asOf'>): Told => {
    if (!isLeaf(part)) {
      const inner = part.kind === 'not' ? [part.part] : part.parts;
      return { ...place, rule: part, parts: inner.map((one) => walk(one, place)) };
    }
    const leaf = leaves.length;
    leaves.push({ leaf: part, asOf: place.asOf });
    const own: Told = { ...place, rule: part, parts: [], leaf };
    const asked = featuresOf(part).find(({ key }) => key === 'segment.member');
    const id = String(asked?.args['segment'] ?? '');
    const segment = asked && segments?.get(id);
    if (!segment || !mayOpen(segment) || leaves.length >= MOST_LEAVES) return own;
    const opened = {
      text: segment.text,
      segmentVersion: `segments/${id}@${segment.version}`,
      asOf: segment.asOf ?? place.asOf,
    };
    return { ...own, asked: { told: walk(segment.rule, opened), inside: inside(segment) } };
  };
  const told = walk(rule, { text, segmentVersion: '', asOf });
  return { told, leaves };
}

function holds({ rule, parts, leaf }: Told, verdicts: readonly boolean[]): boolean {
  switch (rule.kind) {
    case 'and':
      return parts.every((part) => holds(part, verdicts));
    case 'or':
      return parts.some((part) => holds(part, verdicts));
    case 'not':
      return !parts.some((part) => holds(part, verdicts));
    default:
      return verdicts[leaf ?? -1] ?? false;
  }
}

/**
 * A rule part by part, outer parts before those in them, from the verdicts of its leaves. Of brackets that decide, those
 * parts decide that alone make them what they are: where all have to hold and some do not, those that do not; where one
 * has to hold and some do, those that do; otherwise all. Of a segment that decides its rule decides, unless the party is
 * where the segment does not look. Pure.
 */
export function partsOf(told: Told, verdicts: readonly boolean[]): Found[] {
  const found: Found[] = [];
  const walk = ({ parts, ...part }: Told, decides: boolean, depth: number): void => {
    const answer = holds({ parts, ...part }, verdicts);
    found.push({ ...part, holds: answer, decides, depth });
    const { rule, asked } = part;
    if (asked) walk(asked.told, decides && asked.inside, depth + 1);
    // Where one part alone is enough for the answer, only parts of that answer decide.
    const alone = (rule.kind === 'or' || rule.kind === 'and') && (rule.kind === 'or') === answer;
    for (const inner of parts) walk(inner, decides && (!alone || holds(inner, verdicts) === answer), depth + 1);
  };
  walk(told, true, 0);
  return found;
}

/**
 * The conditions that decided, in words: "age is at least 60; it is not so that number of owned loans is 0". What decided
 * within another segment stands in brackets behind that.
 */
export function decidingWords(parts: readonly Found[]): string {
  const said: string[] = [];
  for (let index = 0; index < parts.length; index += 1) {
    const part = parts[index];
    if (!part || part.leaf === undefined || !part.decides) continue;
    const words = describeRule(part.rule);
    const after = parts.slice(index + 1);
    const end = after.findIndex(({ depth }) => depth <= part.depth);
    const within = part.asked ? after.slice(0, end < 0 ? after.length : end) : [];
    const inner = decidingWords(within);
    said.push(`${part.holds ? words : `it is not so that ${words}`}${inner ? ` (${inner})` : ''}`);
    index += within.length;
  }
  return said.join('; ');
}
