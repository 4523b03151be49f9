import { type AttributeSpec, findAttribute } from '../catalogue/catalogue.js';
import type { Comparison, Feature, Leaf, Rule, Span } from './tree.js';

/** Why a part of a rule takes nobody, whatever the parties are like. */
export interface Impossible {
  span: Span;
  message: string;
}

type Constant = string | number | boolean;
/** What is asked of one feature: constants that it may be, constants that it may not be, and how far it reaches. */
interface Asked {
  spec: AttributeSpec;
  allowed: ReadonlySet<Constant> | undefined;
  excluded: ReadonlySet<Constant>;
  least: number;
  /** Whether `least` itself is out; so for `most`. */
  overLeast: boolean;
  most: number;
  underMost: boolean;
  prefixes: readonly string[];
}
/** One question about one feature. */
type Question = { op: Comparison; value: Constant } | { among: readonly Constant[] } | { prefix: string };

const opposite: Readonly<Record<Comparison, Comparison>> = {
  '==': '!=',
  '!=': '==',
  '<': '>=',
  '<=': '>',
  '>': '<=',
  '>=': '<',
};

function everything(spec: AttributeSpec): Asked {
  const known = spec.type === 'bool' ? [true, false] : Object.keys(spec.values ?? {});
  return {
    spec,
    allowed: known.length > 0 ? new Set<Constant>(known) : undefined,
    excluded: new Set(),
    least: spec.range?.least ?? Number.NEGATIVE_INFINITY,
    overLeast: false,
    most: spec.range?.most ?? Number.POSITIVE_INFINITY,
    underMost: false,
    prefixes: [],
  };
}

function among(asked: Asked, values: readonly Constant[]): Asked {
  const wanted = new Set(values);
  const { allowed } = asked;
  return { ...asked, allowed: allowed ? new Set([...wanted].filter((value) => allowed.has(value))) : wanted };
}

function narrowed(asked: Asked, question: Question): Asked {
  if ('among' in question) return among(asked, question.among);
  if ('prefix' in question) return { ...asked, prefixes: [...asked.prefixes, question.prefix] };
  const { op, value } = question;
  if (op === '==') return among(asked, [value]);
  if (op === '!=') return { ...asked, excluded: new Set([...asked.excluded, value]) };
  const bound = Number(value);
  const strict = op === '<' || op === '>';
  if (op === '<' || op === '<=') {
    if (bound > asked.most) return asked;
    return { ...asked, most: bound, underMost: strict || (asked.underMost && bound === asked.most) };
  }
  if (bound < asked.least) return asked;
  return { ...asked, least: bound, overLeast: strict || (asked.overLeast && bound === asked.least) };
}

/** Whether numbers of the feature have nothing between one and the next. */
const isWhole = ({ type, decimals }: AttributeSpec) => type === 'date' || (type === 'number' && !decimals);

function fits(value: Constant, asked: Asked): boolean {
  const { least, most, overLeast, underMost, excluded, prefixes, spec } = asked;
  if (excluded.has(value)) return false;
  if (typeof value === 'string') return prefixes.every((prefix) => value.startsWith(prefix));
  if (typeof value === 'boolean') return true;
  if (isWhole(spec) && !Number.isInteger(value)) return false;
  return (overLeast ? value > least : value >= least) && (underMost ? value < most : value <= most);
}

/** Whether there is no value that answers all that is asked. */
function isEmpty(asked: Asked): boolean {
  const { allowed, spec, prefixes, least, most, overLeast, underMost, excluded } = asked;
  if (allowed) return ![...allowed].some((value) => fits(value, asked));
  if (spec.type === 'string') {
    const longest = prefixes.reduce((one, other) => (other.length > one.length ? other : one), '');
    return prefixes.some((prefix) => !longest.startsWith(prefix));
  }
  if (!isWhole(spec)) return least > most || (least === most && (overLeast || underMost || excluded.has(least)));
  const first = Number.isInteger(least) && overLeast ? least + 1 : Math.ceil(least);
  const last = Number.isInteger(most) && underMost ? most - 1 : Math.floor(most);
  if (first > last) return true;
  // Every one of a few that are left may be excluded.
  const left = last - first + 1;
  if (left > excluded.size) return false;
  return Array.from({ length: left }, (_, nth) => first + nth).every((value) => excluded.has(value));
}

/** The question of a leaf about one feature; undefined when it asks something else. */
function questionOf(leaf: Leaf, turned: boolean): { feature: Feature; question: Question } | undefined {
  switch (leaf.kind) {
    case 'feature':
      return { feature: leaf.feature, question: { op: '==', value: !turned } };
    case 'compare': {
      if (!('feature' in leaf.left) || !('value' in leaf.right)) return undefined;
      const op = turned ? opposite[leaf.op] : leaf.op;
      return { feature: leaf.left.feature, question: { op, value: leaf.right.value } };
    }
    case 'in':
      if (!('feature' in leaf.left) || turned) return undefined;
      return { feature: leaf.left.feature, question: { among: leaf.values } };
    case 'startsWith':
      if (!('feature' in leaf.left) || turned) return undefined;
      return { feature: leaf.left.feature, question: { prefix: leaf.prefix } };
    default:
      return undefined;
  }
}

function isLeaf(rule: Rule): rule is Leaf {
  return rule.kind !== 'and' && rule.kind !== 'or' && rule.kind !== 'not';
}

/** Goes through the parts that must all hold; gives the first with which the ones before it cannot. */
function together(parts: readonly Rule[]): Impossible | undefined {
  const known = new Map<string, Asked>();
  for (const part of parts) {
    let turned = false;
    let leaf: Rule = part;
    for (; leaf.kind === 'not'; leaf = leaf.part) turned = !turned;
    if (!isLeaf(leaf)) continue;
    const asks = questionOf(leaf, turned);
    const spec = asks && findAttribute(asks.feature.key);
    // What is missing answers no comparison, so the opposite of one is not a comparison itself.
    if (!asks || !spec || (turned && spec.missing)) continue;
    const key = JSON.stringify(asks.feature);
    const before = known.get(key);
    const asked = narrowed(before ?? everything(spec), asks.question);
    if (isEmpty(asked)) {
      const why = before
        ? `No party can meet this and what stands before it about ${spec.key}.`
        : `No party can meet this: ${rangeWords(spec)}.`;
      return { span: leaf.span, message: why };
    }
    known.set(key, asked);
  }
  return undefined;
}

function rangeWords(spec: AttributeSpec): string {
  const { least, most } = spec.range ?? {};
  const whole = isWhole(spec) && spec.type === 'number' ? 'a whole number' : 'a value';
  const from = least === undefined ? '' : ` of at least ${least}`;
  const to = most === undefined ? '' : `${from === '' ? ' of' : ' and'} at most ${most}`;
  return `${spec.key} is ${whole}${from}${to}`;
}

/** Whether a rule is true, or false, for everybody by the constants in it; undefined when that depends. */
function settled(rule: Rule): boolean | undefined {
  switch (rule.kind) {
    case 'constant':
      return rule.value;
    case 'not': {
      const part = settled(rule.part);
      return part === undefined ? undefined : !part;
    }
    case 'and':
    case 'or': {
      const parts = rule.parts.map(settled);
      const decisive = rule.kind === 'or';
      if (parts.includes(decisive)) return decisive;
      return parts.includes(undefined) ? undefined : !decisive;
    }
    default:
      return undefined;
  }
}

function partIn(rule: Rule): Impossible | undefined {
  switch (rule.kind) {
    case 'and':
    case 'or':
      for (const part of rule.parts) {
        const found = partIn(part);
        if (found) return found;
      }
      return rule.kind === 'and' ? together(rule.parts) : undefined;
    case 'not':
      return partIn(rule.part) ?? together([rule]);
    case 'in':
      if (rule.values.length === 0) return { span: rule.span, message: 'The list is empty: nobody is in it.' };
      return together([rule]);
    default:
      return together([rule]);
  }
}

/**
 * The first part of a rule that no party could ever meet: a value out of the range of its attribute, a list with nothing
 * in it, conditions of one attribute that exclude each other; or the rule itself, when its constants settle it. Looks at
 * what is joined with &&, each attribute by itself: what it gives is impossible for sure, and not all that is impossible
 * is found. Pure.
 */
export function impossiblePart(rule: Rule): Impossible | undefined {
  const found = partIn(rule);
  if (found) return found;
  if (settled(rule) !== false) return undefined;
  return { span: { start: 0, end: 0 }, message: 'The rule takes nobody, whoever they are.' };
}
