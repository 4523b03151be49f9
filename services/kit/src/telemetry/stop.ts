let stop: (() => Promise<void>) | undefined;

export function setTelemetryStop(fn: () => Promise<void>): void {
  stop = fn;
}

/** Sends the spans that wait and closes the exporters; the last of the stops at shutdown. Idempotent, never throws. */
export async function stopTelemetry(): Promise<void> {
  const running = stop;
  stop = undefined;
  // A collector that is away must not turn a clean shutdown into a failed one.
  await running?.().catch(() => undefined);
}
