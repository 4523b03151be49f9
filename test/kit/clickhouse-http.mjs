// ClickHouse's HTTP interface over the embedded engine, in a process of its own: what a service with CLICKHOUSE_URL
// talks to on a machine without a ClickHouse server. The engine is the real one; roles, sessions and clusters are not
// here. One process serves one data directory.
//
//   node test/kit/clickhouse-http.mjs --path <dir> [--port 8123] [--host 127.0.0.1]
//
// prints one line {"url":"http://127.0.0.1:8123"} when it listens, and ends on SIGTERM.
import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { createServer } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createGunzip, gzipSync } from 'node:zlib';
import { Session } from 'chdb';

/** Parameters of the interface itself; every other one of the address is a setting of the statement. */
const own = new Set([
  'query',
  'query_id',
  'database',
  'default_format',
  'session_id',
  'session_timeout',
  'role',
  'user',
  'password',
]);
/** Settings of a server's HTTP layer, which the library does not know. */
const httpOnly = /^(wait_end_of_query|send_progress_in_http_headers|enable_http_compression|http_.*)$/;
const statuses = { 60: 404, 81: 404, 36: 400, 46: 404, 47: 404, 62: 400, 159: 408, 386: 400, 456: 400, 516: 401 };

/**
 * Serves the engine with its data in `path` (made when absent; one process at a time).
 *
 * @param {{ path: string, port?: number, host?: string }} options port 0 lets the machine choose
 * @returns {Promise<{ url: string, port: number, stop(): Promise<void> }>}
 */
export async function startClickHouse({ path, port = 0, host = '127.0.0.1' }) {
  mkdirSync(path, { recursive: true });
  const session = new Session(path);
  // The engine runs one statement of a session at a time, and settings stay on it until they are set again.
  let last = Promise.resolve();
  const inTurn = (work) => {
    const result = last.then(work);
    last = result.catch(() => undefined);
    return result;
  };

  const server = createServer(async (request, response) => {
    const id = randomUUID();
    try {
      const url = new URL(request.url ?? '/', 'http://localhost');
      if (url.pathname === '/ping') {
        response.end('Ok.\n');
        return;
      }
      if (url.pathname !== '/') {
        response.writeHead(404).end('There is no handle for this path\n');
        return;
      }
      const asked = url.searchParams;
      const body = await buffer(
        request.headers['content-encoding'] === 'gzip' ? request.pipe(createGunzip()) : request,
      );
      const statement = [asked.get('query') ?? '', body.toString('utf8')].filter((part) => part !== '').join('\n');
      const insertsNothing = /^\s*INSERT\b[\s\S]*\bFORMAT\s+\w+\s*$/i.test(statement) && !/\bSELECT\b/i.test(statement);
      const result = insertsNothing
        ? undefined
        : await inTurn(() =>
            session.queryAsync(`${prologue(asked)}${statement}`, {
              format: asked.get('default_format') ?? 'TabSeparated',
            }),
          );
      const bytes = result === undefined ? Buffer.alloc(0) : Buffer.from(result.bytes());
      const zip =
        bytes.length > 0 &&
        /\bgzip\b/.test(request.headers['accept-encoding'] ?? '') &&
        asked.get('enable_http_compression') === '1';
      response.writeHead(200, {
        'content-type': 'text/plain; charset=UTF-8',
        'x-clickhouse-query-id': asked.get('query_id') ?? id,
        'x-clickhouse-summary': JSON.stringify({ read_rows: String(result?.rowsRead ?? 0), elapsed_ns: '0' }),
        ...(zip ? { 'content-encoding': 'gzip' } : {}),
      });
      response.end(zip ? gzipSync(bytes) : bytes);
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      const code = Number(/Code: (\d+)/.exec(text)?.[1] ?? 0);
      response.writeHead(statuses[code] ?? 500, {
        'x-clickhouse-exception-code': String(code),
        'x-clickhouse-query-id': id,
      });
      response.end(`${text}\n`);
    }
  });
  await new Promise((resolve, reject) => server.once('error', reject).listen(port, host, resolve));
  const bound = server.address().port;
  return {
    url: `http://${host}:${bound}`,
    port: bound,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await last;
      session.close();
    },
  };
}

/** Settings, bound parameters and the database of one request, as statements before its own. */
function prologue(asked) {
  const statements = [];
  for (const [name, value] of asked) {
    if (own.has(name) || httpOnly.test(name)) {
      continue;
    }
    if (!/^\w+$/.test(name)) {
      throw new Error(`Code: 36. DB::Exception: ${JSON.stringify(name)} is no setting. (BAD_ARGUMENTS)`);
    }
    statements.push(`SET ${name} = ${literal(value)}`);
  }
  const database = asked.get('database');
  if (database !== null && database !== '') {
    statements.push(`USE \`${database.replaceAll('`', '``')}\``);
  }
  return statements.map((text) => `${text}; `).join('');
}

const literal = (text) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      path: { type: 'string' },
      port: { type: 'string', default: '0' },
      host: { type: 'string', default: '127.0.0.1' },
    },
  });
  if (values.path === undefined) {
    console.error('--path is required: the data directory');
    process.exit(2);
  }
  const front = await startClickHouse({ path: values.path, port: Number(values.port), host: values.host });
  console.log(JSON.stringify({ url: front.url }));
  for (const signal of ['SIGTERM', 'SIGINT']) {
    process.once(signal, () => void front.stop().then(() => process.exit(0)));
  }
}
