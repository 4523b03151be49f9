import { join } from 'node:path';
import { auditReads, auditVerifier, startSealer } from '@rapport/kit/crypto';
import { migrateService, openDatabase, scrubService, sql } from '@rapport/kit/db';
import { connectBus, startRelay } from '@rapport/kit/events';
import { startServer } from '@rapport/kit/rpc';
import { createHealth, createLogger, runCommand, runUntilSignal, serveOps, tlsOf, watch } from '@rapport/kit/runtime';
import { metricsHandler, stopTelemetry } from '@rapport/kit/telemetry';
import { descriptorSet } from '@rapport/proto';
import { type Config, migrationConfig, performanceConfig } from './config.js';
import type { Deps } from './deps.js';
import { PrismaClient } from './gen/prisma/client.js';
import { consumers, routes } from './server.js';

const name = 'performance';
const folder = join(__dirname, '..');

async function serve(config: Config): Promise<void> {
  const logger = createLogger({ service: name, level: config.LOG_LEVEL });
  const health = createHealth();
  health.set('grpc', false);
  const ops = await serveOps({ address: config.OPS_ADDRESS, health, metrics: metricsHandler });
  const db = openDatabase<PrismaClient>({
    url: config.DATABASE_URL,
    max: config.DATABASE_POOL_SIZE,
    application: `rapport-${name}`,
    prisma: (adapter) => new PrismaClient({ adapter }),
  });
  const tls = tlsOf(config);
  const nats = await connectBus({ url: config.NATS_URL, name: `rapport-${name}`, tls });
  const deps: Deps = {
    db,
    reads: auditReads(db),
    verifyAudit: auditVerifier(db, config.AUTH_JWKS_FILE),
    timeZone: config.BANK_TIME_ZONE,
  };
  const server = await startServer({
    address: config.GRPC_ADDRESS,
    routes: routes(deps),
    policies: join(folder, 'policies'),
    auth: { jwksFile: config.AUTH_JWKS_FILE, jwksUrl: config.AUTH_JWKS_URL, peers: tls !== undefined },
    validation: descriptorSet(),
    health,
    reflection: config.GRPC_REFLECTION,
    tls,
  });
  const background = [
    startRelay({ db, nats, domain: name, stream: { replicas: config.EVENT_REPLICAS } }),
    startSealer({ db, keyFile: config.SERVICE_KEY_FILE }),
    await watch(health, 'database', () => db.system.run(sql`SELECT 1`)),
    ...consumers(deps, nats),
  ];
  health.set('grpc', true);
  logger.info({ grpc: server.port }, 'the performance service serves');
  const stops = [
    () => server.stop(),
    ...background.reverse().map((running) => () => running.stop()),
    () => nats.drain(),
    () => db.close(),
    () => ops.stop(),
    stopTelemetry,
  ];
  await runUntilSignal(stops, { drainMs: config.DRAIN_MS, health });
}

void runCommand(name, {
  serve: () => serve(performanceConfig()),
  migrate: () => migrateService({ url: migrationConfig().DATABASE_URL, dir: join(folder, 'prisma/migrations') }),
  // Rewrites the tables, so that nothing that was deleted is left in their files.
  scrub: async () => void (await scrubService({ url: migrationConfig().DATABASE_URL })),
});
