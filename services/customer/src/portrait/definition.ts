import { type Sql, sql } from '@rapport/kit/db';
import type { Call } from '@rapport/kit/rpc';
import {
  type TagCondition,
  TagAttribute,
  type TagClass,
  TagComparison,
  type TagDefinition,
} from '@rapport/proto/customer/v1';
import { fail } from '../errors.js';

/** A condition as it is stored: the value as text, since JSON numbers would lose digits. */
export interface StoredCondition {
  attribute: number;
  comparison: number;
  value: string;
  currencyCode: string;
}

/** A tag definition as it is stored, in the names of the Prisma model. */
export interface DefinitionRecord {
  tagId: string;
  organisationPath: string;
  titleEn: string;
  titleZh: string;
  dataClass: number;
  setByRoles: string[];
  lifetimeDays: number;
  segment: string;
  conditions: StoredCondition[];
  retired: boolean;
  version: number;
  updateTime: Date;
}

/** The columns of a `DefinitionRecord`, of the table `tag_definition` under the name d. */
export const definitionColumns: Sql = sql.raw(`d.tag_id AS "tagId", d.organisation_path AS "organisationPath",
  d.title_en AS "titleEn", d.title_zh AS "titleZh", d.data_class AS "dataClass", d.set_by_roles AS "setByRoles",
  d.lifetime_days AS "lifetimeDays", d.segment, d.conditions, d.retired, d.version, d.update_time AS "updateTime"`);

/** `tagDefinitions/{id}`. */
export function definitionName(tagId: string): string {
  return `tagDefinitions/${tagId}`;
}

/** The id in `tagDefinitions/{id}`. */
export function tagIdIn(name: string): string {
  return name.slice(name.indexOf('/') + 1);
}

/** The message of a row. */
export function definitionMessage(row: DefinitionRecord): TagDefinition {
  const { tagId, conditions, organisationPath, titleEn, titleZh, setByRoles, lifetimeDays, segment, retired } = row;
  return {
    name: definitionName(tagId),
    organisationPath,
    titleEn,
    titleZh,
    dataClass: row.dataClass as TagClass,
    setByRoles,
    lifetimeDays,
    segment,
    conditions: conditions.map(({ attribute, comparison, value, currencyCode }) => ({
      attribute,
      comparison,
      value: BigInt(value),
      currencyCode,
    })),
    retired,
    version: row.version,
    updateTime: row.updateTime,
  };
}

/** The conditions of a message as they are stored. */
export function storedConditions(conditions: readonly TagCondition[]): StoredCondition[] {
  return conditions.map(({ value, ...rest }) => ({ ...rest, value: value.toString() }));
}

/** Refuses whoever has none of the roles that a definition names. Services answer for their models themselves. */
export function assertSetter({ setByRoles }: Pick<DefinitionRecord, 'setByRoles'>, call: Call): void {
  if (call.principal.type === 'service' || setByRoles.some((role) => call.principal.roles.includes(role))) return;
  throw fail('TAG_NOT_YOURS');
}

/** When a tag ends of which nothing else is said; null when it does not. */
export function expiryOf({ lifetimeDays }: Pick<DefinitionRecord, 'lifetimeDays'>, now: Date): Date | null {
  return lifetimeDays > 0 ? new Date(now.getTime() + lifetimeDays * 86_400_000) : null;
}

/** Refuses a rule that cannot be judged: a balance needs its currency, nothing else may have one. */
export function assertRule(conditions: readonly TagCondition[]): void {
  conditions.forEach(({ attribute, currencyCode }, index) => {
    const balance = attribute === TagAttribute.TAG_ATTRIBUTE_BALANCE;
    if (balance === (currencyCode !== '')) return;
    const field = `tag_definition.conditions[${index}].currency_code`;
    const description = balance ? 'is required for a balance' : 'is for balances only';
    throw fail('TAG_RULE_INVALID', { violations: [{ field, description }] });
  });
}

/** What rules look at, of one party on one day. Counts are of what it owns. */
export interface Facts {
  /** Null for an organisation, or without a date of birth. */
  ageYears: number | null;
  openHoldings: number;
  openAccounts: number;
  openLoans: number;
  openCards: number;
  /** Minor units as text by currency. */
  balances: Record<string, string> | null;
  /** Null without a holding. */
  customerDays: number | null;
}

function valueOf(facts: Facts, { attribute, currencyCode }: StoredCondition): bigint | undefined {
  const known = (value: number | null): bigint | undefined => (value === null ? undefined : BigInt(value));
  switch (attribute as TagAttribute) {
    case TagAttribute.TAG_ATTRIBUTE_AGE_YEARS:
      return known(facts.ageYears);
    case TagAttribute.TAG_ATTRIBUTE_OPEN_HOLDINGS:
      return BigInt(facts.openHoldings);
    case TagAttribute.TAG_ATTRIBUTE_OPEN_ACCOUNTS:
      return BigInt(facts.openAccounts);
    case TagAttribute.TAG_ATTRIBUTE_OPEN_LOANS:
      return BigInt(facts.openLoans);
    case TagAttribute.TAG_ATTRIBUTE_OPEN_CARDS:
      return BigInt(facts.openCards);
    case TagAttribute.TAG_ATTRIBUTE_BALANCE:
      return BigInt(facts.balances?.[currencyCode] ?? '0');
    case TagAttribute.TAG_ATTRIBUTE_CUSTOMER_DAYS:
      return known(facts.customerDays);
    default:
      return undefined;
  }
}

/** Whether a rule holds: it has conditions, and all of them do. What is not known keeps no condition. */
export function ruleHolds(conditions: readonly StoredCondition[], facts: Facts): boolean {
  return (
    conditions.length > 0 &&
    conditions.every((condition) => {
      const value = valueOf(facts, condition);
      if (value === undefined) return false;
      const atLeast = value >= BigInt(condition.value);
      return condition.comparison === TagComparison.TAG_COMPARISON_AT_LEAST ? atLeast : !atLeast;
    })
  );
}
