import { Metadata, type ServiceError, type StatusObject, status as Status } from '@grpc/grpc-js';
import { BadRequest, ErrorInfo, RetryInfo, Status as RpcStatus } from '@rapport/proto/google/rpc';
import { logger, uuidv7 } from '../runtime/index.js';
import { Failure, type Kind, statusOfKind } from './failure.js';

const detailsKey = 'grpc-status-details-bin';
const typePrefix = 'type.googleapis.com/';

const kindOfStatus = new Map<Status, Kind>(
  (Object.entries(statusOfKind) as [Kind, Status][]).map(([kind, status]) => [status, kind]),
);

function any(type: string, value: Uint8Array): { typeUrl: string; value: Buffer } {
  return { typeUrl: typePrefix + type, value: Buffer.from(value) };
}

/**
 * Details travel as one header, and HTTP/2 ends the whole connection, with the calls of everybody on it, over one that is
 * larger than the peer takes (64 KiB in Node). A request can break as many rules as it has fields, so all parts are cut.
 */
const most = { violations: 100, metadata: 20, text: 300, bytes: 16_384 } as const;

function cut(text: string): string {
  return text.length > most.text ? `${text.slice(0, most.text)}…` : text;
}

/** The first so many pairs of texts, each cut, as long as there is room for them. */
function fitting(pairs: readonly (readonly [string, string])[], count: number): [string, string][] {
  let room: number = most.bytes;
  return pairs
    .slice(0, count)
    .map(([one, other]): [string, string] => [cut(one), cut(other)])
    .filter(([one, other]) => {
      room -= Buffer.byteLength(one) + Buffer.byteLength(other);
      return room >= 0;
    });
}

/**
 * The gRPC status of a failure, with google.rpc.ErrorInfo, BadRequest and RetryInfo in `grpc-status-details-bin`: the
 * first 100 violations and 20 entries of metadata, texts of 300 characters.
 */
export function encodeFailure(failure: Failure): StatusObject {
  const { reason, domain, retryInMs } = failure;
  const code = statusOfKind[failure.kind];
  const metadata = Object.fromEntries(fitting(Object.entries(failure.metadata), most.metadata));
  const details = [any(ErrorInfo.$type, ErrorInfo.encode({ reason, domain, metadata }).finish())];
  const violations = failure.violations.map(({ field, description }) => [field, description] as const);
  const fieldViolations = fitting(violations, most.violations).map(([field, description]) => ({ field, description }));
  if (fieldViolations.length > 0) {
    details.push(any(BadRequest.$type, BadRequest.encode(BadRequest.fromPartial({ fieldViolations })).finish()));
  }
  if (retryInMs !== undefined) {
    const whole = Math.max(0, Math.round(retryInMs));
    const retryDelay = { seconds: BigInt(Math.floor(whole / 1000)), nanos: (whole % 1000) * 1_000_000 };
    details.push(any(RetryInfo.$type, RetryInfo.encode(RetryInfo.fromPartial({ retryDelay })).finish()));
  }
  const trailer = new Metadata();
  const message = cut(failure.message);
  trailer.set(detailsKey, Buffer.from(RpcStatus.encode({ code, message, details }).finish()));
  return { code, details: message, metadata: trailer };
}

/** Failures of another service that say nothing about the caller's own request stay inside as INTERNAL. */
const kept: ReadonlySet<Kind> = new Set<Kind>(['internal', 'unauthenticated', 'unimplemented']);

/**
 * Turns whatever a handler threw into a Failure that may leave the process. Failures pass; a database that is away or a
 * lost race becomes one that the caller may retry, a write that row security refuses is denied; anything else is logged here, once, and becomes INTERNAL with a
 * fixed text and the correlation id under which it was logged.
 */
export function toFailure(error: unknown, method: string): Failure {
  if (error instanceof Failure && !(kept.has(error.kind) && remote.has(error))) return error;
  const known = knownFailure(error);
  if (known) return known;
  const correlationId = uuidv7();
  logger.error({ err: error, rpc: method, correlationId }, 'a call failed for a reason that nobody declared');
  return new Failure('INTERNAL', 'internal', 'An internal error occurred.', {
    metadata: { correlation_id: correlationId },
  });
}

function knownFailure(error: unknown): Failure | undefined {
  for (let cause = error, depth = 0; cause instanceof Error && depth < 4; cause = cause.cause, depth += 1) {
    const code = codeOf(cause);
    // Serialisation failure, deadlock, lock timeout; Prisma's name for the same.
    if (/^(40001|40P01|55P03|P2034)$/.test(code)) {
      return new Failure('CONCURRENT_CHANGE', 'conflict', 'The data changed at the same time; try again.', {
        retryInMs: 50,
        cause: error,
      });
    }
    // The second wall behind the policies; a missing GRANT has the same code and stays INTERNAL.
    if (code === '42501' && cause.message.includes('row-level security')) {
      return new Failure('PERMISSION_DENIED', 'denied', 'The row is outside of what the caller may change.', {
        cause: error,
      });
    }
    // A NUL character, which no text column takes.
    if (code === '22021' || code === '22P05') {
      return new Failure('TEXT_INVALID', 'invalid', 'A text of the request holds a character that cannot be stored.', {
        cause: error,
      });
    }
    // Connection exceptions, too many connections, server going down; socket errors; Prisma's names for the same.
    const away =
      /^(08\w{3}|53300|57P0[1-3]|ECONNREFUSED|ECONNRESET|EPIPE|ENOTFOUND|ETIMEDOUT|P1001|P1017|P2024|P2028)$/;
    if (away.test(code) || /^(Connection terminated|timeout exceeded when trying to connect)/.test(cause.message)) {
      logger.warn({ err: cause }, 'a store does not answer');
      return new Failure('STORE_UNAVAILABLE', 'unavailable', 'A store does not answer; try again.', {
        retryInMs: 500,
        cause: error,
      });
    }
  }
  return undefined;
}

/** The error's code; for an error of Prisma's the SQLSTATE beneath it, where there is one. */
function codeOf(error: Error): string {
  const { code, meta } = error as Error & {
    code?: unknown;
    meta?: { driverAdapterError?: { cause?: { originalCode?: unknown } } };
  };
  return String(meta?.driverAdapterError?.cause?.originalCode ?? code ?? '');
}

const remote = new WeakSet<Failure>();

/**
 * The Failure inside an error of a gRPC call: reason, kind, violations and retry delay as the server gave them.
 * A status without ErrorInfo (made by a proxy or by gRPC itself) gets its status name as the reason. Returns a Failure
 * as it is, and undefined for an error that is no gRPC status.
 */
export function decodeFailure(error: unknown): Failure | undefined {
  if (error instanceof Failure) return error;
  if (!isServiceError(error)) return undefined;
  const kind = kindOfStatus.get(error.code) ?? 'internal';
  const packed = error.metadata?.get(detailsKey)[0];
  const details = Buffer.isBuffer(packed) ? unpack(packed) : {};
  const failure = new Failure(details.info?.reason ?? Status[error.code] ?? 'UNKNOWN', kind, error.details, {
    domain: details.info?.domain ?? 'grpc',
    metadata: details.info?.metadata,
    violations: details.violations,
    retryInMs: details.retryInMs,
    cause: error,
  });
  remote.add(failure);
  return failure;
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' && 'details' in error;
}

interface Details {
  info?: ErrorInfo;
  violations?: { field: string; description: string }[];
  retryInMs?: number;
}

function unpack(bytes: Buffer): Details {
  const found: Details = {};
  try {
    for (const { typeUrl, value } of RpcStatus.decode(bytes).details) {
      const type = typeUrl.slice(typePrefix.length);
      if (type === ErrorInfo.$type) found.info = ErrorInfo.decode(value);
      if (type === BadRequest.$type) {
        found.violations = BadRequest.decode(value).fieldViolations.map(({ field, description }) => ({
          field,
          description,
        }));
      }
      if (type === RetryInfo.$type) {
        const delay = RetryInfo.decode(value).retryDelay;
        if (delay) found.retryInMs = Number(delay.seconds) * 1000 + Math.round(delay.nanos / 1_000_000);
      }
    }
  } catch {
    // A peer's broken details must not hide its status.
  }
  return found;
}
