import { z } from 'zod';
import { readConfig } from '@rapport/kit/runtime';
import type { Environment } from './suite.js';

const address = z
  .string()
  .regex(/^[^\s:]+:\d{1,5}$/, 'must be host:port')
  .optional();

const schema = z
  .object({
    RAPPORT_STATE: z.string().min(1).optional(),
    OPERATOR_KEY_FILE: z.string().min(1).optional(),
    MAILBOX_URL: z.url().optional(),
    CUSTOMER_ADDRESS: address,
    SEGMENTATION_ADDRESS: address,
    MARKETING_ADDRESS: address,
    CASES_ADDRESS: address,
    PERFORMANCE_ADDRESS: address,
    REPORTING_ADDRESS: address,
  })
  .transform((env) => ({
    stateFile: env.RAPPORT_STATE,
    keyFile: env.OPERATOR_KEY_FILE,
    mailbox: env.MAILBOX_URL,
    addresses: {
      customer: env.CUSTOMER_ADDRESS,
      segmentation: env.SEGMENTATION_ADDRESS,
      marketing: env.MARKETING_ADDRESS,
      cases: env.CASES_ADDRESS,
      performance: env.PERFORMANCE_ADDRESS,
      reporting: env.REPORTING_ADDRESS,
    },
  }));

/** Reads the environment of the command line; prints every fault and ends the process when it is wrong. */
export const readEnvironment = (): Environment => readConfig(schema, process.env);
