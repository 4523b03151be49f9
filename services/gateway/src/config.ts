import { address, readConfig, tlsRules } from '@rapport/kit/runtime';
import { z } from 'zod';

const positive = (fallback: number) => z.coerce.number().int().positive().default(fallback);
const json = z.string().transform((text, context) => {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    context.addIssue('must be JSON');
    return z.NEVER;
  }
});

const schema = z
  .object({
    HTTP_ADDRESS: address,
    OPS_ADDRESS: address,
    PUBLIC_URL: z.url({ protocol: /^https?$/ }).transform((text) => new URL(text)),
    TRUSTED_PROXIES: z.coerce.number().int().min(0).default(0),

    CUSTOMER_ADDRESS: address.optional(),
    SEGMENTATION_ADDRESS: address.optional(),
    MARKETING_ADDRESS: address.optional(),
    CASES_ADDRESS: address.optional(),
    PERFORMANCE_ADDRESS: address.optional(),
    REPORTING_ADDRESS: address.optional(),
    TLS_CA_FILE: z.string().optional(),
    TLS_CERT_FILE: z.string().optional(),
    TLS_KEY_FILE: z.string().optional(),
    CALL_TIMEOUT_MS: positive(15_000),
    STREAM_TIMEOUT_MS: positive(300_000),

    GATEWAY_KEY_FILE: z.string(),
    SESSION_KEY_FILE: z.string(),
    SESSION_IDLE_SECONDS: positive(1_800),
    SESSION_ABSOLUTE_SECONDS: positive(36_000),

    OIDC_ISSUER: z
      .url({ protocol: /^https?$/ })
      .transform((text) => new URL(text))
      .optional(),
    OIDC_CLIENT_ID: z.string().default('rapport-console'),
    OIDC_CLIENT_SECRET: z.string().optional(),
    OIDC_SCOPE: z.string().default('openid profile'),
    OIDC_PROMPT: z.string().optional(),
    OIDC_AUDIENCE: z.string().default('rapport'),
    OIDC_ROLE_NAMES: json.pipe(z.record(z.string(), z.string())).default({}),
    OIDC_STAFF_ID_CLAIM: z.string().default('staff_id'),
    OIDC_NAME_CLAIM: z.string().default('name'),
    OIDC_ROLES_CLAIM: z.string().default('roles'),
    OIDC_ORGANISATION_PATH_CLAIM: z.string().default('org_path'),
    OIDC_TEAM_CLAIM: z.string().default('team'),
    OIDC_LANGUAGE_CLAIM: z.string().default('locale'),
    DEMO_USERS_FILE: z.string().optional(),

    USER_LIMIT_PER_MINUTE: positive(1_200),
    ADDRESS_LIMIT_PER_MINUTE: positive(3_000),
    PASSWORD_LIMIT_PER_MINUTE: positive(20),
    CONSOLE_DIRECTORY: z.string().optional(),
    DRAIN_MS: z.coerce.number().int().min(0).default(3_000),
    LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
  })
  .refine((config) => config.OIDC_ISSUER !== undefined || config.DEMO_USERS_FILE !== undefined, {
    path: ['OIDC_ISSUER'],
    error: 'set OIDC_ISSUER, or DEMO_USERS_FILE for the embedded sign-in provider',
  })
  .refine((config) => config.OIDC_AUDIENCE !== config.OIDC_CLIENT_ID, {
    path: ['OIDC_AUDIENCE'],
    error: 'must differ from OIDC_CLIENT_ID, or ID tokens would pass as bearer tokens',
  })
  .superRefine(tlsRules);

/** The environment of the gateway. The README explains each name. */
export type Config = z.infer<typeof schema>;

const demoSchema = z.object({
  DEMO_PASSWORD: z.string().min(8).max(256),
  DEMO_ORGANISATION_PATH: z.string().default('/demo'),
});

/** Reads the environment of the gateway; exits with status 2 when it is wrong. */
export function gatewayConfig(): Config {
  return readConfig(schema, process.env);
}

/** Reads the environment of `main.js demo-users <file>`; exits with status 2 when it is wrong. */
export function demoConfig(): z.infer<typeof demoSchema> {
  return readConfig(demoSchema, process.env);
}
