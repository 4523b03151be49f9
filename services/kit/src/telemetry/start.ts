/**
 * Starts OpenTelemetry for this process. It must be loaded before anything that it instruments:
 * `node --require @rapport/kit/telemetry/start dist/main.js`.
 *
 * Spans are exported only when OTEL_EXPORTER_OTLP_ENDPOINT is set; without it spans are made but not recorded, so that
 * logs, audit records and events carry trace ids all the same. OTEL_TRACES_SAMPLER, OTEL_TRACES_SAMPLER_ARG,
 * OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES and OTEL_SDK_DISABLED mean what the specification says; set
 * OTEL_TRACES_SAMPLER=parentbased_traceidratio in production.
 */
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { ExpressInstrumentation, ExpressLayerType } from '@opentelemetry/instrumentation-express';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { PgInstrumentation } from '@opentelemetry/instrumentation-pg';
import { PinoInstrumentation } from '@opentelemetry/instrumentation-pino';
import { RuntimeNodeInstrumentation } from '@opentelemetry/instrumentation-runtime-node';
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { AlwaysOffSampler, BatchSpanProcessor, NoopSpanProcessor } from '@opentelemetry/sdk-trace';
import { OutgoingCalls } from './outgoing.js';
import { prometheus } from './prometheus.js';
import { redacting } from './redact.js';
import { setTelemetryStop } from './stop.js';

const opsPaths = new Set(['/livez', '/readyz', '/metrics', '/health']);
const isOps = (url: string | undefined) => opsPaths.has((url ?? '').replace(/\?.*$/s, ''));

function start(): void {
  // The SDK would otherwise make a log exporter for a default address, and the pino bridge would feed it.
  process.env.OTEL_LOGS_EXPORTER ??= 'none';
  const endpoint = process.env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? process.env.OTEL_EXPORTER_OTLP_ENDPOINT;
  const exporting = endpoint !== undefined && endpoint !== '';
  const sdk = new NodeSDK({
    metricReaders: [prometheus()],
    // Trace context only: baggage would carry whatever a caller puts in it.
    textMapPropagator: new W3CTraceContextPropagator(),
    ...(exporting
      ? {
          spanProcessors: [
            new BatchSpanProcessor({
              exporter: redacting(new OTLPTraceExporter()),
            }),
          ],
        }
      : {
          spanProcessors: [new NoopSpanProcessor()],
          sampler: new AlwaysOffSampler(),
        }),
    instrumentations: [
      new HttpInstrumentation({
        ignoreIncomingRequestHook: (request) => isOps(request.url),
        requireParentforOutgoingSpans: true,
      }),
      // matched against the method's short name: grpc.health.v1.Health and the reflection service
      new OutgoingCalls({
        ignoreGrpcMethods: ['Check', 'Watch', 'ServerReflectionInfo'],
      }),
      // each middleware would be a span of its own; the route is on the request's span already
      new ExpressInstrumentation({
        ignoreLayersType: [ExpressLayerType.MIDDLEWARE, ExpressLayerType.REQUEST_HANDLER],
      }),
      // Statements lead nowhere further: where no span is exported, making theirs would cost each a tenth of its time for
      // nothing. A polling relay without the parent rule makes a root span per poll.
      ...(exporting
        ? [
            new PgInstrumentation({
              requireParentSpan: true,
              enhancedDatabaseReporting: false,
              ignoreConnectSpans: true,
            }),
          ]
        : []),
      new UndiciInstrumentation({ requireParentforSpans: true }),
      new PinoInstrumentation({ disableLogSending: true }),
      new RuntimeNodeInstrumentation({ captureUncaughtException: false }),
    ],
  });
  sdk.start();
  setTelemetryStop(() => sdk.shutdown());
}

start();
