import { households, tables } from '../fact/fact.js';
import {
  type ArgumentSpec,
  type Arguments,
  type AttributeSpec,
  type Columns,
  type Source,
  textOf,
} from './attribute.js';

/** The places of a party in households, each with all that was ever told of the size of that household. */
const places: Source = {
  alias: 'u',
  table: tables.householdMember,
  per: ['household', 'member'],
  beside: (rows, limited) => {
    const only = limited ? ` WHERE household IN (SELECT household FROM ${rows})` : '';
    return `(SELECT place.*, size.change_time AS size_time, size.members AS members, size.version AS size_version
      FROM ${rows} AS place INNER JOIN (SELECT * FROM ${households.name} FINAL${only}) AS size
        ON place.household = size.household)`;
  },
};

const kind: ArgumentSpec = {
  name: 'kind',
  type: 'string',
  optional: true,
  values: ['family', 'corporate_group'],
  description: { en: 'Which sort of household; left out, the family.', zh: '哪类家庭或集团；省略则为家庭。' },
};

/** Since when, as what, and with how many: of each household that the party was ever in. The last one it is in tells. */
function place(args: Arguments, sql: Columns, what: 'role' | 'size'): string {
  const end = sql.moment();
  const told = `kind = ${sql.bind(textOf(args, 'kind') || 'family', 'String')} AND change_time < ${end}`;
  const since = `maxIf(tuple(change_time, version), ${told})`;
  const role = `argMaxIf(role, tuple(change_time, version), ${told})`;
  const size = `argMaxIf(members, tuple(size_time, size_version), size_time < ${end})`;
  // Of those it has not left.
  const newest = (part: string) => `argMaxIf(${part}.${what === 'role' ? 2 : 3}, ${part}.1, ${part}.2 != '')`;
  return sql.from(places, `tuple(${since}, toString(${role}), ${size})`, newest);
}

const sources = ['rapport.customer.v1.HouseholdChanged'];

/** Whom a party lives with. */
export const householdAttributes: readonly AttributeSpec[] = [
  {
    key: 'household.role',
    type: 'string',
    title: { en: 'Role in the household', zh: '家庭角色' },
    description: {
      en: 'What the party is in its household. Missing when it is in none.',
      zh: '客户在家庭（或集团）中的角色。不属于任何家庭时缺失。',
    },
    sensitivity: 'C1',
    values: { head: [], member: [], dependant: ['dependent', 'child'] },
    missing: true,
    dated: true,
    sources,
    arguments: [kind],
    column: (args, sql) => ({ sql: `nullIf(${place(args, sql, 'role')}, '')`, nullable: true }),
    words: () => 'role in the household',
  },
  {
    key: 'household.size',
    type: 'number',
    unit: { en: 'members', zh: '人' },
    title: { en: 'Size of the household', zh: '家庭人数' },
    description: {
      en: 'How many members the household of the party has. Missing when it is in none.',
      zh: '客户所在家庭（或集团）的成员数。不属于任何家庭时缺失。',
    },
    sensitivity: 'C1',
    range: { least: 1 },
    missing: true,
    dated: true,
    sources,
    arguments: [kind],
    column: (args, sql) => ({ sql: `nullIf(${place(args, sql, 'size')}, 0)`, nullable: true }),
    words: () => 'number of members of the household',
  },
];
