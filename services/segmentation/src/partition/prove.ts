import { operandWords, type Rule, valueWords } from '../rule/rule.js';
import { type Cell, holds, type Variable, variableKey, variablesOf } from './cells.js';

/** What a proof says. */
export type Proof =
  | { verdict: 'proved' }
  /** Values that match several groups, or none; what is not named does not matter. */
  | { verdict: 'overlap' | 'gap'; groups: number[]; example: string; values: ReadonlyMap<string, Cell> }
  /** More combinations than are tried. */
  | { verdict: 'too complex' };

/** Combinations that are tried before a proof is given up; a second of work at the most. */
const BUDGET = 100_000;

/** Whether a rule holds when only some variables have a value; undefined when that is not enough. */
function partly(rule: Rule, values: ReadonlyMap<string, Cell>, known: (key: string) => boolean): boolean | undefined {
  switch (rule.kind) {
    case 'constant':
      return rule.value;
    case 'not': {
      const part = partly(rule.part, values, known);
      return part === undefined ? undefined : !part;
    }
    case 'and':
    case 'or': {
      const deciding = rule.kind === 'or';
      let open = false;
      for (const part of rule.parts) {
        const value = partly(part, values, known);
        if (value === deciding) return deciding;
        if (value === undefined) open = true;
      }
      return open ? undefined : !deciding;
    }
    default: {
      const key = variableKey(rule);
      return known(key) ? holds(rule, values.get(key)) : undefined;
    }
  }
}

/** A variable that the rule still waits for. */
function waitsFor(rule: Rule, values: ReadonlyMap<string, Cell>): string | undefined {
  switch (rule.kind) {
    case 'constant':
      return undefined;
    case 'not':
      return waitsFor(rule.part, values);
    case 'and':
    case 'or':
      for (const part of rule.parts) {
        if (partly(part, values, (key) => values.has(key)) !== undefined) continue;
        const found = waitsFor(part, values);
        if (found !== undefined) return found;
      }
      return undefined;
    default: {
      const key = variableKey(rule);
      return values.has(key) ? undefined : key;
    }
  }
}

function words(value: Cell, type: Parameters<typeof valueWords>[0]): string {
  if (value === undefined) return 'missing';
  if (typeof value === 'string') return value.endsWith('￿') ? 'something else' : value;
  return valueWords(type, value);
}

function describe(values: ReadonlyMap<string, Cell>, variables: ReadonlyMap<string, Variable>): string {
  return [...values]
    .map(([key, value]) => {
      const subject = variables.get(key)?.subject;
      return subject
        ? `${operandWords(subject)} is ${words(value, subject.type)}`
        : `${key} is ${words(value, 'bool')}`;
    })
    .join(' and ');
}

/**
 * Proves that exactly one of the rules holds whatever the values of their features are, or gives values for which several
 * hold or none. Features count as independent of each other, so that what is proved holds for every party, and a
 * counterexample may be one that no party can be. Each feature takes one value out of every stretch that its constants
 * tell apart; a branch ends as soon as the values so far decide. Exact for comparisons of a feature with constants.
 * Where a rule compares two features the comparison itself is what varies.
 */
export function provePartition(rules: readonly Rule[], most = BUDGET): Proof {
  const variables = variablesOf(rules);
  let budget = most;
  const values = new Map<string, Cell>();

  function search(): Proof | undefined {
    budget -= 1;
    if (budget < 0) return { verdict: 'too complex' };
    const answers = rules.map((rule) => partly(rule, values, (key) => values.has(key)));
    const matching = answers.flatMap((answer, index) => (answer === true ? [index] : []));
    const open = answers.indexOf(undefined);
    if (matching.length > 1) return found('overlap', matching.slice(0, 2));
    if (open < 0) return matching.length === 0 ? found('gap', []) : undefined;
    const rule = rules[open] as Rule;
    const key = waitsFor(rule, values);
    const variable = key === undefined ? undefined : variables.get(key);
    if (!variable) throw new Error('a rule is undecided and waits for nothing');
    for (const cell of variable.cells) {
      values.set(variable.key, cell);
      const proof = search();
      if (proof) return proof;
    }
    values.delete(variable.key);
    return undefined;
  }

  function found(verdict: 'overlap' | 'gap', groups: number[]): Proof {
    return { verdict, groups, example: describe(values, variables), values: new Map(values) };
  }

  return search() ?? { verdict: 'proved' };
}
