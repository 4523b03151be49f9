import type { ReadRecorder } from '@rapport/kit/crypto';
import type { Database } from '@rapport/kit/db';
import type { AuditWalk } from '@rapport/kit/events';
import type { PrismaClient } from './gen/prisma/client.js';

/** What a verb works with. */
export interface Deps {
  db: Database<PrismaClient>;
  reads: ReadRecorder;
  /** Walks the audit chain. */
  verifyAudit: AuditWalk;
  /** An IANA name; the bank's days begin and end in it. */
  timeZone: string;
}
