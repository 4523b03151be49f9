export {
  type Counter,
  counter,
  gauge,
  type Histogram,
  histogram,
  meter,
  type Reading,
} from './metrics.js';
export { metricsHandler } from './prometheus.js';
export {
  type AttributeName,
  type AttributeValues,
  attribute,
  type Instrument,
  type MetricDefinition,
  metric,
} from './registry.js';
export { endServed, served } from './served.js';
export { stopTelemetry } from './stop.js';
export {
  activeTraceId,
  continueTrace,
  errorType,
  extract,
  inject,
  recordError,
  type SpanOptions,
  span,
  tracer,
} from './trace.js';
