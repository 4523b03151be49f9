import { z } from 'zod';
import { address, flag } from './config.js';

const file = z.string().optional();

/** Whether there is an IANA time zone of that name. */
export function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

/** An IANA time zone by name. */
export const timeZone = z.string().refine(isTimeZone, { error: 'must be an IANA time zone' });

/** What the migrations of a service need: all that `main.ts migrate` reads. */
export const migrationSettings = z.object({ DATABASE_URL: z.url() });

/** The environment that every service with a database reads; a service adds its own names to this shape. */
export const serviceSettings = {
  ...migrationSettings.shape,
  DATABASE_POOL_SIZE: z.coerce.number().int().min(2).max(200).default(10),
  NATS_URL: z.string().min(1),
  EVENT_REPLICAS: z.coerce.number().int().min(1).max(5).default(1),
  GRPC_ADDRESS: address,
  GRPC_REFLECTION: flag.default(false),
  OPS_ADDRESS: address,
  AUTH_JWKS_FILE: file,
  AUTH_JWKS_URL: z.url().optional(),
  SERVICE_KEY_FILE: file,
  TLS_CA_FILE: file,
  TLS_CERT_FILE: file,
  TLS_KEY_FILE: file,
  DRAIN_MS: z.coerce.number().int().min(0).max(60_000).default(3_000),
  LOG_LEVEL: z.enum(['error', 'warn', 'info', 'debug']).default('info'),
};

/** The environment that a service with analytics reads besides. */
export const analyticsSettings = {
  CLICKHOUSE_URL: z.url().optional(),
  ANALYTICS_PATH: file,
  ANALYTICS_MEMORY_MB: z.coerce.number().int().min(64).default(1000),
};

type Violations = Pick<z.RefinementCtx, 'addIssue'>;
type Texts<Name extends string> = Partial<Record<Name, string | undefined>>;
type TlsSettings = Texts<'TLS_CA_FILE' | 'TLS_CERT_FILE' | 'TLS_KEY_FILE'>;

/** For `superRefine`: the rules between the settings of `serviceSettings`. */
export function serviceRules(
  env: TlsSettings & Texts<'AUTH_JWKS_FILE' | 'AUTH_JWKS_URL'>,
  violations: Violations,
): void {
  if (env.AUTH_JWKS_FILE === undefined && env.AUTH_JWKS_URL === undefined) {
    const message = 'is needed unless AUTH_JWKS_URL is given';
    violations.addIssue({ code: 'custom', path: ['AUTH_JWKS_FILE'], message });
  }
  tlsRules(env, violations);
}

/** For `superRefine`: the three files of mutual TLS go together. */
export function tlsRules(env: TlsSettings, violations: Violations): void {
  const names = ['TLS_CA_FILE', 'TLS_CERT_FILE', 'TLS_KEY_FILE'] as const;
  const absent = names.filter((name) => env[name] === undefined);
  if (absent.length === names.length) return;
  for (const name of absent) {
    violations.addIssue({ code: 'custom', path: [name], message: `${names.join(', ')} go together` });
  }
}

/** For `superRefine`: the rule between the settings of `analyticsSettings`. */
export function analyticsRules(env: Texts<'CLICKHOUSE_URL' | 'ANALYTICS_PATH'>, violations: Violations): void {
  if (env.CLICKHOUSE_URL !== undefined || env.ANALYTICS_PATH !== undefined) return;
  const message = 'is needed unless CLICKHOUSE_URL is given';
  violations.addIssue({ code: 'custom', path: ['ANALYTICS_PATH'], message });
}

/** The files of mutual TLS; undefined, hence plain text, unless all three are given. */
export function tlsOf(env: TlsSettings): { caFile: string; certificateFile: string; keyFile: string } | undefined {
  const { TLS_CA_FILE: caFile, TLS_CERT_FILE: certificateFile, TLS_KEY_FILE: keyFile } = env;
  return caFile && certificateFile && keyFile ? { caFile, certificateFile, keyFile } : undefined;
}
