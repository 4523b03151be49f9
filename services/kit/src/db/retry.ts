import { setTimeout as sleep } from 'node:timers/promises';

const SERIALIZATION_FAILURE = '40001';
const DEADLOCK = '40P01';
/** Prisma's code for either of the two. */
const PRISMA_CONFLICT = 'P2034';
const FEATURE_NOT_SUPPORTED = '0A000';

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}

/** A migration changed the columns that a prepared statement gives, so that Postgres refuses its old plan for ever. */
export function needsNewPlans(error: unknown): boolean {
  return codeOf(error) === FEATURE_NOT_SUPPORTED && String((error as Error).message).includes('cached plan');
}

/** Postgres gave up this transaction for another's sake; the same one may succeed now. */
export function retryable(error: unknown): boolean {
  const code = codeOf(error);
  return code === SERIALIZATION_FAILURE || code === DEADLOCK || code === PRISMA_CONFLICT || needsNewPlans(error);
}

/** Waits before the next attempt, 20 to 40 ms after the first and twice as long after each other. */
export async function retryDelay(tried: number): Promise<void> {
  await sleep(2 ** tried * 10 * (1 + Math.random()));
}

let generation = 0;

/** From now on every statement is prepared under a new name. */
export function renewPlans(): void {
  generation += 1;
}

/** The name of a statement in the current generation of plans; none for a statement that is not prepared. */
export function planName(name: string): string {
  return generation === 0 || name === '' ? name : `${name}_${generation}`;
}
