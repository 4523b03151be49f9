import { findAttribute } from '../catalogue/catalogue.js';
import { type Comparison, type Leaf as Atom, leavesOf, type Operand, type Rule } from '../rule/rule.js';
import { canMiss } from '../scan/scan.js';

/** A value that stands for all values of a feature which no comparison of the rules tells from it. */
export type Cell = string | number | boolean | undefined;

/** What the rules ask about one feature, and the values that tell all answers apart. */
export interface Variable {
  key: string;
  /** What has the value; undefined where the rules ask for more than one at once. */
  subject: Operand | undefined;
  cells: readonly Cell[];
}

/** Sorts after every character, and no bank writes it. */
const LAST = '￿';

const compare: Readonly<Record<Comparison, (a: number | string | boolean, b: number | string | boolean) => boolean>> = {
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
};

const isValue = (side: Operand): side is Extract<Operand, { value: string | number | boolean }> => 'value' in side;

/** The value that an atom asks about against constants, a feature or reckoned from some; undefined for two of them. */
function subject(atom: Atom): Operand | undefined {
  if (atom.kind === 'feature') return { type: 'bool', feature: atom.feature };
  if (!('left' in atom) || isValue(atom.left)) return undefined;
  if (atom.kind === 'compare' && !isValue(atom.right)) return undefined;
  return atom.left;
}

/** A proof asks for the same keys again and again. */
const keys = new WeakMap<Atom, string>();

/** What tells the variable of an atom from others: its value, or the whole atom where that is not enough. */
export function variableKey(atom: Atom): string {
  const known = keys.get(atom);
  if (known !== undefined) return known;
  const { span: _span, ...asked } = atom;
  const key = JSON.stringify(subject(atom) ?? asked);
  keys.set(atom, key);
  return key;
}

/** Whether the atom holds when its variable has that value; a comparison with a missing value is false. */
export function holds(atom: Atom, cell: Cell): boolean {
  if (!subject(atom) || atom.kind === 'feature' || atom.kind === 'constant') return cell === true;
  if (cell === undefined) return false;
  switch (atom.kind) {
    case 'compare':
      return isValue(atom.right) && compare[atom.op](cell, atom.right.value);
    case 'in':
      return atom.values.includes(cell as string | number);
    case 'startsWith':
      return String(cell).startsWith(atom.prefix);
    default:
      return cell === true;
  }
}

function constantsOf(atom: Atom): (string | number | boolean)[] {
  if (!subject(atom)) return [];
  if (atom.kind === 'compare' && isValue(atom.right)) return [atom.right.value];
  return atom.kind === 'in' ? [...atom.values] : [];
}

function numberCells(
  constants: readonly number[],
  whole: boolean,
  { least = Number.NEGATIVE_INFINITY, most = Number.POSITIVE_INFINITY }: { least?: number; most?: number } = {},
): number[] {
  const sorted = [...new Set(constants)].sort((a, b) => a - b);
  const [first = 0] = sorted;
  const last = sorted.at(-1) ?? 0;
  // Of whole numbers, every stretch between two constants has one beside a constant.
  const found = whole
    ? sorted.flatMap((one) => [Math.floor(one) - 1, Math.floor(one), Math.ceil(one), Math.ceil(one) + 1])
    : [
        first - 1 - Math.abs(first) / 1000,
        ...sorted,
        ...sorted.slice(1).map((one, index) => ((sorted[index] ?? one) + one) / 2),
        last + 1 + Math.abs(last) / 1000,
      ];
  // Between the end of the range and the nearest constant may be nothing but that end.
  const ends = [least, most].filter(Number.isFinite);
  return [...new Set([...found, ...ends])].filter((one) => one >= least && one <= most);
}

/** The day before or after a day number. */
function nextDay(day: number, step: number): number {
  const date = new Date(0);
  date.setUTCFullYear(Math.floor(day / 10_000), (Math.floor(day / 100) % 100) - 1, (day % 100) + step);
  return date.getUTCFullYear() * 10_000 + (date.getUTCMonth() + 1) * 100 + date.getUTCDate();
}

function textCells(constants: readonly string[], prefixes: readonly string[]): string[] {
  // A text that is no constant answers by its longest prefix alone.
  return [...new Set([...constants, ...prefixes.map((prefix) => prefix + LAST), LAST])];
}

/** Whether a number has no decimals whatever the party is. */
function isWhole(value: Operand): boolean {
  if ('feature' in value) return !findAttribute(value.feature.key)?.decimals;
  if ('parts' in value) return value.op !== '/' && value.parts.every(isWhole);
  return 'size' in value || Number.isInteger(value.value);
}

/** The values that tell apart everything the atoms ask about one variable, in a fixed order. */
function cellsOf(atoms: readonly Atom[]): Cell[] {
  const [first] = atoms;
  const about = first && subject(first);
  if (!about) return [true, false];
  const spec = 'feature' in about ? findAttribute(about.feature.key) : undefined;
  const missing: Cell[] = canMiss(about) ? [undefined] : [];
  const constants = atoms.flatMap(constantsOf);
  switch (about.type) {
    case 'bool':
      return [true, false, ...missing];
    case 'number': {
      const range = 'size' in about ? { least: 0 } : spec?.range;
      return [...numberCells(constants as number[], isWhole(about), range), ...missing];
    }
    case 'date': {
      const days = (constants as number[]).flatMap((day) => [nextDay(day, -1), day, nextDay(day, 1)]);
      return [...new Set(days), ...missing];
    }
    default: {
      if (spec?.values) return [...Object.keys(spec.values), ...missing];
      const prefixes = atoms.flatMap((atom) => (atom.kind === 'startsWith' ? [atom.prefix] : []));
      return [...textCells(constants as string[], prefixes), ...missing];
    }
  }
}

/** Every variable of the rules with its cells. */
export function variablesOf(rules: readonly Rule[]): Map<string, Variable> {
  const atoms = new Map<string, Atom[]>();
  for (const atom of rules.flatMap(leavesOf)) {
    const key = variableKey(atom);
    atoms.set(key, [...(atoms.get(key) ?? []), atom]);
  }
  return new Map(
    [...atoms].map(([key, about]) => {
      const [first] = about;
      return [key, { key, subject: first && subject(first), cells: cellsOf(about) }];
    }),
  );
}
