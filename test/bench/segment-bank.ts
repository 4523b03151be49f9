/** A bank of a given size straight in ClickHouse, and a hundred segments: each as a rule and as SQL by hand. */

/** The day that rules look at. */
export const DAY = 20260315;
/** As Postgres and as the clock write it. */
export const NOON = (day: number): Date => new Date(Date.UTC(2026, 2, day, 11));

type Run = (sql: string) => Promise<unknown>;

/** Rows that one statement makes. */
const STEP = 1_000_000;

/** A UUIDv7 of a number: time-ordered in its first half, scattered in its second, as real ones. */
const uuid = (number: string): string =>
  `reinterpretAsUUID(concat(
    reinterpretAsFixedString(bitOr(bitShiftLeft(toUInt64(1_700_000_000_000 + ${number}), 16), toUInt64(28672))),
    reinterpretAsFixedString(bitOr(bitAnd(sipHash64(${number}), 4611686018427387903), 9223372036854775808))))`;

/** Fills the fact tables with so many customers: 1.5 holdings and 5 transactions of 400 days each. */
export async function seedBank(run: Run, customers: number): Promise<void> {
  for (let from = 0; from < customers; from += STEP) {
    const count = Math.min(STEP, customers - from);
    await run(`
      INSERT INTO party (party, number, organisation_path, manager, kind, sex, birth_date, region, district, source, state, version)
      SELECT ${uuid('number')}, number + 1, concat('/bench/', toString(number % 40)), '', 'person',
        if(h % 2 = 0, 'female', 'male'), toYYYYMMDD(toDate32('2008-01-01') - toInt32(h % 27000)),
        concat('r', toString(intDiv(h, 7) % 14)), concat('d', toString(intDiv(h, 11) % 77)), 'bench', 'active', 1
      FROM (SELECT number, sipHash64(number, 1) AS h FROM numbers(${from}, ${count}))`);
    await run(`
      INSERT INTO holding (party, holding, organisation_path, kind, owner, opened_date, version)
      SELECT ${uuid('i')}, ${uuid('number + 100000000000')}, '/bench',
        if(number % 2 = 0, 'account', ['loan', 'card', 'standing_order'][1 + h % 3]), 1,
        toYYYYMMDD(toDate('2026-03-01') - toUInt16(h % 4000)), 1
      FROM (SELECT number, intDiv(number, 2) AS i, sipHash64(number, 2) AS h FROM numbers(${2 * from}, ${2 * count})
        WHERE number % 2 = 0 OR sipHash64(number, 3) % 2 = 0)`);
    await run(`
      INSERT INTO booked_transaction (party, booking_date, transaction, holding, organisation_path, holding_kind, owner,
        sequence, direction, operation, amount, balance_after, version)
      SELECT ${uuid('i')}, toYYYYMMDD(toDate('2026-03-17') - toUInt16(h % 400)), ${uuid('number + 200000000000')},
        ${uuid('2 * i + 100000000000')}, '/bench', 'account', 1, 1, if(intDiv(h, 400) % 3 = 0, 'credit', 'debit'),
        ['card_withdrawal', 'cash_withdrawal', 'transfer_out', 'transfer_in', 'fee'][1 + intDiv(h, 1200) % 5],
        toDecimal64(10 + intDiv(h, 6000) % 5000, 4), toDecimal64(intDiv(h, 30_000_000) % 100000, 4), 1
      FROM (SELECT number, intDiv(number, 5) AS i, sipHash64(number, 4) AS h FROM numbers(${5 * from}, ${5 * count}))`);
  }
  for (const table of ['party', 'holding', 'booked_transaction']) await run(`OPTIMIZE TABLE ${table} FINAL`);
}

/** One segment, twice. In `sql` columns of the party are bare, those of other tables are named by `columns`. */
export interface BenchSegment {
  rule: string;
  sql: string;
}

/** Which grouped columns the statement by hand needs, by table. */
interface Columns {
  holding: Map<string, string>;
  booked_transaction: Map<string, string>;
  balance: boolean;
}

const shifted = (day: number, days: number): number => {
  const date = new Date(Date.UTC(Math.floor(day / 10_000), (Math.floor(day / 100) % 100) - 1, (day % 100) - days));
  return date.getUTCFullYear() * 10_000 + (date.getUTCMonth() + 1) * 100 + date.getUTCDate();
};

/** The hundred segments as of a day, with the columns that the statement by hand reads. */
export function hundredSegments(day: number): { segments: BenchSegment[]; columns: Columns } {
  const columns: Columns = { holding: new Map(), booked_transaction: new Map(), balance: false };
  const column = (table: 'holding' | 'booked_transaction', expression: string): string => {
    const name = columns[table].get(expression) ?? `${table[0]}${columns[table].size}`;
    columns[table].set(expression, name);
    return name;
  };
  const held = (kind?: string): string =>
    column(
      'holding',
      `countIf(opened_date <= ${day} AND (closed_date = 0 OR closed_date > ${day})${kind ? ` AND kind = '${kind}'` : ''})`,
    );
  const booked = (aggregate: string, of: string): string => column('booked_transaction', `${aggregate}If(${of})`);
  const since = (hours: number): string => `booking_date >= ${shifted(day, hours / 24 - 1)} AND booking_date <= ${day}`;
  const age = `intDiv(${day} - birth_date, 10000)`;
  const segments = Array.from({ length: 100 }, (_, i): BenchSegment => {
    const region = `r${i % 14}`;
    const years = 20 + ((i * 7) % 50);
    const hours = [720, 1440, 2160, 2880][Math.floor(i / 10) % 4] as number;
    columns.balance = true;
    const loans = held('loan');
    const kinds: BenchSegment[] = [
      {
        rule: `party.sex == "female" && party.age >= ${years} && party.region == "${region}"`,
        sql: `sex = 'female' AND ${age} >= ${years} AND region = '${region}'`,
      },
      {
        rule: `party.age >= ${years} && party.age < ${years + 3} && party.sex == "male"`,
        sql: `${age} >= ${years} AND ${age} < ${years + 3} AND sex = 'male'`,
      },
      {
        rule: `holdings.count("loan") >= 1 && party.region == "${region}"`,
        sql: `${loans} >= 1 AND region = '${region}'`,
      },
      {
        rule: `tx.count({"kind": "card"}, duration("${hours}h")) >= 2 && party.age < ${years + 10}`,
        sql: `${booked('count', `${since(hours)} AND operation = 'card_withdrawal'`)} >= 2 AND ${age} < ${years + 10}`,
      },
      {
        rule: `tx.sum("debit", duration("${hours}h")) > ${7000 + i * 20}`,
        sql: `${booked('sum', `amount, ${since(hours)} AND direction = 'debit'`)} > ${7000 + i * 20}`,
      },
      {
        rule: `holdings.balance > ${95_000 + i * 50} && party.sex == "male"`,
        sql: `balance > ${95_000 + i * 50} AND sex = 'male'`,
      },
      {
        rule: `tx.average("credit", duration("${hours}h")) > ${4700 + i}`,
        sql: `${booked('avg', `amount, ${since(hours)} AND direction = 'credit'`)} > ${4700 + i}`,
      },
      {
        rule: `tx.sum("credit", duration("${hours}h")) > ${7000 + 10 * i} || holdings.balance > ${99_000 + i}`,
        sql: `(${booked('sum', `amount, ${since(hours)} AND direction = 'credit'`)} > ${7000 + 10 * i} OR balance > ${99_000 + i})`,
      },
      {
        rule: `party.region in ["${region}", "r0"] && holdings.count("card") == 1 && party.age > ${years}`,
        sql: `region IN ('${region}', 'r0') AND ${held('card')} = 1 AND ${age} > ${years}`,
      },
      {
        rule: `tx.count("credit", duration("${hours}h")) >= 3 && holdings.count() >= 2`,
        sql: `${booked('count', `${since(hours)} AND direction = 'credit'`)} >= 3 AND ${held()} >= 2`,
      },
    ];
    return kinds[i % 10] as BenchSegment;
  });
  return { segments, columns };
}

/** The statement that somebody would write by hand to count these, without a thought for rows that are told twice. */
export function byHand(
  wanted: readonly BenchSegment[],
  { holding, booked_transaction: booked, balance }: Columns,
  day: number,
): string {
  const used = (columns: Map<string, string>) =>
    [...columns].filter(([, name]) => wanted.some(({ sql }) => new RegExp(`\\b${name}\\b`).test(sql)));
  const joins: string[] = [];
  const grouped = (columns: [string, string][], table: string, where: string, alias: string): void => {
    if (columns.length === 0) return;
    const list = columns.map(([expression, name]) => `${expression} AS ${name}`).join(', ');
    joins.push(
      `LEFT JOIN (SELECT party, ${list} FROM ${table} WHERE ${where} GROUP BY party) AS ${alias} ON p.party = ${alias}.party`,
    );
  };
  grouped(used(holding), 'holding', 'owner', 'h');
  grouped(used(booked), 'booked_transaction', `owner AND holding_kind = 'account'`, 't');
  if (balance && wanted.some(({ sql }) => /\bbalance\b/.test(sql))) {
    joins.push(`LEFT JOIN (SELECT party, sum(last) AS balance FROM (
        SELECT party, holding, argMaxIf(balance_after, (booking_date, sequence, transaction), booking_date <= ${day}) AS last
        FROM booked_transaction WHERE owner AND holding_kind = 'account' GROUP BY party, holding)
      GROUP BY party) AS b ON p.party = b.party`);
  }
  return `SELECT [${wanted.map(({ sql }) => `countIf(${sql})`).join(', ')}] AS counts
    FROM party AS p ${joins.join('\n')} WHERE state != 'restricted'`;
}
