// What the client does when a peer leaves, freezes, wedges or is not there yet.
import { type AddressInfo, connect as dial, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { logger } from '../runtime/index.js';
import { type ClientOptions, client, type Failure } from './index.js';
import { makeWorld, ProbeServiceClient, type World } from './rpc.testkit.js';

let world: World;
const stops: (() => Promise<void> | void)[] = [];

beforeAll(() => {
  world = makeWorld();
});
afterEach(async () => {
  jest.restoreAllMocks();
  for (const stop of stops.splice(0).reverse()) await stop();
});
afterAll(() => world.remove());

function connect(address: string, options: ClientOptions = {}) {
  const remote = client(ProbeServiceClient, address, { identity: world.identity('alpha'), ...options });
  stops.push(() => remote.close());
  return remote;
}

const slowly = {
  getProbe: async (request: { text: string }) => {
    await sleep(15);
    return request;
  },
};

/** Stands before a server; `cut` drops its connections, as a process that just exits does. */
async function gate(port: number): Promise<{ port: number; cut(): void }> {
  const sockets = new Set<Socket>();
  const server = createServer((inbound) => {
    const outbound = dial(port, '127.0.0.1');
    for (const [socket, other] of [
      [inbound, outbound],
      [outbound, inbound],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => other.destroy());
      socket.pipe(other);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    cut: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Two servers, calls on both without retries of ours, one of them leaving in the middle; gives the failed calls. */
async function underLoad(graceful: boolean): Promise<{ calls: number; failed: Failure[] }> {
  const leaving = await world.start(slowly);
  const staying = await world.start(slowly);
  const door = await gate(leaving.port);
  const remote = connect(`ipv4:127.0.0.1:${door.port},127.0.0.1:${staying.port}`, { attempts: 1 });
  const failed: Failure[] = [];
  let calls = 0;
  let running = true;
  const callers = Array.from({ length: 16 }, async () => {
    while (running) {
      calls += 1;
      await remote.getProbe({ text: 'x' }, { timeoutMs: 5_000 }).catch((error: Failure) => failed.push(error));
    }
  });
  await sleep(400);
  if (graceful) await leaving.stop();
  door.cut();
  await sleep(400);
  running = false;
  await Promise.all(callers);
  remote.close();
  await Promise.all([leaving.stop(), staying.stop()]);
  return { calls, failed };
}

test('a server that drains fails no call, one that just exits fails some', async () => {
  const drained = await underLoad(true);
  expect(drained.calls).toBeGreaterThan(200);
  expect(drained.failed).toEqual([]);
  const exited = await underLoad(false);
  expect(exited.failed.length).toBeGreaterThan(0);
});

test('a drain has an end: calls that never finish are cut off at the hard limit', async () => {
  const warned = jest.spyOn(logger, 'warn').mockImplementation(() => undefined);
  const server = await world.start({ getProbe: () => new Promise(() => undefined) }, { hardLimitMs: 200 });
  const remote = connect(`127.0.0.1:${server.port}`, { attempts: 1 });
  const hanging = remote.getProbe({ text: '' }, { timeoutMs: 20_000 }).catch((error: Failure) => error.reason);
  await sleep(100);
  const started = Date.now();
  await server.stop();
  expect(Date.now() - started).toBeLessThan(2_000);
  expect(await hanging).toBe('SHUTTING_DOWN');
  expect(Date.now() - started).toBeLessThan(2_000);
  expect(warned).toHaveBeenCalled();
});

test('reads and requests with an id are tried again while a peer is away, others are not', async () => {
  let tries = 0;
  const { Failure: Refusal } = await import('./index.js');
  const flaky = async (request: { text: string }) => {
    tries += 1;
    if (tries < 3) throw new Refusal('STORE_UNAVAILABLE', 'unavailable', 'Not now.');
    return request;
  };
  const server = await world.start({ getProbe: flaky, changeProbe: flaky });
  stops.push(() => server.stop());
  const remote = connect(`127.0.0.1:${server.port}`);
  expect(await remote.getProbe({ text: 'a' })).toEqual({ text: 'a' });
  tries = 0;
  await expect(remote.changeProbe({ text: 'a' })).rejects.toMatchObject({ kind: 'unavailable' });
  expect(tries).toBe(1);
  tries = 0;
  const named = { text: 'a', requestId: '01890000-0000-7000-8000-000000000000' };
  expect(await remote.changeProbe(named)).toEqual({ text: 'a' });
  tries = 0;
  await expect(remote.getProbe({ text: 'a' }, { retry: false })).rejects.toMatchObject({ kind: 'unavailable' });
});

test('a server that starts later is reached by a call that was made before', async () => {
  const first = await world.start({});
  const address = `127.0.0.1:${first.port}`;
  await first.stop();
  const remote = connect(address, { attempts: 20, maxPauseMs: 200 });
  const early = remote.getProbe({ text: 'early' }, { timeoutMs: 8_000 });
  await sleep(300);
  const second = await world.start({}, { address });
  stops.push(() => second.stop());
  expect(await early).toEqual({ text: 'early' });
});

/** Accepts connections and never says a word. */
async function mute(port = 0): Promise<{ port: number; close(): void }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      // The accepted sockets stay open: that is what makes a wedge.
      server.close();
      stops.push(() => {
        for (const socket of sockets) socket.destroy();
      });
    },
  };
}

test('a channel wedged by a mute peer is replaced, and the waiting calls are answered by the next', async () => {
  const warned = jest.spyOn(logger, 'warn').mockImplementation(() => undefined);
  const peer = await mute();
  const address = `127.0.0.1:${peer.port}`;
  const remote = connect(address, { stuckMs: 400 });
  const waiting = [remote.changeProbe({ text: 'a' }), remote.getProbe({ text: 'b' })];
  await sleep(150);
  peer.close();
  const server = await world.start({}, { address });
  stops.push(() => server.stop());
  expect(await Promise.all(waiting)).toEqual([{ text: 'a' }, { text: 'b' }]);
  expect(warned).toHaveBeenCalled();

  // Without the watchdog the same calls run into their deadline: the wedge is real.
  const second = await mute();
  const stuck = connect(`127.0.0.1:${second.port}`, { stuckMs: 60_000 });
  const lost = stuck.getProbe({ text: 'c' }, { timeoutMs: 1_500, retry: false });
  await sleep(100);
  second.close();
  const late = await world.start({}, { address: `127.0.0.1:${second.port}` });
  stops.push(() => late.stop());
  await expect(lost).rejects.toMatchObject({ kind: 'deadline' });
});

test('a peer that stays mute costs a call its deadline and no more', async () => {
  jest.spyOn(logger, 'warn').mockImplementation(() => undefined);
  const peer = await mute();
  const remote = connect(`127.0.0.1:${peer.port}`, { stuckMs: 100 });
  const started = Date.now();
  await expect(remote.getProbe({ text: 'a' }, { timeoutMs: 700 })).rejects.toMatchObject({ kind: 'deadline' });
  expect(Date.now() - started).toBeLessThan(1_500);
  peer.close();
});
