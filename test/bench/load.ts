import { setTimeout as sleep } from 'node:timers/promises';
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
  /**
   * Starts so many calls a second for so many milliseconds, however many are in flight. Gives how long each took in
   * milliseconds, counted from when it was due: a call that starts late because others were slow is slow too.
   */
  pace(ms: number, perSecond: number): Promise<number[]>;
  /** Asks so many questions one after the other; gives each answer with what it took. */
  time(count: number): Promise<{ ms: number; answer: Buffer }[]>;
  close(): void;
}

/** Opens a caller. Answers stay encoded, so that the load costs the machine little beside what is measured. */
export function openCaller({ address, path, token, requests }: Target): Caller {
  const client = new Client(address, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 });
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${token}`);
  let next = 0;

  const call = (): Promise<Buffer> =>
    new Promise((resolve, reject) => {
      const request = requests[next++ % requests.length] as Buffer;
      const options = { deadline: Date.now() + 10_000 };
      client.makeUnaryRequest(path, raw, raw, request, metadata, options, (error, answer) =>
        error ? reject(error) : resolve(answer as Buffer),
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
    async pace(ms, perSecond) {
      const started = performance.now();
      const took: number[] = [];
      const calls: Promise<void>[] = [];
      const one = async (due: number): Promise<void> => {
        await call();
        took.push(performance.now() - due);
      };
      for (;;) {
        const now = performance.now() - started;
        while (calls.length < (Math.min(now, ms) * perSecond) / 1000)
          calls.push(one(started + (calls.length * 1000) / perSecond));
        if (now >= ms) break;
        await sleep(1);
      }
      await Promise.all(calls);
      return took;
    },
    async time(count) {
      const times: { ms: number; answer: Buffer }[] = [];
      for (let at = 0; at < count; at += 1) {
        const began = performance.now();
        const answer = await call();
        times.push({ ms: performance.now() - began, answer });
      }
      return times;
    },
    close: () => client.close(),
  };
}
