import { createInbox, type Msg } from '@nats-io/transport-node';
import { type Nats, onDisconnect } from './bus.js';
import { headersOf, type OutboxRow, subjectOf } from './event.js';

/** What became of one published event. */
export interface Confirmation {
  row: OutboxRow;
  /** Its number in the stream. */
  sequence: number;
}

/** The result of sending a batch: the confirmed ones are a prefix of it. */
export interface Sent {
  confirmed: Confirmation[];
  /** Why the next one was not stored; undefined when all were. */
  failure?: Error;
}

/** Sends events to their stream, all at once and in order. */
export interface Publisher {
  /**
   * Publishes the rows. The first demands that the stream ends at `lastSequence`: one that waited in the connection
   * while the broker lost its data would otherwise open the new stream in the middle. Each later row demands the row
   * before it, so that after a lost one none behind it is stored: the order of the stream is the order of the outbox.
   * Events stored before, within two minutes, count as confirmed.
   */
  send(rows: readonly OutboxRow[], lastSequence: number): Promise<Sent>;
  close(): void;
}

const TIMEOUT_MS = 5000;

interface Reply {
  seq?: number;
  error?: { description?: string; err_code?: number };
}

function readReply(message: Msg): number | Error {
  if (message.headers?.code === 503 || message.data.length === 0) return new Error('no stream took the event');
  const reply = message.json<Reply>();
  if (reply.error) return new Error(`the stream refused the event: ${reply.error.description ?? 'unknown'}`);
  return reply.seq ?? new Error('the stream confirmed nothing');
}

/**
 * A publisher with one inbox for all confirmations: js.publish opens a request for each event and reaches less than half
 * of the throughput.
 */
export function createPublisher(nats: Nats): Publisher {
  const inbox = createInbox();
  let waiting: ((number: number, result: number | Error) => void) | undefined;
  let giveUp = (): void => undefined;
  let run = 0;
  const subscription = nats.subscribe(`${inbox}.*.*`, {
    callback: (error, message) => {
      if (error) return;
      const [ofRun, number] = message.subject
        .slice(inbox.length + 1)
        .split('.')
        .map(Number);
      if (ofRun === run && number !== undefined) waiting?.(number, readReply(message));
    },
  });

  async function confirmations(count: number): Promise<(number | Error | undefined)[]> {
    const results: (number | Error | undefined)[] = new Array(count).fill(undefined);
    let missing = count;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, TIMEOUT_MS);
      // Confirmations under way are lost with the connection.
      giveUp = () => {
        clearTimeout(timer);
        resolve();
      };
      waiting = (number, result) => {
        if (results[number] !== undefined) return;
        results[number] = result;
        missing -= 1;
        if (missing > 0) return;
        clearTimeout(timer);
        resolve();
      };
    });
    waiting = undefined;
    return results;
  }

  async function send(rows: readonly OutboxRow[], lastSequence: number): Promise<Sent> {
    run += 1;
    const confirmed: Confirmation[] = [];
    const results = confirmations(rows.length);
    rows.forEach((row, number) => {
      const before = rows[number - 1];
      const expected: Record<string, string> = before
        ? { 'Nats-Expected-Last-Msg-Id': before.id }
        : { 'Nats-Expected-Last-Sequence': String(lastSequence) };
      const headers = headersOf(row, expected);
      nats.publish(subjectOf(row), row.payload, { headers, reply: `${inbox}.${run}.${number}` });
    });
    const replies = await results;
    for (const [number, row] of rows.entries()) {
      const reply = replies[number];
      if (typeof reply !== 'number')
        return { confirmed, failure: reply ?? new Error('the stream did not confirm in time') };
      confirmed.push({ row, sequence: reply });
    }
    return { confirmed };
  }

  const unwatch = onDisconnect(nats, () => giveUp());
  return {
    send,
    close: () => {
      unwatch();
      subscription.unsubscribe();
    },
  };
}
