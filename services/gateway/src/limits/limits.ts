import type { Request, RequestHandler, Response } from 'express';
import { ipKeyGenerator, rateLimit } from 'express-rate-limit';
import { fail } from '../errors.js';

const windowMs = 60_000;

const addressOf = (request: Request): string => ipKeyGenerator(request.ip ?? 'unknown');

/**
 * At most `limit` requests a minute for each key, counted in this process. Answers 429 with Retry-After beyond that and
 * tells the state in the RateLimit headers (draft 8) under `name`.
 */
function limiter(name: string, limit: number, keyOf: (request: Request, response: Response) => string): RequestHandler {
  return rateLimit({
    windowMs,
    limit,
    identifier: name,
    standardHeaders: 'draft-8',
    legacyHeaders: false,
    keyGenerator: keyOf,
    handler: (request, _response, next) => {
      const reset = (request as Request & { rateLimit?: { resetTime?: Date } }).rateLimit?.resetTime?.getTime();
      const seconds = Math.max(1, Math.ceil(((reset ?? Date.now() + windowMs) - Date.now()) / 1000));
      next(fail('RATE_LIMITED', { headers: { 'retry-after': String(seconds) } }));
    },
  });
}

/** Per network address (IPv6 by its /56 network). */
export function limitAddress(limit: number): RequestHandler {
  return limiter('address', limit, addressOf);
}

/** Per person or machine; before sign-in per network address. `subjectOf` reads who calls. */
export function limitCaller(limit: number, subjectOf: (response: Response) => string | undefined): RequestHandler {
  return limiter('caller', limit, (request, response) => {
    const subject = subjectOf(response);
    return subject === undefined ? `address ${addressOf(request)}` : `subject ${subject}`;
  });
}

/** Attempts to give a password, per network address. */
export function limitAttempts(limit: number): RequestHandler {
  return limiter('attempts', limit, addressOf);
}
