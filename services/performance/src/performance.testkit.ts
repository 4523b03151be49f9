import path from 'node:path';
import { auditReads, verifyAudit } from '@rapport/kit/crypto';
import { type Database, everything, openDatabase, sql } from '@rapport/kit/db';
import { type ClientOf, client, Failure, startServer } from '@rapport/kit/rpc';
import { createHealth, uuidv7 } from '@rapport/kit/runtime';
import { descriptorSet } from '@rapport/proto';
import { OperationsServiceService } from '@rapport/proto/operations/v1';
import {
  Aggregation,
  FactKind,
  type Kpi,
  KpiPlan,
  OrganisationUnit,
  PerformanceServiceService,
  Staff,
  UnitKind,
} from '@rapport/proto/performance/v1';
import { testAuth, testDatabase, testToken, type TokenClaims } from '@rapport/test/kit';
import type { Deps } from './deps.js';
import { type Achievement, storeFacts } from './fact/fact.js';
import { PrismaClient } from './gen/prisma/client.js';
import { routes } from './server.js';

/** The performance service in this process, on a real Postgres and behind a real gRPC server. */
export interface Started {
  performance: ClientOf<typeof PerformanceServiceService>;
  operations: ClientOf<typeof OperationsServiceService>;
  db: Database<PrismaClient>;
  deps: Deps;
  stop(): Promise<void>;
}

/** Starts the service on a database of its own. */
export async function startPerformance(): Promise<Started> {
  const database = await testDatabase('performance');
  const db = openDatabase<PrismaClient>({
    url: database.url,
    application: 'performance-test',
    prisma: (adapter) => new PrismaClient({ adapter }),
  });
  const deps: Deps = {
    db,
    reads: auditReads(db),
    verifyAudit: (signal, part) => verifyAudit(db, { ...part, signal }),
    timeZone: 'Europe/Prague',
  };
  const server = await startServer({
    address: '127.0.0.1:0',
    routes: routes(deps),
    policies: path.join(__dirname, '../policies'),
    auth: { jwksFile: testAuth().jwksFile },
    validation: descriptorSet(),
    health: createHealth(),
  });
  const address = `127.0.0.1:${server.port}`;
  const performance = client({ service: PerformanceServiceService }, address, { attempts: 1 });
  const operations = client({ service: OperationsServiceService }, address, { attempts: 1 });
  return {
    performance,
    operations,
    db,
    deps,
    stop: async () => {
      performance.close();
      operations.close();
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

/** The bank's operator, who stands at the root of everything. */
export const operator = () => as({ sub: 'staff/operator', roles: ['operator'], orgPath: '/' });

/** Somebody of the bank /berka in one role. */
export function person(role: string, orgPath = '/berka', id: string = role): { token: string } {
  return as({ sub: `staff/${id}`, roles: [role], orgPath });
}

/** Every role that a token may have. */
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
  'service',
] as const;

/** A token with one role, standing at /berka. */
export function inRole(role: (typeof allRoles)[number]): { token: string } {
  if (role !== 'service') return person(role);
  return as({ sub: 'service:marketing', roles: ['service'], typ: 'service', signedBy: 'marketing' });
}

/** The request that adds a unit. */
export function newUnit(id: string, kind: UnitKind, parent = '', segment = '') {
  return {
    requestId: uuidv7(),
    organisationUnitId: id,
    organisationUnit: OrganisationUnit.fromPartial({
      title: `Unit ${id}`,
      kind,
      parent: parent && `organisationUnits/${parent}`,
      segment,
    }),
  };
}

/** One person to add. */
export function newStaff(staffId: string, unit: string, over: Partial<Staff> = {}) {
  const staff = {
    displayName: `Name of ${staffId}`,
    unit: `organisationUnits/${unit}`,
    roles: ['relationship_manager'],
  };
  return { staffId, staff: Staff.fromPartial({ ...staff, ...over }) };
}

/**
 * Two banks: /berka with the region prague (branches 1 and 2) and the region brno (branch 3), and /other with one branch.
 * Each branch has two people: `a1`, `b1` in branch 1, and so on; `x1` in the other bank.
 */
export async function populate({ performance }: Started): Promise<void> {
  const units = [
    newUnit('berka', UnitKind.UNIT_KIND_BANK),
    newUnit('prague', UnitKind.UNIT_KIND_REGION, 'berka'),
    newUnit('brno', UnitKind.UNIT_KIND_REGION, 'berka'),
    newUnit('p1', UnitKind.UNIT_KIND_BRANCH, 'prague', '1'),
    newUnit('p2', UnitKind.UNIT_KIND_BRANCH, 'prague', '2'),
    newUnit('b3', UnitKind.UNIT_KIND_BRANCH, 'brno', '3'),
    newUnit('other', UnitKind.UNIT_KIND_BANK),
    newUnit('o1', UnitKind.UNIT_KIND_BRANCH, 'other', '1'),
  ];
  for (const unit of units) await performance.createUnit(unit, operator());
  const staff = [
    newStaff('a1', 'p1'),
    newStaff('b1', 'p1'),
    newStaff('a2', 'p2'),
    newStaff('b2', 'p2'),
    newStaff('a3', 'b3'),
    newStaff('b3', 'b3'),
    newStaff('x1', 'o1'),
  ];
  await performance.batchCreateStaff({ requestId: uuidv7(), staff }, operator());
}

export const kpi = (
  id: string,
  factKind: FactKind,
  aggregation: Aggregation,
  weightBasisPoints: number,
  targetThousandths: bigint,
  capPercent = 150,
): Kpi => ({ id, factKind, aggregation, weightBasisPoints, targetThousandths, capPercent });

/** The request that writes a plan for a unit: holdings opened in 1994, all of the weight, two of them wanted. */
export function newPlan(planId: string, unit = 'berka', over: Partial<KpiPlan> = {}) {
  return {
    requestId: uuidv7(),
    planId,
    plan: KpiPlan.fromPartial({
      title: `Plan ${planId}`,
      startDate: { year: 1994, month: 1, day: 1 },
      endDate: { year: 1994, month: 12, day: 31 },
      unit: `organisationUnits/${unit}`,
      kpis: [kpi('holdings', FactKind.FACT_KIND_HOLDING_OPENED, Aggregation.AGGREGATION_COUNT, 10_000, 2_000n)],
      ...over,
    } as Parameters<typeof KpiPlan.fromPartial>[0]),
  };
}

/** Writes a plan and has it approved; gives its name. */
export async function approvedPlan({ performance }: Started, ...args: Parameters<typeof newPlan>): Promise<string> {
  const { plan } = await performance.createPlan(newPlan(...args), person('administrator', '/', 'planner'));
  const name = (plan as KpiPlan).name;
  await performance.approvePlan({ requestId: uuidv7(), name, etag: '' }, person('administrator', '/', 'controller'));
  return name;
}

/** A holding opened by the person in March 1994. */
export function achievement(staff: string, over: Partial<Achievement> = {}): Achievement {
  return {
    staff: `staff/${staff}`,
    kind: FactKind.FACT_KIND_HOLDING_OPENED,
    value: 1_000n,
    occurred: { year: 1994, month: 3, day: 1 },
    organisationPath: '/berka/prague/1',
    eventType: 'rapport.customer.v1.HoldingOpened',
    eventId: uuidv7(),
    ...over,
  };
}

/** Stores facts as the consumer does. */
export function store({ db }: Pick<Started, 'db'>, ...achieved: Achievement[]): Promise<number> {
  return db.transaction(everything, (tx) => storeFacts(tx, achieved, 'Europe/Prague'));
}

const tables = [
  'unit',
  'unit_history',
  'staff',
  'staff_history',
  'plan',
  'fact',
  'run',
  'score',
  'kit.outbox',
  'kit.idempotency',
];

/** How many rows a change could have left behind, and a digest of those that a change could have altered. */
export async function traces({ db }: Pick<Started, 'db'>): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {};
  for (const table of tables) {
    found[table] = await db.system.one(sql`
      SELECT count(*)::int AS count, md5(string_agg(t::text, ',' ORDER BY t::text)) AS digest FROM ${sql.raw(table)} AS t`);
  }
  return found;
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
