import { address, flag, readConfig } from '@rapport/kit/runtime';
import { IANAZone } from 'luxon';
import { z } from 'zod';

/** The environment of the reporting service. The README explains each name. */
const schema = z
  .object({
    DATABASE_URL: z.url(),
    DATABASE_POOL_SIZE: z.coerce.number().int().min(2).max(200).default(10),
    NATS_URL: z.string().min(1),
    EVENT_REPLICAS: z.coerce.number().int().min(1).max(5).default(1),
    GRPC_ADDRESS: address,
    OPS_ADDRESS: address,
    GRPC_REFLECTION: flag.default(false),
    CLICKHOUSE_URL: z.url().optional(),
    ANALYTICS_PATH: z.string().optional(),
    ANALYTICS_MEMORY_MB: z.coerce.number().int().min(64).default(1000),
    AUTH_JWKS_FILE: z.string().optional(),
    AUTH_JWKS_URL: z.url().optional(),
    TLS_CA_FILE: z.string().optional(),
    TLS_CERT_FILE: z.string().optional(),
    TLS_KEY_FILE: z.string().optional(),
    SERVICE_KEY_FILE: z.string().optional(),
    BANK_TIME_ZONE: z.string().refine((zone) => IANAZone.isValidZone(zone), 'must be an IANA time zone'),
    DRAIN_MS: z.coerce.number().int().min(0).max(60_000).default(5000),
    LOG_LEVEL: z.enum(['error', 'warn', 'info', 'debug']).default('info'),
  })
  .refine((env) => env.CLICKHOUSE_URL !== undefined || env.ANALYTICS_PATH !== undefined, {
    path: ['ANALYTICS_PATH'],
    message: 'is needed unless CLICKHOUSE_URL is given',
  })
  .refine((env) => env.AUTH_JWKS_FILE !== undefined || env.AUTH_JWKS_URL !== undefined, {
    path: ['AUTH_JWKS_FILE'],
    message: 'is needed unless AUTH_JWKS_URL is given',
  })
  .refine(
    (env) =>
      [env.TLS_CA_FILE, env.TLS_CERT_FILE, env.TLS_KEY_FILE].filter((file) => file !== undefined).length % 3 === 0,
    { path: ['TLS_CERT_FILE'], message: 'goes together with TLS_CA_FILE and TLS_KEY_FILE' },
  );

export type Config = z.infer<typeof schema>;

/** This service's settings; prints what is wrong and exits when the environment is not valid. */
export function reportingConfig(): Config {
  return readConfig(schema, process.env);
}

/** What the migration alone needs; as above. */
export function migrationConfig(): { DATABASE_URL: string } {
  return readConfig(z.object({ DATABASE_URL: z.url() }), process.env);
}
