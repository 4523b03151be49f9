// A segmentation service with real stores, and a bank beside it whose customer events it hears.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Analytics, openAnalytics, type Parameters as Bound } from '@rapport/kit/analytics';
import { auditReads, verifyAudit } from '@rapport/kit/crypto';
import { type Database, everything, openDatabase } from '@rapport/kit/db';
import {
  connectBus,
  consumerLag,
  type EventCodec,
  type Nats,
  outboxLag,
  publish,
  startRelay,
} from '@rapport/kit/events';
import { type ClientOf, client, startServer } from '@rapport/kit/rpc';
import { createHealth, type Running, uuidv7 } from '@rapport/kit/runtime';
import { descriptorSet } from '@rapport/proto';
import {
  HoldingKind,
  HoldingOpened,
  HoldingRole,
  PartyCreated,
  PartyKind,
  ResolveReason,
  Sex,
  TransactionBooked,
  TransactionDirection,
} from '@rapport/proto/customer/v1';
import {
  InsightServiceClient,
  type InsightServiceService,
  SchemeServiceClient,
  type SchemeServiceService,
  SegmentationServiceClient,
  type SegmentationServiceService,
  StaticListServiceClient,
  type StaticListServiceService,
} from '@rapport/proto/segmentation/v1';
import { type TestBus, testAuth, testBus, testDatabase, testToken } from '@rapport/test/kit';
import type { Deps } from './deps.js';
import { factTables } from './fact/fact.js';
import { PrismaClient } from './gen/prisma/client.js';
import { createChanges } from './membership/follow-changes.js';
import { bitmapTables } from './membership/membership.js';
import { follow, routes } from './server.js';

type Client = ClientOf<typeof SegmentationServiceService>;

/** Everything that a test of the service needs; `close` ends it. */
export interface Suite {
  deps: Deps;
  bus: TestBus;
  nats: Nats;
  /** A client with the token of an employee of these roles at that place. */
  as(roles: string[], orgPath?: string, sub?: string): Client;
  /** The same for what rules' parties are like. */
  insight(roles: string[], orgPath?: string): ClientOf<typeof InsightServiceService>;
  asService(name: 'marketing'): Client;
  /** The same for schemes. */
  schemes(roles: string[], orgPath?: string, sub?: string): ClientOf<typeof SchemeServiceService>;
  /** The same for lists. */
  lists(roles: string[], orgPath?: string, sub?: string): ClientOf<typeof StaticListServiceService>;
  /** Puts a draft into use as two people do: one approves it, another publishes it. */
  publish(version: string): Promise<void>;
  customer: Customer;
  /** Stops hearing events and starts again, as a restart does. */
  restart(): Promise<void>;
  pause(): Promise<void>;
  /** Waits until all events of the customer and our own are facts and every party was looked at. */
  settled(): Promise<void>;
  /**
   * Has parties looked at in so many ranges, as in a bank so large that they are many. Gives the function that ends it.
   */
  inRanges(ranges: number): Promise<() => void>;
  close(): Promise<void>;
}

/** The bank's side: publishes what a customer service would. */
export interface Customer {
  db: Database;
  /** What its sources call parties: the party of each key, `berka:client/1`; asked for as its reference service is. */
  keys: Map<string, string>;
  send<T>(codec: EventCodec<T>, message: T, aggregate: string): Promise<void>;
  /** A person; gives its name. */
  person(of: { path?: string; woman?: boolean; born?: number; region?: string; manager?: string }): Promise<string>;
  holding(
    party: string,
    kind: HoldingKind,
    of?: { also?: string[]; users?: string[]; opened?: number },
  ): Promise<string>;
  booking(
    holding: string,
    of: { parties: string[]; day: number; credit?: boolean; cents: bigint; balance?: bigint; sequence?: number },
  ): Promise<void>;
}

const dateOf = (day: number) => ({
  year: Math.floor(day / 10_000),
  month: Math.floor(day / 100) % 100,
  day: day % 100,
});
const crowns = (minorUnits: bigint) => ({ minorUnits, currencyCode: 'CZK' });

async function openCustomer(nats: Nats): Promise<{ customer: Customer; relay: Running; close(): Promise<void> }> {
  const database = await testDatabase('kit');
  const db = openDatabase({ url: database.url, application: 'bank' });
  const relay = startRelay({ db, nats, domain: 'customer' });
  const send: Customer['send'] = (codec, message, aggregate) =>
    db.transaction(everything, (tx) => publish(tx, codec, message, { aggregate }));
  const pathOf = new Map<string, string>();
  const customer: Customer = {
    db,
    keys: new Map(),
    send,
    person: async ({ path = '/demo', woman = true, born = 19800101, region = 'north', manager = '' }) => {
      const party = `parties/${uuidv7()}`;
      pathOf.set(party, path);
      const message = PartyCreated.fromJSON({
        party,
        organisationPath: path,
        kind: PartyKind.PARTY_KIND_PERSON,
        sex: woman ? Sex.SEX_FEMALE : Sex.SEX_MALE,
        birthDate: dateOf(born),
        region,
        relationshipManager: manager,
      });
      await send(PartyCreated, message, party);
      return party;
    },
    holding: async (party, kind, { also = [], users = [], opened } = {}) => {
      const holding = `${party}/holdings/${uuidv7()}`;
      const owners = [
        ...[party, ...also].map((one) => ({ party: one, role: HoldingRole.HOLDING_ROLE_OWNER })),
        ...users.map((one) => ({ party: one, role: HoldingRole.HOLDING_ROLE_AUTHORISED_USER })),
      ];
      const message = HoldingOpened.fromJSON({
        holding,
        party,
        organisationPath: pathOf.get(party) ?? '/demo',
        kind,
        owners,
        openedDate: opened === undefined ? undefined : dateOf(opened),
      });
      await send(HoldingOpened, message, party);
      return holding;
    },
    booking: async (holding, { parties, day, credit = true, cents, balance, sequence = 1 }) => {
      const party = holding.slice(0, 'parties/'.length + 36);
      const message: TransactionBooked = {
        ...TransactionBooked.fromJSON({
          transaction: `${holding}/transactions/${uuidv7()}`,
          holding,
          holdingKind: HoldingKind.HOLDING_KIND_ACCOUNT,
          parties,
          organisationPath: pathOf.get(party) ?? '/demo',
          direction: credit
            ? TransactionDirection.TRANSACTION_DIRECTION_CREDIT
            : TransactionDirection.TRANSACTION_DIRECTION_DEBIT,
          bookingDate: dateOf(day),
          sequence,
        }),
        amount: crowns(cents),
        balanceAfter: balance === undefined ? undefined : crowns(balance),
      };
      await send(TransactionBooked, message, party);
    },
  };
  return {
    customer,
    relay,
    close: async () => {
      await relay.stop();
      await db.close();
      await database.drop();
    },
  };
}

/** Answers which party a key of the bank's sources means, and nothing about accounts and identifiers. */
function referencesOf({ keys }: Customer): Deps['references'] {
  return {
    batchResolveParties: async ({ references }) => ({
      parties: references.map(({ reference }) => {
        if (reference?.$case !== 'sourceKey') return { party: '', reason: ResolveReason.RESOLVE_REASON_NOT_PERMITTED };
        const party = keys.get(`${reference.value.source}:${reference.value.key}`) ?? '';
        const found = party === '' ? ResolveReason.RESOLVE_REASON_NOT_FOUND : ResolveReason.RESOLVE_REASON_UNSPECIFIED;
        return { party, reason: found };
      }),
    }),
  };
}

/** The bank's marketing: publishes what a marketing service would. */
export async function openMarketing(nats: Nats): Promise<{ send: Customer['send']; close(): Promise<void> }> {
  const database = await testDatabase('kit');
  const db = openDatabase({ url: database.url, application: 'marketing' });
  const relay = startRelay({ db, nats, domain: 'marketing' });
  return {
    send: (codec, message, aggregate) => db.transaction(everything, (tx) => publish(tx, codec, message, { aggregate })),
    close: async () => {
      await relay.stop();
      await db.close();
      await database.drop();
    },
  };
}

/** Starts the service in this process; `at` is the time its clock shows, which stands still. Embedded unless told. */
export async function openSuite(at: Date = new Date('2026-03-15T12:00:00Z'), clickhouse?: string): Promise<Suite> {
  const folder = mkdtempSync(join(tmpdir(), 'segmentation-'));
  const [database, bus] = await Promise.all([testDatabase('segmentation'), testBus()]);
  const db = openDatabase({
    url: database.url,
    application: 'segmentation',
    prisma: (adapter) => new PrismaClient({ adapter }),
  });
  const analytics = openAnalytics({ url: clickhouse, path: folder });
  await analytics.ensure([...factTables, ...bitmapTables]);
  const nats = await connectBus({ url: bus.url, name: 'segmentation' });
  const { customer, close: closeCustomer } = await openCustomer(nats);
  const deps: Deps = {
    db,
    analytics,
    clock: { now: () => at },
    zone: 'Europe/Prague',
    reads: auditReads(db),
    verifyAudit: (signal, part) => verifyAudit(db, { ...part, signal }),
    references: referencesOf(customer),
  };
  const server = await startServer({
    address: '127.0.0.1:0',
    routes: routes(deps),
    policies: join(__dirname, '../policies'),
    auth: { jwksFile: testAuth().jwksFile },
    validation: descriptorSet(),
    health: createHealth(),
  });
  const relay = startRelay({ db, nats, domain: 'segmentation' });
  let running = follow(deps, nats, createChanges());
  const pause = async () => {
    for (const one of running) await one.stop();
    running = [];
  };
  const clients: { close(): void }[] = [];
  const connect = (token: string): Client => {
    const made = client(SegmentationServiceClient, `127.0.0.1:${server.port}`, {
      identity: { token: async () => token },
    });
    clients.push(made);
    return made;
  };
  const suite: Suite = {
    deps,
    bus,
    nats,
    customer,
    as: (roles, orgPath = '/demo', sub = 'tester') => connect(testToken({ roles, orgPath, sub })),
    insight: (roles, orgPath = '/demo') => {
      const token = testToken({ roles, orgPath, sub: 'tester' });
      const made = client(InsightServiceClient, `127.0.0.1:${server.port}`, { identity: { token: async () => token } });
      clients.push(made);
      return made;
    },
    asService: (name) =>
      connect(testToken({ sub: `service:${name}`, roles: ['service'], typ: 'service', signedBy: name })),
    schemes: (roles, orgPath = '/demo', sub = 'tester') => {
      const token = testToken({ roles, orgPath, sub });
      const made = client(SchemeServiceClient, `127.0.0.1:${server.port}`, { identity: { token: async () => token } });
      clients.push(made);
      return made;
    },
    lists: (roles, orgPath = '/demo', sub = 'tester') => {
      const token = testToken({ roles, orgPath, sub });
      const made = client(StaticListServiceClient, `127.0.0.1:${server.port}`, {
        identity: { token: async () => token },
      });
      clients.push(made);
      return made;
    },
    publish: async (name) => {
      await suite
        .as(['marketing_approver'], '/', 'staff/approver')
        .approveSegmentVersion({ name, requestId: uuidv7() });
      await suite.as(['marketer'], '/').publishSegment({ name, requestId: uuidv7() });
    },
    pause,
    restart: async () => {
      await pause();
      running = follow(deps, nats, createChanges());
    },
    settled: async () => {
      const operator = suite.as(['operator'], '/');
      // As long as a test may take: how long it is depends on what else the machine does.
      for (let tries = 0; tries < 500; tries += 1) {
        const told = await outboxLag(customer.db.system, 'customer');
        const own = await outboxLag(db.system, 'segmentation');
        const { caughtUp } = await operator.getSegmentProgress({ organisationPath: '' });
        const kept = (await consumerLag(db)).every(({ pending }) => pending === 0);
        if (told.pending === 0 && own.pending === 0 && caughtUp && kept) return;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      throw new Error('events were not applied within 25 seconds');
    },
    inRanges: async (ranges) => {
      const whole = deps.analytics;
      const parties = await whole.query<{ mark: string }>(
        `SELECT toString(party) AS mark FROM party FINAL ORDER BY party`,
      );
      // 500,000 parties have 62 marks.
      const marks = Array.from(
        { length: 62 * ranges },
        (_, at) => parties[Math.floor(Math.floor(at / 62) * (parties.length / ranges))],
      );
      const query: Analytics['query'] = async <T>(
        text: string,
        parameters?: Bound,
        options?: { signal?: AbortSignal },
      ) => (text.includes('mergeTreeIndex') ? (marks as T[]) : whole.query<T>(text, parameters, options));
      deps.analytics = { ...whole, query };
      return () => {
        deps.analytics = whole;
      };
    },
    close: async () => {
      await pause();
      await relay.stop();
      await closeCustomer();
      for (const one of clients) one.close();
      await server.stop();
      await nats.close();
      await analytics.close();
      await db.close();
      await bus.close();
      await database.drop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return suite;
}
