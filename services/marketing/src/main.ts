import { join } from 'node:path';
import { auditReads, readPublicKeys, readSigningKey, startSealer, verifyAudit } from '@rapport/kit/crypto';
import { migrateService, openDatabase, sql } from '@rapport/kit/db';
import { connectBus, startConsumer, startRelay } from '@rapport/kit/events';
import { client, startServer } from '@rapport/kit/rpc';
import { createHealth, createLogger, every, runUntilSignal, serveOps, systemClock } from '@rapport/kit/runtime';
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
import { handlers, routes } from './server.js';
import { createWakeup } from './wakeup/wakeup.js';

const folder = join(__dirname, '..');

function tlsFiles(config: Config) {
  const { TLS_CA_FILE: caFile, TLS_CERT_FILE: certificateFile, TLS_KEY_FILE: keyFile } = config;
  return caFile && certificateFile && keyFile ? { caFile, certificateFile, keyFile } : undefined;
}

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
  const tls = tlsFiles(config);
  const nats = await connectBus({
    url: config.NATS_URL,
    name: 'rapport-marketing',
    ...(tls && { tls: { caFile: tls.caFile, certFile: tls.certificateFile, keyFile: tls.keyFile } }),
  });
  const peer = { tls, identity: config.SERVICE_KEY_FILE };
  const wakeup = createWakeup();
  const publicKeys = config.AUTH_JWKS_FILE ? readPublicKeys(config.AUTH_JWKS_FILE) : undefined;
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
    verifyAudit: (signal) => verifyAudit(db, { publicKeys, signal }),
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

  const signing = config.SERVICE_KEY_FILE ? readSigningKey(config.SERVICE_KEY_FILE) : undefined;
  const delivering = {
    batch: config.DELIVERY_BATCH,
    concurrency: config.SMTP_CONNECTIONS,
    leaseMs: config.DELIVERY_LEASE_MS,
    pollMs: config.DELIVERY_POLL_MS,
  };
  const running = [
    startRelay({ db, nats, domain: 'marketing', stream: { replicas: config.EVENT_REPLICAS } }),
    startConsumer({ db, nats, name: 'marketing-audience', handlers: handlers(deps) }),
    startCampaigns(deps, wakeup, config.DELIVERY_POLL_MS),
    startDelivering(deps, delivering, wakeup),
    startSealer({ db, signing }),
    every('database check', 5000, async () => {
      await db.system.run(sql`SELECT 1`).then(
        () => health.set('database', true),
        () => health.set('database', false),
      );
    }),
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

async function main(): Promise<void> {
  if (process.argv[2] === 'migrate') {
    const { DATABASE_URL: url } = migrationConfig();
    const applied = await migrateService({ url, dir: join(folder, 'prisma/migrations') });
    createLogger({ service: 'marketing' }).info({ applied }, 'migrated');
    return;
  }
  await serve(marketingConfig());
}

main().catch((error: unknown) => {
  createLogger({ service: 'marketing' }).fatal({ err: error }, 'marketing cannot run');
  process.exit(1);
});
