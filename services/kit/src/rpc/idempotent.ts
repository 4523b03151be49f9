import { createHash } from 'node:crypto';
import { type Database, type Scope, sql, type Tx } from '../db/index.js';
import { counter, metric } from '../telemetry/index.js';
import type { Call } from './call.js';
import { canonical } from './canonical.js';
import { Failure } from './failure.js';

const replayed = counter(metric.callsReplayed);

/** How ts-proto encodes the answer. */
export interface Codec<T> {
  encode(message: T): { finish(): Uint8Array };
  decode(bytes: Uint8Array): T;
}

/**
 * Runs a mutation once per request id. In one transaction: claims (subject, method, request_id), runs `fn`, checks that
 * an audit record was written, stores the encoded answer, commits. The same request again gets the stored answer and
 * changes nothing; the same id with other arguments is refused (REQUEST_ID_REUSED); a duplicate that arrives meanwhile
 * waits for the first and answers like it, or is ABORTED with a retry delay when the wait takes too long. When `fn`
 * throws, nothing has happened and the id is free again. `fn` may run more than once (see `Database.transaction`).
 */
export async function idempotent<T, P = unknown>(
  db: Database<P>,
  call: Call,
  request: { requestId: string },
  answerCodec: Codec<T>,
  fn: (tx: Tx<P>) => Promise<T>,
  options: { scope?: Scope } = {},
): Promise<T> {
  const { requestId } = request;
  if (requestId === '') {
    throw new Failure('REQUEST_ID_MISSING', 'invalid', 'A change needs a request_id.', {
      violations: [{ field: 'request_id', description: 'is required' }],
    });
  }
  const fingerprint = createHash('sha256').update(canonical(request)).digest();
  const subject = call.principal.subject;
  return db.transaction(options.scope ?? call.scope, async (tx) => {
    // A duplicate in progress makes this insert wait until the first commits or rolls back.
    const claimed = await tx
      .run(sql`
      INSERT INTO kit.idempotency (subject, method, request_id, fingerprint)
      VALUES (${subject}, ${call.method}, ${requestId}, ${fingerprint})
      ON CONFLICT (subject, method, request_id) DO NOTHING`)
      .catch(busy);
    if (claimed === 0) return replay(tx, call, requestId, fingerprint, answerCodec);
    const answer = await fn(tx);
    if (!tx.marks.has('audit')) throw new Error(`${call.method} changed data without an audit record`);
    // What the answer is about, so that whoever erases that finds it: the first resource of the audit.
    const audited = [...tx.marks].find((mark) => mark.startsWith('audited '))?.slice('audited '.length) ?? null;
    await tx.run(sql`
      UPDATE kit.idempotency SET answer = ${Buffer.from(answerCodec.encode(answer).finish())}, resource = ${audited}
      WHERE subject = ${subject} AND method = ${call.method} AND request_id = ${requestId}`);
    return answer;
  });
}

async function replay<T>(tx: Tx, call: Call, requestId: string, fingerprint: Buffer, codec: Codec<T>): Promise<T> {
  const stored = await tx.maybe<{ fingerprint: Buffer; answer: Buffer | null }>(sql`
    SELECT fingerprint, answer FROM kit.idempotency
    WHERE subject = ${call.principal.subject} AND method = ${call.method} AND request_id = ${requestId}`);
  // Gone between the two statements only when it was pruned just now.
  if (!stored?.answer) throw inProgress();
  if (!stored.fingerprint.equals(fingerprint)) {
    throw new Failure('REQUEST_ID_REUSED', 'invalid', 'The request_id was used before with other arguments.', {
      violations: [{ field: 'request_id', description: 'was used before with other arguments' }],
    });
  }
  replayed.add(1, { 'rpc.method': call.method });
  return codec.decode(stored.answer);
}

/** Lock and statement timeouts while waiting for the first of two duplicates. */
function busy(error: unknown): never {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === '55P03' || code === '57014') throw inProgress(error);
  throw error;
}

function inProgress(cause?: unknown): Failure {
  return new Failure('REQUEST_IN_PROGRESS', 'conflict', 'The same request is being carried out; try again.', {
    retryInMs: 500,
    cause,
  });
}
