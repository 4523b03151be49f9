import { address, flag, readConfig } from '@rapport/kit/runtime';
import { z } from 'zod';

const count = (least: number, most: number, usual: number) =>
  z.coerce.number().int().min(least).max(most).default(usual);

/** The environment of this service; README.md says what each means. */
const schema = z
  .object({
    DATABASE_URL: z.url(),
    DATABASE_POOL_SIZE: count(2, 200, 10),
    NATS_URL: z.string().min(1),
    EVENT_REPLICAS: count(1, 5, 1),
    GRPC_ADDRESS: address,
    GRPC_REFLECTION: flag.default(true),
    OPS_ADDRESS: address,
    AUTH_JWKS_FILE: z.string().optional(),
    AUTH_JWKS_URL: z.url().optional(),
    SERVICE_KEY_FILE: z.string().optional(),
    TLS_CERT_FILE: z.string().optional(),
    TLS_KEY_FILE: z.string().optional(),
    TLS_CA_FILE: z.string().optional(),
    CUSTOMER_ADDRESS: z.string().min(1),
    SEGMENTATION_ADDRESS: z.string().min(1),
    SMTP_URL: z.url({ protocol: /^smtps?$/ }),
    SMTP_CONNECTIONS: count(1, 50, 8),
    MAIL_FROM: z
      .string()
      .regex(/^([^<>]*<[^\s<>@]+@[^\s<>@]+>|[^\s<>@]+@[^\s<>@]+)$/, { error: 'must be an address' })
      .default('Bank <no-reply@bank.example>'),
    UNSUBSCRIBE_URL: z.url({ protocol: /^https$/ }).optional(),
    DELIVERY_BATCH: count(1, 1000, 200),
    DELIVERY_LEASE_MS: count(30_000, 600_000, 60_000),
    DELIVERY_POLL_MS: count(50, 60_000, 1000),
    DRAIN_MS: count(0, 60_000, 3000),
    LOG_LEVEL: z.enum(['error', 'warn', 'info', 'debug']).default('info'),
  })
  .refine((env) => env.AUTH_JWKS_FILE !== undefined || env.AUTH_JWKS_URL !== undefined, {
    error: 'AUTH_JWKS_FILE or AUTH_JWKS_URL is required',
  });

/** The settings of this service. */
export type Config = z.infer<typeof schema>;

/** Reads the settings; prints every violation and exits when there are any. */
export function marketingConfig(): Config {
  return readConfig<Config>(schema as z.ZodType<Config>, process.env);
}

/** What `main.ts migrate` needs. */
export function migrationConfig(): { DATABASE_URL: string } {
  return readConfig(z.object({ DATABASE_URL: z.url() }), process.env);
}
