/**
 * Every metric and attribute that kit itself emits, beyond the semantic conventions. The same names are declared, with
 * where they are emitted, in deploy/otel/attributes/kit.yaml; registry.test.ts compares the two, so neither drifts.
 * A service declares its own in deploy/otel/attributes/<service>.yaml and passes a `MetricDefinition` of its own.
 */

export type Instrument = 'counter' | 'histogram' | 'gauge';

/** One metric: `name` starts with `rapport.` (or is a semantic convention's), `unit` is UCUM (`s`, `{event}`). */
export interface MetricDefinition {
  readonly name: string;
  readonly instrument: Instrument;
  readonly unit: string;
  readonly brief: string;
}

/** Bucket bounds in seconds for durations from a cached read (1 ms) to a call at its deadline (30 s). */
export const durationBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Bucket bounds for counts of things in one batch. */
export const sizeBuckets = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000];

export const metric = {
  serverCallDuration: {
    name: 'rpc.server.call.duration',
    instrument: 'histogram',
    unit: 's',
    brief: 'How long a served gRPC call took, from its first message to its status.',
  },
  clientCallDuration: {
    name: 'rpc.client.call.duration',
    instrument: 'histogram',
    unit: 's',
    brief: 'How long a gRPC call to another service took, retries not included.',
  },
  callsDenied: {
    name: 'rapport.authorisation.denied',
    instrument: 'counter',
    unit: '{call}',
    brief: 'Calls refused by policy or for want of a valid identity.',
  },
  callsReplayed: {
    name: 'rapport.idempotency.replayed',
    instrument: 'counter',
    unit: '{call}',
    brief: 'Calls answered from the stored answer of an earlier call with the same request id.',
  },
  outboxPending: {
    name: 'rapport.outbox.pending',
    instrument: 'gauge',
    unit: '{event}',
    brief: 'Committed events that the relay has not yet handed to the broker.',
  },
  outboxAge: {
    name: 'rapport.outbox.age',
    instrument: 'gauge',
    unit: 's',
    brief: 'Age of the oldest committed event that the relay has not yet handed to the broker.',
  },
  outboxPublished: {
    name: 'rapport.outbox.published',
    instrument: 'counter',
    unit: '{event}',
    brief: 'Events acknowledged by the broker.',
  },
  eventHandled: {
    name: 'rapport.event.handled',
    instrument: 'counter',
    unit: '{event}',
    brief: 'Deliveries that a consumer finished, by outcome.',
  },
  eventDuration: {
    name: 'rapport.event.duration',
    instrument: 'histogram',
    unit: 's',
    brief: 'How long the transaction of one delivered event took.',
  },
  eventDelay: {
    name: 'rapport.event.delay',
    instrument: 'histogram',
    unit: 's',
    brief: 'Time from the commit of an event to the commit of its effect in a consumer.',
  },
  eventLag: {
    name: 'rapport.event.lag',
    instrument: 'gauge',
    unit: '{event}',
    brief: 'Events in the broker that a consumer has not yet acknowledged.',
  },
  deadLetters: {
    name: 'rapport.event.dead_letters',
    instrument: 'gauge',
    unit: '{event}',
    brief: 'Events parked after their last attempt and not yet redriven.',
  },
  erasureAge: {
    name: 'rapport.erasure.age',
    instrument: 'gauge',
    unit: 's',
    brief: 'Age of the oldest erasure that this service has not yet answered; in customer, that not all services have.',
  },
  databaseWait: {
    name: 'rapport.database.wait',
    instrument: 'histogram',
    unit: 's',
    brief: 'How long a caller waited for a connection of the pool.',
  },
  auditSealed: {
    name: 'rapport.audit.sealed',
    instrument: 'counter',
    unit: '{record}',
    brief: 'Audit records added to the hash chain.',
  },
  auditUnsealed: {
    name: 'rapport.audit.unsealed',
    instrument: 'gauge',
    unit: '{record}',
    brief: 'Audit records that are not yet part of the hash chain.',
  },
  auditReadBatch: {
    name: 'rapport.audit.read_batch',
    instrument: 'histogram',
    unit: '{record}',
    brief: 'Read records committed together.',
  },
  analyticsDuration: {
    name: 'rapport.analytics.duration',
    instrument: 'histogram',
    unit: 's',
    brief: 'How long a statement on the analytic engine took.',
  },
  analyticsInserted: {
    name: 'rapport.analytics.inserted',
    instrument: 'counter',
    unit: '{row}',
    brief: 'Rows inserted into the analytic engine.',
  },
} as const satisfies Record<string, MetricDefinition>;

export const attribute = {
  eventType: 'rapport.event.type',
  eventOutcome: 'rapport.event.outcome',
  consumer: 'rapport.event.consumer',
  domain: 'rapport.domain',
  purpose: 'rapport.purpose',
  denialReason: 'rapport.authorisation.reason',
  statement: 'rapport.analytics.statement',
  engine: 'rapport.analytics.engine',
  failure: 'rapport.failure.reason',
} as const;

export type KitAttribute = (typeof attribute)[keyof typeof attribute];

/** Names that spans and metrics may carry: ours, or a semantic convention's. Values are never personal data. */
export type AttributeName =
  | KitAttribute
  | `rapport.${string}`
  | `rpc.${string}`
  | `messaging.${string}`
  | `db.${string}`
  | 'error.type';

export type AttributeValues = Partial<Record<AttributeName, string | number | boolean>>;
