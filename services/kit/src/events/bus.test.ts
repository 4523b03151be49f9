import { createServer, type Server } from 'node:net';
import type { AddressInfo } from 'node:net';
import { type TestBus, testBus } from '@rapport/test/kit';
import { connectBus } from './bus.js';
import { until } from './events.testkit.js';

/** Speaks just enough of the protocol for a client to connect. */
async function pretend(info: object): Promise<{ server: Server; url: string }> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.write(
      `INFO ${JSON.stringify({ server_id: 'x', proto: 1, headers: true, max_payload: 1048576, ...info })}\r\n`,
    );
    socket.on('data', (data) => {
      if (data.includes('PING')) socket.write('PONG\r\n');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, url: `nats://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

it.each([
  [{ version: '2.9.10', jetstream: true }, 'nats-server 2.9.10 is too old: events need 2.10 or newer'],
  [{ version: '2.12.1' }, 'JetStream switched off'],
])('says at once why %j will not do', async (info, message) => {
  const { server, url } = await pretend(info);
  await expect(connectBus({ url, name: 'test' })).rejects.toThrow(message);
  server.close();
});

it('waits for a broker that is not there yet, for a bounded time', async () => {
  const since = Date.now();
  await expect(connectBus({ url: 'nats://127.0.0.1:1', name: 'test', waitMs: 700 })).rejects.toThrow();
  expect(Date.now() - since).toBeGreaterThanOrEqual(500);
});

it('connects again after the broker was killed', async () => {
  const bus: TestBus = await testBus();
  const nats = await connectBus({ url: bus.url, name: 'test' });
  await bus.kill();
  await bus.start();
  const answers = (): Promise<boolean> =>
    nats.flush().then(
      () => true,
      () => false,
    );
  await until(answers);
  await nats.close();
  await bus.close();
});
