import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';

interface AttributeValue {
  stringValue?: string;
  intValue?: string | number;
  boolValue?: boolean;
  doubleValue?: number;
}
interface Attribute {
  key: string;
  value: AttributeValue;
}

/** The kinds of a span as OTLP numbers them. */
export const spanKind = { internal: 1, server: 2, client: 3, producer: 4, consumer: 5 } as const;

/** A span as a service sent it. */
export interface SentSpan {
  /** The service that made it, `rapport-customer`. */
  service: string;
  scope: string;
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  kind: number;
  attributes: Attribute[];
  events?: { name: string; attributes?: Attribute[] }[];
}

interface Export {
  resourceSpans: {
    resource: { attributes: Attribute[] };
    scopeSpans: { scope: { name: string }; spans: Omit<SentSpan, 'service' | 'scope'>[] }[];
  }[];
}

/** A small OTLP/HTTP endpoint that keeps the spans it is sent. */
export interface Collector {
  url: string;
  spans: SentSpan[];
  close(): Promise<void>;
}

export const attributeOf = (span: SentSpan, key: string): string | undefined =>
  span.attributes.find((one) => one.key === key)?.value.stringValue;

/** Starts a collector on a free port. */
export async function startCollector(): Promise<Collector> {
  const spans: SentSpan[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      const text = request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body;
      if (request.url === '/v1/traces') {
        for (const { resource, scopeSpans } of (JSON.parse(text.toString()) as Export).resourceSpans) {
          const service = resource.attributes.find(({ key }) => key === 'service.name')?.value.stringValue ?? '';
          for (const { scope, spans: sent } of scopeSpans)
            for (const span of sent) spans.push({ ...span, service, scope: scope.name });
        }
      }
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
