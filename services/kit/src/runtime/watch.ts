import type { Health } from './health.js';
import { every, type Running } from './lifecycle.js';

/**
 * Keeps a check of the health state true to what `ask` says: it holds while `ask` succeeds. Asks once before it returns
 * and then every `ms` milliseconds, 2,000 unless told, until stopped.
 */
export async function watch(health: Health, check: string, ask: () => Promise<unknown>, ms = 2_000): Promise<Running> {
  const look = (): Promise<void> =>
    ask().then(
      () => health.set(check, true),
      () => health.set(check, false),
    );
  await look();
  return every(`${check} check`, ms, look);
}
