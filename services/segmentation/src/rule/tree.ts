import type { ValueType } from '../catalogue/catalogue.js';

/** Which transactions an attribute looks at; empty lists mean all. */
export interface TransactionFilter {
  direction?: string;
  operations?: readonly string[];
}

/** A checked attribute with its arguments: a value that every party has or misses. */
export type Feature =
  | { key: 'party.kind' | 'party.sex' | 'party.region' | 'party.district' | 'party.branch' | 'party.source' }
  | { key: 'party.age' | 'party.birth_date' | 'holdings.balance' }
  | { key: 'holdings.count'; kind?: string }
  | { key: 'tx.count' | 'tx.sum' | 'tx.average'; filter: TransactionFilter; windowMs: number }
  | { key: 'tx.last_days'; filter: TransactionFilter }
  | { key: 'consent'; purpose: string; channel: string };

/** A calendar day as one number, 19940331: it sorts as days do, and no day is out of its range. */
export type DayNumber = number;

/** One side of a comparison. The value of a date is its day number. */
export type Operand = { type: ValueType; feature: Feature } | { type: ValueType; value: string | number | boolean };

export type Comparison = '==' | '!=' | '<' | '<=' | '>' | '>=';

/** A rule that was checked: every name is known and every comparison is of like types. */
export type Rule =
  | { kind: 'and' | 'or'; parts: readonly Rule[] }
  | { kind: 'not'; part: Rule }
  | { kind: 'constant'; value: boolean }
  | { kind: 'feature'; feature: Feature }
  | { kind: 'compare'; op: Comparison; left: Operand; right: Operand }
  | { kind: 'in'; left: Operand; values: readonly (string | number)[] }
  | { kind: 'startsWith'; left: Operand; prefix: string };

/** Every feature of a rule, as often as it occurs. */
export function featuresOf(rule: Rule): Feature[] {
  switch (rule.kind) {
    case 'and':
    case 'or':
      return rule.parts.flatMap(featuresOf);
    case 'not':
      return featuresOf(rule.part);
    case 'constant':
      return [];
    case 'feature':
      return [rule.feature];
    case 'compare':
      return [rule.left, rule.right].flatMap((side) => ('feature' in side ? [side.feature] : []));
    default:
      return 'feature' in rule.left ? [rule.left.feature] : [];
  }
}
