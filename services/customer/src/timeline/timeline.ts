import { eventMessage, type EventRecord } from '../behaviour/behaviour.js';
import { lifeEventMessage, type LifeEventRecord } from '../life-event/life-event.js';
import type { TimelineEntry } from '@rapport/proto/customer/v1';
import { interactionMessage, type InteractionRecord } from './interaction.js';
import { stepMessage, type StepRecord } from './service-step.js';
import { transactionMessage, type TransactionRecord } from './transaction.js';

export {
  insertInteractions,
  interactionColumns,
  interactionFields,
  interactionFromJson,
  interactionMessage,
  interactionName,
  interactionRecorded,
  type InteractionRecord,
} from './interaction.js';
export { stepColumns, stepFromJson, type StepRecord } from './service-step.js';
export {
  type Booking,
  classify,
  LAST_OPERATION,
  transactionColumns,
  transactionFromJson,
  transactionJsonColumns,
  transactionMessage,
  transactionName,
  type TransactionRecord,
} from './transaction.js';

/** An entry with the values that it is ordered by. */
export interface Entry {
  time: Date;
  /** Place of a transaction among those of the same time; 0 for everything else. */
  sequence: number;
  id: string;
  message: TimelineEntry;
}

/** The entry of a transaction. */
export function transactionEntry(row: TransactionRecord): Entry {
  const { time, sequence, transactionId } = row;
  const entry = { $case: 'transaction' as const, value: transactionMessage(row) };
  return { time, sequence, id: transactionId, message: { time, entry } };
}

/** The entry of an interaction. */
export function interactionEntry(row: InteractionRecord): Entry {
  const { time, interactionId } = row;
  const entry = { $case: 'interaction' as const, value: interactionMessage(row) };
  return { time, sequence: 0, id: interactionId, message: { time, entry } };
}

/** The entry of something done in the app or on the web. */
export function behaviourEntry(row: EventRecord): Entry {
  const { time, eventId } = row;
  return { time, sequence: 0, id: eventId, message: { time, entry: { $case: 'behaviour', value: eventMessage(row) } } };
}

/** The entry of a step of a campaign or a case. */
export function stepEntry(row: StepRecord): Entry {
  return { time: row.time, sequence: 0, id: row.stepId, message: stepMessage(row) };
}

/** The entry of a life event, at the start of its first day in the bank's time zone. */
export function lifeEventEntry(row: LifeEventRecord & { time: Date }): Entry {
  const { time, lifeEventId } = row;
  const entry = { $case: 'lifeEvent' as const, value: lifeEventMessage(row) };
  return { time, sequence: 0, id: lifeEventId, message: { time, entry } };
}

/** The order of a timeline: the latest first, within a time by place, then by id. */
export function newestFirst(a: Entry, b: Entry): number {
  return b.time.getTime() - a.time.getTime() || b.sequence - a.sequence || (a.id < b.id ? 1 : -1);
}
export { counterpartyToken } from './counterparty.js';
export { insertStaged, setBalances, stageTransactions, transactionBytes } from './transaction-store.js';
export { claimFreshKeys, claimKeysOfTransactions, contentOfKeys } from './transaction-keys.js';
export { bookedCodec } from './booked-codec.js';
