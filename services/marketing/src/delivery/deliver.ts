import { type Database, sql } from '@rapport/kit/db';
import { logger, type Running } from '@rapport/kit/runtime';
import { gauge } from '@rapport/kit/telemetry';
import type { Deps } from '../deps.js';
import type { Wakeup } from '../wakeup/wakeup.js';
import { type Claimed, claimBatch, giveBack } from './claim.js';
import { decideBatch, prepare } from './decide-batch.js';
import { createMaterials, type Material } from './material.js';
import { deliveryMetric } from './metrics.js';
import { sendBatch } from './send-batch.js';

/** How a worker works. */
export interface DeliverySettings {
  /** Deliveries taken at once. */
  batch: number;
  /** Messages at the mail server at once. */
  concurrency: number;
  /** How long a worker that says nothing keeps what it took, in milliseconds. */
  leaseMs: number;
  /** How often it looks without being woken, in milliseconds. */
  pollMs: number;
}

type Parts = Pick<Deps, 'db' | 'clock' | 'customer' | 'mailer'>;

/** Takes, decides and sends one batch; gives how many deliveries it took. */
async function deliverOnce(
  { db, clock, customer, mailer }: Parts,
  settings: DeliverySettings,
  materials: (campaignId: string) => Promise<Material>,
  stopping: AbortSignal,
): Promise<number> {
  const batch = await claimBatch(db, clock.now(), settings.batch, settings.leaseMs);
  if (batch.rows.length === 0) return 0;
  try {
    const rows = await Promise.all(batch.rows.map(async (row) => ({ row, material: await materials(row.campaignId) })));
    const prepared = await prepare(customer, rows);
    const cleared = await decideBatch(db, clock.now(), batch, prepared);
    const sending = { db, clock, mailer, concurrency: settings.concurrency };
    const left: Claimed[] = await sendBatch(sending, batch, cleared, stopping);
    await giveBack(db, clock.now(), batch.lease, left);
  } catch (error) {
    // Nothing is under way any more. Where the database is away, the end of the lease gives the rows back.
    await giveBack(db, clock.now(), batch.lease, batch.rows).catch(() => undefined);
    throw error;
  }
  return batch.rows.length;
}

/**
 * Works off deliveries until stopped: takes what is due, asks customer, decides, sends, notes. Every process may start
 * it; several share the work row by row. `stop()` finishes the messages under way and gives back the rest.
 */
export function startDelivering(deps: Parts, settings: DeliverySettings, wakeup: Wakeup): Running {
  const { db, clock } = deps;
  const materials = createMaterials(db);
  const abort = new AbortController();
  const sleep = wakeup.sleeper();

  async function run(): Promise<void> {
    while (!abort.signal.aborted) {
      let taken = 0;
      try {
        taken = await deliverOnce(deps, settings, materials, abort.signal);
      } catch (error) {
        logger.error({ err: error }, 'a batch of deliveries was not finished; it is repeated');
        await sleep(settings.pollMs, abort.signal);
      }
      if (taken < settings.batch) await sleep(settings.pollMs, abort.signal);
    }
  }

  const running = run();
  const unobserve = gauge(deliveryMetric.due, () => countDue(db, clock.now()));
  return {
    stop: async () => {
      unobserve();
      abort.abort();
      await running;
    },
  };
}

async function countDue(db: Database, now: Date): Promise<number> {
  const { count } = await db.system.one<{ count: bigint }>(sql`
    SELECT count(*) AS count FROM delivery WHERE due_time <= ${now}`);
  return Number(count);
}
