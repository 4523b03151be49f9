import { address, migrationSettings, readConfig, serviceRules, serviceSettings } from '@rapport/kit/runtime';
import { z } from 'zod';

const count = (least: number, most: number, usual: number) =>
  z.coerce.number().int().min(least).max(most).default(usual);

/** The README explains each name, as it does those of `serviceSettings`. */
const schema = z
  .object({
    ...serviceSettings,
    CUSTOMER_ADDRESS: address,
    SEGMENTATION_ADDRESS: address,
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
  })
  .superRefine(serviceRules);

/** The settings of this service. */
export type Config = z.infer<typeof schema>;

/** Reads the settings; prints every violation and exits when there are any. */
export function marketingConfig(): Config {
  return readConfig(schema, process.env);
}

/** What `main.ts migrate` needs; as above. */
export function migrationConfig(): z.infer<typeof migrationSettings> {
  return readConfig(migrationSettings, process.env);
}
