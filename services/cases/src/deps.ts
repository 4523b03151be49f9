import type { ReadRecorder } from '@rapport/kit/crypto';
import type { Database } from '@rapport/kit/db';
import type { AuditWalk } from '@rapport/kit/events';
import type { ClientOf } from '@rapport/kit/rpc';
import type { Clock } from '@rapport/kit/runtime';
import type { CustomerServiceService } from '@rapport/proto/customer/v1';
import type { PrismaClient } from './gen/prisma/client.js';
import type { TypeCatalogue } from './type/type.js';

/** What a verb works with. */
export interface Deps {
  db: Database<PrismaClient>;
  reads: ReadRecorder;
  clock: Clock;
  /** The case types with their clocks, remembered. */
  types: TypeCatalogue;
  /** Who is asked whether a party is there. */
  customer: Pick<ClientOf<typeof CustomerServiceService>, 'getParty'>;
  /** The bank's own zone, an IANA name. */
  timeZone: string;
  /** Walks the audit chain. */
  verifyAudit: AuditWalk;
}
