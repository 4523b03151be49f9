/** Wakes whoever waits; remembers one call while nobody does. */
export interface Wakeup {
  set(): void;
  /** Waits for a call, at most `ms`, and not after the signal. Tells whether there was a call. */
  wait(ms: number, signal: AbortSignal): Promise<boolean>;
}

/** Makes a signal that is not set. For one waiter at a time. */
export function createSignal(): Wakeup {
  let isSet = false;
  let wake: (() => void) | undefined;
  return {
    set: () => {
      isSet = true;
      wake?.();
    },
    wait: async (ms, signal) => {
      if (!isSet && !signal.aborted) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, ms);
          const done = (): void => {
            clearTimeout(timer);
            signal.removeEventListener('abort', done);
            resolve();
          };
          wake = done;
          signal.addEventListener('abort', done);
        });
        wake = undefined;
      }
      const was = isSet;
      isSet = false;
      return was;
    },
  };
}
