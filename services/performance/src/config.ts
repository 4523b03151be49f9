import { migrationSettings, readConfig, serviceRules, serviceSettings, timeZone } from '@rapport/kit/runtime';
import { z } from 'zod';

/** The README explains each name, as it does those of `serviceSettings`. */
const schema = z
  .object({
    ...serviceSettings,
    BANK_TIME_ZONE: timeZone,
  })
  .superRefine(serviceRules);

/** The settings of this service. */
export type Config = z.infer<typeof schema>;

/** Reads the settings; prints every violation and exits when there are any. */
export function performanceConfig(): Config {
  return readConfig(schema, process.env);
}

/** What `main.ts migrate` needs; as above. */
export function migrationConfig(): z.infer<typeof migrationSettings> {
  return readConfig(migrationSettings, process.env);
}
