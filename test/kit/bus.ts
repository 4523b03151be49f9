import { randomBytes } from 'node:crypto';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { loadScript, testRun } from './run.js';

/** A nats-server with JetStream that belongs to one test file alone, so that no stream or subject is shared. */
export interface TestBus {
  url: string;
  /** Where JetStream keeps its files. */
  folder: string;
  /** A connection that waits out restarts of the server; closed by `close()`. */
  nats: NatsConnection;
  /** Kills the server at once (SIGKILL), as a crash does. What JetStream stored stays. */
  kill(): Promise<void>;
  /** Starts it again on the same address and the same store; returns when `nats` is connected again. */
  start(): Promise<void>;
  /** Forgets everything JetStream stored; only while the server is down. */
  wipe(): void;
  /** Ends the connection and the server and removes its store. Idempotent. */
  close(): Promise<void>;
}

interface Server {
  pid: number;
  birth: string;
  port: number;
  url: string;
}
interface NatsScript {
  startNats(options: { binary: string; dir: string; port?: number; log?: string }): Promise<Server>;
}
interface ProcessScript {
  waitFor(check: () => Promise<boolean>, options: { waitMs: number }): Promise<boolean | undefined>;
  stopProcess(record: Server, options: { signal: string; waitMs: number }): Promise<boolean>;
}

/** Starts the bus of one test file (about 50 ms); call `close()` in `afterAll`. */
export async function testBus(): Promise<TestBus> {
  const { dir: runDir, natsServer } = testRun();
  const { startNats } = loadScript<NatsScript>('nats');
  const { stopProcess, waitFor } = loadScript<ProcessScript>('processes');
  const name = `nats-${randomBytes(6).toString('hex')}`;
  const dir = path.join(runDir, name);
  const launch = async (port: number): Promise<Server> => {
    const started = await startNats({ binary: natsServer, dir, port, log: `${dir}.log` });
    const { pid, birth } = started;
    writeFileSync(path.join(runDir, `${name}.process.json`), JSON.stringify({ pid, birth, signal: 'SIGKILL' }));
    return started;
  };
  let server = await launch(0);
  const nats = await connect({ servers: server.url, maxReconnectAttempts: -1, reconnectTimeWait: 100 });
  const kill = async (): Promise<void> => {
    await stopProcess(server, { signal: 'SIGKILL', waitMs: 5000 });
  };
  return {
    url: server.url,
    folder: dir,
    nats,
    kill,
    start: async () => {
      server = await launch(server.port);
      // what is sent before the connection is back would be lost without an answer
      const back = () =>
        nats.rtt().then(
          () => true,
          () => false,
        );
      if (!(await waitFor(back, { waitMs: 10_000 }))) throw new Error('the connection did not come back');
    },
    wipe: () => rmSync(path.join(dir, 'jetstream'), { recursive: true, force: true }),
    close: async () => {
      if (!existsSync(dir)) return;
      await nats.close();
      await kill();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
