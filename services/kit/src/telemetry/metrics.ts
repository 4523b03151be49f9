import { type Meter, metrics } from '@opentelemetry/api';
import { type AttributeValues, durationBuckets, type MetricDefinition, sizeBuckets } from './registry.js';

export function meter(): Meter {
  return metrics.getMeter('rapport');
}

export interface Counter {
  /** adds `amount` (default 1, never negative) */
  add(amount?: number, attributes?: AttributeValues): void;
}

export interface Histogram {
  record(value: number, attributes?: AttributeValues): void;
  /** runs `fn` and records how long it took, in seconds, also when it throws */
  time<T>(attributes: AttributeValues, fn: () => Promise<T>): Promise<T>;
}

/** A counter of the registry or of a service's own definition. Call it once, at module level. */
export function counter(definition: MetricDefinition & { instrument: 'counter' }): Counter {
  const instrument = meter().createCounter(definition.name, {
    unit: definition.unit,
    description: definition.brief,
  });
  return {
    add: (amount = 1, attributes) => instrument.add(amount, attributes),
  };
}

/** A histogram of the registry or of a service's own definition. Unit `s` gets duration buckets, others size buckets. */
export function histogram(definition: MetricDefinition & { instrument: 'histogram' }): Histogram {
  const instrument = meter().createHistogram(definition.name, {
    unit: definition.unit,
    description: definition.brief,
    advice: {
      explicitBucketBoundaries: definition.unit === 's' ? durationBuckets : sizeBuckets,
    },
  });
  return {
    record: (value, attributes) => instrument.record(value, attributes),
    async time(attributes, fn) {
      const started = performance.now();
      try {
        return await fn();
      } finally {
        instrument.record((performance.now() - started) / 1000, attributes);
      }
    },
  };
}

export type Reading = { value: number; attributes?: AttributeValues };

/**
 * Registers a gauge that is read when metrics are collected. `read` gives a number, or one number per attribute set; it
 * may ask a database, and when it throws the gauge is absent from that collection. Returns the function that removes it.
 */
export function gauge(
  definition: MetricDefinition & { instrument: 'gauge' },
  read: () => number | Reading[] | Promise<number | Reading[]>,
): () => void {
  const instrument = meter().createObservableGauge(definition.name, {
    unit: definition.unit,
    description: definition.brief,
  });
  const observe = async (result: { observe(value: number, attributes?: AttributeValues): void }) => {
    const readings = await read();
    if (typeof readings === 'number') result.observe(readings);
    else for (const reading of readings) result.observe(reading.value, reading.attributes);
  };
  instrument.addCallback(observe);
  return () => instrument.removeCallback(observe);
}
