import { type Queryable, sql } from '@rapport/kit/db';
import { SpendingRule, type SpendingRules, TransactionDirection } from '@rapport/proto/customer/v1';
import { defaultRules } from './default-rules.js';

/** The rules of one unit as they are stored, in the names of the Prisma model. */
export interface RulesRecord {
  organisationPath: string;
  rules: unknown[];
  version: number;
  updatedBy: string;
  updateTime: Date;
}

/** What a rule looks at. */
export interface Spent {
  direction: number;
  kind: number;
  merchantCategory: string;
  purpose: string;
  counterpartyAccount: string;
  counterpartyBank: string;
}

/** Gives the category of a transaction at a place of the bank; empty when no rule fits. */
export type Categorise = (organisationPath: string, spent: Spent) => string;

/** Whether a transaction meets all that the rule sets. */
export function fits(rule: SpendingRule, spent: Spent): boolean {
  const { firstMerchantCategory: first, lastMerchantCategory: last } = rule;
  if (first !== '' && !(spent.merchantCategory >= first && spent.merchantCategory <= (last || first))) return false;
  if (rule.purpose !== '' && rule.purpose !== spent.purpose) return false;
  if (rule.kind !== 0 && rule.kind !== spent.kind) return false;
  if (rule.counterpartyAccount !== '' && rule.counterpartyAccount !== spent.counterpartyAccount) return false;
  return rule.counterpartyBank === '' || rule.counterpartyBank === spent.counterpartyBank;
}

/** The first condition that a rule lacks or has twisted; undefined for a rule that can be tried. */
export function ruleBreach(rule: SpendingRule): { field: string; description: string } | undefined {
  const { firstMerchantCategory: first, lastMerchantCategory: last } = rule;
  if (last !== '' && (first === '' || last < first)) {
    return { field: 'last_merchant_category', description: 'must not lie before first_merchant_category' };
  }
  const conditions = [first, rule.purpose, rule.counterpartyAccount, rule.counterpartyBank];
  if (rule.kind !== 0 || conditions.some((condition) => condition !== '')) return undefined;
  return { field: '', description: 'must set a condition beside the category' };
}

/** A unit and all units above it, the nearest first: `/a/b` gives `/a/b`, `/a`, `/`. */
export function unitsAbove(organisationPath: string): string[] {
  const parts = organisationPath.split('/').filter((part) => part !== '');
  const paths = parts.map((_part, index) => `/${parts.slice(0, parts.length - index).join('/')}`);
  return [...paths, '/'];
}

/**
 * Reads the rules of all units; the table holds a handful of rows. Money that comes in is no spending, unless it comes
 * back from a merchant. The rules of the nearest unit are tried first, at last the product's own.
 */
export async function categoriser(on: Queryable): Promise<Categorise> {
  const rows = await on.rows<Pick<RulesRecord, 'organisationPath' | 'rules'>>(sql`
    SELECT organisation_path AS "organisationPath", rules FROM spending_rules`);
  const own = new Map(rows.map((row) => [row.organisationPath, row.rules.map((rule) => SpendingRule.fromJSON(rule))]));
  const lists = new Map<string, readonly SpendingRule[]>();
  return (organisationPath, spent) => {
    const back = spent.direction === TransactionDirection.TRANSACTION_DIRECTION_CREDIT;
    if (back && spent.merchantCategory === '') return '';
    let rules = lists.get(organisationPath);
    if (!rules) {
      rules =
        own.size === 0
          ? defaultRules
          : [...unitsAbove(organisationPath).flatMap((unit) => own.get(unit) ?? []), ...defaultRules];
      lists.set(organisationPath, rules);
    }
    return rules.find((rule) => fits(rule, spent))?.category ?? '';
  };
}

/** The message of the rules of a unit. */
export function rulesMessage(row: RulesRecord): SpendingRules {
  return {
    organisationPath: row.organisationPath,
    rules: row.rules.map((rule) => SpendingRule.fromJSON(rule)),
    updateTime: row.updateTime,
    updatedBy: row.updatedBy,
    etag: rulesEtag(row),
  };
}

/** Changes with every change of a unit's rules. */
export function rulesEtag(row: Pick<RulesRecord, 'version'>): string {
  return `"${row.version}"`;
}
