import { chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Analytics, openAnalytics } from '@rapport/kit/analytics';
import { auditReads } from '@rapport/kit/crypto';
import { type Database, openDatabase } from '@rapport/kit/db';
import pg from 'pg';
import { type Figure, median, rounded, type Say } from './figure.js';
import { root, run, script } from './scripts.js';
import { byHand, DAY, hundredSegments, NOON, seedBank } from './segment-bank.js';
import { type SegmentDeps, segmentCode } from './segment-code.js';
import { postgresCpu } from './usage.js';

/** Customers of the banks that are measured; BENCH_SEGMENT_CUSTOMERS names others, separated by commas. */
export const BANKS = (process.env['BENCH_SEGMENT_CUSTOMERS'] ?? '100000,1000000').split(',').map(Number);
/** A folder in which banks that were seeded are kept from run to run. */
const KEPT = process.env['BENCH_SEGMENT_FOLDER'];
const ROUNDS = Number(process.env['BENCH_SEGMENT_ROUNDS'] ?? 3);
const PASS_GOAL = 0.7;
const PREVIEW_GOAL = 1.3;
const FLAT_GOAL = 1.25;
const ROLE = 'rapport_segmentation';
const BIG = 'SETTINGS max_memory_usage = 12000000000, max_bytes_before_external_group_by = 0, max_execution_time = 600';

interface Bank {
  customers: number;
  deps: SegmentDeps;
  analytics: Analytics;
  db: Database;
  admin: pg.Pool;
  /** Seconds of CPU of this process, in which ClickHouse runs, and of Postgres. */
  cpu(): number;
  close(): Promise<void>;
}

/** Postgres with the tables of the service, and an embedded ClickHouse with the bank in it. */
async function openBank(customers: number, say: Say): Promise<Bank> {
  const dir = mkdtempSync(path.join(tmpdir(), 'rapport-bench-segments-'));
  // Postgres refuses to run as root and must reach its data as somebody else.
  chmodSync(dir, 0o711);
  const { startPostgres } = await script('postgres');
  const { plainEnvironment } = await script('suite');
  const settings = { shared_buffers: '128MB', max_wal_size: '1GB' };
  const postgres = await startPostgres({
    dir: path.join(dir, 'postgres'),
    settings,
    log: path.join(dir, 'postgres.log'),
  });
  const client = new pg.Client({ connectionString: postgres.url });
  await client.connect();
  await client.query(`CREATE ROLE ${ROLE} LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD 'bench'`);
  await client.query(`CREATE DATABASE ${ROLE} OWNER ${ROLE}`);
  await client.end();
  const url = `postgresql://${ROLE}:bench@127.0.0.1:${postgres.port}/${ROLE}`;
  const cwd = path.join(root, 'services/segmentation');
  await run(process.execPath, ['dist/main.js', 'migrate'], { cwd, env: { ...plainEnvironment(), DATABASE_URL: url } });

  const data = KEPT ? path.join(KEPT, String(customers)) : path.join(dir, 'clickhouse');
  const seeded = existsSync(data);
  const analytics = openAnalytics({ path: data, maxSeconds: 600 });
  await analytics.ensure([
    ...segmentCode('fact/fact').factTables,
    ...segmentCode('membership/bitmaps').bitmapTables,
    'TRUNCATE TABLE membership_bitmap',
    'TRUNCATE TABLE membership_number',
  ]);
  if (!seeded) {
    say(`seeding ${customers} customers with ${5 * customers} transactions`);
    await seedBank((text) => analytics.command(text), customers);
  }
  const db = openDatabase({ url, application: 'bench' });
  const admin = new pg.Pool({ connectionString: postgres.url.replace(/\/postgres$/, `/${ROLE}`), max: 2 });
  const deps = { db, analytics, clock: { now: () => NOON(15) }, zone: 'Europe/Prague', reads: auditReads(db) };
  return {
    customers,
    deps,
    analytics,
    db,
    admin,
    cpu: () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1e6 + postgresCpu(postgres.pid);
    },
    close: async () => {
      await db.close();
      await admin.end();
      await analytics.close();
      await postgres.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** What some work took: seconds, and seconds of CPU, which a machine that is busy with other things changes less. */
interface Cost {
  wall: number;
  cpu: number;
}

async function cost(bank: Bank, work: () => Promise<unknown>): Promise<Cost> {
  const began = performance.now();
  const before = bank.cpu();
  await work();
  return { wall: (performance.now() - began) / 1000, cpu: bank.cpu() - before };
}

const inWords = ({ service, hand }: Round): string =>
  `${service.wall.toFixed(2)} s (${service.cpu.toFixed(2)} of CPU) beside ${hand.wall.toFixed(2)} s (${hand.cpu.toFixed(2)})`;

const evaluateDue = (deps: SegmentDeps): Promise<number> => segmentCode('membership/follow-calendar').evaluateDue(deps);

/** The same service a day on or back; without its changes when `silent`: then only the bitmaps of the day are made. */
function onDay({ deps, analytics }: Bank, day: number, silent: boolean): SegmentDeps {
  const command: Analytics['command'] = (text, parameters, options) =>
    silent && text.includes("'exited', bitmapOr(") ? Promise.resolve() : analytics.command(text, parameters, options);
  return { ...deps, clock: { now: () => NOON(day) }, analytics: { ...analytics, command } };
}

/**
 * A hundred published segments that were evaluated yesterday. Their bitmaps are whole. In Postgres stand the memberships
 * that end today, so that the pass finds what it deletes; those that stay, which it never touches, would take minutes to
 * write for each million.
 */
async function prepare(bank: Bank, say: Say): Promise<{ leaving: number; entering: number; restore(): Promise<void> }> {
  const { admin, analytics } = bank;
  const { segments } = hundredSegments(DAY);
  for (const [index, { rule }] of segments.entries()) {
    await admin.query(
      `INSERT INTO segment (segment_id, title, organisation_path, created_by) VALUES ($1, $1, '/bench', 'bench')`,
      [`s${index}`],
    );
    await admin.query(
      `INSERT INTO segment_version (segment_id, version, rule, state, created_by, publish_time) VALUES ($1, 1, $2, 3, 'bench', now())`,
      [`s${index}`, rule],
    );
  }
  say('yesterday and today as bitmaps');
  await evaluateDue(onDay(bank, 15, true));
  const { rows: first } = await admin.query<{ pass: string }>('SELECT max(pass) AS pass FROM segment_version');
  await evaluateDue(onDay(bank, 16, true));
  const { rows: second } = await admin.query<{ pass: string }>('SELECT max(pass) AS pass FROM segment_version');
  const passes = { a: first[0]?.pass ?? '', b: second[0]?.pass ?? '' };
  const changed = (kept: string, gone: string): Promise<{ number: number; party: string; names: string[] }[]> =>
    analytics.query(
      `SELECT number, toString(any(p.party)) AS party, groupArray(name) AS names FROM (
          SELECT name, arrayJoin(bitmapToArray(bitmapAndnot(was, now))) AS number FROM (
            SELECT splitByChar('@', splitByChar('/', version_name)[2])[1] AS name,
              groupBitmapMergeStateIf(parties, pass = {kept:UInt64}) AS was,
              groupBitmapMergeStateIf(parties, pass = {gone:UInt64}) AS now
            FROM membership_bitmap WHERE part = 'members' GROUP BY name)) AS c
        INNER JOIN party AS p ON p.number = c.number GROUP BY number`,
      { kept, gone },
    );
  const leaving = await changed(passes.a, passes.b);
  const entering = await changed(passes.b, passes.a);
  await analytics.command(`ALTER TABLE membership_bitmap DROP PARTITION ${passes.b}`);
  const known = [...leaving, ...entering];
  for (let at = 0; at < known.length; at += 50_000) {
    const part = known.slice(at, at + 50_000);
    await admin.query(
      `INSERT INTO party_number (party_id, number) SELECT * FROM unnest($1::uuid[], $2::int[]) ON CONFLICT DO NOTHING`,
      [part.map(({ party }) => party), part.map(({ number }) => number)],
    );
  }
  const pairs = leaving.flatMap(({ party, names }) => names.map((name) => ({ party, name })));
  const restore = async (): Promise<void> => {
    await admin.query('TRUNCATE membership, kit.outbox');
    for (let at = 0; at < pairs.length; at += 50_000) {
      const part = pairs.slice(at, at + 50_000);
      await admin.query(
        `INSERT INTO membership (party_id, segment_id, version, organisation_path)
         SELECT party, name, 1, '/bench' FROM unnest($1::uuid[], $2::text[]) AS m (party, name)`,
        [part.map(({ party }) => party), part.map(({ name }) => name)],
      );
    }
    await admin.query(
      `UPDATE segment_version SET pass = $1, running_pass = $1, pass_since = now(), pass_day = '2026-03-15',
         evaluated_day = '2026-03-15', running_until = now(), members = 1000000000`,
      [passes.a],
    );
    await admin.query('ANALYZE');
    await admin.query('CHECKPOINT');
  };
  const count = (some: readonly { names: string[] }[]): number =>
    some.reduce((sum, { names }) => sum + names.length, 0);
  return { leaving: count(leaving), entering: count(entering), restore };
}

/** The events of a pass by now. */
async function eventsOf({ admin }: Bank): Promise<number> {
  const { rows } = await admin.query<{ events: string }>('SELECT coalesce(sum(events), 0) AS events FROM kit.outbox');
  return Number(rows[0]?.events);
}

/** One round: what the service took and what the statement by hand did. */
interface Round {
  service: Cost;
  hand: Cost;
}

/** Passes of a new day over a hundred segments, beside the statement by hand that only counts them, by turns. */
async function measurePass(bank: Bank, say: Say): Promise<Round[]> {
  const { leaving, entering, restore } = await prepare(bank, say);
  const { segments, columns } = hundredSegments(16 + DAY - 15);
  const statement = `${byHand(segments, columns, DAY + 1)} ${BIG}`;
  const rounds: Round[] = [];
  // The first round warms both up, unless there is but one.
  for (let at = ROUNDS > 1 ? 0 : 1; at <= ROUNDS; at += 1) {
    await restore();
    let counts: number[] = [];
    const hand = await cost(bank, async () => {
      counts = (await bank.analytics.query<{ counts: number[] }>(statement))[0]?.counts ?? [];
    });
    const service = await cost(bank, () => evaluateDue(onDay(bank, 16, false)));
    const events = await eventsOf(bank);
    if (events !== leaving + entering) throw new Error(`the pass told ${events} changes of ${leaving + entering}`);
    await assertSame(bank, counts);
    if (at === 0) continue;
    const told = `${entering} came in, ${leaving} left`;
    say(`${bank.customers} customers ${at}/${ROUNDS}: pass ${inWords({ service, hand })}; ${told}`);
    rounds.push({ service, hand });
  }
  return rounds;
}

/** Whether the pass has found as many as the statement by hand. */
async function assertSame({ analytics, admin }: Bank, counts: readonly number[]): Promise<void> {
  const { rows } = await admin.query<{ pass: string }>('SELECT max(pass) AS pass FROM segment_version');
  const found = await analytics.query<{ name: string; n: number }>(
    `SELECT version_name AS name, groupBitmapMerge(parties) AS n FROM membership_bitmap
      WHERE part = 'members' AND pass = {pass:UInt64} GROUP BY version_name`,
    { pass: rows[0]?.pass ?? '0' },
  );
  for (const { name, n } of found) {
    const index = Number(/s(\d+)@/.exec(name)?.[1]);
    if (counts[index] !== n) throw new Error(`${name}: ${n} by the pass, ${counts[index]} by hand`);
  }
}

/** Previews of rules of several kinds beside the statement by hand. Gives the ratios of time. */
async function measurePreview(bank: Bank, say: Say): Promise<Round[]> {
  const { previewSegment } = segmentCode('segment/preview-segment');
  const { segments, columns } = hundredSegments(DAY);
  const call = {
    principal: { subject: 'staff/bench', roles: ['marketer'], orgPath: '/', type: 'staff' },
    scope: { kind: 'everything' },
    method: 'rapport.segmentation.v1.SegmentationService/PreviewSegment',
    purpose: '',
    signal: new AbortController().signal,
  };
  const rounds: Round[] = [];
  for (let at = ROUNDS > 1 ? 0 : 1; at <= ROUNDS; at += 1) {
    for (const index of [0, 2, 4, 7]) {
      const segment = segments[index];
      if (!segment) continue;
      let byHandCount = 0;
      const hand = await cost(bank, async () => {
        const [row] = await bank.analytics.query<{ counts: number[] }>(`${byHand([segment], columns, DAY)} ${BIG}`);
        byHandCount = row?.counts[0] ?? -1;
      });
      let counted = 0n;
      const request = { rule: segment.rule, organisationPath: '', asOf: undefined, sampleSize: 5 };
      const service = await cost(bank, async () => {
        counted = (await previewSegment(bank.deps, request, call)).count;
      });
      if (Number(counted) !== byHandCount) throw new Error(`${segment.rule}: ${counted} and by hand ${byHandCount}`);
      if (at === 0) continue;
      say(`preview ${at}/${ROUNDS}: ${inWords({ service, hand })}: ${segment.rule}`);
      rounds.push({ service, hand });
    }
  }
  return rounds;
}

const sizeName = (customers: number): string =>
  customers % 1_000_000 === 0 ? `${customers / 1_000_000}m` : `${customers / 1000}k`;

const kinds = ['segments_pass', 'segments_pass_cpu', 'segments_preview', 'segments_preview_cpu'] as const;

/** The figures of passes and previews. */
export const segmentFigures: readonly string[] = [
  ...BANKS.flatMap((customers) => kinds.map((kind) => `${kind}_${sizeName(customers)}`)),
  'segments_growth',
];

/** The figures of rounds: `share` gives the ratio of one of them. */
function figuresOf(
  kind: 'segments_pass' | 'segments_preview',
  customers: number,
  rounds: readonly Round[],
  share: (service: number, hand: number) => number,
  goal: Pick<Figure, 'goal' | 'bound'>,
): Figure[] {
  return (['wall', 'cpu'] as const).map((of) => ({
    name: `${kind}${of === 'cpu' ? '_cpu' : ''}_${sizeName(customers)}`,
    value: rounded(median(rounds.map(({ service }) => service[of])), 3),
    unit: of === 'cpu' ? 's of CPU' : 's',
    baseline: rounded(median(rounds.map(({ hand }) => hand[of])), 3),
    ratio: rounded(median(rounds.map(({ service, hand }) => share(service[of], hand[of]))), 3),
    ...goal,
  }));
}

/** Measures passes over a hundred segments and previews, in banks of several sizes. */
export async function measureSegments(names: readonly string[], say: Say): Promise<Figure[]> {
  const figures: Figure[] = [];
  const perCustomer = new Map<number, number>();
  const growth = names.includes('segments_growth');
  const wanted = (kind: string, customers: number): boolean =>
    names.some((name) => name.startsWith(kind) && name.endsWith(`_${sizeName(customers)}`));
  for (const customers of BANKS) {
    const bank = await openBank(customers, say);
    try {
      if (growth || wanted('segments_pass', customers)) {
        const rounds = await measurePass(bank, say);
        perCustomer.set(customers, (median(rounds.map(({ service }) => service.cpu)) / customers) * 1e6);
        // Of speeds: 0.7 is a pass that takes 1.43 times as long.
        figures.push(
          ...figuresOf('segments_pass', customers, rounds, (pass, hand) => hand / pass, { goal: PASS_GOAL }),
        );
      }
      if (wanted('segments_preview', customers)) {
        const rounds = await measurePreview(bank, say);
        const goal = { goal: PREVIEW_GOAL, bound: 'most' } as const;
        figures.push(...figuresOf('segments_preview', customers, rounds, (preview, hand) => preview / hand, goal));
      }
    } finally {
      await bank.close();
    }
  }
  const [small, large] = [perCustomer.get(Math.min(...BANKS)), perCustomer.get(Math.max(...BANKS))];
  if (growth && small && large && BANKS.length > 1) {
    figures.push({
      name: 'segments_growth',
      value: rounded(large, 2),
      unit: 's of CPU per million',
      baseline: rounded(small, 2),
      ratio: rounded(large / small, 3),
      goal: FLAT_GOAL,
      bound: 'most',
    });
  }
  return figures.filter(({ name }) => names.includes(name));
}
