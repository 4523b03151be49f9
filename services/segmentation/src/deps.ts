import type { Analytics } from '@rapport/kit/analytics';
import type { ReadRecorder } from '@rapport/kit/crypto';
import type { Database } from '@rapport/kit/db';
import type { AuditWalk } from '@rapport/kit/events';
import type { Clock } from '@rapport/kit/runtime';
import type { PrismaClient } from './gen/prisma/client.js';

/** What every verb of this service works with. */
export interface Deps {
  db: Database<PrismaClient>;
  /** Where facts lie and rules run. */
  analytics: Analytics;
  clock: Clock;
  /** The IANA time zone in which the bank's days begin and end. */
  zone: string;
  /** Records who was shown which party. */
  reads: ReadRecorder;
  /** Walks the chain of the audit records. */
  verifyAudit: AuditWalk;
}
