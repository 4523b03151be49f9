import type { ClickHouseClient } from '@clickhouse/client';

type Work<T> = (client: ClickHouseClient) => Promise<T>;

/** Connections and the line of statements waiting for one of them. */
export interface Lanes {
  run<T>(work: Work<T>): Promise<T>;
  /** waits for what is running and waiting, then closes the connections */
  close(): Promise<void>;
}

/**
 * Lanes to the embedded engine, each with one statement at a time. The engine itself runs the statements of a connection
 * one after the other and keeps a libuv thread blocked for each that waits; with four threads in a process, four waiting
 * statements would stop its files and name look-ups too. So they wait here, and whichever lane is free takes the next.
 *
 * `settings` are statements run once on each connection; when one fails, so does every statement on that connection.
 */
export function serialLanes(clients: readonly ClickHouseClient[], settings: readonly string[]): Lanes {
  const waiting: Work<void>[] = [];
  const free: ClickHouseClient[] = [];
  let idle: (() => void) | undefined;

  async function serve(client: ClickHouseClient, first: Work<void>): Promise<void> {
    for (let work: Work<void> | undefined = first; work; work = waiting.shift()) await work(client);
    free.push(client);
    if (free.length === clients.length) idle?.();
  }

  const prepared = new Map<ClickHouseClient, Promise<void>>();
  for (const client of clients) {
    const setting = (async () => {
      for (const query of settings) await client.command({ query });
    })();
    prepared.set(client, setting);
    void serve(client, () => setting.catch(() => undefined));
  }

  return {
    run<T>(work: Work<T>) {
      return new Promise<T>((resolve, reject) => {
        const job: Work<void> = async (client) => {
          try {
            await prepared.get(client);
            resolve(await work(client));
          } catch (error) {
            reject(error as Error);
          }
        };
        const client = free.pop();
        if (client) void serve(client, job);
        else waiting.push(job);
      });
    },
    async close() {
      if (free.length < clients.length) {
        await new Promise<void>((resolve) => {
          idle = resolve;
        });
      }
      for (const client of clients) await client.close();
    },
  };
}

/** A cluster needs no line of ours: the HTTP client has its own pool. */
export function openLanes(client: ClickHouseClient): Lanes {
  return { run: (work) => work(client), close: () => client.close() };
}
