import { readFileSync } from 'node:fs';
import path from 'node:path';
import {
  auditReads,
  auditVerifier,
  fieldCipher,
  startSealer,
  rewrapKeyRing,
  rotateWrappedKeyRing,
  sealKeyRing,
  vaultKeyRing,
  type VaultOptions,
} from '@rapport/kit/crypto';
import { migrateService, openDatabase, scrubService, sql } from '@rapport/kit/db';
import { connectBus, startRelay } from '@rapport/kit/events';
import { client, requestValidator, startServer } from '@rapport/kit/rpc';
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
import { OperationsServiceClient } from '@rapport/proto/operations/v1';
import type { BaselineSettings } from './behaviour/baseline.js';
import { startJudging } from './cleaning/judge-parties.js';
import { type Config, customerConfig, migrationConfig } from './config.js';
import type { Deps } from './deps.js';
import { PrismaClient } from './gen/prisma/client.js';
import { startMatching } from './matching/live.js';
import { startRuns } from './matching/run.js';
import { follow, routes } from './server.js';

const policies = path.join(__dirname, '../policies');
const migrations = path.join(__dirname, '../prisma/migrations');

/** How changes of behaviour are found. */
function baselineOf(config: Config): BaselineSettings {
  return {
    warmUpDays: config.BEHAVIOUR_WARM_UP_DAYS,
    memoryDays: config.BEHAVIOUR_MEMORY_DAYS,
    limit: config.BEHAVIOUR_LIMIT,
  };
}

function vaultOf(config: Config): VaultOptions {
  const { VAULT_ADDRESS: address, VAULT_KEY: key, VAULT_TOKEN_FILE: tokenFile, VAULT_CA_FILE: caFile } = config;
  return { address, key, tokenFile, caFile: caFile || undefined };
}

async function serve(config: Config): Promise<void> {
  const logger = createLogger({ service: 'customer', level: config.LOG_LEVEL });
  const health = createHealth();
  health.set('database', false);
  const ops = await serveOps({ address: config.OPS_ADDRESS, health, metrics: metricsHandler });
  const prisma = openDatabase({
    url: config.DATABASE_URL,
    application: 'rapport-customer',
    max: config.DATABASE_POOL_SIZE,
    genericPlans: true,
    prisma: (adapter) => new PrismaClient({ adapter }),
  });
  const db = prisma.plain;
  const tls = tlsOf(config);
  const nats = await connectBus({ url: config.NATS_URL, name: 'rapport-customer', tls });
  const relay = startRelay({ db, nats, domain: 'customer', stream: { replicas: config.EVENT_REPLICAS } });
  const sealer = startSealer({ db, keyFile: config.SERVICE_KEY_FILE });
  const validation = descriptorSet();
  const options = { tls, identity: config.SERVICE_KEY_FILE };
  const peers = {
    segmentation: client(OperationsServiceClient, config.SEGMENTATION_ADDRESS, options),
    marketing: client(OperationsServiceClient, config.MARKETING_ADDRESS, options),
    cases: client(OperationsServiceClient, config.CASES_ADDRESS, options),
    performance: client(OperationsServiceClient, config.PERFORMANCE_ADDRESS, options),
    reporting: client(OperationsServiceClient, config.REPORTING_ADDRESS, options),
  };
  const vault =
    config.VAULT_ADDRESS === '' ? undefined : await vaultKeyRing(config.KEY_ENCRYPTION_KEY_FILE, vaultOf(config));
  const deps: Deps = {
    db,
    prisma,
    reads: auditReads(db),
    cipher: fieldCipher(vault ? { ring: vault.ring } : { keyEncryptionKeyFile: config.KEY_ENCRYPTION_KEY_FILE }),
    clock: systemClock,
    bank: {
      timeZone: config.BANK_TIME_ZONE,
      language: config.BANK_LANGUAGE,
      unknownSources: config.UNKNOWN_SOURCES,
      country: config.BANK_COUNTRY,
      baseline: baselineOf(config),
    },
    rules: requestValidator(validation).validate,
    peers,
    verifyAudit: auditVerifier(db, config.AUTH_JWKS_FILE),
  };
  const server = await startServer({
    address: config.GRPC_ADDRESS,
    routes: routes(deps),
    policies,
    auth: { jwksFile: config.AUTH_JWKS_FILE, jwksUrl: config.AUTH_JWKS_URL, peers: tls !== undefined },
    validation,
    health,
    reflection: config.GRPC_REFLECTION,
    tls,
  });
  const following = [...follow(deps, nats), startMatching(deps), startRuns(deps)];
  const judging = startJudging(deps);
  const watching = await watch(health, 'database', () => db.system.run(sql`SELECT 1`));
  logger.info({ grpc: config.GRPC_ADDRESS }, 'the customer service serves');
  await runUntilSignal(
    [
      () => server.stop(),
      () => watching.stop(),
      () => judging.stop(),
      ...following.map((one) => () => one.stop()),
      async () => vault?.stop(),
      () => relay.stop(),
      () => sealer.stop(),
      async () => Object.values(peers).forEach((peer) => peer.close()),
      () => nats.close(),
      () => db.close(),
      () => ops.stop(),
      stopTelemetry,
    ],
    { drainMs: config.DRAIN_MS, health },
  );
}

void runCommand('customer', {
  serve: () => serve(customerConfig()),
  // Prints the key-encryption-key file as Vault wraps it: what is mounted from then on.
  'seal-keys': async () => {
    const config = customerConfig();
    process.stdout.write(await sealKeyRing(readFileSync(config.KEY_ENCRYPTION_KEY_FILE, 'utf8'), vaultOf(config)));
  },
  // The same file after Vault's own key was rotated: every key wrapped by its newest version.
  'rewrap-keys': async () => {
    const config = customerConfig();
    process.stdout.write(await rewrapKeyRing(readFileSync(config.KEY_ENCRYPTION_KEY_FILE, 'utf8'), vaultOf(config)));
  },
  // The same file with a new current key, named by the day and hour (UTC), that Vault has wrapped.
  'rotate-keys': async () => {
    const config = customerConfig();
    const id = new Date().toISOString().slice(0, 13);
    const text = readFileSync(config.KEY_ENCRYPTION_KEY_FILE, 'utf8');
    process.stdout.write(await rotateWrappedKeyRing(text, id, vaultOf(config)));
  },
  migrate: () => migrateService({ url: migrationConfig().DATABASE_URL, dir: migrations }),
  // Rewrites the tables, so that nothing that was deleted is left in their files.
  scrub: async () => void (await scrubService({ url: migrationConfig().DATABASE_URL })),
});
