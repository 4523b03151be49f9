import { bankRows, openImporter } from './bank.js';
import { type Figure, median, rounded, type Say } from './figure.js';
import { sendRound } from './imports.js';
import { usageOf } from './usage.js';
import { startWorld, type World } from './world.js';

/**
 * Two worlds side by side, a bank of 10 thousand parties and one of a million, to see whether something costs the same
 * in both. Each has the same 1000 parties (`client/0` … of the source `bench`), which came through the service: only
 * these may be measured. The others are copies of them in SQL that stand between them, in the tables and in the
 * indexes, so that what is measured lies as far apart as in a real bank of that size; their sealed fields cannot be
 * opened.
 */
export interface Banks {
  small: World;
  large: World;
  stop(): Promise<void>;
}

/** The measured parties of each bank and the transactions that each has from the start. */
export const MEASURED = 1000;
export const KNOWN = 1;
const SMALL = 10_000;
const LARGE = 1_000_000;
/** Copies of each measured party in one statement. */
const COPIES = 33;

/**
 * What a bank is filled with: each party with an account, a card, the transaction that it has from the start, a call and
 * a consent, as far as imports and views read it. Whoever measures searches adds their tables.
 */
const tables: Readonly<Record<string, string>> = {
  party: 'true',
  holding: 'true',
  holding_role: 'true',
  natural_key: 'id IN (SELECT holding_id FROM holding WHERE kind = 1)',
  transaction: 'true',
  interaction: 'time = (SELECT min(time) FROM interaction)',
  consent: 'channel = 1',
};
/** Columns that have a value of their own in each copy. */
const ids =
  /^(party_id|golden_id|holding_id|holding_party_id|account_party_id|account_holding_id|transaction_id|interaction_id|consent_id|id)$/;

async function columnsOf(world: World, table: string): Promise<string[]> {
  const { rows } = await world.database.query<{ name: string }>(
    `SELECT column_name AS name FROM information_schema.columns
     WHERE table_schema = 'public' AND table_name = $1 AND is_generated = 'NEVER' ORDER BY ordinal_position`,
    [table],
  );
  return rows.map(({ name }) => name);
}

function copyOf(column: string): string {
  if (ids.test(column)) return `bench_copy(t.${column}, n)`;
  return column === 'source_key' ? `t.source_key || '/copy/' || n` : `t.${column}`;
}

/**
 * Fills a bank that holds the measured parties up to so many parties. After each statement some of the measured rows are
 * written anew, behind the copies made so far, so that they come to lie all over the table.
 */
async function fill(world: World, parties: number, say: Say): Promise<void> {
  const client = await world.database.connect();
  try {
    await client.query(`SET synchronous_commit = off; SET session_replication_role = replica; SET jit = off`);
    // A copy sorts beside its original: the same time, another random part.
    await client.query(`CREATE FUNCTION bench_copy(id uuid, n int) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
      SELECT (left(id::text, 18) || '-8' || left(md5(id::text || n), 15))::uuid
    $$`);
    for (const [table, rows] of Object.entries(tables))
      await client.query(`CREATE TABLE bench_${table} AS SELECT * FROM ${table} WHERE ${rows}`);
    const copies = parties / MEASURED - 1;
    const steps = Math.ceil(copies / COPIES);
    for (let step = 0; step < steps; step += 1) {
      const [from, to] = [step * COPIES + 1, Math.min((step + 1) * COPIES, copies)];
      for (const table of Object.keys(tables)) {
        const columns = await columnsOf(world, table);
        await client.query(`INSERT INTO ${table} (${columns.join(', ')}) SELECT ${columns.map(copyOf).join(', ')}
          FROM bench_${table} t, generate_series(${from}, ${to}) AS n`);
      }
      for (const table of ['party', 'holding'])
        await client.query(`UPDATE ${table} SET version = t.version FROM bench_${table} t
          WHERE ${table}.party_id = t.party_id AND mod(abs(hashtext(t.party_id::text)), ${steps}) = ${step}`);
      if (step % 10 === 9) say(`${to * MEASURED} of ${parties} parties`);
    }
    for (const table of Object.keys(tables)) await client.query(`DROP TABLE bench_${table}`);
    await client.query('VACUUM ANALYZE');
    await client.query('CHECKPOINT');
  } finally {
    client.release(true);
  }
}

async function openBank(parties: number, say: Say): Promise<World> {
  const world = await startWorld(say);
  try {
    const importer = openImporter(world.customer, world.operator);
    const { import: answer } = await importer.send(bankRows(MEASURED, KNOWN));
    importer.close();
    if (answer?.counts.some(({ rejected }) => rejected > 0n)) throw new Error('a row of the bank was rejected');
    await world.rest();
    say(`filling a bank with ${parties} parties`);
    await fill(world, parties, say);
    return world;
  } catch (error) {
    await world.stop();
    throw error;
  }
}

/** Starts both banks; takes some minutes and some gigabytes. */
export async function openBanks(say: Say): Promise<Banks> {
  const small = await openBank(SMALL, say);
  try {
    const large = await openBank(LARGE, say);
    return { small, large, stop: async () => void (await Promise.all([small.stop(), large.stop()])) };
  } catch (error) {
    await small.stop();
    throw error;
  }
}

/** How a rate in the large bank compares to that in the small one, measured by turns; 1 means that growth costs nothing. */
export function grown(name: string, unit: string, rounds: readonly { small: number; large: number }[]): Figure {
  return {
    name,
    value: rounded(median(rounds.map(({ large }) => large)), 0),
    unit,
    baseline: rounded(median(rounds.map(({ small }) => small)), 0),
    ratio: rounded(median(rounds.map(({ small, large }) => large / small)), 3),
    // At most a fifth dearer.
    goal: 0.83,
  };
}

/** What the same work takes of the processors in the large bank beside the small one; other work on the machine changes it little. */
export function dearer(name: string, unit: string, costs: readonly { small: number; large: number }[]): Figure {
  return {
    name,
    value: rounded(median(costs.map(({ large }) => large)), 1),
    unit,
    baseline: rounded(median(costs.map(({ small }) => small)), 1),
    ratio: rounded(median(costs.map(({ small, large }) => large / small)), 3),
    goal: 1.2,
    bound: 'most',
  };
}

/** Microseconds of processor that the service and Postgres took for each of so many things. */
export function microseconds({ customer, postgres }: Record<'customer' | 'postgres', number>, things: number): number {
  return ((customer + postgres) * 1e6) / things;
}

const ROUNDS = 6;

/** Imports the same transactions into both banks by turns. */
export async function measureImportGrowth({ small, large }: Banks, say: Say): Promise<Figure[]> {
  const rounds: { small: number; large: number }[] = [];
  const costs: { small: number; large: number }[] = [];
  const importers = [small, large].map((world) => openImporter(world.customer, world.operator));
  try {
    for (let at = 0; at <= ROUNDS; at += 1) {
      const rates: number[] = [];
      const cpu: number[] = [];
      for (const [index, importer] of importers.entries()) {
        await Promise.all([small.rest(), large.rest()]);
        const usage = usageOf(index === 0 ? small : large);
        const { rate, rows } = await sendRound(importer, MEASURED, KNOWN, at);
        rates.push(rate);
        cpu.push(microseconds(usage.done().cpuSeconds, rows));
      }
      const [ofSmall = Number.NaN, ofLarge = Number.NaN] = rates;
      const [costInSmall = Number.NaN, costInLarge = Number.NaN] = cpu;
      // The first round warms both up.
      if (at === 0) continue;
      say(
        `import_growth ${at}/${ROUNDS}: ${ofLarge.toFixed(0)} rows a second beside ${ofSmall.toFixed(0)}; ${costInLarge.toFixed(1)} µs of processor each beside ${costInSmall.toFixed(1)}`,
      );
      rounds.push({ small: ofSmall, large: ofLarge });
      costs.push({ small: costInSmall, large: costInLarge });
    }
    return [grown('import_growth', 'rows/s', rounds), dearer('import_growth_cpu', 'µs/row', costs)];
  } finally {
    for (const importer of importers) importer.close();
  }
}
