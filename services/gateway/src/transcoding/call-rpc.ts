import { once } from 'node:events';
import { fromBinary, type JsonValue, type Message, ScalarType, toJson } from '@bufbuild/protobuf';
import type { Request, RequestHandler, Response } from 'express';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { callerOf } from '../session/session.js';
import { decodeResponse, encodeRequest, readJson } from './message.js';
import { createRouter, type Match } from './transcoding.js';

const purposePattern = /^[a-z][a-z0-9_]{0,63}$/;
const idempotencyPattern = /^[\x21-\x7e]{1,64}$/;

function purposeOf(request: Request): string | undefined {
  const purpose = request.get('rapport-purpose');
  if (purpose !== undefined && !purposePattern.test(purpose)) {
    throw fail('INVALID_QUERY', { violations: [{ field: 'rapport-purpose', description: 'is not a purpose' }] });
  }
  return purpose;
}

function bodyOf(request: Request): JsonValue | undefined {
  const body: unknown = request.body;
  return body instanceof Buffer && body.length > 0 ? readJson(body) : undefined;
}

function idempotencyKeyOf(request: Request): string | undefined {
  const key = request.get('idempotency-key');
  if (key !== undefined && !idempotencyPattern.test(key)) {
    throw fail('INVALID_QUERY', {
      violations: [{ field: 'idempotency-key', description: 'is not a key' }],
    });
  }
  return key;
}

/** The parts of a streamed message that make a download: a field of bytes and, in the first message, its description. */
interface Download {
  bytes: string;
  contentType?: string;
  fileName?: string;
}

function downloadOf(match: Match): Download | undefined {
  const { fields } = match.binding.rpc.output;
  const bytes = fields.filter((field) => field.fieldKind === 'scalar' && field.scalar === ScalarType.BYTES);
  const text = (name: string) => fields.find((field) => field.name === name && field.scalar === ScalarType.STRING);
  if (bytes.length !== 1 || !bytes[0]) return undefined;
  return {
    bytes: bytes[0].localName,
    contentType: text('content_type')?.localName,
    fileName: text('file_name')?.localName,
  };
}

function textIn(message: Message, name: string | undefined): string | undefined {
  const value = name === undefined ? undefined : (message as unknown as Record<string, unknown>)[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function writeHead(response: Response, first: Message | undefined, download: Download | undefined): void {
  response.status(200).set('cache-control', 'no-store');
  if (!download) {
    response.set('content-type', 'application/x-ndjson');
    return;
  }
  const type = first && textIn(first, download.contentType);
  const name = ((first && textIn(first, download.fileName)) ?? 'export.csv').replace(/[^A-Za-z0-9._-]/g, '_');
  const known = type !== undefined && /^[a-z]+\/[a-z0-9.+-]+(?:; ?charset=[a-z0-9-]+)?$/i.test(type);
  response.set('content-type', known ? type : 'text/csv; charset=utf-8');
  response.set('content-disposition', `attachment; filename="${name}"`);
}

/** Sends a server stream as it comes: a download when its messages carry bytes, else one JSON object a line. */
async function sendStream(
  deps: Deps,
  match: Match,
  stream: AsyncIterable<Uint8Array>,
  response: Response,
): Promise<void> {
  const { output } = match.binding.rpc;
  const download = downloadOf(match);
  let begun = false;
  for await (const chunk of stream) {
    const message = fromBinary(output, chunk);
    if (!begun) writeHead(response, message, download);
    begun = true;
    const part = download
      ? ((message as unknown as Record<string, unknown>)[download.bytes] as Uint8Array)
      : `${JSON.stringify(toJson(output, message, { registry: deps.contract.registry, alwaysEmitImplicit: true }))}\n`;
    if (part.length > 0 && !response.write(part)) {
      await Promise.race([once(response, 'drain'), once(response, 'close')]);
    }
    if (response.destroyed) return;
  }
  if (!begun) writeHead(response, undefined, download);
  response.end();
}

/**
 * Everything below `/api/v1`: finds the RPC that the path names, turns the request into its message, calls the service
 * as the caller and answers its response as JSON. When the caller hangs up, the call is cancelled.
 */
export function callRpc(deps: Deps): RequestHandler {
  const route = createRouter(deps.contract.bindings);
  return async (request, response) => {
    const caller = callerOf(response);
    if (!caller) throw fail('NOT_SIGNED_IN');
    const [path = '', search = ''] = request.url.split(/\?(.*)/s);
    const match = route(request.method, path);
    const message = encodeRequest(deps.contract, match, {
      query: new URLSearchParams(search),
      body: bodyOf(request),
      idempotencyKey: idempotencyKeyOf(request),
    });
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const { binding } = match;
    const options = {
      token: await deps.identity.tokenFor(caller),
      purpose: purposeOf(request),
      signal: gone.signal,
      retry: binding.method === 'GET' || message.repeatable,
    };
    if (binding.streams) {
      const { streamTimeoutMs: timeoutMs } = deps.settings;
      await sendStream(deps, match, deps.upstream.stream(binding, message.bytes, { ...options, timeoutMs }), response);
      return;
    }
    const { callTimeoutMs: timeoutMs } = deps.settings;
    const bytes = await deps.upstream.unary(binding, message.bytes, { ...options, timeoutMs });
    response.set('cache-control', 'no-store').json(decodeResponse(deps.contract, match, bytes));
  };
}
