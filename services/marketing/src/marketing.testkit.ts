import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { auditReads, verifyAudit } from '@rapport/kit/crypto';
import { type Database, openDatabase, type Sql, sql } from '@rapport/kit/db';
import { type ClientOf, client, Failure, startServer } from '@rapport/kit/rpc';
import { createHealth, type Running, uuidv7 } from '@rapport/kit/runtime';
import { descriptorSet } from '@rapport/proto';
import { CustomerServiceClient } from '@rapport/proto/customer/v1';
import {
  Campaign,
  type GetCampaignSummaryResponse,
  MarketingServiceClient,
  type MarketingServiceService,
  TemplateVersion,
} from '@rapport/proto/marketing/v1';
import { SegmentationServiceClient, SegmentState } from '@rapport/proto/segmentation/v1';
import { Channel } from '@rapport/proto/type/v1';
import { testAuth, type TestDatabase, testDatabase, testToken } from '@rapport/test/kit';
import { startCampaigns } from './campaign/run-campaigns.js';
import { type DeliverySettings, startDelivering } from './delivery/deliver.js';
import type { Deps } from './deps.js';
import { PrismaClient } from './gen/prisma/client.js';
import { createMailer } from './mail/mail.js';
import {
  type CustomerPeer,
  type Mailbox,
  type SegmentationPeer,
  startCustomerPeer,
  startMailbox,
  startSegmentationPeer,
} from './peers.testkit.js';
import { routes } from './server.js';
import { createWakeup } from './wakeup/wakeup.js';

export type Client = ClientOf<typeof MarketingServiceService>;

/** The marketing service in this process: real Postgres, real gRPC with real peers, real SMTP. */
export interface Suite {
  deps: Deps;
  /** host:port of the server. */
  address: string;
  db: Database<PrismaClient>;
  database: TestDatabase;
  customer: CustomerPeer;
  segmentation: SegmentationPeer;
  mailbox: Mailbox;
  /** The time that the service's clock shows; it stands still until a test sets it. */
  clock: { at: Date };
  /** A client that calls in the name of a person. */
  as(roles: string[], orgPath?: string, sub?: string): Client;
  asService(name: 'reporting' | 'performance'): Client;
  marketer: Client;
  approver: Client;
  /** Starts workers as main does; they are stopped by `stopWorkers` or `close`. */
  startWorkers(settings?: Partial<DeliverySettings>, deps?: Deps): Running;
  stopWorkers(): Promise<void>;
  /** A published segment with these members; gives `segments/{id}@1`. */
  segment(members: string[]): string;
  /** A template that greets by name; gives `templates/{id}@1`. */
  template(subject?: string): Promise<string>;
  /** A policy that lets everything pass, unless the test says otherwise. */
  policy(wish?: {
    messages?: number;
    days?: number;
    quiet?: { start: string; end: string };
    path?: string;
  }): Promise<void>;
  campaign(segmentVersion: string, wish?: Partial<Campaign>): Promise<string>;
  /** A campaign that was created, handed in, approved by another and launched. */
  launched(segmentVersion: string, wish?: Partial<Campaign>): Promise<string>;
  /** Waits until the summary of a campaign is as wished, twenty seconds at most. */
  until(campaign: string, wish: (summary: GetCampaignSummaryResponse) => boolean): Promise<GetCampaignSummaryResponse>;
  rows<T>(query: Sql): Promise<T[]>;
  close(): Promise<void>;
}

/** Monday noon in Prague. */
export const NOON = new Date('2026-03-16T11:00:00Z');

export const request = (): string => uuidv7();

export async function openSuite(): Promise<Suite> {
  const [database, customer, segmentation, mailbox] = await Promise.all([
    testDatabase('marketing'),
    startCustomerPeer(),
    startSegmentationPeer(),
    startMailbox(),
  ]);
  const db = openDatabase({
    url: database.url,
    application: 'marketing-test',
    prisma: (adapter) => new PrismaClient({ adapter }),
  });
  const clock = { at: NOON };
  const wakeup = createWakeup();
  const peer = { identity: testAuth().keyFile('marketing'), attempts: 1 };
  const mailer = createMailer({ url: mailbox.url, from: 'Bank <no-reply@bank.example>', connections: 4 });
  const deps: Deps = {
    db,
    reads: auditReads(db),
    clock: { now: () => clock.at },
    customer: client(CustomerServiceClient, customer.address, peer),
    segmentation: client(SegmentationServiceClient, segmentation.address, peer),
    mailer,
    wake: () => wakeup.ring(),
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
  const clients: Client[] = [];
  const connect = (token: string): Client => {
    const made = client(MarketingServiceClient, `127.0.0.1:${server.port}`, { identity: { token: async () => token } });
    clients.push(made);
    return made;
  };
  const as: Suite['as'] = (roles, orgPath = '/demo', sub = `staff/${roles[0]}`) =>
    connect(testToken({ roles, orgPath, sub }));
  const marketer = as(['marketer'], '/demo', 'staff/mary');
  const approver = as(['marketing_approver'], '/demo', 'staff/adam');
  let workers: Running[] = [];

  const suite: Suite = {
    deps,
    address: `127.0.0.1:${server.port}`,
    db,
    database,
    customer,
    segmentation,
    mailbox,
    clock,
    as,
    asService: (name) =>
      connect(testToken({ sub: `service:${name}`, roles: ['service'], typ: 'service', signedBy: name })),
    marketer,
    approver,
    startWorkers: (settings = {}, own = deps) => {
      const all = { batch: 50, concurrency: 4, leaseMs: 60_000, pollMs: 20, ...settings };
      const started = [startCampaigns(own, wakeup, 20), startDelivering(own, all, wakeup)];
      workers.push(...started);
      return { stop: async () => void (await Promise.all(started.map((one) => one.stop()))) };
    },
    stopWorkers: async () => {
      await Promise.all(workers.map((one) => one.stop()));
      workers = [];
    },
    segment: (members) => {
      const name = `segments/s${uuidv7().slice(-12)}@1`;
      segmentation.segments.set(name, { state: SegmentState.SEGMENT_STATE_PUBLISHED, members });
      return name;
    },
    template: async (subject = 'A word, {{ party.given_name }}') => {
      const templateId = `t${uuidv7()}`;
      await marketer.createTemplate({
        templateId,
        title: 'A template',
        organisationPath: '/demo',
        version: TemplateVersion.fromJSON({
          variables: [{ key: 'rate', type: 'VARIABLE_TYPE_STRING' }],
          variants: [
            {
              language: 'en',
              subject,
              textBody: 'Dear {{ party.display_name }}, {{ rate }}',
              htmlBody: '<p>Dear {{ party.display_name }}, {{ rate }}</p>',
            },
            { language: 'zh', subject: '您好', textBody: '{{ party.display_name }}：{{ rate }}' },
          ],
        }),
        requestId: request(),
      });
      return `templates/${templateId}@1`;
    },
    policy: async ({ messages = 100, days = 1, quiet, path = '/demo' } = {}) => {
      const admin = as(['administrator']);
      const { policy } = await admin.getContactPolicy({ organisationPath: path }).catch(() => ({ policy: undefined }));
      await admin.setContactPolicy({
        policy: {
          organisationPath: path,
          frequencyCaps: [{ purpose: '', messages, days }],
          quietHours: quiet,
          etag: policy?.organisationPath === path ? policy.etag : '',
        },
        requestId: request(),
      });
    },
    campaign: async (segmentVersion, wish = {}) => {
      const { campaign } = await marketer.createCampaign({
        campaign: {
          ...Campaign.fromJSON({ title: 'A campaign', purpose: 'marketing', organisationPath: '/demo' }),
          channel: Channel.CHANNEL_EMAIL,
          segmentVersion,
          templateVersion: wish.templateVersion ?? (await suite.template()),
          ...wish,
        },
        requestId: request(),
      });
      return campaign?.name ?? '';
    },
    launched: async (segmentVersion, wish) => {
      const name = await suite.campaign(segmentVersion, wish);
      await marketer.submitCampaign({ name, etag: '', requestId: request() });
      await approver.approveCampaign({ name, etag: '', requestId: request() });
      await marketer.launchCampaign({ name, etag: '', requestId: request() });
      return name;
    },
    until: async (name, wish) => {
      for (let tries = 0; ; tries += 1) {
        const summary = await marketer.getCampaignSummary({ name });
        const parts = [...summary.held, ...summary.suppressed, ...summary.failed].map(({ count }) => count);
        const total = parts.reduce((sum, count) => sum + count, summary.pending + summary.sent + summary.holdout);
        // What the contract promises of every summary holds at every moment.
        expect(total).toBe(summary.audience);
        if (wish(summary)) return summary;
        if (tries > 1000) {
          throw new Error(
            `not within twenty seconds: ${JSON.stringify(summary, (_, v) => (typeof v === 'bigint' ? Number(v) : v))}`,
          );
        }
        await sleep(20);
      }
    },
    rows: (query) => db.system.rows(query),
    close: async () => {
      await suite.stopWorkers();
      for (const one of clients) one.close();
      await server.stop();
      mailer.close();
      deps.customer.close();
      deps.segmentation.close();
      await Promise.all([customer.stop(), segmentation.stop(), mailbox.stop()]);
      await db.close();
      await database.drop();
    },
  };
  return suite;
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

const counted = [
  'product',
  'offer',
  'template',
  'template_version',
  'campaign',
  'delivery',
  'delivery_decision',
  'message_slot',
  'suppression',
  'contact_policy',
  'referral',
  'kit.outbox',
] as const;

/** How many rows every table has, to see that a call changed nothing. */
export async function rowCounts({ rows }: Pick<Suite, 'rows'>): Promise<unknown> {
  const parts = counted.map((table) => sql.raw(`SELECT '${table}' AS table, count(*) AS count FROM ${table}`));
  return rows(sql.join(parts, ' UNION ALL '));
}
