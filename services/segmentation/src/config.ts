import {
  address,
  analyticsRules,
  analyticsSettings,
  migrationSettings,
  readConfig,
  serviceRules,
  serviceSettings,
  timeZone,
} from '@rapport/kit/runtime';
import { z } from 'zod';

/** The README explains each name, as it does those of `serviceSettings` and `analyticsSettings`. */
const schema = z
  .object({
    ...serviceSettings,
    ...analyticsSettings,
    BANK_TIME_ZONE: timeZone,
    CUSTOMER_ADDRESS: address,
    CATALOGUE_FILE: z.string().optional(),
    CLICKHOUSE_CLUSTER: z
      .string()
      .regex(/^[A-Za-z_]\w*$/, 'must be the name of a cluster')
      .optional(),
  })
  .superRefine(serviceRules)
  .superRefine(analyticsRules)
  .refine((env) => env.CLICKHOUSE_CLUSTER === undefined || env.CLICKHOUSE_URL !== undefined, {
    path: ['CLICKHOUSE_CLUSTER'],
    message: 'needs CLICKHOUSE_URL',
  });

/** The settings of this service. */
export type Config = z.infer<typeof schema>;

/** Reads the settings; prints every violation and exits when there are any. */
export function segmentationConfig(): Config {
  return readConfig(schema, process.env);
}

/** What `main.ts migrate` needs; as above. */
export function migrationConfig(): z.infer<typeof migrationSettings> {
  return readConfig(migrationSettings, process.env);
}
