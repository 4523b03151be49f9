import { aliases, type FactTable, tables } from '../fact/fact.js';

/** Which parties rules look at. */
export interface Reach {
  /** Only the parties that are bound as `parties`, in every table that is read. */
  restricted?: boolean | undefined;
  /** Only the parties from the one bound as `first_party` up to the one bound as `end_party`, which is left out. */
  ranged?: boolean | undefined;
  /** Whether parties are merged: then a golden record has what all of its members have, and they are not looked at. */
  merged?: boolean | undefined;
}

/** Gives the rows of a table of facts that meet a condition, as a subquery: of each thing the newest version. */
export type Rows = (table: FactTable, where?: string) => string;

/** The names under which the ends of a range of parties are bound. */
export const FIRST_PARTY = 'first_party';
export const END_PARTY = 'end_party';

/** The condition that a column with parties is to meet, behind others; empty when every party is looked at. */
function reached({ restricted, ranged }: Reach, column: string): string {
  if (restricted) return ` AND ${column} IN {parties:Array(UUID)}`;
  return ranged ? ` AND ${column} >= {${FIRST_PARTY}:UUID} AND ${column} < {${END_PARTY}:UUID}` : '';
}

/** FINAL keeps the newest version of each row. */
function rowsOf(reach: Reach): Rows {
  return (table, where = '1') => `(SELECT * FROM ${table.name} FINAL WHERE ${where}${reached(reach, 'party')})`;
}

const ALIASES = `(SELECT party, golden FROM ${aliases.name} FINAL WHERE golden != party)`;
/** Every party of a golden record that has several, itself included. */
const GROUPED = `(SELECT party, golden FROM ${ALIASES} UNION DISTINCT SELECT golden AS party, golden FROM ${ALIASES})`;

/**
 * The same where parties are merged: rows of a merged party count for its golden record, what two of its members have
 * together once. All others are read as they are, so that merges cost by their number and not by that of all parties.
 */
function rowsOfMerged(reach: Reach): Rows {
  const changed = reached(reach, 'party');
  return (table, where = '1') => {
    if (table.name === tables.party.name) {
      return `(SELECT * FROM party FINAL WHERE ${where}${changed} AND party NOT IN (SELECT party FROM ${ALIASES}))`;
    }
    const group = `(SELECT * FROM ${GROUPED} WHERE 1${reached(reach, 'golden')})`;
    return `(SELECT * FROM ${table.name} FINAL WHERE ${where}${changed} AND party NOT IN (SELECT party FROM ${GROUPED})
      UNION ALL SELECT * FROM (
        SELECT g.golden AS party, f.* EXCEPT (party)
        FROM (SELECT * FROM ${table.name} FINAL WHERE ${where} AND party IN (SELECT party FROM ${group})) AS f
          INNER JOIN ${group} AS g ON f.party = g.party)
      LIMIT 1 BY ${['party', ...table.once].join(', ')})`;
  };
}

/** How the rows of fact tables are read for the parties that rules look at. */
export function rowsFor(reach: Reach): Rows {
  return reach.merged ? rowsOfMerged(reach) : rowsOf(reach);
}
