// The real stores that containers under test talk to: Postgres, NATS, ClickHouse over HTTP, and the bank's sign-in.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import pg from 'pg';
import { writeKeys } from '../lib/keys.mjs';
import { findNatsServer, startNats } from '../lib/nats.mjs';
import { startPostgres } from '../lib/postgres.mjs';
import { root } from './stage.mjs';

/**
 * Starts everything in `folder` (emptied first) on free ports of the loopback interface.
 *
 * @returns {Promise<object>} addresses, `keys` (a folder), `database(service)` which makes the database and its role and
 *   answers with the connection string, `clickhouse(service)` likewise, and `stop()`
 */
export async function startStores({ folder, say }) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const stops = [];
  const keys = join(folder, 'keys');
  writeKeys(keys);
  writeFileSync(join(keys, 'session-key'), `${randomBytes(32).toString('base64')}\n`);
  // In a cluster the kubelet gives the files to the pod's group; here everybody may read these throw-away keys.
  chmodSync(keys, 0o755);
  for (const file of readdirSync(keys)) {
    chmodSync(join(keys, file), 0o644);
  }

  try {
    const postgres = await startPostgres({
      dir: join(folder, 'postgres'),
      sync: false,
      log: join(folder, 'postgres.log'),
    });
    stops.unshift(() => postgres.stop());
    const nats = await startNats({
      binary: findNatsServer({ say }),
      dir: join(folder, 'nats'),
      log: join(folder, 'nats.log'),
    });
    stops.unshift(() => nats.stop());
    const issuer = await startIssuer();
    stops.unshift(() => issuer.stop());
    const fronts = new Map();

    return {
      keys,
      natsUrl: nats.url,
      issuerUrl: issuer.url,
      async database(service) {
        const name = `rapport_${service}`;
        const client = new pg.Client({ connectionString: postgres.url });
        await client.connect();
        try {
          await client.query(`CREATE ROLE ${name} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS`);
          await client.query(`CREATE DATABASE ${name} OWNER ${name}`);
        } finally {
          await client.end();
        }
        const url = new URL(postgres.url);
        url.username = name;
        url.pathname = `/${name}`;
        return url.href;
      },
      async clickhouse(service) {
        if (!fronts.has(service)) {
          const front = await startFront(join(folder, `clickhouse-${service}`));
          stops.unshift(() => front.stop());
          fronts.set(service, front.url);
        }
        return fronts.get(service);
      },
      async stop() {
        for (const stop of stops) {
          await stop();
        }
      },
    };
  } catch (error) {
    for (const stop of stops) {
      await stop();
    }
    throw error;
  }
}

async function startFront(path) {
  const child = spawn(process.execPath, [join(root, 'test/kit/clickhouse-http.mjs'), '--path', path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  const line = await Promise.race([
    once(createInterface(child.stdout), 'line').then(([text]) => text),
    ended.then(([code]) => Promise.reject(new Error(`the ClickHouse front ended with ${code}`))),
  ]);
  return {
    url: JSON.parse(line).url,
    async stop() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

/** An OpenID provider as far as a gateway asks at its start: its discovery document and an empty key set. */
async function startIssuer() {
  const server = createServer((request, response) => {
    const url = `http://127.0.0.1:${server.address().port}`;
    response.setHeader('content-type', 'application/json');
    if (request.url === '/.well-known/openid-configuration') {
      response.end(
        JSON.stringify({
          issuer: url,
          authorization_endpoint: `${url}/authorize`,
          token_endpoint: `${url}/token`,
          jwks_uri: `${url}/jwks`,
          response_types_supported: ['code'],
          subject_types_supported: ['public'],
          id_token_signing_alg_values_supported: ['RS256'],
        }),
      );
    } else {
      response.end(JSON.stringify({ keys: [] }));
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    async stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}
