import {
  type BrokenAuditRecord,
  type ConsumerLag as ConsumerLagMessage,
  type DeadLetter as DeadLetterMessage,
  type DeadLetterFilter as DeadLetterFilterMessage,
  OperationsServiceService,
  RedriveDeadLettersResponse,
  ReplayErasuresResponse,
} from '@rapport/proto/operations/v1';
import { DataClass } from '@rapport/proto/type/v1';
import { audit } from '../crypto/index.js';
import { type Database, everything, type Tx } from '../db/index.js';
import { decodePage, defineFailures, encodePage, idempotent, pageSize, type Route, route } from '../rpc/index.js';
import { type DeadLetter, type DeadLetterFilter, deadLetters } from './dead-letter.js';
import { type Erasure, entombAgain, listErased } from './erasure.js';
import { consumerLag, consumerNames, oldestAgeSeconds } from './lag.js';
import { outboxLag } from './outbox.js';

/** What the verification of the audit chain found; the shape that `verifyAudit` of the crypto door gives. */
export interface AuditFinding {
  records: bigint;
  unsealed: bigint;
  roots: number;
  /** Positions in the chain: the first that was checked, the last that there is, and where to go on, if anywhere. */
  first: bigint;
  last: bigint;
  next?: bigint;
  broken?: { seq: bigint; id?: string; reason: 'missing' | 'changed' | 'root_mismatch' | 'root_signature' };
}

/** Which part of the chain is walked: from a position, at most so many records. All of it unless told. */
export interface AuditPart {
  from?: bigint;
  limit?: bigint;
}

/** Walks the audit chain of a service; `auditVerifier` of the crypto door makes one. */
export type AuditWalk = (signal: AbortSignal, part?: AuditPart) => Promise<AuditFinding>;

/** One row about a person. */
export interface PersonalRow {
  /** What sort of row, a lower-case word in the plural; rows of one collection come one after the other. */
  collection: string;
  /** A JSON object. */
  row: unknown;
  dataClass: 'C1' | 'C2';
}

/** Of which service the operations are. */
export interface OperationsOptions {
  /** The service's name, also the domain of its events: `customer`. */
  service: string;
  db: Database;
  /** Walks the audit chain; `auditVerifier(db, jwksFile)`. */
  verifyAudit: AuditWalk;
  /** Everything that the service keeps about the parties with these ids. */
  personalData: (ids: readonly string[]) => AsyncIterable<PersonalRow>;
  /**
   * Removes again what a restore brought back, in the transaction that notes it. A service with an eraser leaves it out:
   * the eraser does it within seconds.
   */
  eraseAgain?: (tx: Tx, erasures: readonly Erasure[]) => Promise<void>;
}

const fail = defineFailures('operations.rapport', {
  SERVICE_NOT_FOUND: { kind: 'not_found', message: 'This is the operations service of another service.' },
});

const brokenReasons = {
  missing: 'MISSING',
  changed: 'HASH_MISMATCH',
  root_mismatch: 'ROOT_MISMATCH',
  root_signature: 'SIGNATURE_INVALID',
} as const;

function brokenRecord({ seq, id = '', reason }: NonNullable<AuditFinding['broken']>): BrokenAuditRecord {
  // An id is a UUIDv7: its first 48 bits are the millisecond of its writing.
  const recordTime = id === '' ? undefined : new Date(Number.parseInt(id.replace('-', '').slice(0, 12), 16));
  return { sequence: seq, reason: brokenReasons[reason], record: id, recordTime };
}

/** A call redrives for so long at most; what is left is redriven by the next one. */
const REDRIVE_MS = 20_000;

function durationOf(seconds: number): { seconds: bigint; nanos: number } {
  const whole = Math.floor(seconds);
  return { seconds: BigInt(whole), nanos: Math.round((seconds - whole) * 1e9) };
}

function filterOf(filter: DeadLetterFilterMessage | undefined): DeadLetterFilter {
  return {
    ...(filter?.consumer ? { consumer: filter.consumer } : {}),
    ...(filter?.eventType ? { type: filter.eventType } : {}),
    ...(filter?.reason ? { reason: filter.reason } : {}),
    ...(filter?.since ? { since: filter.since } : {}),
  };
}

function messageOf(service: string, letter: DeadLetter): DeadLetterMessage {
  return {
    name: `services/${service}/deadLetters/${letter.id}`,
    consumer: letter.consumer,
    eventId: letter.eventId,
    eventType: letter.type,
    aggregate: letter.aggregate,
    reason: letter.reason,
    attempts: letter.attempts,
    traceId: letter.traceId ?? '',
    eventTime: letter.occurred,
    createTime: letter.parked,
    redriveTime: letter.redriven,
  };
}

async function consumersOf(db: Database): Promise<{ consumers: ConsumerLagMessage[]; busReachable: boolean }> {
  try {
    const consumers = await Promise.all(
      (await consumerLag(db)).map(async (lag) => ({
        consumer: lag.consumer,
        pending: BigInt(lag.pending),
        unacknowledged: BigInt(lag.unacknowledged),
        oldestAge: durationOf(lag.pending > 0 ? await oldestAgeSeconds(db, lag.consumer) : 0),
        deadLetters: BigInt(lag.deadLetters),
      })),
    );
    return { consumers, busReachable: true };
  } catch {
    const parked = await deadLetters(db).counts();
    const consumers = consumerNames(db).map((consumer) => ({
      consumer,
      pending: 0n,
      unacknowledged: 0n,
      oldestAge: undefined,
      deadLetters: BigInt(parked.get(consumer) ?? 0),
    }));
    return { consumers, busReachable: false };
  }
}

/** The operations service of one service: dead letters, event lag, audit chain. Its policies are kit's own. */
export function operations({ service, db, verifyAudit, personalData, eraseAgain }: OperationsOptions): Route {
  const own = `services/${service}`;
  const letters = deadLetters(db);
  const assertOwn = (name: string): void => {
    if (name !== own) throw fail('SERVICE_NOT_FOUND', { metadata: { service: own } });
  };

  return route(OperationsServiceService, {
    listDeadLetters: async (request, call) => {
      assertOwn(request.parent);
      const size = pageSize(request);
      const after = decodePage(call, request, 'date', 'uuid');
      const found = await letters.list(filterOf(request.filter), size + 1, after && { parked: after[0], id: after[1] });
      const page = found.slice(0, size);
      const last = page.at(-1);
      return {
        deadLetters: page.map((letter) => messageOf(service, letter)),
        nextPageToken: last && found.length > size ? encodePage(call, request, [last.parked, last.id]) : '',
      };
    },

    redriveDeadLetters: async (request, call) => {
      assertOwn(request.parent);
      const { selection } = request;
      const names = selection?.$case === 'deadLetters' ? selection.value.names : undefined;
      const foreign = (names ?? []).filter((name) => !name.startsWith(`${own}/deadLetters/`));
      const ids = names
        ?.filter((name) => !foreign.includes(name))
        .map((name) => name.slice(`${own}/deadLetters/`.length));
      const filter = ids ? { ids } : filterOf(selection?.$case === 'filter' ? selection.value : undefined);
      return idempotent(
        db,
        call,
        request,
        RedriveDeadLettersResponse,
        async (tx) => {
          const { redriven, failed, missing } = await letters.redrive(filter, new Date(Date.now() + REDRIVE_MS));
          await audit(tx, call, { resource: own, change: { redriven, failed } });
          return { redriven, missing: [...foreign, ...missing.map((id) => `${own}/deadLetters/${id}`)] };
        },
        { scope: everything },
      );
    },

    getEventLag: async (request) => {
      assertOwn(request.name);
      const outbox = await outboxLag(db.system, service);
      return {
        outbox: { pending: BigInt(outbox.pending), oldestAge: durationOf(outbox.oldestAgeSeconds) },
        ...(await consumersOf(db)),
        asOf: new Date(),
      };
    },

    exportPersonalData: async function* (request, call) {
      assertOwn(request.name);
      const { parties, reason } = request;
      // Before the first row is given: what is not audited is not shown.
      await audit(db, call, { resource: parties, reason });
      for await (const { collection, row, dataClass } of personalData(
        parties.map((name) => name.split('/')[1] ?? ''),
      )) {
        const json = JSON.stringify(row, (_key, value: unknown) => (typeof value === 'bigint' ? Number(value) : value));
        const classified = dataClass === 'C2' ? DataClass.DATA_CLASS_C2 : DataClass.DATA_CLASS_C1;
        yield { collection, json, dataClass: classified };
      }
    },

    verifyAudit: async (request, call) => {
      assertOwn(request.name);
      const part = { from: request.fromSequence, ...(request.maxRecords > 0n && { limit: request.maxRecords }) };
      const { records, unsealed, roots, first, last, next, broken } = await verifyAudit(call.signal, part);
      return {
        records,
        unsealed,
        roots: BigInt(roots),
        broken: broken && brokenRecord(broken),
        asOf: new Date(),
        firstSequence: first,
        lastSequence: last,
        nextSequence: next ?? 0n,
      };
    },

    listErasures: async (request, call) => {
      assertOwn(request.parent);
      const size = pageSize(request);
      const { since, openOnly } = request;
      const token = decodePage(call, request, 'date', 'uuid');
      const after = token && { erased: token[0], aggregate: token[1] };
      const found = await listErased(db.system, { since, openOnly, after, limit: size + 1 });
      const page = found.slice(0, size);
      const last = page.at(-1);
      return {
        erasures: page.map(({ subject, request: asked, organisationPath, erased, answered }) => ({
          subject,
          request: asked,
          organisationPath,
          eraseTime: erased,
          answerTime: answered ?? undefined,
        })),
        nextPageToken: last && found.length > size ? encodePage(call, request, [last.erased, last.aggregate]) : '',
      };
    },

    replayErasures: async (request, call) => {
      assertOwn(request.parent);
      const erasures = request.erasures.map(({ subject, request: asked, organisationPath }) => ({
        aggregate: subject.slice(subject.indexOf('/') + 1),
        subject,
        request: asked,
        organisationPath,
      }));
      const distinct = [...new Map(erasures.map((one) => [one.aggregate, one])).values()];
      return idempotent(
        db,
        call,
        request,
        ReplayErasuresResponse,
        async (tx) => {
          const known = await entombAgain(tx, distinct);
          await eraseAgain?.(tx, distinct);
          const unknown = distinct.length - known;
          await audit(tx, call, { resource: distinct.map(({ subject }) => subject), change: { replayed: true } });
          return { known, unknown };
        },
        { scope: everything },
      );
    },
  });
}
