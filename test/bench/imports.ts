import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Connection, PoolClient, Submittable } from 'pg';
import { encoded, openImporter, transactionRow } from './bank.js';
import { compared, type Figure, type Round, type Say } from './figure.js';
import type { World } from './world.js';

/** A stream of 20,000 is over before reading, judging and writing run side by side; files of a bank are longer than both. */
const ROWS = 100_000;
const ROUNDS = 5;
const GOAL = 0.35;
const CHUNK = 64 * 1024;

interface CopyConnection extends Connection {
  query(text: string): void;
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
}

/** `COPY … FROM STDIN` over pg's own connection. */
function copy(client: PoolClient, text: string, data: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    let connection: CopyConnection;
    const submittable: Submittable & Record<string, unknown> = {
      submit: (on: Connection) => {
        connection = on as CopyConnection;
        connection.query(text);
      },
      handleCopyInResponse: () => {
        for (let at = 0; at < data.length; at += CHUNK) connection.sendCopyFromChunk(data.subarray(at, at + CHUNK));
        connection.endCopyFrom();
      },
      handleCommandComplete: () => undefined,
      handleError: reject,
      handleReadyForQuery: () => resolve(),
    };
    client.query(submittable);
  });
}

/** A table like that of the transactions: the same columns, checks, key and partitions, without row security. */
async function makeTable(client: PoolClient): Promise<void> {
  await client.query(`DO $$ BEGIN
    CREATE TABLE bench_transaction (LIKE transaction INCLUDING ALL) PARTITION BY HASH (party_id);
    FOR part IN 0..15 LOOP
      EXECUTE format('CREATE TABLE bench_transaction_%s PARTITION OF bench_transaction
        FOR VALUES WITH (MODULUS 16, REMAINDER %s)', part, part);
    END LOOP;
  END $$`);
}

/** The rows that the service wrote for some transactions, as the text that COPY takes. */
async function copyText(client: PoolClient, from: number, to: number): Promise<Buffer> {
  const columns = await client.query<{ text: string }>(`
    SELECT string_agg(format('coalesce(%I::text, ''\\N'')', attname), ', ' ORDER BY attnum) AS text
    FROM pg_attribute WHERE attrelid = 'transaction'::regclass AND attnum > 0 AND NOT attisdropped`);
  const { rows } = await client.query<{ line: string }>(
    `SELECT concat_ws(E'\\t', ${columns.rows[0]?.text}) AS line FROM transaction WHERE sequence > $1 AND sequence <= $2`,
    [from, to],
  );
  return Buffer.from(rows.map(({ line }) => `${line}\n`).join(''));
}

type Importer = ReturnType<typeof openImporter>;

/**
 * Imports the transactions of one round, the same number for each party, behind the `known` ones and those of the rounds
 * before. Gives the rows a second.
 */
export async function sendRound(
  importer: Importer,
  parties: number,
  known: number,
  round: number,
): Promise<{ rate: number; rows: number; first: number; each: number }> {
  const each = Math.ceil(ROWS / parties);
  const first = known + round * each;
  const messages: Buffer[] = [];
  for (let index = 0; index < each; index += 1) {
    messages.push(
      ...encoded(Array.from({ length: parties }, (_nobody, party) => transactionRow(party, first + index))),
    );
    // A process that makes rows for seconds answers no keepalive, and the service takes it for dead.
    await nextTurn();
  }
  const rows = each * parties;
  const began = performance.now();
  const { import: answer } = await importer.sendEncoded(messages);
  const rate = rows / ((performance.now() - began) / 1000);
  const created = answer?.counts.reduce((sum, count) => sum + count.created, 0n);
  if (created !== BigInt(rows)) throw new Error(`${created} of ${rows} transactions were imported`);
  return { rate, rows, first, each };
}

/** Imports transactions through the service and copies the very same rows into a like table, by turns. */
export async function measureImport(world: World, parties: number, known: number, say: Say): Promise<Figure> {
  const importer = openImporter(world.customer, world.operator);
  const client = await world.database.connect();
  const rounds: Round[] = [];
  try {
    await makeTable(client);
    for (let at = 0; at <= ROUNDS; at += 1) {
      await world.rest();
      const { rate: service, rows, first, each } = await sendRound(importer, parties, known, at);
      const data = await copyText(client, first, first + each);
      const copying = performance.now();
      await copy(client, 'COPY bench_transaction FROM STDIN', data);
      const bare = rows / ((performance.now() - copying) / 1000);
      // The first round warms both up.
      if (at === 0) continue;
      say(`import_transactions ${at}/${ROUNDS}: ${service.toFixed(0)} of ${bare.toFixed(0)} rows a second`);
      rounds.push({ service, bare });
    }
    return compared('import_transactions', 'rows/s', GOAL, rounds);
  } finally {
    client.release();
    importer.close();
  }
}
