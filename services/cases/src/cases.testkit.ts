// What the tests of this service share: the service in this process, on a real Postgres and behind a real gRPC server,
// beside a customer that knows a few parties.
import path from 'node:path';
import { auditReads, verifyAudit } from '@rapport/kit/crypto';
import { type Database, openDatabase, sql } from '@rapport/kit/db';
import { type ClientOf, client, Failure } from '@rapport/kit/rpc';
import { startServer } from '@rapport/kit/rpc';
import { createHealth, uuidv7 } from '@rapport/kit/runtime';
import { descriptorSet } from '@rapport/proto';
import {
  type Case,
  CasePriority,
  CasesServiceClient,
  type CasesServiceService,
  type ComplaintStep,
  OpenCaseRequest,
} from '@rapport/proto/cases/v1';
import { GetPartyResponse } from '@rapport/proto/customer/v1';
import { Channel } from '@rapport/proto/type/v1';
import { testAuth, testDatabase, testToken, type TokenClaims } from '@rapport/test/kit';
import type { Deps } from './deps.js';
import { PrismaClient } from './gen/prisma/client.js';
import { routes } from './server.js';
import { openTypes } from './type/type.js';

export interface RunningCases {
  cases: ClientOf<typeof CasesServiceService>;
  db: Database<PrismaClient>;
  deps: Deps;
  port: number;
  superuserUrl: string;
  /** What customer answers from now on: a party's organisation path, or a failure; `golden` says what was merged into what. */
  customer: { answer: (name: string) => string | Failure; golden: Map<string, string>; asked: string[] };
  stop(): Promise<void>;
}

export async function startCases(): Promise<RunningCases> {
  const database = await testDatabase('cases');
  const db = openDatabase({
    url: database.url,
    application: 'cases-test',
    prisma: (adapter) => new PrismaClient({ adapter }),
  });
  const customer: RunningCases['customer'] = { answer: () => '/berka/prague/1', golden: new Map(), asked: [] };
  const deps: Deps = {
    db,
    reads: auditReads(db),
    clock: { now: () => new Date() },
    types: openTypes(db, 'Europe/Prague'),
    customer: {
      getParty: async ({ name }) => {
        customer.asked.push(name);
        const answer = customer.answer(name);
        if (answer instanceof Failure) throw answer;
        return GetPartyResponse.fromPartial({
          party: { name: customer.golden.get(name) ?? name, organisationPath: answer },
        });
      },
    },
    timeZone: 'Europe/Prague',
    verifyAudit: (signal, part) => verifyAudit(db, { ...part, signal }),
  };
  const server = await startServer({
    address: '127.0.0.1:0',
    routes: routes(deps),
    policies: path.join(__dirname, '../policies'),
    auth: { jwksFile: testAuth().jwksFile },
    validation: descriptorSet(),
    health: createHealth(),
  });
  const cases = client(CasesServiceClient, `127.0.0.1:${server.port}`);
  return {
    cases,
    db,
    deps,
    customer,
    port: server.port,
    superuserUrl: database.superuserUrl,
    stop: async () => {
      cases.close();
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

export const operator = () => as({ sub: 'staff/operator', roles: ['operator', 'administrator'], orgPath: '/' });
export const agent = (orgPath = '/berka') => as({ sub: 'staff/carl', roles: ['call_centre_agent'], orgPath });
export const manager = (sub = 'staff/mara', orgPath = '/berka/prague/1') =>
  as({ sub, roles: ['relationship_manager'], orgPath });

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
] as const;

export const party = (last = '1') => `parties/01890000-0000-7000-8000-${last.padStart(12, '0')}`;

/** A request to open a case. */
export function opening(over: Partial<OpenCaseRequest> = {}): OpenCaseRequest {
  return OpenCaseRequest.fromPartial({
    requestId: uuidv7(),
    type: 'caseTypes/complaint',
    party: party(),
    channel: Channel.CHANNEL_PHONE,
    subject: 'Charged twice',
    description: 'The standing order of May was booked twice.',
    organisationPath: '/berka/prague/1',
    branch: 'organisationUnits/prague-1',
    priority: CasePriority.CASE_PRIORITY_UNSPECIFIED,
    ...over,
  });
}

/** Opens a case as the operator; gives it. */
export async function open(running: RunningCases, over: Partial<OpenCaseRequest> = {}): Promise<Case> {
  return (await running.cases.openCase(opening(over), operator())).case as Case;
}

/** Takes a complaint through the steps up to and including `last`. */
export async function advance(running: RunningCases, name: string, from: number, last: number): Promise<Case> {
  let current: Case | undefined;
  for (let step = from; step <= last; step += 1) {
    const request = { requestId: uuidv7(), name, step: step as ComplaintStep, etag: '', occurTime: undefined };
    current = (await running.cases.advanceComplaint(request, operator())).case;
  }
  return current as Case;
}

/** How many rows a change could have left behind, by table. */
export async function counts(running: RunningCases): Promise<Record<string, number>> {
  const tables = [
    'service_case',
    'case_history',
    'case_key',
    'case_type',
    'calendar',
    'kit.outbox',
    'kit.idempotency',
  ] as const;
  const found: Record<string, number> = {};
  for (const table of tables) {
    const rows = sql`SELECT count(*)::int AS count FROM ${sql.raw(table)}`;
    found[table] = (await running.db.system.one<{ count: number }>(rows)).count;
  }
  return found;
}

/** The types of the events of one case in the outbox, in order. */
export async function eventsOf(running: RunningCases, name: string): Promise<string[]> {
  const rows = await running.db.system.rows<{ type: string }>(
    sql`SELECT type FROM kit.outbox WHERE subject = ${name} ORDER BY xid, id`,
  );
  return rows.map(({ type }) => type.replace('rapport.cases.v1.', ''));
}

/** The reason of a failure, its kind and the fields it names. */
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
