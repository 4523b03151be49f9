import type { FieldCipher, ReadRecorder } from '@rapport/kit/crypto';
import type { Database } from '@rapport/kit/db';
import type { AuditWalk } from '@rapport/kit/events';
import type { ClientOf, Validate } from '@rapport/kit/rpc';
import type { Clock } from '@rapport/kit/runtime';
import type { OperationsServiceService } from '@rapport/proto/operations/v1';
import type { BaselineSettings } from './behaviour/baseline.js';
import type { PrismaClient } from './gen/prisma/client.js';

/** What holds for parties that say nothing of their own. */
export interface Bank {
  /** An IANA name; days begin and end in it. */
  timeZone: string;
  /** BCP 47. */
  language: string;
  /** ISO 3166-1 alpha-2, where telephone numbers without a country code belong; empty when that is not said. */
  country: string;
  /** How it is found that a customer's behaviour changed. */
  baseline: BaselineSettings;
  /** What becomes of a source that nobody registered: it is registered and believed least, or refused. */
  unknownSources: 'register' | 'refuse';
}

/** Other services by name, as far as this one asks them. */
export type Peers = Readonly<
  Record<
    'segmentation' | 'marketing' | 'cases' | 'performance' | 'reporting',
    Pick<ClientOf<typeof OperationsServiceService>, 'exportPersonalData'>
  >
>;

/** What a verb works with. */
export interface Deps {
  db: Database;
  /**
   * The same pool for verbs that write through Prisma, whose engine takes 30 MB from the first of them on: what every
   * process does by itself, and imports, leave it alone.
   */
  prisma: Database<PrismaClient>;
  reads: ReadRecorder;
  cipher: FieldCipher;
  clock: Clock;
  bank: Bank;
  /** The rules of the contract, for the rows of imports. */
  rules: Validate;
  /** The other services, asked for what they keep about somebody who wants to see it. */
  peers: Peers;
  /** Walks the chain of the audit records. */
  verifyAudit: AuditWalk;
}
