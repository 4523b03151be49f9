import type { AttributeValue, Attributes } from '@opentelemetry/api';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace';

/**
 * Instrumentations of other people put texts on spans that can quote what a customer typed: error messages (Postgres
 * says `invalid input syntax for type uuid: "Novak"`), query strings, client addresses. This is the last place inside
 * the process where they can be stopped, so every span passes it on its way to the exporter.
 */
const dropped = new Set([
  'url.query',
  'http.target',
  'grpc.error_message',
  'exception.message',
  'exception.stacktrace',
  'client.address',
  'network.peer.address',
  'http.client_ip',
  'net.peer.ip',
  'user_agent.original',
  'http.user_agent',
  'db.postgresql.values',
]);

const urls = new Set(['url.full', 'http.url']);
const statements = new Set(['db.query.text', 'db.statement']);

function redactValue(key: string, value: AttributeValue | undefined): AttributeValue | undefined {
  if (dropped.has(key)) return undefined;
  if (typeof value !== 'string') return value;
  if (urls.has(key)) return value.replace(/[?#].*$/s, '');
  // parameterised statements have no literals of ours; a literal that slipped into one is replaced
  if (statements.has(key)) return value.replace(/'(?:[^']|'')*'/g, "'?'");
  return value;
}

function redactAttributes(attributes: Attributes): Attributes {
  const clean: Attributes = {};
  for (const [key, value] of Object.entries(attributes)) {
    const kept = redactValue(key, value);
    if (kept !== undefined) clean[key] = kept;
  }
  return clean;
}

/** The same span without the texts that may quote personal data; the status keeps its code and loses its message. */
export function redact(span: ReadableSpan): ReadableSpan {
  return Object.create(span, {
    attributes: { value: redactAttributes(span.attributes), enumerable: true },
    status: { value: { code: span.status.code }, enumerable: true },
    events: {
      value: span.events.map((event) => ({
        ...event,
        attributes: redactAttributes(event.attributes ?? {}),
      })),
      enumerable: true,
    },
  }) as ReadableSpan;
}

/** An exporter that hands only redacted spans to `exporter`. */
export function redacting(exporter: SpanExporter): SpanExporter {
  return {
    export: (spans, done) => exporter.export(spans.map(redact), done),
    shutdown: () => exporter.shutdown(),
    forceFlush: async () => exporter.forceFlush?.(),
  };
}
