import { randomUUID } from 'node:crypto';
import { Failure, type Kind } from '@rapport/kit/rpc';
import { logger } from '@rapport/kit/runtime';
import { activeTraceId } from '@rapport/kit/telemetry';
import type { ErrorRequestHandler, RequestHandler, Response } from 'express';
import { fail, Refusal, type Violation } from '../errors.js';

/** RFC 9457 Problem Details, as every refusal of the gateway looks. */
export interface Problem {
  /** `urn:rapport:problem:<REASON>`; clients branch on it or on `reason`, never on a text. */
  type: string;
  title: string;
  status: number;
  detail?: string;
  /** `urn:rapport:request:<id>`, the trace id where there is one; names the request in logs and traces. */
  instance: string;
  reason: string;
  /** The service that refused, such as `customer.rapport`; `gateway.rapport` for the gateway itself. */
  domain: string;
  metadata?: Readonly<Record<string, string>>;
  violations?: Violation[];
}

interface Answer {
  problem: Problem;
  headers: Record<string, string>;
}

const ownDomain = 'gateway.rapport';

const byKind: Record<Kind, { status: number; title: string }> = {
  invalid: { status: 400, title: 'The request is not valid' },
  not_found: { status: 404, title: 'Not found' },
  already_exists: { status: 409, title: 'It exists already' },
  conflict: { status: 409, title: 'Somebody else was faster' },
  precondition: { status: 400, title: 'Not possible in this state' },
  denied: { status: 403, title: 'Not permitted' },
  unauthenticated: { status: 401, title: 'Not signed in' },
  exhausted: { status: 429, title: 'Too much at once' },
  unavailable: { status: 503, title: 'The service is not available' },
  deadline: { status: 504, title: 'The service took too long' },
  cancelled: { status: 499, title: 'The caller gave up' },
  unimplemented: { status: 501, title: 'The service does not offer this' },
  internal: { status: 500, title: 'Something went wrong' },
};

/** The id by which a request is found again: its trace id, else one made for it and kept. */
export function correlationOf(response: Response): string {
  response.locals.correlation ??= activeTraceId() ?? randomUUID();
  return response.locals.correlation as string;
}

/** Services name fields as the contract does, `party.display_name`; over JSON they are called `party.displayName`. */
const jsonPath = (path: string): string => path.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

function fromFailure(failure: Failure, instance: string): Answer {
  const { status, title } = byKind[failure.kind];
  // Statuses that gRPC itself makes carry texts of the transport, with addresses in them.
  const ofTransport = failure.domain === 'grpc';
  const retryInMs = failure.retryInMs ?? (failure.kind === 'unavailable' ? 1_000 : undefined);
  const violations = failure.violations.map(({ field, description }) => ({ field: jsonPath(field), description }));
  return {
    problem: {
      type: `urn:rapport:problem:${failure.reason}`,
      title,
      status,
      ...(ofTransport ? {} : { detail: failure.message }),
      instance,
      reason: failure.reason,
      domain: ofTransport ? ownDomain : failure.domain,
      ...(Object.keys(failure.metadata).length > 0 ? { metadata: failure.metadata } : {}),
      ...(violations.length > 0 ? { violations } : {}),
    },
    headers: retryInMs === undefined ? {} : { 'retry-after': String(Math.max(1, Math.ceil(retryInMs / 1000))) },
  };
}

function fromRefusal(refusal: Refusal, instance: string): Answer {
  const { detail, violations, headers = {} } = refusal.detail;
  const authenticate: Record<string, string> =
    refusal.status === 401 ? { 'www-authenticate': 'Bearer realm="rapport"' } : {};
  return {
    problem: {
      type: `urn:rapport:problem:${refusal.reason}`,
      title: refusal.title,
      status: refusal.status,
      ...(detail === undefined ? {} : { detail }),
      instance,
      reason: refusal.reason,
      domain: ownDomain,
      ...(violations === undefined ? {} : { violations }),
    },
    headers: { ...authenticate, ...headers },
  };
}

/** Errors of express' own body parser carry `type` and `status`, those of its file server `status` only. */
function fromExpress(error: unknown): Refusal | undefined {
  if (!(error instanceof Error) || !('status' in error) || typeof error.status !== 'number') return undefined;
  if (error.status >= 500) return undefined;
  if (!('type' in error)) return fail('NO_SUCH_PATH', {}, error);
  if (error.type === 'entity.too.large') return fail('BODY_TOO_LARGE', {}, error);
  return fail(error.status === 415 ? 'UNSUPPORTED_MEDIA_TYPE' : 'MALFORMED_JSON', {}, error);
}

/** Turns whatever was thrown into a problem. Logs what is the gateway's or a service's fault, once, with its cause. */
export function toAnswer(error: unknown, instance: string): Answer {
  if (error instanceof Failure) {
    if (error.kind !== 'unauthenticated') return fromFailure(error, instance);
    // The caller was authenticated here, so it is the gateway's own token that the service does not accept.
    logger.error({ err: error, instance }, 'a service refused the token of the gateway');
    return fromRefusal(fail('GATEWAY_IDENTITY_REFUSED'), instance);
  }
  if (error instanceof URIError) return fromRefusal(fail('MALFORMED_PATH'), instance);
  const refusal = error instanceof Refusal ? error : (fromExpress(error) ?? fail('INTERNAL', {}, error));
  if (refusal.status >= 500) logger.error({ err: refusal.cause ?? refusal, instance }, refusal.title);
  return fromRefusal(refusal, instance);
}

/** Answers an error as `application/problem+json`. When the answer has begun, it is cut, so that the caller notices. */
function sendProblem(response: Response, error: unknown): void {
  const { problem, headers } = toAnswer(error, `urn:rapport:request:${correlationOf(response)}`);
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.status(problem.status).set(headers).set('cache-control', 'no-store');
  response.type('application/problem+json').send(JSON.stringify(problem));
}

/** The error handler of the application. */
export const problemHandler: ErrorRequestHandler = (error: unknown, _request, response, _next): void =>
  sendProblem(response, error);

/** Puts the correlation id on every answer. */
export const correlate: RequestHandler = (_request, response, next) => {
  response.set('rapport-correlation-id', correlationOf(response));
  next();
};
