import path from 'node:path';
import { auditReads, readPublicKeys, readSigningKey, startSealer, verifyAudit } from '@rapport/kit/crypto';
import { migrateService, openDatabase, sql } from '@rapport/kit/db';
import { connectBus, startRelay } from '@rapport/kit/events';
import { client, startServer } from '@rapport/kit/rpc';
import { createHealth, createLogger, every, runUntilSignal, serveOps, systemClock } from '@rapport/kit/runtime';
import { metricsHandler, stopTelemetry } from '@rapport/kit/telemetry';
import { descriptorSet } from '@rapport/proto';
import { CustomerServiceClient } from '@rapport/proto/customer/v1';
import { startSweeper } from './case/sweep-breaches.js';
import { type Config, casesConfig, migrationConfig } from './config.js';
import type { Deps } from './deps.js';
import { PrismaClient } from './gen/prisma/client.js';
import { routes } from './server.js';
import { openTypes } from './type/type.js';

const policies = path.join(__dirname, '../policies');
const migrations = path.join(__dirname, '../prisma/migrations');

function tlsOf(config: Config) {
  const { TLS_CA_FILE: caFile, TLS_CERT_FILE: certFile, TLS_KEY_FILE: keyFile } = config;
  return caFile && certFile && keyFile ? { caFile, certFile, keyFile } : undefined;
}

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
  const files = tlsOf(config);
  const tls = files && { caFile: files.caFile, certificateFile: files.certFile, keyFile: files.keyFile };
  const nats = await connectBus({ url: config.NATS_URL, name: 'rapport-cases', ...(files && { tls: files }) });
  const identity = config.SERVICE_KEY_FILE;
  const customer = client(CustomerServiceClient, config.CUSTOMER_ADDRESS, {
    ...(tls && { tls }),
    ...(identity !== undefined && { identity }),
  });
  const publicKeys = config.AUTH_JWKS_FILE === undefined ? undefined : readPublicKeys(config.AUTH_JWKS_FILE);
  const deps: Deps = {
    db,
    reads: auditReads(db),
    clock: systemClock,
    types: openTypes(db, config.BANK_TIME_ZONE),
    customer,
    timeZone: config.BANK_TIME_ZONE,
    verifyAudit: (signal) => verifyAudit(db, { publicKeys, signal }),
  };
  const server = await startServer({
    address: config.GRPC_ADDRESS,
    routes: routes(deps),
    policies,
    auth: { jwksFile: config.AUTH_JWKS_FILE, jwksUrl: config.AUTH_JWKS_URL, peers: tls !== undefined },
    validation: descriptorSet(),
    health,
    reflection: config.GRPC_REFLECTION,
    ...(tls && { tls }),
  });
  const checkDatabase = () =>
    db.system.run(sql`SELECT 1`).then(
      () => health.set('database', true),
      () => health.set('database', false),
    );
  await checkDatabase();
  const background = [
    startRelay({ db, nats, domain: 'cases', stream: { replicas: config.EVENT_REPLICAS } }),
    startSealer({ db, signing: identity === undefined ? undefined : readSigningKey(identity) }),
    startSweeper({ db, clock: systemClock }),
    every('database check', 2_000, checkDatabase),
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

async function main(): Promise<void> {
  if (process.argv[2] !== 'migrate') return serve(casesConfig());
  createLogger({ service: 'cases' });
  await migrateService({ url: migrationConfig().DATABASE_URL, dir: migrations });
}

main().catch((error: unknown) => {
  createLogger({ service: 'cases' }).fatal({ err: error }, 'the cases service could not run');
  process.exit(1);
});
