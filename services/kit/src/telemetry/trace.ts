import {
  type Context,
  context,
  INVALID_SPAN_CONTEXT,
  isSpanContextValid,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import type { AttributeValues } from './registry.js';

/** Our tracer. Without `telemetry/start` loaded its spans cost almost nothing and record nothing. */
export function tracer(): Tracer {
  return trace.getTracer('rapport');
}

export interface SpanOptions {
  /** default: internal */
  kind?: 'internal' | 'server' | 'client' | 'producer' | 'consumer';
  /** a `traceparent` that came with a message; the span continues that trace instead of the active one */
  parent?: string | undefined;
}

const kinds = {
  internal: SpanKind.INTERNAL,
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
} as const;

/**
 * Runs `fn` inside a span and ends the span when `fn` settles. What `fn` throws is rethrown; of it the span keeps only
 * the kind of error (its reason, code or class name), because messages may quote personal data.
 */
export async function span<T>(
  name: string,
  attributes: AttributeValues,
  fn: (active: Span) => Promise<T> | T,
  options: SpanOptions = {},
): Promise<T> {
  const parent = options.parent === undefined ? context.active() : extract(options.parent);
  return tracer().startActiveSpan(
    name,
    { kind: kinds[options.kind ?? 'internal'], attributes },
    parent,
    async (active) => {
      try {
        return await fn(active);
      } catch (error) {
        recordError(active, error);
        throw error;
      } finally {
        active.end();
      }
    },
  );
}

/** Marks a span as failed with the kind of error and nothing of its text. */
export function recordError(active: Span, error: unknown): void {
  const type = errorType(error);
  active.setAttribute('error.type', type);
  active.addEvent('exception', { 'exception.type': type });
  active.setStatus({ code: SpanStatusCode.ERROR });
}

/** The name of a failure without any data: its reason, its code, else its class. */
export function errorType(error: unknown): string {
  // not by instanceof: errors of Node's own modules may come from another realm
  if (typeof error !== 'object' || error === null) return typeof error;
  const { reason, code } = error as { reason?: unknown; code?: unknown };
  if (typeof reason === 'string' && /^[A-Z][A-Z0-9_]*$/.test(reason)) return reason;
  if (typeof code === 'string' && /^[A-Za-z0-9_]{1,40}$/.test(code)) return code;
  return error.constructor?.name ?? 'Error';
}

/** The active trace context as a W3C `traceparent`, or undefined when nothing is being traced. */
export function inject(): string | undefined {
  const carrier: Record<string, string> = {};
  propagation.inject(context.active(), carrier);
  return carrier.traceparent;
}

/** The context that a `traceparent` names; an unreadable or absent one gives an empty context. */
export function extract(traceparent: string | undefined): Context {
  return propagation.extract(ROOT_CONTEXT, traceparent === undefined ? {} : { traceparent });
}

/** Runs `fn` as a continuation of the trace that `traceparent` names, without a span of its own. */
export function continueTrace<T>(traceparent: string | undefined, fn: () => T): T {
  return context.with(extract(traceparent), fn);
}

/** The id of the active trace (32 hex digits), or undefined. It is valid for unsampled traces also. */
export function activeTraceId(): string | undefined {
  const active = trace.getSpan(context.active())?.spanContext() ?? INVALID_SPAN_CONTEXT;
  return isSpanContextValid(active) ? active.traceId : undefined;
}
