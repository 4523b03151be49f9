import { sql } from '@rapport/kit/db';
import { Grain, ReportExported } from '@rapport/proto/reporting/v1';
import { recordFacts } from '../fact/record-facts.js';
import {
  admitted,
  analyst,
  as,
  auditOf,
  booked,
  failureOf,
  query,
  type Running,
  startReporting,
} from '../reporting.testkit.js';

let running: Running;

beforeAll(async () => {
  running = await startReporting();
});
afterAll(() => running.stop());
beforeEach(async () => {
  await running.analytics.command('TRUNCATE TABLE fact');
  await running.db.system.run(sql`DELETE FROM kit.outbox`);
});

async function download(more: Parameters<typeof query>[0], options = analyst()) {
  const chunks: Buffer[] = [];
  for await (const { chunk } of running.reporting.exportCsv(query(more), options)) chunks.push(Buffer.from(chunk));
  return { text: Buffer.concat(chunks).toString('utf8'), chunks: chunks.length };
}

async function published(): Promise<ReportExported[]> {
  const rows = await running.db.system.rows<{ payload: Buffer }>(sql`
    SELECT payload FROM kit.outbox WHERE type = ${ReportExported.$type} ORDER BY id`);
  return rows.map(({ payload }) => ReportExported.decode(payload));
}

const failing = async (more: Parameters<typeof query>[0], options = analyst()) => failureOf(download(more, options));

test('sends the figures as RFC 4180', async () => {
  await recordFacts(running.deps, [
    booked({ day: '1994-03-31', cents: 7n, source: 'a "quoted", one' }),
    booked({ day: '1994-04-01', cents: 5n, debit: true }),
  ]);
  const { text } = await download({
    metrics: ['metrics/transactions', 'metrics/transaction-volume'],
    dimensions: ['direction', 'source'],
    grain: Grain.GRAIN_MONTH,
  });
  expect(text).toBe(
    'direction,source,period_start,transactions,transaction-volume\r\n' +
      'credit,"a ""quoted"", one",1994-03-01,1,7\r\n' +
      'debit,,1994-04-01,1,5\r\n',
  );
});

test('without facts there is a header, and without a grain no period', async () => {
  expect((await download({ dimensions: ['currency'] })).text).toBe('currency,transactions\r\n');
});

test('is exact beyond what a number can hold', async () => {
  const cents = 9_007_199_254_740_993n;
  await recordFacts(running.deps, [
    booked({ day: '1994-03-31', cents }),
    ...Array.from({ length: 2000 }, () => booked({ day: '1994-03-31', cents })),
  ]);
  expect((await download({ metrics: ['metrics/transaction-volume'] })).text).toBe(
    `transaction-volume\r\n${cents * 2001n}\r\n`,
  );
});

test.each([
  ['=HYPERLINK("http://x")', '"\'=HYPERLINK(""http://x"")"'],
  ['+1', "'+1"],
  ['-1', "'-1"],
  ['@SUM(A1)', "'@SUM(A1)"],
  ['\tx', "'\tx"],
  ['\rx', '"\'\rx"'],
  ['a=b', 'a=b'],
])('leads what a spreadsheet would compute by an apostrophe: %j', async (source, cell) => {
  await recordFacts(running.deps, [booked({ day: '1994-03-31', source })]);
  expect((await download({ dimensions: ['source'] })).text).toBe(`source,transactions\r\n${cell},1\r\n`);
});

test('sends more rows than one answer may have, in pieces, complete and in order', async () => {
  const total = 30_000;
  const events = Array.from({ length: total }, (_, index) =>
    booked({ day: '1994-03-31', source: `s${String(index).padStart(5, '0')}` }),
  );
  await recordFacts(running.deps, events);
  const { text, chunks } = await download({ dimensions: ['source'] });
  expect(chunks).toBeGreaterThan(30);
  const expected = Array.from({ length: total }, (_, index) => `s${String(index).padStart(5, '0')},1`);
  expect(text.split('\r\n')).toEqual(['source,transactions', ...expected, '']);
  expect(await published()).toMatchObject([{ rowCount: BigInt(total) }]);
});

test('leaves two records and the event', async () => {
  await recordFacts(running.deps, [booked({ day: '1994-03-31', path: '/berka' })]);
  const before = (await auditOf(running, 'ExportCsv')).length;
  await download({ dimensions: ['direction'], organisationPath: '/berka' }, analyst('/berka'));
  const records = (await auditOf(running, 'ExportCsv')).slice(before);
  expect(records).toMatchObject([
    { actor: 'staff/ada', resource: 'metrics/transactions', detail: { change: { state: 'begun' } } },
    { actor: 'staff/ada', resource: 'metrics/transactions', detail: { change: { state: 'sent', rows: 1 } } },
  ]);
  const [event] = await published();
  expect(event).toMatchObject({
    actor: 'staff/ada',
    metrics: ['metrics/transactions'],
    dimensions: ['direction'],
    rowCount: 1n,
    organisationPath: '/berka',
  });
  expect(records[0]?.detail['change']).toMatchObject({ export: event?.exportId });
});

test('an export that its caller leaves is on record as begun, and publishes nothing', async () => {
  const before = (await auditOf(running, 'ExportCsv')).length;
  const events = Array.from({ length: 60_000 }, (_, index) =>
    booked({ day: '1994-03-31', source: `${index} ${'x'.repeat(150)}` }),
  );
  await recordFacts(running.deps, events);
  for await (const { chunk } of running.reporting.exportCsv(query({ dimensions: ['source'] }), analyst())) {
    expect(chunk.length).toBeGreaterThan(0);
    break;
  }
  await new Promise((resolve) => setTimeout(resolve, 1500));
  expect((await auditOf(running, 'ExportCsv')).slice(before)).toMatchObject([
    { detail: { change: { state: 'begun' } } },
  ]);
  expect(await published()).toEqual([]);
});

test('holds nothing from outside of what the caller may see', async () => {
  await recordFacts(
    running.deps,
    ['/berka/prague', '/berka/brno', '/demo'].map((path) => booked({ day: '1994-03-31', path })),
  );
  const dimensions = ['organisation_path'];
  expect((await download({ dimensions }, analyst('/berka/prague'))).text).toBe(
    'organisation_path,transactions\r\n/berka/prague,1\r\n',
  );
  expect((await download({ dimensions, organisationPath: '/demo' }, analyst('/berka'))).text).toBe(
    'organisation_path,transactions\r\n',
  );
});

test('is for those whose work it is', async () => {
  expect(await admitted((options) => download({}, options))).toEqual([
    'branch_manager',
    'auditor',
    'analyst',
    'operator',
  ]);
  expect(await failing({}, as({ roles: [], orgPath: '/' }))).toMatchObject({ kind: 'denied' });
});

test.each([
  [{ metrics: [] }, 'REQUEST_INVALID', 'metrics'],
  [{ metrics: ['metrics/none'] }, 'METRIC_UNKNOWN', 'metrics[0]'],
  [{ dimensions: ['sex'] }, 'DIMENSION_UNKNOWN', 'dimensions[0]'],
  [{ filters: Array.from({ length: 51 }, () => 'direction=credit') }, 'REQUEST_INVALID', 'filters'],
  [{ endDate: { year: 1994, month: 2, day: 30 } }, 'DATE_INVALID', 'end_date'],
])('refuses %j before it sends or records anything', async (more, reason, field) => {
  const before = (await auditOf(running, 'ExportCsv')).length;
  expect(await failing(more)).toMatchObject({ kind: 'invalid', reason, violations: [{ field }] });
  expect(await auditOf(running, 'ExportCsv')).toHaveLength(before);
});
