import { join } from 'node:path';
import { auditReads, auditVerifier, startSealer } from '@rapport/kit/crypto';
import { migrateService, openDatabase, scrubService, sql } from '@rapport/kit/db';
import { connectBus, startConsumer, startEraser, startRelay } from '@rapport/kit/events';
import { client, startServer } from '@rapport/kit/rpc';
import {
  createHealth,
  createLogger,
  runCommand,
  runUntilSignal,
  serveOps,
  systemClock,
  tlsOf,
  watch,
} from '@rapport/kit/runtime';
import { metricsHandler, stopTelemetry } from '@rapport/kit/telemetry';
import { descriptorSet } from '@rapport/proto';
import { CustomerServiceClient } from '@rapport/proto/customer/v1';
import { SegmentationServiceClient } from '@rapport/proto/segmentation/v1';
import { startCampaigns } from './campaign/run-campaigns.js';
import { type Config, marketingConfig, migrationConfig } from './config.js';
import { startDelivering } from './delivery/deliver.js';
import type { Deps } from './deps.js';
import { PrismaClient } from './gen/prisma/client.js';
import { createMailer } from './mail/mail.js';
import { erasing } from './privacy/erase-party.js';
import { erasures, handlers, routes } from './server.js';
import { createWakeup } from './wakeup/wakeup.js';

const folder = join(__dirname, '..');

async function serve(config: Config): Promise<void> {
  const logger = createLogger({ service: 'marketing', level: config.LOG_LEVEL });
  const health = createHealth();
  health.set('started', false);
  const ops = await serveOps({ address: config.OPS_ADDRESS, health, metrics: metricsHandler });

  const db = openDatabase({
    url: config.DATABASE_URL,
    max: config.DATABASE_POOL_SIZE,
    application: 'rapport-marketing',
    prisma: (adapter) => new PrismaClient({ adapter }),
  });
  const tls = tlsOf(config);
  const nats = await connectBus({ url: config.NATS_URL, name: 'rapport-marketing', tls });
  const peer = { tls, identity: config.SERVICE_KEY_FILE };
  const wakeup = createWakeup();
  const deps: Deps = {
    db,
    reads: auditReads(db),
    clock: systemClock,
    customer: client(CustomerServiceClient, config.CUSTOMER_ADDRESS, peer),
    segmentation: client(SegmentationServiceClient, config.SEGMENTATION_ADDRESS, peer),
    mailer: createMailer({
      url: config.SMTP_URL,
      from: config.MAIL_FROM,
      unsubscribeUrl: config.UNSUBSCRIBE_URL,
      connections: config.SMTP_CONNECTIONS,
    }),
    wake: () => wakeup.ring(),
    verifyAudit: auditVerifier(db, config.AUTH_JWKS_FILE),
  };

  const server = await startServer({
    address: config.GRPC_ADDRESS,
    routes: routes(deps),
    policies: join(folder, 'policies'),
    auth: { jwksFile: config.AUTH_JWKS_FILE, jwksUrl: config.AUTH_JWKS_URL, peers: tls !== undefined },
    validation: descriptorSet(),
    health,
    tls,
    reflection: config.GRPC_REFLECTION,
  });

  const delivering = {
    batch: config.DELIVERY_BATCH,
    concurrency: config.SMTP_CONNECTIONS,
    leaseMs: config.DELIVERY_LEASE_MS,
    pollMs: config.DELIVERY_POLL_MS,
  };
  const running = [
    startRelay({ db, nats, domain: 'marketing', stream: { replicas: config.EVENT_REPLICAS } }),
    startConsumer({ db, nats, name: 'marketing-audience', handlers: handlers(deps) }),
    startConsumer({ db, nats, name: 'marketing-erasures', handlers: erasures, shards: 1 }),
    startEraser(erasing(deps)),
    startCampaigns(deps, wakeup, config.DELIVERY_POLL_MS),
    startDelivering(deps, delivering, wakeup),
    startSealer({ db, keyFile: config.SERVICE_KEY_FILE }),
    await watch(health, 'database', () => db.system.run(sql`SELECT 1`)),
  ];
  health.set('started', true);
  logger.info({ grpc: server.port, ops: ops.port }, 'marketing is ready');

  await runUntilSignal(
    [
      () => server.stop(),
      ...running.map((one) => () => one.stop()),
      async () => deps.mailer.close(),
      async () => deps.customer.close(),
      async () => deps.segmentation.close(),
      () => nats.drain(),
      () => db.close(),
      () => ops.stop(),
      stopTelemetry,
    ],
    { drainMs: config.DRAIN_MS, health },
  );
}

void runCommand('marketing', {
  serve: () => serve(marketingConfig()),
  migrate: () => migrateService({ url: migrationConfig().DATABASE_URL, dir: join(folder, 'prisma/migrations') }),
  // Rewrites the tables, so that nothing that was deleted is left in their files.
  scrub: async () => void (await scrubService({ url: migrationConfig().DATABASE_URL })),
});
