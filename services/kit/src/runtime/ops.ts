import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import type { Health } from './health.js';
import { parseAddress } from './config.js';
import type { Running } from './lifecycle.js';

/** Writes the metrics of the process; given by the telemetry door. */
export type MetricsHandler = (request: IncomingMessage, response: ServerResponse) => void;

/**
 * Serves what Kubernetes and Prometheus ask of a process: `/livez` (200 while the event loop turns), `/readyz` (200, or
 * 503 with the names of the failing checks) and `/metrics`. Takes `address` (host:port) or `host` and `port`; port 0
 * chooses one, which is in the answer. Rejects when the port is taken.
 */
export async function serveOps(options: {
  health: Health;
  address?: string;
  host?: string;
  port?: number;
  metrics?: MetricsHandler;
}): Promise<Running & { port: number }> {
  const at = options.address
    ? parseAddress(options.address)
    : { host: options.host ?? '127.0.0.1', port: options.port ?? 0 };
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.get('/livez', (_request, response) => {
    response.type('text/plain').send('ok\n');
  });
  app.get('/readyz', (_request, response) => {
    const failing = options.health.failing();
    if (failing.length === 0) response.json({ status: 'ready' });
    else response.status(503).json({ status: 'not ready', failing });
  });
  const metrics = options.metrics;
  if (metrics) app.get('/metrics', (request, response) => metrics(request, response));
  const server = createServer(app);
  server.listen(at.port, at.host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    stop: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
