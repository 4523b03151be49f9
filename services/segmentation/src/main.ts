import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openAnalytics } from '@rapport/kit/analytics';
import { auditReads, auditVerifier, startSealer } from '@rapport/kit/crypto';
import { migrateService, openDatabase, scrubService, sql } from '@rapport/kit/db';
import { connectBus, startRelay } from '@rapport/kit/events';
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
import { ReferenceServiceClient } from '@rapport/proto/customer/v1';
import { declareCatalogue } from './rule/rule.js';
import { type Config, migrationConfig, segmentationConfig } from './config.js';
import type { Deps } from './deps.js';
import { ensureTables, factTables } from './fact/fact.js';
import { PrismaClient } from './gen/prisma/client.js';
import { createChanges } from './membership/follow-changes.js';
import { bitmapTables } from './membership/membership.js';
import { follow, routes } from './server.js';

const folder = join(__dirname, '..');

async function serve(config: Config): Promise<void> {
  const logger = createLogger({ service: 'segmentation', level: config.LOG_LEVEL });
  const health = createHealth();
  health.set('started', false);
  if (config.CATALOGUE_FILE !== undefined) {
    const declared = declareCatalogue(readFileSync(config.CATALOGUE_FILE, 'utf8'), config.CATALOGUE_FILE);
    logger.info({ attributes: declared }, 'the bank has declared attributes');
  }
  const ops = await serveOps({ address: config.OPS_ADDRESS, health, metrics: metricsHandler });

  const db = openDatabase({
    url: config.DATABASE_URL,
    max: config.DATABASE_POOL_SIZE,
    application: 'rapport-segmentation',
    prisma: (adapter) => new PrismaClient({ adapter }),
  });
  const analytics = openAnalytics({
    url: config.CLICKHOUSE_URL,
    cluster: config.CLICKHOUSE_CLUSTER,
    path: config.ANALYTICS_PATH,
    maxMemoryBytes: config.ANALYTICS_MEMORY_MB * 1_000_000,
  });
  await ensureTables(analytics, [...factTables, ...bitmapTables]);
  const tls = tlsOf(config);
  const nats = await connectBus({ url: config.NATS_URL, name: 'rapport-segmentation', tls });
  const references = client(ReferenceServiceClient, config.CUSTOMER_ADDRESS, {
    tls,
    identity: config.SERVICE_KEY_FILE,
  });
  const deps: Deps = {
    db,
    analytics,
    clock: systemClock,
    zone: config.BANK_TIME_ZONE,
    reads: auditReads(db),
    verifyAudit: auditVerifier(db, config.AUTH_JWKS_FILE),
    references,
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

  const changes = createChanges();
  const running = [
    startRelay({ db, nats, domain: 'segmentation', stream: { replicas: config.EVENT_REPLICAS } }),
    ...follow(deps, nats, changes),
    startSealer({ db, keyFile: config.SERVICE_KEY_FILE }),
    await watch(health, 'database', () => db.system.run(sql`SELECT 1`)),
  ];
  health.set('started', true);
  logger.info({ grpc: server.port, ops: ops.port, analytics: analytics.engine }, 'segmentation is ready');

  await runUntilSignal(
    [
      () => server.stop(),
      ...running.map((one) => () => one.stop()),
      async () => references.close(),
      () => nats.drain(),
      () => analytics.close(),
      () => db.close(),
      () => ops.stop(),
      stopTelemetry,
    ],
    { drainMs: config.DRAIN_MS, health },
  );
}

void runCommand('segmentation', {
  serve: () => serve(segmentationConfig()),
  migrate: () => migrateService({ url: migrationConfig().DATABASE_URL, dir: join(folder, 'prisma/migrations') }),
  // Rewrites the tables, so that nothing that was deleted is left in their files.
  scrub: async () => void (await scrubService({ url: migrationConfig().DATABASE_URL })),
});
