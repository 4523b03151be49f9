import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, closeSync, mkdirSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { everything, migrateService, openDatabase } from '@rapport/kit/db';
import { connectBus, publishAll, startBatchConsumer, startRelay } from '@rapport/kit/events';
import { uuidv7 } from '@rapport/kit/runtime';
import { PartyCreated, PartyKind, Sex } from '@rapport/proto/customer/v1';
import { GetMembershipsRequest, SegmentationServiceService, SegmentEntered } from '@rapport/proto/segmentation/v1';
import pg from 'pg';
import { compared, type Figure, p99, type Round, rounded, type Say } from './figure.js';
import { openCaller } from './load.js';
import { root, run, script } from './scripts.js';
import { DAY, hundredSegments } from './segment-bank.js';
import { cpuOf, postgresCpu } from './usage.js';

/** The figures of a service at work: reading memberships, and following events. */
export const liveFigures: readonly string[] = ['segments_memberships', 'segments_live_p99', 'segments_live_cpu'];

const ROLE = 'rapport_segmentation';
const PARTIES = 1000;
const MEMBERSHIPS = 10;
const READ_GOAL = 0.8;
const IN_FLIGHT = 32;
const ROUNDS = 5;
const ROUND_MS = 1_500;
/** Events a second, for so long; the first ones warm up. */
const RATE = 500;
const LIVE_MS = 15_000;
const WARM_MS = 5_000;
const MOST_MS = 1_000;

interface World {
  service: string;
  bare: string;
  nats: string;
  admin: pg.Pool;
  bankUrl: string;
  token: string;
  /** Seconds of CPU that the service and Postgres have taken. */
  cpu(): number;
  stop(): Promise<void>;
}

function start(
  name: string,
  dir: string,
  args: readonly string[],
  options: { cwd: string; env: NodeJS.ProcessEnv },
): ChildProcess {
  const log = openSync(path.join(dir, `${name}.log`), 'a');
  const child = spawn(process.execPath, args, { ...options, stdio: ['ignore', log, log] });
  closeSync(log);
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), 15_000);
  await ended;
  clearTimeout(late);
}

/** The segmentation service with a hundred segments in use, a bare server on its database, and the bank's own database. */
async function startWorld(say: Say): Promise<World> {
  const dir = mkdtempSync(path.join(tmpdir(), 'rapport-bench-live-'));
  // Postgres refuses to run as root and must reach its data as somebody else.
  chmodSync(dir, 0o711);
  const stops: (() => Promise<unknown>)[] = [];
  const stop = async (): Promise<void> => {
    for (const one of stops.toReversed()) await one();
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    const [{ startPostgres }, { findNatsServer, startNats }, keys, { freePort }, suite] = await Promise.all([
      script('postgres'),
      script('nats'),
      script('keys'),
      script('processes'),
      script('suite'),
    ]);
    const settings = { shared_buffers: '128MB', max_wal_size: '1GB' };
    const postgres = await startPostgres({
      dir: path.join(dir, 'postgres'),
      settings,
      log: path.join(dir, 'postgres.log'),
    });
    stops.push(postgres.stop);
    const nats = await startNats({ binary: findNatsServer({ say }), dir: path.join(dir, 'nats') });
    stops.push(nats.stop);
    const client = new pg.Client({ connectionString: postgres.url });
    await client.connect();
    await client.query(`CREATE ROLE ${ROLE} LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD 'bench'`);
    await client.query(`CREATE DATABASE ${ROLE} OWNER ${ROLE}`);
    await client.query(`CREATE DATABASE bank OWNER ${ROLE}`);
    await client.end();
    const urlOf = (database: string) => `postgresql://${ROLE}:bench@127.0.0.1:${postgres.port}/${database}`;
    const none = path.join(dir, 'none');
    mkdirSync(none);
    await migrateService({ url: urlOf('bank'), dir: none });
    const keyDir = path.join(dir, 'keys');
    keys.writeKeys(keyDir);
    const [grpc, ops, barePort] = [await freePort(), await freePort(), await freePort()];
    const cwd = path.join(root, 'services/segmentation');
    const env = {
      ...suite.plainEnvironment(),
      OTEL_SERVICE_NAME: 'rapport-segmentation',
      DATABASE_URL: urlOf(ROLE),
      NATS_URL: nats.url,
      ANALYTICS_PATH: path.join(dir, 'clickhouse'),
      GRPC_ADDRESS: `127.0.0.1:${grpc}`,
      OPS_ADDRESS: `127.0.0.1:${ops}`,
      AUTH_JWKS_FILE: path.join(keyDir, 'jwks.json'),
      SERVICE_KEY_FILE: path.join(keyDir, 'segmentation.jwk.json'),
      BANK_TIME_ZONE: 'Europe/Prague',
      // Nobody uploads lists here.
      CUSTOMER_ADDRESS: '127.0.0.1:1',
      DRAIN_MS: '0',
    };
    await run(process.execPath, ['dist/main.js', 'migrate'], { cwd, env });
    const superuser = postgres.url.replace(/\/postgres$/, `/${ROLE}`);
    const admin = new pg.Pool({ connectionString: superuser, max: 2 });
    admin.on('error', () => undefined);
    stops.push(() => admin.end());
    await seed(admin);
    const service = start('segmentation', dir, [...suite.serviceArguments, 'dist/main.js'], { cwd, env });
    stops.push(() => end(service));
    const bareEnv = { ...suite.plainEnvironment(), DATABASE_URL: superuser, PORT: String(barePort) };
    const bare = start('bare', dir, [path.join(__dirname, 'bare-memberships.js')], { cwd: root, env: bareEnv });
    stops.push(() => end(bare));
    const limit = Date.now() + 120_000;
    for (;;) {
      const answer = await fetch(`http://127.0.0.1:${ops}/readyz`).catch(() => undefined);
      if (answer?.ok) break;
      if (Date.now() > limit || service.exitCode !== null) throw new Error(`segmentation is not ready; see ${dir}`);
      await sleep(100);
    }
    const claims = { sub: 'staff/reader', roles: ['call_centre_agent'], org_path: '/bench', typ: 'staff' };
    return {
      service: `127.0.0.1:${grpc}`,
      bare: `127.0.0.1:${barePort}`,
      nats: nats.url,
      admin,
      bankUrl: urlOf('bank'),
      token: keys.signToken(path.join(keyDir, 'gateway.jwk.json'), claims, 3600),
      cpu: () => cpuOf(service.pid as number, false) + postgresCpu(postgres.pid),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** A hundred segments in use, of which one takes newcomers, and parties that are in ten of them each. */
async function seed(admin: pg.Pool): Promise<void> {
  const rules = hundredSegments(DAY).segments.map(({ rule }) => rule);
  rules[0] = 'party.region == "live" && party.age > 18';
  for (const [index, rule] of rules.entries()) {
    await admin.query(
      `INSERT INTO segment (segment_id, title, organisation_path, created_by) VALUES ($1, $1, '/bench', 'bench')`,
      [`s${index}`],
    );
    // Evaluated for good, so that no pass comes between.
    await admin.query(
      `INSERT INTO segment_version (segment_id, version, rule, state, created_by, publish_time, members, pass, running_pass,
         pass_since, evaluated_day, evaluate_time)
       VALUES ($1, 1, $2, 3, 'bench', now(), 0, 1, 1, now(), '9999-12-31', now())`,
      [`s${index}`, rule],
    );
  }
  await admin.query(
    `INSERT INTO membership (party_id, segment_id, version, organisation_path)
     SELECT ('01900000-0000-7000-8000-' || lpad(to_hex(p), 12, '0'))::uuid, 's' || (p * 7 + m * 9) % 100, 1, '/bench/' || p % 40
     FROM generate_series(1, $1::int) AS p, generate_series(1, $2::int) AS m ON CONFLICT DO NOTHING`,
    [PARTIES, MEMBERSHIPS],
  );
  await admin.query('ANALYZE');
}

/** Reads memberships by turns from the service and from the bare server, by one client with the same calls in flight. */
async function measureReads({ service, bare, token }: World, say: Say): Promise<Figure> {
  const requests = Array.from({ length: PARTIES }, (_, at) => {
    const party = `parties/01900000-0000-7000-8000-${(at + 1).toString(16).padStart(12, '0')}`;
    return Buffer.from(GetMembershipsRequest.encode({ party }).finish());
  });
  const ours = openCaller({ address: service, path: SegmentationServiceService.getMemberships.path, token, requests });
  const theirs = openCaller({ address: bare, path: '/bench.Bare/GetMemberships', token, requests });
  try {
    const [first] = await ours.time(1);
    const [other] = await theirs.time(1);
    if (!first || !other || !first.answer.equals(other.answer)) throw new Error('the two servers answer differently');
    await ours.run(ROUND_MS, IN_FLIGHT);
    await theirs.run(ROUND_MS, IN_FLIGHT);
    const rounds: Round[] = [];
    for (let at = 1; at <= ROUNDS; at += 1) {
      const round = { bare: await theirs.run(ROUND_MS, IN_FLIGHT), service: await ours.run(ROUND_MS, IN_FLIGHT) };
      say(
        `segments_memberships ${at}/${ROUNDS}: ${round.service.toFixed(0)} calls a second beside ${round.bare.toFixed(0)}`,
      );
      rounds.push(round);
    }
    return compared('segments_memberships', 'calls/s', READ_GOAL, rounds);
  } finally {
    ours.close();
    theirs.close();
  }
}

/** New parties at an even rate: how long it takes from the commit of the bank to the news that one has come in. */
async function measureLive({ nats: url, bankUrl, cpu }: World, say: Say): Promise<Figure[]> {
  const db = openDatabase({ url: bankUrl, application: 'bank' });
  const nats = await connectBus({ url, name: 'bench' });
  const relay = startRelay({ db, nats, domain: 'customer' });
  const sent = new Map<string, number>();
  const took: number[] = [];
  /** Of parties that were sent before, no time is kept. */
  let keptFrom = Number.POSITIVE_INFINITY;
  // In batches: a listener with a transaction for each event takes as much of the two cores as the service.
  const listener = startBatchConsumer({
    db,
    nats,
    name: 'bench-listener',
    events: [SegmentEntered],
    handle: async (events) => {
      for (const { event } of events) {
        const began = sent.get(event.party);
        if (began !== undefined && began >= keptFrom) took.push(performance.now() - began);
        sent.delete(event.party);
      }
    },
    maxEvents: 1000,
    maxWaitMs: 10,
    shards: 1,
  });
  const send = async (count: number): Promise<void> => {
    const parties = Array.from({ length: count }, () => `parties/${uuidv7()}`);
    await db.transaction(everything, (tx) =>
      publishAll(
        tx,
        PartyCreated,
        parties.map((party) => ({
          message: PartyCreated.fromPartial({
            party,
            organisationPath: '/bench/1',
            kind: PartyKind.PARTY_KIND_PERSON,
            sex: Sex.SEX_FEMALE,
            birthDate: { year: 1980, month: 1, day: 1 },
            region: 'live',
          }),
          options: { aggregate: party.slice('parties/'.length) },
        })),
      ),
    );
    const time = performance.now();
    for (const party of parties) sent.set(party, time);
  };
  const allCame = async (): Promise<void> => {
    const limit = performance.now() + 120_000;
    while (sent.size > 0) {
      if (performance.now() > limit) throw new Error(`${sent.size} have not come in`);
      await sleep(50);
    }
  };
  try {
    // Consumers look for a new stream ever less often, up to every five seconds: begin when they have found it.
    await send(1);
    await allCame();
    const began = performance.now();
    keptFrom = began + WARM_MS;
    const before = cpu();
    let total = 0;
    for (;;) {
      const now = performance.now() - began;
      const due = Math.floor((Math.min(now, LIVE_MS) * RATE) / 1000) - total;
      if (due > 0) {
        total += due;
        await send(due);
      }
      if (now >= LIVE_MS) break;
      await sleep(20);
    }
    await allCame();
    say(`segments_live_p99: ${took.length} parties came in, 99 of 100 within ${p99(took).toFixed(0)} ms`);
    const common = { baseline: null, ratio: null };
    return [
      { name: 'segments_live_p99', value: rounded(p99(took), 0), unit: 'ms', ...common, goal: MOST_MS },
      // The bank's and the listener's share of Postgres included. Two cores have 4 ms for each of 500 events a second.
      {
        name: 'segments_live_cpu',
        value: rounded(((cpu() - before) * 1000) / total, 2),
        unit: 'ms of CPU per event',
        ...common,
        goal: 4,
      },
    ];
  } finally {
    await listener.stop();
    await relay.stop();
    await nats.close();
    await db.close();
  }
}

/** Measures the service at work. */
export async function measureLiveSegments(names: readonly string[], say: Say): Promise<Figure[]> {
  say('starting Postgres, NATS, the segmentation service and the bare server');
  const world = await startWorld(say);
  try {
    const figures: Figure[] = [];
    if (names.includes('segments_memberships')) figures.push(await measureReads(world, say));
    if (names.some((name) => name.startsWith('segments_live'))) figures.push(...(await measureLive(world, say)));
    return figures.filter(({ name }) => names.includes(name));
  } finally {
    await world.stop();
  }
}
