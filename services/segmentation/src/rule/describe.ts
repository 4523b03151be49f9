import type { Comparison, Feature, Operand, Rule, TransactionFilter } from './tree.js';

const words: Readonly<Record<Comparison, string>> = {
  '==': 'is',
  '!=': 'is not',
  '<': 'is less than',
  '<=': 'is at most',
  '>': 'is more than',
  '>=': 'is at least',
};

const plain: Readonly<Partial<Record<Feature['key'], string>>> = {
  'party.birth_date': 'date of birth',
  'holdings.balance': 'balance of the owned accounts',
};

const nouns: Readonly<Record<string, string>> = {
  account: 'owned accounts',
  loan: 'owned loans',
  card: 'owned cards',
  standing_order: 'standing orders',
};

function lengthOf(milliseconds: number): string {
  const units = [
    ['day', 86_400_000],
    ['hour', 3_600_000],
    ['minute', 60_000],
    ['second', 1000],
  ] as const;
  const [name, size] = units.find(([, size]) => milliseconds % size === 0) ?? (['millisecond', 1] as const);
  const count = milliseconds / size;
  return count === 1 ? `last ${name}` : `last ${count} ${name}s`;
}

function transactionsOf({ direction, operations }: TransactionFilter): string {
  const noun = direction === 'credit' ? 'credits' : direction === 'debit' ? 'debits' : 'transactions';
  return operations ? `${noun} (${operations.join(', ').replaceAll('_', ' ')})` : noun;
}

function featureWords(feature: Feature): string {
  switch (feature.key) {
    case 'holdings.count':
      return `number of ${feature.kind ? nouns[feature.kind] : 'owned holdings'}`;
    case 'tx.count':
      return `number of ${transactionsOf(feature.filter)} in the ${lengthOf(feature.windowMs)}`;
    case 'tx.sum':
      return `sum of ${transactionsOf(feature.filter)} in the ${lengthOf(feature.windowMs)}`;
    case 'tx.average':
      return `average of ${transactionsOf(feature.filter)} in the ${lengthOf(feature.windowMs)}`;
    case 'tx.last_days':
      return `days since the last of all ${transactionsOf(feature.filter)}`;
    case 'consent':
      return `consent to ${feature.purpose} by ${feature.channel}`;
    default:
      return plain[feature.key] ?? feature.key.slice(feature.key.indexOf('.') + 1);
  }
}

function valueWords(type: Operand['type'], value: string | number | boolean): string {
  if (type === 'date') {
    const digits = String(value).padStart(8, '0');
    return `${digits.slice(0, 4)}-${digits.slice(4, 6)}-${digits.slice(6)}`;
  }
  return String(value);
}

function operandWords(operand: Operand): string {
  return 'feature' in operand ? featureWords(operand.feature) : valueWords(operand.type, operand.value);
}

function inBrackets(rule: Rule, inside: 'and' | 'or'): string {
  const text = describeRule(rule);
  return (rule.kind === 'and' || rule.kind === 'or') && rule.kind !== inside ? `(${text})` : text;
}

/** The rule in words, for people. */
export function describeRule(rule: Rule): string {
  switch (rule.kind) {
    case 'and':
    case 'or': {
      const { kind } = rule;
      return rule.parts.map((part) => inBrackets(part, kind)).join(` ${kind} `);
    }
    case 'not':
      return `not (${describeRule(rule.part)})`;
    case 'constant':
      return rule.value ? 'everybody' : 'nobody';
    case 'feature':
      return featureWords(rule.feature);
    case 'compare':
      return `${operandWords(rule.left)} ${words[rule.op]} ${operandWords(rule.right)}`;
    case 'in': {
      const values = rule.values.map((value) => valueWords(rule.left.type, value));
      return `${operandWords(rule.left)} is one of ${values.join(', ')}`;
    }
    default:
      return `${operandWords(rule.left)} starts with ${rule.prefix}`;
  }
}
