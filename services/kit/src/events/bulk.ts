let writers = 0;

/** The relay spends this part of its time while somebody writes very many events. */
const SHARE = 0.02;
const LONGEST_PAUSE_MS = 1000;

/**
 * Runs work that publishes very many events, such as an import. The relay of this process and the broker share its
 * processors: while such work goes on, the relay rests after each batch, so that the writing gets done first. It never
 * stands still.
 */
export async function publishingInBulk<T>(work: () => Promise<T>): Promise<T> {
  writers += 1;
  try {
    return await work();
  } finally {
    writers -= 1;
  }
}

/** How long the relay rests after a batch that took so many milliseconds. */
export function restAfter(batchMs: number): number {
  return writers === 0 ? 0 : Math.min(LONGEST_PAUSE_MS, (batchMs * (1 - SHARE)) / SHARE);
}
