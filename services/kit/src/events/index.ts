// The events door: publish with a transaction, relay to the bus, consume once and in order.
export { publishingInBulk } from './bulk.js';
export { type BusOptions, connectBus, type Nats } from './bus.js';
export {
  type BatchConsumerOptions,
  type BatchedEvent,
  type EventReader,
  startBatchConsumer,
} from './batch-consumer.js';
export { type ConsumerOptions, startConsumer } from './consumer.js';
export { type DeadLetter, type DeadLetterFilter, deadLetters, type Redriven } from './dead-letter.js';
export { type EventCodec, type EventHandler, type EventMeta, on } from './event.js';
export { claimEvents } from './inbox.js';
export {
  carryOutErasures,
  type Counts,
  countsOf,
  entomb,
  erasedAmong,
  eraseKept,
  type Erasure,
  type EraserOptions,
  observeErasures,
  startEraser,
} from './erasure.js';
export { type ConsumerLag, consumerLag } from './lag.js';
export { eraseEvents, type OutboxLag, outboxLag } from './outbox.js';
export { packAll, publish, publishAll, type PublishOptions } from './publish.js';
export { type RelayOptions, startRelay } from './relay.js';
export type { StreamSettings } from './stream.js';
export {
  type AuditFinding,
  type AuditWalk,
  operations,
  type OperationsOptions,
  type PersonalRow,
} from './operations.js';
