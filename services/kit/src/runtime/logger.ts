import pino from 'pino';

const secret = ['authorization', 'cookie', 'password', 'secret', 'token', 'email', 'phone', 'address'];

/** What parsers throw: those of the language, and protobuf's. */
function isOfParser({ name, message }: Error): boolean {
  return name === 'SyntaxError' || name === 'ZodError' || /^cannot (?:de|en)code /.test(message);
}

/** Stacks keep their frames only: the first lines repeat the message, which may quote a value of a row. */
function frames(stack: string | undefined): string | undefined {
  return stack
    ?.split('\n')
    .filter((line) => line.startsWith('    at '))
    .join('\n');
}

/**
 * An error as it may be logged. Database errors quote values of rows in their message (Postgres class 22, Prisma's
 * invocations) and carry them in `detail` and `where`, and a parser quotes the text that it could not read (JSON, BigInt,
 * protobuf's JSON), so only an allow-list of fields is kept and such messages are replaced by the code.
 */
function serializeError(error: unknown, depth = 0): Record<string, unknown> {
  if (!(error instanceof Error)) return { type: typeof error };
  const known = error as Error & { code?: unknown; constraint?: unknown; reason?: unknown; cause?: unknown };
  const code = typeof known.code === 'string' || typeof known.code === 'number' ? known.code : undefined;
  const quotesValues =
    error.name.startsWith('Prisma') || isOfParser(error) || (typeof code === 'string' && /^2[23]\w{3}$/.test(code));
  return {
    type: error.name,
    message: quotesValues ? `${error.name} ${code ?? ''}`.trim() : error.message,
    ...(code !== undefined && { code }),
    ...(typeof known.constraint === 'string' && { constraint: known.constraint }),
    ...(typeof known.reason === 'string' && { reason: known.reason }),
    stack: frames(error.stack),
    ...(known.cause !== undefined && depth < 3 && { cause: serializeError(known.cause, depth + 1) }),
  };
}

/** The options of the process' logger; exported for tests, which read what it writes. */
export const loggerOptions: pino.LoggerOptions = {
  level: 'info',
  base: null,
  timestamp: pino.stdTimeFunctions.isoTime,
  formatters: { level: (label) => ({ level: label }) },
  serializers: { err: serializeError, error: serializeError },
  redact: { paths: secret.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]), censor: '[redacted]' },
};

/**
 * The process' logger: JSON lines on standard output, secrets and contact points redacted. The trace ids are added by
 * the OpenTelemetry instrumentation of pino.
 */
export const logger: pino.Logger = pino(loggerOptions);

/** Names the process' logger and sets its level; `main.ts` calls it once. Returns that same logger. */
export function createLogger(options: { service: string; level?: string }): pino.Logger {
  logger.setBindings({ service: options.service });
  if (options.level) logger.level = options.level;
  return logger;
}
