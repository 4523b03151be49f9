/**
 * What went wrong in the analytic engine, without its own text: the engine quotes rows, literals and even bound values
 * in its messages. `statement` is the SQL as its author wrote it (placeholders, no values); `code` and `type` are the
 * engine's (60, UNKNOWN_TABLE); `retryable` says that the same statement may succeed later.
 */
export class AnalyticsError extends Error {
  override readonly name = 'AnalyticsError';

  constructor(
    readonly code: string,
    readonly type: string,
    readonly statement: string,
    near: string | undefined,
    readonly retryable: boolean,
  ) {
    super(`${type} (${code})${near === undefined ? '' : ` near ${near}`} in: ${statement}`);
  }
}

const passing = new Set([
  'TIMEOUT_EXCEEDED',
  'SOCKET_TIMEOUT',
  'NETWORK_ERROR',
  'TOO_MANY_SIMULTANEOUS_QUERIES',
  'TOO_MANY_PARTS',
  'MEMORY_LIMIT_EXCEEDED',
  'TABLE_IS_READ_ONLY',
  'KEEPER_EXCEPTION',
  'UNKNOWN_STATUS_OF_INSERT',
  'CONNECTION',
]);

/**
 * The first name that the engine's message quotes, when the author's own SQL holds it as a word: then it is a table,
 * column or function and no data.
 */
function nameInStatement(message: string, statement: string): string | undefined {
  for (const [, quoted] of message.matchAll(/[`']([A-Za-z_][\w.]*)[`']/g)) {
    if (quoted === undefined) continue;
    // outside of string literals, so that a literal of the statement is not repeated either
    const words: string[] = statement.replace(/'(?:[^'\\]|\\.|'')*'/g, ' ').match(/[A-Za-z_][\w.]*/g) ?? [];
    if (words.includes(quoted)) return quoted;
  }
  return undefined;
}

/** Not by `instanceof`: errors of Node's own modules may come from another realm. */
function describe(error: unknown): { code?: unknown; type?: unknown; message: string } {
  if (typeof error !== 'object' || error === null || !('message' in error)) return { message: '' };
  const { code, type } = error as { code?: unknown; type?: unknown };
  return { code, type, message: String(error.message) };
}

/** Maps whatever the client threw. `statement` must be the author's text, without values or rows. */
export function analyticsError(error: unknown, statement: string): AnalyticsError {
  if (error instanceof AnalyticsError) return error;
  const short = statement.replace(/\s+/g, ' ').trim().slice(0, 500);
  const { code, type, message } = describe(error);
  if (typeof type === 'string' && /^[A-Z][A-Z0-9_]*$/.test(type)) {
    return new AnalyticsError(String(code), type, short, nameInStatement(message, short), passing.has(type));
  }
  if (/abort/i.test(message)) return new AnalyticsError('0', 'CANCELLED', short, undefined, true);
  if (typeof code === 'string' && /^E[A-Z]+$/.test(code)) {
    return new AnalyticsError(code, 'CONNECTION', short, undefined, true);
  }
  if (/timeout/i.test(message)) return new AnalyticsError('0', 'SOCKET_TIMEOUT', short, undefined, true);
  return new AnalyticsError('0', 'UNKNOWN', short, undefined, false);
}
