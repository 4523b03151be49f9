/** Which checks of this process hold; what `/readyz` and the gRPC health service answer from. */
export interface Health {
  /** Records the state of one check. A check never set does not count. */
  set(check: string, ok: boolean): void;
  /** True when every check holds and the process is not draining. */
  ready(): boolean;
  /** The names of the checks that do not hold; `draining` is one of them while the process stops. */
  failing(): string[];
  /** Says NOT_SERVING from now on, whatever the checks say. Calling it again changes nothing. */
  drain(): void;
  /** Calls the listener whenever `ready()` changes; the answer unsubscribes. */
  onChange(listener: (ready: boolean) => void): () => void;
}

/** A health state with no check, hence ready. */
export function createHealth(): Health {
  const checks = new Map<string, boolean>();
  const listeners = new Set<(ready: boolean) => void>();
  let last = true;

  function failing(): string[] {
    return [...checks].filter(([, ok]) => !ok).map(([name]) => name);
  }

  function set(check: string, ok: boolean): void {
    checks.set(check, ok);
    const ready = failing().length === 0;
    if (ready === last) return;
    last = ready;
    for (const listener of listeners) listener(ready);
  }

  return {
    // Draining is final: the check of that name cannot be set back.
    set: (check, ok) => {
      if (check !== 'draining') set(check, ok);
    },
    ready: () => failing().length === 0,
    failing,
    drain: () => set('draining', false),
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
