import { address, flag, readConfig } from '@rapport/kit/runtime';
import { z } from 'zod';
import { isTimeZone } from './calendar/calendar.js';

const settings = z
  .object({
    DATABASE_URL: z.url(),
    DATABASE_POOL_SIZE: z.coerce.number().int().min(2).max(200).default(10),
    NATS_URL: z.string().min(1),
    EVENT_REPLICAS: z.coerce.number().int().min(1).max(5).default(1),
    GRPC_ADDRESS: address,
    OPS_ADDRESS: address,
    GRPC_REFLECTION: flag.default(false),
    CUSTOMER_ADDRESS: address,
    AUTH_JWKS_FILE: z.string().optional(),
    AUTH_JWKS_URL: z.url().optional(),
    SERVICE_KEY_FILE: z.string().optional(),
    TLS_CERT_FILE: z.string().optional(),
    TLS_KEY_FILE: z.string().optional(),
    TLS_CA_FILE: z.string().optional(),
    BANK_TIME_ZONE: z.string().refine(isTimeZone, { error: 'must be an IANA time zone' }),
    DRAIN_MS: z.coerce.number().int().min(0).max(60_000).default(3_000),
    LOG_LEVEL: z.enum(['error', 'warn', 'info', 'debug']).default('info'),
  })
  .refine((env) => env.AUTH_JWKS_FILE !== undefined || env.AUTH_JWKS_URL !== undefined, {
    error: 'AUTH_JWKS_FILE or AUTH_JWKS_URL is required',
  })
  .refine(
    (env) =>
      new Set([env.TLS_CERT_FILE, env.TLS_KEY_FILE, env.TLS_CA_FILE].map((file) => file === undefined)).size === 1,
    { error: 'TLS_CERT_FILE, TLS_KEY_FILE and TLS_CA_FILE go together' },
  );

/** The settings of this service. */
export type Config = z.infer<typeof settings>;

/** Reads the settings; prints every violation and exits when there are any. */
export function casesConfig(): Config {
  return readConfig<Config>(settings as z.ZodType<Config>, process.env);
}

/** What `main.ts migrate` needs. */
export function migrationConfig(): { DATABASE_URL: string } {
  return readConfig(z.object({ DATABASE_URL: z.url() }), process.env);
}
