import { sql, type Tx } from '@rapport/kit/db';
import { publishAll } from '@rapport/kit/events';
import { span } from '@rapport/kit/telemetry';
import type { DateMessage } from '@rapport/proto/google/type';
import { type MembershipReason, SegmentEntered, SegmentExited } from '@rapport/proto/segmentation/v1';
import { addToDay } from '../history/history.js';
import type { DayNumber } from '../rule/rule.js';

const IN_USE = 72_707_380;

/**
 * To be called before a version comes into use, in the same transaction: waits for the looks under way, which do not know
 * it, and keeps others from ending until it is in use.
 */
export async function lockUse(tx: Tx): Promise<void> {
  await tx.run(sql`SELECT pg_advisory_xact_lock(${IN_USE})`);
}

/** Until the transaction ends no version comes into use. */
export async function shareUse(tx: Tx): Promise<void> {
  await tx.run(sql`SELECT pg_advisory_xact_lock_shared(${IN_USE})`);
}

/** A party that came into a version or left it. */
export interface Change {
  party_id: string;
  organisation_path: string;
  segment_id: string;
  version: number;
}

/** What all changes of one evaluation share. */
export interface ChangeFacts {
  reason: MembershipReason;
  asOf: (change: Change) => DateMessage;
  at: Date;
  /** The day of `at` in the bank's time zone, on which they are counted. */
  day: DayNumber;
}

/** Events in one INSERT: bounds the size of a statement. */
const CHUNK = 2000;

/** Publishes that parties left, and that parties came in, and counts both. */
export async function publishChanges(
  tx: Tx,
  entered: readonly Change[],
  exited: readonly Change[],
  facts: ChangeFacts,
): Promise<void> {
  await addToDay(tx, entered, exited, facts);
  await publishEvents(tx, entered, exited, facts);
}

/** The same by trace: what is recorded of a trace (sampled) is published in it, everything else together. */
export async function publishByTrace(
  tx: Tx,
  entered: readonly Change[],
  exited: readonly Change[],
  facts: ChangeFacts,
  traceOf: ReadonlyMap<string, string | null>,
): Promise<void> {
  await addToDay(tx, entered, exited, facts);
  const sampled = ({ party_id: party }: Change): string => {
    const traceparent = traceOf.get(party) ?? '';
    return traceparent.endsWith('-01') ? traceparent : '';
  };
  const [enteredIn, exitedIn] = [Map.groupBy(entered, sampled), Map.groupBy(exited, sampled)];
  for (const traceparent of new Set([...exitedIn.keys(), ...enteredIn.keys()])) {
    const publish = () => publishEvents(tx, enteredIn.get(traceparent) ?? [], exitedIn.get(traceparent) ?? [], facts);
    if (traceparent === '') await publish();
    else await span('change membership', {}, publish, { kind: 'consumer', parent: traceparent });
  }
}

async function publishEvents(
  tx: Tx,
  entered: readonly Change[],
  exited: readonly Change[],
  facts: ChangeFacts,
): Promise<void> {
  const common = (change: Change) => ({
    segment: `segments/${change.segment_id}`,
    version: change.version,
    party: `parties/${change.party_id}`,
    organisationPath: change.organisation_path,
    asOf: facts.asOf(change),
    reason: facts.reason,
  });
  const options = (change: Change) => ({ aggregate: change.party_id, subject: `parties/${change.party_id}` });
  for (let start = 0; start < exited.length; start += CHUNK) {
    const part = exited.slice(start, start + CHUNK);
    const events = part.map((change) => ({
      message: { ...common(change), exitTime: facts.at },
      options: options(change),
    }));
    await publishAll(tx, SegmentExited, events);
  }
  for (let start = 0; start < entered.length; start += CHUNK) {
    const part = entered.slice(start, start + CHUNK);
    const events = part.map((change) => ({
      message: { ...common(change), enterTime: facts.at },
      options: options(change),
    }));
    await publishAll(tx, SegmentEntered, events);
  }
}
