import path from 'node:path';
import { auditReads, fieldCipher, verifyAudit } from '@rapport/kit/crypto';
import { type Database, everything, openDatabase, type Queryable, type Sql, sql } from '@rapport/kit/db';
import { type ClientOf, client, requestValidator, startServer } from '@rapport/kit/rpc';
import { type Clock, createHealth, uuidv7 } from '@rapport/kit/runtime';
import { descriptorSet } from '@rapport/proto';
import {
  CustomerServiceClient,
  CustomerServiceService,
  SpendingServiceService,
  Holding,
  HoldingRole,
  HouseholdServiceClient,
  type HouseholdServiceService,
  type ImportHeader,
  ImportHeader as ImportHeaderMessage,
  type ImportRequest,
  ImportRow,
  Party,
  PrivacyServiceClient,
  type PrivacyServiceService,
  PortraitServiceClient,
  type PortraitServiceService,
  GoldenServiceClient,
  type GoldenServiceService,
  QualityServiceClient,
  type QualityServiceService,
  Sex,
  ReferenceServiceClient,
  type ReferenceServiceService,
  SourceServiceClient,
  type SourceServiceService,
} from '@rapport/proto/customer/v1';
import { testAuth, testDatabase, testToken, type TokenClaims } from '@rapport/test/kit';
import { standardSettings } from './behaviour/baseline.js';
import type { Deps } from './deps.js';
import { PrismaClient } from './gen/prisma/client.js';
import { routes } from './server.js';

/** The customer service in this process, on a real Postgres and behind a real gRPC server. */
export interface Running {
  customer: ClientOf<typeof CustomerServiceService>;
  spending: ClientOf<typeof SpendingServiceService>;
  privacy: ClientOf<typeof PrivacyServiceService>;
  portrait: ClientOf<typeof PortraitServiceService>;
  quality: ClientOf<typeof QualityServiceService>;
  households: ClientOf<typeof HouseholdServiceService>;
  golden: ClientOf<typeof GoldenServiceService>;
  source: ClientOf<typeof SourceServiceService>;
  reference: ClientOf<typeof ReferenceServiceService>;
  db: Database;
  deps: Deps;
  /** host:port, for clients of its other services. */
  address: string;
  url: string;
  superuserUrl: string;
  stop(): Promise<void>;
}

const silent = { exportPersonalData: async function* () {} };
/** Other services that keep nothing about anybody. */
const noPeers: Deps['peers'] = {
  segmentation: silent,
  marketing: silent,
  cases: silent,
  performance: silent,
  reporting: silent,
};

/** Starts the service on a database of its own. */
export async function startCustomer(clock: Clock = { now: () => new Date() }): Promise<Running> {
  const database = await testDatabase('customer');
  const prisma = openDatabase({
    url: database.url,
    application: 'customer-test',
    genericPlans: true,
    prisma: (adapter) => new PrismaClient({ adapter }),
  });
  const db = prisma.plain;
  const validation = descriptorSet();
  const deps: Deps = {
    db,
    prisma,
    reads: auditReads(db),
    cipher: fieldCipher({ keyEncryptionKeyFile: testAuth().keyEncryptionKeyFile }),
    clock,
    bank: {
      timeZone: 'Europe/Prague',
      language: 'en',
      country: 'CZ',
      unknownSources: 'register',
      baseline: standardSettings,
    },
    rules: requestValidator(validation).validate,
    peers: noPeers,
    verifyAudit: (signal, part) => verifyAudit(db, { ...part, signal }),
  };
  const server = await startServer({
    address: '127.0.0.1:0',
    routes: routes(deps),
    policies: path.join(__dirname, '../policies'),
    auth: { jwksFile: testAuth().jwksFile },
    validation,
    health: createHealth(),
  });
  const customer = client(CustomerServiceClient, `127.0.0.1:${server.port}`);
  const spending = client({ service: SpendingServiceService }, `127.0.0.1:${server.port}`);
  const portrait = client(PortraitServiceClient, `127.0.0.1:${server.port}`);
  const households = client(HouseholdServiceClient, `127.0.0.1:${server.port}`);
  const privacy = client(PrivacyServiceClient, `127.0.0.1:${server.port}`);
  const quality = client(QualityServiceClient, `127.0.0.1:${server.port}`);
  const golden = client(GoldenServiceClient, `127.0.0.1:${server.port}`);
  const source = client(SourceServiceClient, `127.0.0.1:${server.port}`);
  const reference = client(ReferenceServiceClient, `127.0.0.1:${server.port}`);
  return {
    customer,
    spending,
    privacy,
    portrait,
    quality,
    households,
    golden,
    source,
    reference,
    db,
    deps,
    address: `127.0.0.1:${server.port}`,
    url: database.url,
    superuserUrl: database.superuserUrl,
    stop: async () => {
      customer.close();
      spending.close();
      privacy.close();
      portrait.close();
      quality.close();
      households.close();
      golden.close();
      source.close();
      reference.close();
      await server.stop();
      await db.close();
      await database.drop();
    },
  };
}

/** Call options of somebody with these claims. */
export function as(claims: TokenClaims): { token: string } {
  return { token: testToken(claims) };
}

export const operator = () => as({ sub: 'olga', roles: ['operator'], orgPath: '/' });
/** Everybody that a bank knows, each at /berka. */
export const allRoles = [
  'relationship_manager',
  'call_centre_agent',
  'marketer',
  'marketing_approver',
  'branch_manager',
  'auditor',
  'analyst',
  'administrator',
  'operator',
  'privacy_officer',
  'data_steward',
] as const;

/** A person of the bank /berka. */
export function person(over: object = {}): Party {
  return Party.fromPartial({
    details: {
      $case: 'person',
      value: {
        givenName: 'Jana',
        familyName: 'Nováková',
        sex: Sex.SEX_FEMALE,
        birthDate: { year: 1970, month: 12, day: 13 },
      },
    },
    organisationPath: '/berka/prague/1',
    region: 'Prague',
    district: 'Hl.m. Praha',
    branch: 'd1',
    contactPoints: [
      { point: { $case: 'email', value: 'Jana.Novakova@example.com' }, preferred: true },
      { point: { $case: 'phone', value: '+420601123456' } },
    ],
    ...over,
  });
}

/** An account in Czech crowns. */
export function account(over: object = {}): Holding {
  return Holding.fromPartial({
    details: { $case: 'account', value: { statementFrequency: 1, currencyCode: 'CZK' } },
    openedDate: { year: 1993, month: 1, day: 1 },
    ...over,
  });
}

/** Creates a party as the operator; gives it. */
export async function createParty(running: Running, party: Party = person()): Promise<Party> {
  const { party: made } = await running.customer.createParty({ party, requestId: uuidv7() }, operator());
  return made as Party;
}

/** Creates a holding as the operator; gives it. */
export async function createHolding(running: Running, parent: string, holding: Holding = account()): Promise<Holding> {
  const request = { parent, holding, requestId: uuidv7() };
  return (await running.customer.createHolding(request, operator())).holding as Holding;
}

/** Runs a statement of the test that sees every row. */
export function all<T>(running: { db: { system: Queryable } }, query: Sql): Promise<T[]> {
  return running.db.system.rows<T>(query);
}

/** How many rows a change could have left behind, by table. */
export async function counts(running: Running): Promise<Record<string, number>> {
  const tables = [
    'party',
    'party_word',
    'party_contact',
    'natural_key',
    'holding',
    'holding_role',
    'transaction',
    'interaction',
    'consent',
    'import_run',
    'import_reject',
    'kit.outbox',
    'kit.idempotency',
  ];
  const found: Record<string, number> = {};
  for (const table of tables) {
    const row = await running.db.system.one<{ count: number }>(
      sql`SELECT count(*)::int AS count FROM ${sql.raw(table)}`,
    );
    found[table] = row.count;
  }
  return found;
}

/** The types of the events in the outbox, in order. */
export async function eventTypes(running: Running): Promise<string[]> {
  const rows = await all<{ type: string }>(running, sql`SELECT type FROM kit.outbox ORDER BY id`);
  return rows.map(({ type }) => type.replace('rapport.customer.v1.', ''));
}

/** The reason of a failure. */
export function failure(promise: Promise<unknown>): Promise<{ kind: string; reason: string; fields: string[] }> {
  return promise.then(
    () => ({ kind: 'ok', reason: '', fields: [] }),
    (error: { kind: string; reason: string; violations: readonly { field: string }[] }) => ({
      kind: error.kind,
      reason: error.reason,
      fields: error.violations.map(({ field }) => field),
    }),
  );
}

/** The messages of an import: a header and its rows in batches. */
export function importOf(header: Partial<ImportHeader>, batches: object[][]): ImportRequest[] {
  const full = ImportHeaderMessage.fromPartial({
    importId: uuidv7(),
    source: 'berka',
    organisationPath: '/berka',
    file: 'test.csv',
    ...header,
  });
  return [
    { part: { $case: 'header', value: full } },
    ...batches.map((rows) => ({
      part: { $case: 'batch' as const, value: { rows: rows.map((row) => ImportRow.fromPartial(row)) } },
    })),
  ];
}

export const owner = HoldingRole.HOLDING_ROLE_OWNER;
export const authorisedUser = HoldingRole.HOLDING_ROLE_AUTHORISED_USER;
export { everything };
