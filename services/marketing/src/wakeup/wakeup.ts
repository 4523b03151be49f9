/** Lets loops of this process sleep until there is something to do. */
export interface Wakeup {
  /** Wakes every loop that sleeps; one that works at the moment will not sleep the next time. */
  ring(): void;
  /** A sleeper of its own for one loop: resolves when rung, after `ms` milliseconds, or when the signal is aborted. */
  sleeper(): (ms: number, signal: AbortSignal) => Promise<void>;
}

export function createWakeup(): Wakeup {
  const listeners: (() => void)[] = [];
  return {
    ring: () => {
      for (const listener of listeners) listener();
    },
    sleeper: () => {
      let rung = false;
      let wake = (): void => undefined;
      listeners.push(() => {
        rung = true;
        wake();
      });
      return async (ms, signal) => {
        if (!rung && !signal.aborted) {
          await new Promise<void>((resolve) => {
            const timer = setTimeout(resolve, ms);
            wake = () => {
              clearTimeout(timer);
              resolve();
            };
            signal.addEventListener('abort', wake, { once: true });
          });
        }
        rung = false;
      };
    },
  };
}
