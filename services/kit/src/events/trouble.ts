import { MalformedEvent } from './event.js';

/** The lease belongs to another process by now: what was begun is left to it. */
export class LeaseLost extends Error {
  constructor() {
    super('the lease is lost');
  }
}

/** SQLSTATEs of a server that goes, comes or is full, and Prisma's and the network's codes for the same. */
const AWAY = new Set([
  ...['57P01', '57P02', '57P03', '53300', 'P1001', 'P1002', 'P1008', 'P1017', 'P2024', 'P2028'],
  ...['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'],
]);
const GRPC_UNAVAILABLE = 14;
const AWAY_TEXT =
  /^(Connection terminated|Client has encountered a connection error|timeout exceeded when trying to connect|Query read timeout)/;

/** Is it something else's absence that failed, so that the event itself is not to blame? Such attempts do not count. */
export function isAway(error: unknown): boolean {
  if (error instanceof LeaseLost) return true;
  if (!(error instanceof Error)) return false;
  const { code, kind } = error as { code?: unknown; kind?: unknown };
  if (typeof code === 'string' && (AWAY.has(code) || code.startsWith('08'))) return true;
  if (code === GRPC_UNAVAILABLE || kind === 'unavailable') return true;
  if (error instanceof AggregateError) return error.errors.some(isAway);
  return AWAY_TEXT.test(error.message) || isAway(error.cause);
}

/** Would the next attempt fail for certain? */
export function isHopeless(error: unknown): boolean {
  return error instanceof MalformedEvent;
}

/** Why something failed, in capitals and without any data. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'INTERNAL';
  const { reason, code } = error as { reason?: unknown; code?: unknown };
  if (typeof reason === 'string' && /^[A-Z][A-Z0-9_]{0,99}$/.test(reason)) return reason;
  if (typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code)) return `SQLSTATE_${code}`;
  return 'INTERNAL';
}
