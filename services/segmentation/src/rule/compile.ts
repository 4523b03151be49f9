import type { Parameter } from '@rapport/kit/analytics';
import { endOfDay, firstDayOfWindow } from './calendar.js';
import type { Comparison, DayNumber, Feature, Operand, Rule, TransactionFilter } from './tree.js';

/** A rule and the day that it looks at. */
export interface Dated {
  rule: Rule;
  asOf: DayNumber;
}

/** How the parties that rules look at are limited. */
export interface Limits {
  /** Only the parties that are bound as `parties`, in every table that is read. */
  restricted?: boolean;
  /** Whether parties are merged: then a golden record has what all of its members have, and they are not looked at. */
  merged?: boolean;
  /** A condition on the columns of `p`, with what it binds. */
  where?: { text: string; parameters: Record<string, Parameter> };
}

/** Several rules as parts of one statement. Values are bound, never in the text. */
export interface CompiledRules {
  /** What stands after FROM; the party is `p`. */
  from: string;
  /** One condition per rule, in their order: 0 or 1, never NULL. */
  conditions: string[];
  parameters: Record<string, Parameter>;
}

/** A feature in SQL, and whether it can be NULL. */
interface Column {
  sql: string;
  nullable: boolean;
}

const operators: Readonly<Record<Comparison, string>> = {
  '==': '=',
  '!=': '!=',
  '<': '<',
  '<=': '<=',
  '>': '>',
  '>=': '>=',
};

const valueTypes = { number: 'Float64', string: 'String', bool: 'Bool', date: 'Int32' } as const;

/** One source of columns beside the party: named expressions over one grouped scan. */
function columnsOf(prefix: string) {
  const known = new Map<string, string>();
  return {
    /** The column of that expression, shared by all rules that need it. */
    add(expression: string): string {
      const name = known.get(expression) ?? `${prefix}${known.size}`;
      known.set(expression, name);
      return `${prefix}.${name}`;
    },
    list: (): [expression: string, name: string][] => [...known],
  };
}

/** The tables of facts, and what tells the rows of a joint holding apart where its owners are one golden record. */
const once = { party: '', holding: 'holding', booked_transaction: 'transaction', consent: 'consent' } as const;

type Source = (table: keyof typeof once, where?: string) => string;

const CHANGED = 'party IN {parties:Array(UUID)}';

/** The rows of a table of facts without duplicates: FINAL keeps the newest version of each. */
function sourceOf(restricted: boolean): Source {
  return (table, where = '1') => `(SELECT * FROM ${table} FINAL WHERE ${where}${restricted ? ` AND ${CHANGED}` : ''})`;
}

const ALIASES = '(SELECT party, golden FROM party_alias FINAL WHERE golden != party)';
/** Every party of a golden record that has several, itself included. */
const GROUPED = `(SELECT party, golden FROM ${ALIASES} UNION DISTINCT SELECT golden AS party, golden FROM ${ALIASES})`;

/**
 * The same where parties are merged: rows of a merged party count for its golden record, what two of its members have
 * together once. All others are read as they are, so that merges cost by their number and not by that of all parties.
 */
function sourceOfMerged(restricted: boolean): Source {
  const changed = restricted ? ` AND ${CHANGED}` : '';
  return (table, where = '1') => {
    if (table === 'party') {
      return `(SELECT * FROM party FINAL WHERE ${where}${changed} AND party NOT IN (SELECT party FROM ${ALIASES}))`;
    }
    const group = restricted ? `(SELECT * FROM ${GROUPED} WHERE golden IN {parties:Array(UUID)})` : GROUPED;
    return `(SELECT * FROM ${table} FINAL WHERE ${where}${changed} AND party NOT IN (SELECT party FROM ${GROUPED})
      UNION ALL SELECT * FROM (
        SELECT g.golden AS party, f.* EXCEPT (party)
        FROM (SELECT * FROM ${table} FINAL WHERE ${where} AND party IN (SELECT party FROM ${group})) AS f
          INNER JOIN ${group} AS g ON f.party = g.party)
      LIMIT 1 BY party, ${once[table]})`;
  };
}

/**
 * Compiles rules to one statement: each fact table is read once and grouped by owner, whatever the number of rules and
 * of features, and joined to the parties. The same tables, days and windows serve every rule.
 */
export function compileRules(rules: readonly Dated[], zone: string, limits: Limits = {}): CompiledRules {
  const bound = new Map<string, string>();
  const parameters: Record<string, Parameter> = { ...limits.where?.parameters };
  const holdings = columnsOf('h');
  const transactions = columnsOf('t');
  const accounts = columnsOf('b');
  const consents = columnsOf('c');
  const source = limits.merged ? sourceOfMerged(limits.restricted ?? false) : sourceOf(limits.restricted ?? false);

  function bind(value: Parameter, type: string): string {
    const key = `${type} ${value instanceof Date ? value.toISOString() : JSON.stringify(value)}`;
    const known = bound.get(key);
    if (known) return known;
    const name = `v${bound.size}`;
    parameters[name] = value;
    const placeholder = `{${name}:${type}}`;
    bound.set(key, placeholder);
    return placeholder;
  }

  function transactionFilter(asOf: DayNumber, filter: TransactionFilter, windowMs?: number): string {
    const parts = [`booking_date <= ${bind(asOf, 'Int32')}`];
    if (windowMs !== undefined) {
      parts.push(`booking_date >= ${bind(firstDayOfWindow(asOf, windowMs, zone), 'Int32')}`);
    }
    if (filter.direction) parts.push(`direction = ${bind(filter.direction, 'String')}`);
    if (filter.operations) parts.push(`operation IN ${bind(filter.operations, 'Array(String)')}`);
    return parts.join(' AND ');
  }

  function column(feature: Feature, asOf: DayNumber): Column {
    const day = bind(asOf, 'Int32');
    switch (feature.key) {
      case 'party.age':
        return {
          sql: `if(p.birth_date = 0 OR p.birth_date > ${day}, NULL, intDiv(${day} - p.birth_date, 10000))`,
          nullable: true,
        };
      case 'party.birth_date':
        return { sql: 'nullIf(p.birth_date, 0)', nullable: true };
      case 'holdings.count': {
        const kind = feature.kind ? ` AND kind = ${bind(feature.kind, 'String')}` : '';
        return {
          sql: holdings.add(`countIf(opened_date <= ${day} AND (closed_date = 0 OR closed_date > ${day})${kind})`),
          nullable: false,
        };
      }
      case 'holdings.balance': {
        // A transaction whose balance is not known (NULL) is passed over for the one before it.
        const last = `argMaxIf(balance_after, (booking_date, sequence, transaction), booking_date <= ${day})`;
        return { sql: accounts.add(last), nullable: false };
      }
      case 'tx.count':
        return {
          sql: transactions.add(`countIf(${transactionFilter(asOf, feature.filter, feature.windowMs)})`),
          nullable: false,
        };
      case 'tx.sum': {
        const filter = transactionFilter(asOf, feature.filter, feature.windowMs);
        return { sql: transactions.add(`toFloat64(sumIf(amount, ${filter}))`), nullable: false };
      }
      case 'tx.average': {
        const filter = transactionFilter(asOf, feature.filter, feature.windowMs);
        const average = `toFloat64(sumIf(amount, ${filter})) / nullIf(countIf(${filter}), 0)`;
        return { sql: transactions.add(average), nullable: true };
      }
      case 'tx.last_days': {
        const filter = transactionFilter(asOf, feature.filter);
        const last = `nullIf(maxIf(booking_date, ${filter}), 0)`;
        const days = `dateDiff('day', YYYYMMDDToDate32(${last}), YYYYMMDDToDate32(${day}))`;
        return { sql: transactions.add(days), nullable: true };
      }
      case 'consent': {
        const end = bind(endOfDay(asOf, zone), "DateTime64(3, 'UTC')");
        const filter = `purpose = ${bind(feature.purpose, 'String')} AND channel = ${bind(feature.channel, 'String')} AND effective_time < ${end}`;
        return {
          sql: `(${consents.add(`argMaxIf(granted, (effective_time, version), ${filter})`)} = 1)`,
          nullable: false,
        };
      }
      default:
        return { sql: `nullIf(p.${feature.key.slice('party.'.length)}, '')`, nullable: true };
    }
  }

  function operand(side: Operand, asOf: DayNumber): Column {
    if ('feature' in side) return column(side.feature, asOf);
    return { sql: bind(side.value, valueTypes[side.type]), nullable: false };
  }

  /** Conditions are two-valued: what has no answer is false. */
  function answered(text: string, nullable: boolean): string {
    return nullable ? `ifNull(${text}, 0)` : `(${text})`;
  }

  function condition(rule: Rule, asOf: DayNumber): string {
    switch (rule.kind) {
      case 'and':
      case 'or':
        return `(${rule.parts.map((part) => condition(part, asOf)).join(rule.kind === 'and' ? ' AND ' : ' OR ')})`;
      case 'not':
        return `(NOT ${condition(rule.part, asOf)})`;
      case 'constant':
        return rule.value ? '(1 = 1)' : '(1 = 0)';
      case 'feature':
        return column(rule.feature, asOf).sql;
      case 'compare': {
        const left = operand(rule.left, asOf);
        const right = operand(rule.right, asOf);
        return answered(`${left.sql} ${operators[rule.op]} ${right.sql}`, left.nullable || right.nullable);
      }
      case 'in': {
        if (rule.values.length === 0) return '(1 = 0)';
        const left = operand(rule.left, asOf);
        const values = bind(rule.values, `Array(${valueTypes[rule.left.type]})`);
        return answered(`has(${values}, ${left.sql})`, left.nullable);
      }
      default: {
        const left = operand(rule.left, asOf);
        return answered(`startsWith(${left.sql}, ${bind(rule.prefix, 'String')})`, left.nullable);
      }
    }
  }

  const conditions = rules.map(({ rule, asOf }) => condition(rule, asOf));
  // Whoever's processing is restricted is in no segment: a rule is not even asked about them.
  const parts = [`(SELECT * FROM ${source('party', "state != 'restricted'")} WHERE ${limits.where?.text ?? '1'}) AS p`];
  const join = (table: string, alias: string): void => {
    parts.push(`LEFT ANY JOIN ${table} AS ${alias} ON p.party = ${alias}.party`);
  };
  const select = (columns: [string, string][], table: keyof typeof once, where: string): string =>
    `(SELECT party, ${columns.map(([sql, name]) => `${sql} AS ${name}`).join(', ')}
      FROM ${source(table, where)} GROUP BY party)`;
  if (holdings.list().length > 0) join(select(holdings.list(), 'holding', 'owner'), 'h');
  // What is booked on loans, cards and deposits is seen from those: a loan paid back is a credit of the loan.
  const onAccounts = `owner AND holding_kind = 'account'`;
  if (transactions.list().length > 0) join(select(transactions.list(), 'booked_transaction', onAccounts), 't');
  if (consents.list().length > 0) join(select(consents.list(), 'consent', '1'), 'c');
  if (accounts.list().length > 0) {
    const inner = accounts.list().map(([sql, name]) => `${sql} AS ${name}_last`);
    const outer = accounts.list().map(([, name]) => `toFloat64(ifNull(sum(${name}_last), 0)) AS ${name}`);
    join(
      `(SELECT party, ${outer.join(', ')} FROM (SELECT party, holding, ${inner.join(', ')}
        FROM ${source('booked_transaction', onAccounts)} GROUP BY party, holding)
        GROUP BY party)`,
      'b',
    );
  }
  return { from: parts.join('\n'), conditions, parameters };
}
