import type { Analytics } from '@rapport/kit/analytics';
import type { ReadRecorder } from '@rapport/kit/crypto';
import type { Database } from '@rapport/kit/db';
import type { AuditWalk } from '@rapport/kit/events';
import type { ClientOf } from '@rapport/kit/rpc';
import type { Clock } from '@rapport/kit/runtime';
import type { ReferenceServiceService } from '@rapport/proto/customer/v1';
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
  /** The customer service, asked which parties are meant by the keys of uploaded files. */
  references: Pick<ClientOf<typeof ReferenceServiceService>, 'batchResolveParties'>;
}
