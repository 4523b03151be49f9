import path from 'node:path';
import { auditReads, fieldCipher, readPublicKeys, readSigningKey, startSealer, verifyAudit } from '@rapport/kit/crypto';
import { migrateService, openDatabase, sql } from '@rapport/kit/db';
import { connectBus, startRelay } from '@rapport/kit/events';
import { requestValidator, startServer, type Tls } from '@rapport/kit/rpc';
import { createHealth, createLogger, every, runUntilSignal, serveOps, systemClock } from '@rapport/kit/runtime';
import { metricsHandler, stopTelemetry } from '@rapport/kit/telemetry';
import { descriptorSet } from '@rapport/proto';
import { type Config, customerConfig, migrationConfig } from './config.js';
import type { Deps } from './deps.js';
import { PrismaClient } from './gen/prisma/client.js';
import { routes } from './server.js';

const policies = path.join(__dirname, '../policies');
const migrations = path.join(__dirname, '../prisma/migrations');

function tlsOf(config: Config): Tls | undefined {
  const { TLS_CA_FILE: caFile, TLS_CERT_FILE: certificateFile, TLS_KEY_FILE: keyFile } = config;
  return caFile && certificateFile && keyFile ? { caFile, certificateFile, keyFile } : undefined;
}

async function serve(config: Config): Promise<void> {
  const logger = createLogger({ service: 'customer', level: config.LOG_LEVEL });
  const health = createHealth();
  health.set('database', false);
  const ops = await serveOps({ address: config.OPS_ADDRESS, health, metrics: metricsHandler });
  const db = openDatabase({
    url: config.DATABASE_URL,
    application: 'rapport-customer',
    max: config.DATABASE_POOL_SIZE,
    genericPlans: true,
    prisma: (adapter) => new PrismaClient({ adapter }),
  });
  const tls = tlsOf(config);
  const nats = await connectBus({
    url: config.NATS_URL,
    name: 'customer',
    ...(tls && { tls: { caFile: tls.caFile, certFile: tls.certificateFile, keyFile: tls.keyFile } }),
  });
  const relay = startRelay({ db, nats, domain: 'customer', stream: { replicas: config.EVENT_REPLICAS } });
  const signing = config.SERVICE_KEY_FILE === undefined ? undefined : readSigningKey(config.SERVICE_KEY_FILE);
  const sealer = startSealer({ db, signing });
  const publicKeys = config.AUTH_JWKS_FILE === undefined ? undefined : readPublicKeys(config.AUTH_JWKS_FILE);
  const validation = descriptorSet();
  const deps: Deps = {
    db,
    reads: auditReads(db),
    cipher: fieldCipher({ keyEncryptionKeyFile: config.KEY_ENCRYPTION_KEY_FILE }),
    clock: systemClock,
    bank: { timeZone: config.BANK_TIME_ZONE, language: config.BANK_LANGUAGE },
    rules: requestValidator(validation).validate,
    verifyAudit: (signal) => verifyAudit(db, { publicKeys, signal }),
  };
  const server = await startServer({
    address: config.GRPC_ADDRESS,
    routes: routes(deps),
    policies,
    auth: { jwksFile: config.AUTH_JWKS_FILE, jwksUrl: config.AUTH_JWKS_URL, peers: tls !== undefined },
    validation,
    health,
    reflection: true,
    ...(tls && { tls }),
  });
  const ping = async (): Promise<void> => {
    const answers = await db.system.one(sql`SELECT 1 AS one`).then(
      () => true,
      () => false,
    );
    health.set('database', answers);
  };
  await ping();
  const pinging = every('database ping', 2_000, ping);
  logger.info({ grpc: config.GRPC_ADDRESS }, 'the customer service serves');
  await runUntilSignal(
    [
      () => server.stop(),
      () => pinging.stop(),
      () => relay.stop(),
      () => sealer.stop(),
      () => nats.close(),
      () => db.close(),
      () => ops.stop(),
      stopTelemetry,
    ],
    { drainMs: config.DRAIN_MS, health },
  );
}

async function main(): Promise<void> {
  if (process.argv[2] === 'migrate') {
    await migrateService({ url: migrationConfig().DATABASE_URL, dir: migrations });
    return;
  }
  await serve(customerConfig());
}

main().catch((error: unknown) => {
  createLogger({ service: 'customer' }).fatal({ err: error }, 'the customer service could not run');
  process.exit(1);
});
