import type { IncomingMessage, ServerResponse } from 'node:http';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';

let exporter: PrometheusExporter | undefined;

/** The one reader of this process's metrics. It opens no port: kit/runtime serves it at /metrics of the ops server. */
export function prometheus(): PrometheusExporter {
  exporter ??= new PrometheusExporter({ preventServerStart: true });
  return exporter;
}

/** Answers with all metrics in the Prometheus text format; 503 when telemetry was not started in this process. */
export function metricsHandler(request: IncomingMessage, response: ServerResponse): void {
  if (exporter === undefined) {
    response.statusCode = 503;
    response.setHeader('content-type', 'text/plain');
    response.end('telemetry is not started: load @rapport/kit/telemetry/start first\n');
    return;
  }
  exporter.getMetricsRequestHandler(request, response);
}
