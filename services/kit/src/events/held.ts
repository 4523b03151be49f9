import type { JsMsg } from '@nats-io/jetstream';
import { logger } from '../runtime/index.js';

/** An event that was delivered and is not yet done with. */
export interface Held<E> {
  message: JsMsg;
  event: E;
}

/** The delivered events of a lane: their number is bounded, and the broker hears that they are still worked on. */
export interface HeldEvents<E> {
  room(): number;
  whenRoom(signal: AbortSignal): Promise<void>;
  /** Adds one; undefined when the same event is held already, whose newer delivery then replaces the older. */
  add(message: JsMsg, event: E): Held<E> | undefined;
  /** Tells the broker that it is done, and waits in the background until the broker has confirmed (double ack). */
  ack(held: Held<E>): void;
  /**
   * The same for several in one go. The broker takes acknowledgements of a connection in their order, so that its
   * confirmation of the last one stands for all.
   */
  ackAll(held: readonly Held<E>[]): void;
  /** Tells the broker never to deliver it again. */
  term(held: Held<E>, reason: string): void;
  /** Lets go of everything; the broker will deliver it again. */
  clear(): void;
  stop(): void;
}

const HEARTBEAT_MS = 10_000;

/** Holds at most `limit` events. */
export function holdEvents<E>(limit: number): HeldEvents<E> {
  const held = new Map<number, Held<E>>();
  let wake = (): void => undefined;
  const timer = setInterval(() => {
    for (const { message } of held.values()) {
      try {
        message.working();
      } catch {
        return; // the connection is closed; the lane notices by itself
      }
    }
  }, HEARTBEAT_MS).unref();

  function release(entry: Held<E>): void {
    if (held.get(entry.message.seq) === entry) held.delete(entry.message.seq);
    if (held.size <= limit * 0.75) wake();
  }

  function confirm(last: Held<E>, entries: readonly Held<E>[]): void {
    last.message
      .ackAck({ timeout: 5000 })
      .catch((error: unknown) => logger.debug({ err: error }, 'an acknowledgement was lost; the event comes again'))
      .finally(() => {
        for (const entry of entries) release(entry);
      });
  }

  return {
    room: () => limit - held.size,
    whenRoom: (signal) =>
      new Promise((resolve) => {
        const done = (): void => {
          signal.removeEventListener('abort', done);
          wake = () => undefined;
          resolve();
        };
        wake = done;
        signal.addEventListener('abort', done);
        if (signal.aborted || held.size <= limit * 0.75) done();
      }),
    add: (message, event) => {
      const known = held.get(message.seq);
      if (known) {
        known.message = message;
        return undefined;
      }
      const entry = { message, event };
      held.set(message.seq, entry);
      return entry;
    },
    ack: (entry) => confirm(entry, [entry]),
    ackAll: (entries) => {
      const last = entries.at(-1);
      if (!last) return;
      for (const entry of entries.slice(0, -1)) {
        try {
          entry.message.ack();
        } catch {
          // closed: the event comes again
        }
      }
      confirm(last, entries);
    },
    term: (entry, reason) => {
      try {
        entry.message.term(reason);
      } catch {
        // closed: the event comes again and is found parked
      }
      release(entry);
    },
    clear: () => {
      held.clear();
      wake();
    },
    stop: () => clearInterval(timer),
  };
}
