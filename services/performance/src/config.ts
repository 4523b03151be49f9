import { address, flag, readConfig } from '@rapport/kit/runtime';
import { z } from 'zod';

const database = z.object({ DATABASE_URL: z.url() });

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

const schema = z
  .object({
    DATABASE_URL: z.url(),
    DATABASE_POOL_SIZE: z.coerce.number().int().min(2).max(200).default(10),
    NATS_URL: z.string().min(1),
    EVENT_REPLICAS: z.coerce.number().int().min(1).max(5).default(1),
    GRPC_ADDRESS: address,
    OPS_ADDRESS: address,
    GRPC_REFLECTION: flag.default(false),
    AUTH_JWKS_FILE: z.string().optional(),
    AUTH_JWKS_URL: z.url().optional(),
    SERVICE_KEY_FILE: z.string().optional(),
    TLS_CA_FILE: z.string().optional(),
    TLS_CERT_FILE: z.string().optional(),
    TLS_KEY_FILE: z.string().optional(),
    BANK_TIME_ZONE: z.string().refine(isTimeZone, { error: 'must be an IANA time zone' }),
    DRAIN_MS: z.coerce.number().int().min(0).max(60_000).default(3_000),
    LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
  })
  .refine((env) => env.AUTH_JWKS_FILE !== undefined || env.AUTH_JWKS_URL !== undefined, {
    error: 'AUTH_JWKS_FILE or AUTH_JWKS_URL is required',
  })
  .refine(
    (env) => {
      const given = [env.TLS_CA_FILE, env.TLS_CERT_FILE, env.TLS_KEY_FILE].filter((file) => file !== undefined);
      return given.length === 0 || given.length === 3;
    },
    { error: 'TLS_CA_FILE, TLS_CERT_FILE and TLS_KEY_FILE go together' },
  );

/** The settings of the running service. */
export type Config = z.infer<typeof schema>;

/** Reads the settings of the running service; prints what is wrong and exits otherwise. */
export function serviceConfig(): Config {
  return readConfig<Config>(schema as z.ZodType<Config>, process.env);
}

/** Reads what the migrations need. */
export function migrationConfig(): z.infer<typeof database> {
  return readConfig(database, process.env);
}
