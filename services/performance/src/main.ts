import { join } from 'node:path';
import { auditReads, readPublicKeys, readSigningKey, startSealer, verifyAudit } from '@rapport/kit/crypto';
import { migrateService, openDatabase, sql } from '@rapport/kit/db';
import { connectBus, startRelay } from '@rapport/kit/events';
import { startServer } from '@rapport/kit/rpc';
import { createHealth, createLogger, every, runUntilSignal, serveOps } from '@rapport/kit/runtime';
import { metricsHandler, stopTelemetry } from '@rapport/kit/telemetry';
import { descriptorSet } from '@rapport/proto';
import { type Config, migrationConfig, serviceConfig } from './config.js';
import type { Deps } from './deps.js';
import { PrismaClient } from './gen/prisma/client.js';
import { consumers, routes } from './server.js';

const name = 'performance';
const folder = join(__dirname, '..');

function tlsOf(config: Config) {
  const { TLS_CA_FILE: caFile, TLS_CERT_FILE: certFile, TLS_KEY_FILE: keyFile } = config;
  return caFile && certFile && keyFile ? { caFile, certFile, keyFile } : undefined;
}

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
  const nats = await connectBus({ url: config.NATS_URL, name: `rapport-${name}`, ...(tls && { tls }) });
  const publicKeys = config.AUTH_JWKS_FILE ? readPublicKeys(config.AUTH_JWKS_FILE) : undefined;
  const deps: Deps = {
    db,
    reads: auditReads(db),
    verifyAudit: (signal) => verifyAudit(db, { publicKeys, signal }),
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
    ...(tls && { tls: { caFile: tls.caFile, certificateFile: tls.certFile, keyFile: tls.keyFile } }),
  });
  const checkDatabase = () =>
    db.system.run(sql`SELECT 1`).then(
      () => health.set('database', true),
      () => health.set('database', false),
    );
  await checkDatabase();
  const background = [
    startRelay({ db, nats, domain: name, stream: { replicas: config.EVENT_REPLICAS } }),
    startSealer({ db, signing: config.SERVICE_KEY_FILE ? readSigningKey(config.SERVICE_KEY_FILE) : undefined }),
    every('database check', 2_000, () => checkDatabase()),
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

async function main(): Promise<void> {
  if (process.argv[2] !== 'migrate') return serve(serviceConfig());
  createLogger({ service: name });
  await migrateService({ url: migrationConfig().DATABASE_URL, dir: join(folder, 'prisma', 'migrations') });
}

main().catch((error: unknown) => {
  createLogger({ service: name }).fatal({ err: error }, 'the performance service could not start');
  process.exit(1);
});
