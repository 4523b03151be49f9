import { address, migrationSettings, readConfig, serviceRules, serviceSettings, timeZone } from '@rapport/kit/runtime';
import { z } from 'zod';

/** The README explains each name, as it does those of `serviceSettings`. */
const schema = z
  .object({
    ...serviceSettings,
    KEY_ENCRYPTION_KEY_FILE: z.string(),
    VAULT_ADDRESS: z.union([z.literal(''), z.url()]).default(''),
    VAULT_KEY: z.string().default('rapport'),
    VAULT_TOKEN_FILE: z.string().default(''),
    VAULT_CA_FILE: z.string().default(''),
    SEGMENTATION_ADDRESS: address,
    MARKETING_ADDRESS: address,
    CASES_ADDRESS: address,
    PERFORMANCE_ADDRESS: address,
    REPORTING_ADDRESS: address,
    BANK_TIME_ZONE: timeZone,
    BANK_LANGUAGE: z.string().default('en'),
    BANK_COUNTRY: z
      .string()
      .regex(/^([A-Z]{2})?$/, 'must be two capital letters of ISO 3166-1, such as CZ')
      .default(''),
    BEHAVIOUR_WARM_UP_DAYS: z.coerce.number().int().min(14).max(100).default(28),
    BEHAVIOUR_MEMORY_DAYS: z.coerce.number().int().min(7).max(100).default(41),
    BEHAVIOUR_LIMIT: z.coerce.number().min(1).max(20).default(4),
    UNKNOWN_SOURCES: z.enum(['register', 'refuse']).default('register'),
  })
  .superRefine(serviceRules);

/** The settings of this service. */
export type Config = z.infer<typeof schema>;

/** Reads the settings; prints every violation and exits when there are any. */
export function customerConfig(): Config {
  return readConfig(schema, process.env);
}

/** What `main.ts migrate` needs; as above. */
export function migrationConfig(): z.infer<typeof migrationSettings> {
  return readConfig(migrationSettings, process.env);
}
