import type pg from 'pg';

/** The parts of pg's connection that a COPY needs; its types leave them out. */
interface CopyConnection {
  query(text: string): void;
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
}

const CHUNK = 64 * 1024;

/**
 * Runs a `COPY … FROM STDIN` with all of its data. Resolves with the number of rows; rejects with Postgres' error, after
 * which the transaction is to be rolled back like after any other.
 */
export function copyIn(client: pg.ClientBase, text: string, data: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    let rows = 0;
    const copy = {
      // pg puts its timeout around this one.
      callback: (error?: Error): void => (error ? reject(error) : resolve(rows)),
      submit: (connection: CopyConnection) => connection.query(text),
      handleCopyInResponse: (connection: CopyConnection) => {
        for (let at = 0; at < data.length; at += CHUNK) connection.sendCopyFromChunk(data.subarray(at, at + CHUNK));
        connection.endCopyFrom();
      },
      handleCommandComplete: ({ text: tag }: { text: string }) => {
        rows = Number(tag.slice(tag.lastIndexOf(' ') + 1));
      },
      handleError: (error: Error) => copy.callback(error),
      handleReadyForQuery: () => copy.callback(),
    };
    client.query(copy as unknown as pg.Submittable);
  });
}
