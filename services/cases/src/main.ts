import path from 'node:path';
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
import { startSweeper } from './case/sweep-breaches.js';
import { type Config, casesConfig, migrationConfig } from './config.js';
import type { Deps } from './deps.js';
import { PrismaClient } from './gen/prisma/client.js';
import { erasing } from './privacy/erase-party.js';
import { erasures, handlers, routes } from './server.js';
import { openTypes } from './type/type.js';

const policies = path.join(__dirname, '../policies');
const migrations = path.join(__dirname, '../prisma/migrations');

async function serve(config: Config): Promise<void> {
  const logger = createLogger({ service: 'cases', level: config.LOG_LEVEL });
  const health = createHealth();
  health.set('grpc', false);
  const ops = await serveOps({ address: config.OPS_ADDRESS, health, metrics: metricsHandler });
  const db = openDatabase({
    url: config.DATABASE_URL,
    max: config.DATABASE_POOL_SIZE,
    application: 'rapport-cases',
    genericPlans: true,
    prisma: (adapter) => new PrismaClient({ adapter }),
  });
  const tls = tlsOf(config);
  const nats = await connectBus({ url: config.NATS_URL, name: 'rapport-cases', tls });
  const identity = config.SERVICE_KEY_FILE;
  const customer = client(CustomerServiceClient, config.CUSTOMER_ADDRESS, {
    ...(tls && { tls }),
    ...(identity !== undefined && { identity }),
  });
  const deps: Deps = {
    db,
    reads: auditReads(db),
    clock: systemClock,
    types: openTypes(db, config.BANK_TIME_ZONE),
    customer,
    timeZone: config.BANK_TIME_ZONE,
    verifyAudit: auditVerifier(db, config.AUTH_JWKS_FILE),
  };
  const server = await startServer({
    address: config.GRPC_ADDRESS,
    routes: routes(deps),
    policies,
    auth: { jwksFile: config.AUTH_JWKS_FILE, jwksUrl: config.AUTH_JWKS_URL, peers: tls !== undefined },
    validation: descriptorSet(),
    health,
    reflection: config.GRPC_REFLECTION,
    tls,
  });
  const background = [
    startRelay({ db, nats, domain: 'cases', stream: { replicas: config.EVENT_REPLICAS } }),
    startSealer({ db, keyFile: config.SERVICE_KEY_FILE }),
    startConsumer({ db, nats, name: 'cases-parties', handlers }),
    startConsumer({ db, nats, name: 'cases-erasures', handlers: erasures, shards: 1 }),
    startEraser(erasing(deps)),
    startSweeper({ db, clock: systemClock }),
    await watch(health, 'database', () => db.system.run(sql`SELECT 1`)),
  ];
  health.set('grpc', true);
  logger.info({ grpc: server.port }, 'the cases service serves');
  await runUntilSignal(
    [
      () => server.stop(),
      ...background.reverse().map((running) => () => running.stop()),
      async () => customer.close(),
      () => nats.close(),
      () => db.close(),
      () => ops.stop(),
      stopTelemetry,
    ],
    { drainMs: config.DRAIN_MS, health },
  );
}

void runCommand('cases', {
  serve: () => serve(casesConfig()),
  migrate: () => migrateService({ url: migrationConfig().DATABASE_URL, dir: migrations }),
  // Rewrites the tables, so that nothing that was deleted is left in their files.
  scrub: async () => void (await scrubService({ url: migrationConfig().DATABASE_URL })),
});
