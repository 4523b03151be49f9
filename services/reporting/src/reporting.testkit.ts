// The reporting service in this process: real Postgres, the real analytic engine, a real gRPC server.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Analytics, openAnalytics } from '@rapport/kit/analytics';
import { auditReads, verifyAudit } from '@rapport/kit/crypto';
import { type Database, openDatabase, sql } from '@rapport/kit/db';
import { type ClientOf, client, Failure, startServer } from '@rapport/kit/rpc';
import { createHealth, uuidv7 } from '@rapport/kit/runtime';
import { descriptorSet } from '@rapport/proto';
import { HoldingKind, TransactionBooked, TransactionDirection } from '@rapport/proto/customer/v1';
import { OperationsServiceClient, type OperationsServiceService } from '@rapport/proto/operations/v1';
import { Grain, ReportingServiceClient, type ReportingServiceService } from '@rapport/proto/reporting/v1';
import { testAuth, testDatabase, testToken, type TokenClaims } from '@rapport/test/kit';
import type { Deps } from './deps.js';
import type { FactEvent } from './fact/read-events.js';
import { factTables } from './fact/tables.js';
import { PrismaClient } from './gen/prisma/client.js';
import { routes } from './server.js';

export interface Running {
  reporting: ClientOf<typeof ReportingServiceService>;
  operations: ClientOf<typeof OperationsServiceService>;
  deps: Deps;
  db: Database<PrismaClient>;
  analytics: Analytics;
  url: string;
  stop(): Promise<void>;
}

/** Starts the service with a database and a data directory of its own. */
export async function startReporting(zone = 'Europe/Prague'): Promise<Running> {
  const database = await testDatabase('reporting');
  const path = mkdtempSync(join(tmpdir(), 'reporting-'));
  const analytics = openAnalytics({ path });
  await analytics.ensure(factTables);
  const db = openDatabase({
    url: database.url,
    application: 'reporting-test',
    prisma: (adapter) => new PrismaClient({ adapter }),
  });
  const deps: Deps = {
    db,
    analytics,
    clock: { now: () => new Date() },
    zone,
    reads: auditReads(db),
    verifyAudit: (signal, part) => verifyAudit(db, { ...part, signal }),
  };
  const server = await startServer({
    address: '127.0.0.1:0',
    routes: routes(deps),
    policies: join(__dirname, '../policies'),
    auth: { jwksFile: testAuth().jwksFile },
    validation: descriptorSet(),
    health: createHealth(),
  });
  const address = `127.0.0.1:${server.port}`;
  const reporting = client(ReportingServiceClient, address, { attempts: 1 });
  const operations = client(OperationsServiceClient, address, { attempts: 1 });
  return {
    reporting,
    operations,
    deps,
    db,
    analytics,
    url: database.url,
    stop: async () => {
      reporting.close();
      operations.close();
      await server.stop();
      await db.close();
      await analytics.close();
      await database.drop();
      rmSync(path, { recursive: true, force: true });
    },
  };
}

/** Call options of somebody with these claims. */
export function as(claims: TokenClaims): { token: string } {
  return { token: testToken(claims) };
}

/** Call options of an analyst at a place of the organisation. */
export const analyst = (orgPath = '/') => as({ sub: 'staff/ada', roles: ['analyst'], orgPath });

/** Every role that a bank knows. */
export const allRoles = [
  'relationship_manager',
  'call_centre_agent',
  'marketer',
  'marketing_approver',
  'branch_manager',
  'auditor',
  'analyst',
  'administrator',
  'privacy_officer',
  'operator',
];

/** The roles whose call is not refused by the policies. */
export async function admitted(call: (options: { token: string }) => Promise<unknown>): Promise<string[]> {
  const roles: string[] = [];
  for (const role of allRoles) {
    const refused = await call(as({ roles: [role], orgPath: '/berka' })).then(
      () => false,
      (error: unknown) => error instanceof Failure && error.kind === 'denied',
    );
    if (!refused) roles.push(role);
  }
  return roles;
}

/** The failure that a call has to end with. */
export async function failureOf(promise: Promise<unknown>): Promise<Failure> {
  const outcome = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(outcome instanceof Failure)) throw new Error(`expected a Failure, got ${String(outcome)}`);
  return outcome;
}

/** An event as the consumer gets it. */
export function happened<T>(
  codec: { $type: string; fromPartial(message: object): T },
  message: object,
  meta: { id?: string; occurred?: Date; organisationPath?: string } = {},
): FactEvent {
  return {
    type: codec.$type,
    event: codec.fromPartial(message),
    meta: {
      id: meta.id ?? uuidv7(),
      occurred: meta.occurred ?? new Date('2026-03-01T12:00:00Z'),
      ...(meta.organisationPath === undefined ? {} : { organisationPath: meta.organisationPath }),
    },
  };
}

export interface Booking {
  path?: string;
  day: string;
  debit?: boolean;
  cents?: bigint;
  currency?: string;
  source?: string;
  id?: string;
}

/** The message of a booked transaction. */
export function booking({ path = '/berka', day, debit = false, cents = 100n, currency = 'CZK', source = '' }: Booking) {
  const [year = 0, month = 0, dayOfMonth = 0] = day.split('-').map(Number);
  return TransactionBooked.fromPartial({
    organisationPath: path,
    holdingKind: HoldingKind.HOLDING_KIND_ACCOUNT,
    direction: debit
      ? TransactionDirection.TRANSACTION_DIRECTION_DEBIT
      : TransactionDirection.TRANSACTION_DIRECTION_CREDIT,
    amount: { minorUnits: cents, currencyCode: currency },
    bookingDate: { year, month, day: dayOfMonth },
    source,
  });
}

/** A booked transaction as the consumer gets it. */
export function booked(of: Booking): FactEvent {
  return happened(TransactionBooked, booking(of), of.id === undefined ? {} : { id: of.id });
}

/** A whole query: transactions of all time as one figure, unless told. */
export function query(more: Partial<Parameters<Running['reporting']['queryMetric']>[0]> = {}) {
  return {
    metrics: ['metrics/transactions'],
    dimensions: [],
    grain: Grain.GRAIN_NONE,
    startDate: undefined,
    endDate: undefined,
    filters: [],
    organisationPath: '',
    ...more,
  };
}

/** The audit records of an action, oldest first. */
export function auditOf(running: Running, method: string) {
  return running.db.system.rows<{ actor: string; resource: string; detail: Record<string, unknown> }>(sql`
    SELECT actor, resource, detail FROM kit.audit
    WHERE action = ${`rapport.reporting.v1.ReportingService/${method}`} ORDER BY id`);
}
