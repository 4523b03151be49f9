import { aliases, type FactTable, tables } from '../fact/fact.js';

/** Which parties rules look at. */
export interface Reach {
  /** Only the parties that are bound as `parties`, in every table that is read. */
  restricted?: boolean | undefined;
  /** Whether parties are merged: then a golden record has what all of its members have, and they are not looked at. */
  merged?: boolean | undefined;
}

/** Gives the rows of a table of facts that meet a condition, as a subquery: of each thing the newest version. */
export type Rows = (table: FactTable, where?: string) => string;

const CHANGED = 'party IN {parties:Array(UUID)}';

/** FINAL keeps the newest version of each row. */
function rowsOf(restricted: boolean): Rows {
  return (table, where = '1') =>
    `(SELECT * FROM ${table.name} FINAL WHERE ${where}${restricted ? ` AND ${CHANGED}` : ''})`;
}

const ALIASES = `(SELECT party, golden FROM ${aliases.name} FINAL WHERE golden != party)`;
/** Every party of a golden record that has several, itself included. */
const GROUPED = `(SELECT party, golden FROM ${ALIASES} UNION DISTINCT SELECT golden AS party, golden FROM ${ALIASES})`;

/**
 * The same where parties are merged: rows of a merged party count for its golden record, what two of its members have
 * together once. All others are read as they are, so that merges cost by their number and not by that of all parties.
 */
function rowsOfMerged(restricted: boolean): Rows {
  const changed = restricted ? ` AND ${CHANGED}` : '';
  return (table, where = '1') => {
    if (table.name === tables.party.name) {
      return `(SELECT * FROM party FINAL WHERE ${where}${changed} AND party NOT IN (SELECT party FROM ${ALIASES}))`;
    }
    const group = restricted ? `(SELECT * FROM ${GROUPED} WHERE golden IN {parties:Array(UUID)})` : GROUPED;
    return `(SELECT * FROM ${table.name} FINAL WHERE ${where}${changed} AND party NOT IN (SELECT party FROM ${GROUPED})
      UNION ALL SELECT * FROM (
        SELECT g.golden AS party, f.* EXCEPT (party)
        FROM (SELECT * FROM ${table.name} FINAL WHERE ${where} AND party IN (SELECT party FROM ${group})) AS f
          INNER JOIN ${group} AS g ON f.party = g.party)
      LIMIT 1 BY ${['party', ...table.once].join(', ')})`;
  };
}

/** How the rows of fact tables are read for the parties that rules look at. */
export function rowsFor({ restricted = false, merged = false }: Reach): Rows {
  return merged ? rowsOfMerged(restricted) : rowsOf(restricted);
}
