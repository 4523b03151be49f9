import { create, fromBinary, fromJson, type JsonValue, toBinary, toJson } from '@bufbuild/protobuf';
import { fail } from '../errors.js';
import { type JsonObject, putField, putQuery } from './query.js';
import { type Contract, fieldOf, type Match } from './transcoding.js';
import { findViolations } from './violations.js';

const maxDepth = 32;
const maxParameters = 100;

/** The deepest nesting of arrays and objects in a JSON text, brackets in strings not counted. */
export function jsonDepth(text: string): number {
  let depth = 0;
  let deepest = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (quoted) {
      if (code === 0x5c) at += 1;
      else if (code === 0x22) quoted = false;
    } else if (code === 0x22) quoted = true;
    else if (code === 0x7b || code === 0x5b) deepest = Math.max(deepest, (depth += 1));
    else if (code === 0x7d || code === 0x5d) depth -= 1;
  }
  return deepest;
}

/** Reads a JSON body: strict UTF-8, at most 32 levels. Refuses with MALFORMED_JSON. */
export function readJson(body: Uint8Array): JsonValue {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    throw fail('MALFORMED_JSON', { detail: 'The body is not UTF-8.' });
  }
  if (jsonDepth(text) > maxDepth) {
    throw fail('MALFORMED_JSON', {
      detail: `The body is nested deeper than ${maxDepth} levels.`,
    });
  }
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    throw fail('MALFORMED_JSON', { detail: 'The body is not JSON.' });
  }
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function bodyPart(match: Match, body: JsonValue | undefined): JsonObject {
  const { binding } = match;
  if (binding.body === '') {
    if (body !== undefined) throw fail('INVALID_BODY', { detail: 'This method takes no body.' });
    return {};
  }
  if (binding.body === '*') {
    if (body === undefined) return {};
    if (!isObject(body)) throw fail('INVALID_BODY', { detail: 'The body must be a JSON object.' });
    return body;
  }
  const field = fieldOf(binding.rpc.input, binding.body);
  if (!field) throw new Error(`${binding.grpcPath}: the body field is not in the message`);
  return body === undefined ? {} : { [field.jsonName]: body };
}

export interface HttpInput {
  query: URLSearchParams;
  /** The parsed body, undefined when the request has none. */
  body: JsonValue | undefined;
  /** Value of the Idempotency-Key header; fills `request_id` where the message has one and the caller gave none. */
  idempotencyKey?: string | undefined;
}

export interface EncodedRequest {
  bytes: Uint8Array;
  /** True when the message carries a request id, under which the service does the same thing only once. */
  repeatable: boolean;
}

/**
 * The encoded request message of a matched call, from path, query and body by the proto3 JSON mapping. Unknown fields,
 * parameters given twice and values that differ between path and body are refused with field violations.
 */
export function encodeRequest(contract: Contract, match: Match, input: HttpInput): EncodedRequest {
  const { rpc, body } = match.binding;
  const root = bodyPart(match, input.body);
  for (const [field, value] of match.variables) {
    try {
      putField(root, rpc.input, field, value);
    } catch {
      throw fail('INVALID_BODY', {
        violations: [{ field, description: 'differs from the path' }],
      });
    }
  }
  if (input.query.size > maxParameters) throw fail('INVALID_QUERY', { detail: 'Too many parameters.' });
  if (body === '*' && input.query.size > 0) {
    const violations = [...new Set(input.query.keys())].map((field) => ({
      field,
      description: 'belongs in the body',
    }));
    throw fail('INVALID_QUERY', { violations });
  }
  const violations = putQuery(root, rpc.input, input.query);
  if (violations.length > 0) throw fail('INVALID_QUERY', { violations });

  const requestId = input.idempotencyKey === undefined ? undefined : fieldOf(rpc.input, 'request_id');
  const given = root.requestId !== undefined || root.request_id !== undefined;
  if (requestId && !given && input.idempotencyKey !== undefined) root[requestId.jsonName] = input.idempotencyKey;
  try {
    const message = fromJson(rpc.input, root, {
      registry: contract.registry,
      ignoreUnknownFields: false,
    });
    const id: unknown = (message as unknown as Record<string, unknown>).requestId;
    return { bytes: toBinary(rpc.input, message), repeatable: typeof id === 'string' && id !== '' };
  } catch (error) {
    const violations = findViolations(rpc.input, root, contract.registry);
    throw fail('INVALID_BODY', violations.length > 0 ? { violations } : {}, error);
  }
}

/** The JSON of an encoded response; zero values and empty lists are written. */
export function decodeResponse(contract: Contract, match: Match, bytes: Uint8Array): JsonValue {
  const { rpc, responseBody } = match.binding;
  const message = bytes.length === 0 ? create(rpc.output) : fromBinary(rpc.output, bytes);
  const json = toJson(rpc.output, message, {
    registry: contract.registry,
    alwaysEmitImplicit: true,
  });
  const field = responseBody === '' ? undefined : fieldOf(rpc.output, responseBody);
  return field && isObject(json) ? (json[field.jsonName] ?? null) : json;
}
