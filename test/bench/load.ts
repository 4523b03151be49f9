import { Client, credentials, Metadata } from '@grpc/grpc-js';

const raw = (bytes: Buffer): Buffer => bytes;

/** Something that answers one kind of call. */
export interface Target {
  /** host:port. */
  address: string;
  /** `/package.Service/Method`. */
  path: string;
  token: string;
  /** Encoded requests, used in turn. */
  requests: readonly Buffer[];
}

/** A connection to a target. */
export interface Caller {
  /** Calls for so many milliseconds with so many calls in flight. Gives answers per second; throws at the first failure. */
  run(ms: number, inFlight: number): Promise<number>;
  close(): void;
}

/** Opens a caller. Answers stay encoded, so that the load costs the machine little beside what is measured. */
export function openCaller({ address, path, token, requests }: Target): Caller {
  const client = new Client(address, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 });
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${token}`);
  let next = 0;

  const call = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const request = requests[next++ % requests.length] as Buffer;
      const options = { deadline: Date.now() + 10_000 };
      client.makeUnaryRequest(path, raw, raw, request, metadata, options, (error) =>
        error ? reject(error) : resolve(),
      );
    });

  return {
    async run(ms, inFlight) {
      const started = performance.now();
      let answers = 0;
      const lane = async (): Promise<void> => {
        while (performance.now() - started < ms) {
          await call();
          answers += 1;
        }
      };
      await Promise.all(Array.from({ length: inFlight }, lane));
      return answers / ((performance.now() - started) / 1000);
    },
    close: () => client.close(),
  };
}
