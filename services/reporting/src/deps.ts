import type { Analytics } from '@rapport/kit/analytics';
import type { ReadRecorder } from '@rapport/kit/crypto';
import type { Database } from '@rapport/kit/db';
import type { OperationsOptions } from '@rapport/kit/events';
import type { Clock } from '@rapport/kit/runtime';
import type { PrismaClient } from './gen/prisma/client.js';

/** What every verb of this service works with. */
export interface Deps {
  /** Definitions, audit, outbox. */
  db: Database<PrismaClient>;
  /** Facts. */
  analytics: Analytics;
  clock: Clock;
  /** The IANA time zone in which the bank's days begin and end. */
  zone: string;
  /** Records who was shown which figures. */
  reads: ReadRecorder;
  /** Walks the audit chain of this service's database. */
  verifyAudit: OperationsOptions['verifyAudit'];
}
