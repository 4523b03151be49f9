import type { ReadRecorder } from '@rapport/kit/crypto';
import type { Database } from '@rapport/kit/db';
import type { OperationsOptions } from '@rapport/kit/events';
import type { ClientOf } from '@rapport/kit/rpc';
import type { Clock } from '@rapport/kit/runtime';
import type { CustomerServiceService } from '@rapport/proto/customer/v1';
import type { SegmentationServiceService } from '@rapport/proto/segmentation/v1';
import type { PrismaClient } from './gen/prisma/client.js';
import type { Mailer } from './mail/mail.js';

/** What a verb works with. */
export interface Deps {
  db: Database<PrismaClient>;
  reads: ReadRecorder;
  clock: Clock;
  customer: ClientOf<typeof CustomerServiceService>;
  segmentation: ClientOf<typeof SegmentationServiceService>;
  mailer: Mailer;
  /** Tells the workers of this process that there is something to do; those of others see it by themselves. */
  wake: () => void;
  verifyAudit: OperationsOptions['verifyAudit'];
}
