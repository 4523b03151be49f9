import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type ClickHouseClient, ClickHouseLogLevel, createClient } from '@clickhouse/client';

let child: ChildProcess;
let folder: string;
let client: ClickHouseClient;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'clickhouse-'));
  child = spawn(process.execPath, [join(__dirname, 'clickhouse-http.mjs'), '--path', folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (child.stdout === null) throw new Error('no output to read the address from');
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  const { url } = JSON.parse(line) as { url: string };
  client = createClient({
    url,
    compression: { request: true, response: true },
    log: { level: ClickHouseLogLevel.OFF },
  });
});

afterAll(async () => {
  await client.close();
  child.kill('SIGTERM');
  await once(child, 'exit');
  rmSync(folder, { recursive: true, force: true });
});

test('answers the maintained client as a server does: tables, inserts, bound parameters', async () => {
  expect((await client.ping()).success).toBe(true);
  await client.command({ query: 'CREATE DATABASE bank' });
  await client.command({
    query: 'CREATE TABLE bank.fact (party String, amount Decimal(18,2), day Date) ENGINE = MergeTree ORDER BY party',
  });
  const values = [
    { party: "O'Neil\\1", amount: '12.50', day: '1994-03-31' },
    { party: 'tab\there', amount: '-3.00', day: '1994-04-01' },
  ];
  await client.insert({ table: 'bank.fact', values, format: 'JSONEachRow' });
  await client.insert({ table: 'bank.fact', values: [], format: 'JSONEachRow' });
  for (const value of values) {
    const answer = await client.query({
      query:
        'SELECT party, toString(amount) AS amount FROM bank.fact WHERE party = {party:String} AND day <= {day:Date}',
      query_params: { party: value.party, day: '1994-12-31' },
      format: 'JSONEachRow',
    });
    expect(await answer.json()).toEqual([{ party: value.party, amount: value.amount.replace(/\.?0+$/, '') }]);
  }
  const many = await client.query({
    query: 'SELECT count() AS n FROM bank.fact WHERE party IN {parties:Array(String)}',
    query_params: { parties: values.map((value) => value.party) },
    format: 'JSONEachRow',
    clickhouse_settings: { output_format_json_quote_64bit_integers: 0 },
  });
  expect(await many.json()).toEqual([{ n: 2 }]);
});

test('answers an error with its code and status, and serves the next statement', async () => {
  await expect(client.query({ query: 'SELECT * FROM nowhere' })).rejects.toMatchObject({
    code: '60',
    type: 'UNKNOWN_TABLE',
  });
  await expect(client.command({ query: 'SELEC 1' })).rejects.toMatchObject({ code: '62' });
  const answer = await client.query({ query: 'SELECT 1 AS one', format: 'JSONEachRow' });
  expect(await answer.json()).toEqual([{ one: 1 }]);
});

test('runs statements one after the other, however many arrive at once', async () => {
  const numbers = Array.from({ length: 20 }, (_, index) => index);
  const answers = await Promise.all(
    numbers.map(async (number) => {
      const answer = await client.query({
        query: 'SELECT {n:UInt32} AS n',
        query_params: { n: number },
        format: 'JSONEachRow',
      });
      return (await answer.json<{ n: number }>())[0]?.n;
    }),
  );
  expect(answers).toEqual(numbers);
});
