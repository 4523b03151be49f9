import { setTimeout as sleep } from 'node:timers/promises';
import {
  Metadata,
  type sendUnaryData,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  status as Status,
  type UntypedHandleCall,
} from '@grpc/grpc-js';
import { configureTextEncoding, getTextEncoding } from '@bufbuild/protobuf/wire';
import type { Span } from '@opentelemetry/api';
import { attribute, counter, endServed, histogram, metric, served } from '../telemetry/index.js';
import type { Scope } from '../db/index.js';
import type { Identified } from './authenticate.js';
import { allows, type Policies, scopeOf } from './policy.js';
import type { Call, DataClass, Principal, ServerCall } from './call.js';
import { Failure, statusOfKind } from './failure.js';
import { type AnyHandler, type MethodShape, methodName } from './route.js';
import { encodeFailure, toFailure } from './status.js';
import { malformed, type Validate } from './validate.js';

/** What every call of a server passes through, in this order. */
export interface Gates {
  identify(call: ServerCall): Promise<Identified> | Identified;
  policies: Policies;
  validate: Validate;
  /** Milliseconds for a call that brings no deadline, and the most that any call may take. */
  defaultDeadlineMs: number;
  maxDeadlineMs: number;
  /** The calls in progress; a shutdown at its hard limit aborts them. */
  active: CallsInProgress;
}

interface InProgress {
  /** Where it stands among the calls in progress. */
  place: number;
  abort(failure: Failure): void;
}

/**
 * The calls in progress, in no order. Not a Set: a table of V8's that was outgrown keeps its entries and points to the
 * one after it, so that once the first of them is old no collection of the young generation frees any later one, nor what
 * hangs on the calls in it. Calls come and go so fast that the table is outgrown every few dozen of them.
 */
export class CallsInProgress {
  private readonly calls: InProgress[] = [];

  get count(): number {
    return this.calls.length;
  }

  add(call: InProgress): void {
    call.place = this.calls.push(call) - 1;
  }

  remove(call: InProgress): void {
    const last = this.calls.pop();
    if (last === undefined || last === call) return;
    this.calls[call.place] = last;
    last.place = call.place;
  }

  abortAll(failure: Failure): void {
    // A copy: each takes itself out.
    for (const call of [...this.calls]) call.abort(failure);
  }
}

const duration = histogram(metric.serverCallDuration);
const refused = counter(metric.callsDenied);

const purposePattern = /^[a-z][a-z0-9_]{0,31}$/;

/** One call on its way through the gates: its end is said once, by whoever comes first. */
class Attempt implements InProgress {
  over = false;
  place = -1;
  /** When the deadline in force is, in milliseconds of the epoch. */
  private readonly due: number;
  private readonly started = performance.now();
  private readonly timer: NodeJS.Timeout | undefined;
  private readonly cancelled: () => void;
  private aborter: AbortController | undefined;
  private aborted: Failure | undefined;

  constructor(
    private readonly method: string,
    private readonly call: ServerCall,
    readonly span: Span,
    private readonly gates: Gates,
    private readonly answer: (failure?: Failure) => void,
  ) {
    const given = Number(call.getDeadline());
    const now = Date.now();
    const own = Number.isNaN(given) || given === Number.POSITIVE_INFINITY;
    const latest = now + (own ? gates.defaultDeadlineMs : gates.maxDeadlineMs);
    this.due = own ? latest : Math.min(given, latest);
    // A timer of our own only where grpc-js has none: it ends a call at the deadline that the caller gave.
    if (own || given > latest) this.timer = setTimeout(() => this.abort(tooLate()), this.due - now).unref();
    gates.active.add(this);
    const cancelled = (): void => this.abort(Date.now() >= this.due ? tooLate() : gone());
    this.cancelled = cancelled;
    (call as NodeJS.EventEmitter).on('cancelled', cancelled);
  }

  /** The deadline in force. */
  get deadline(): Date {
    return new Date(this.due);
  }

  end(failure?: Failure): void {
    if (this.over) return;
    this.over = true;
    this.gates.active.remove(this);
    // Node keeps each stream until the next full collection, and must not keep with it what the call held.
    (this.call as NodeJS.EventEmitter).off('cancelled', this.cancelled);
    if (this.timer) clearTimeout(this.timer);
    const code = failure ? statusOfKind[failure.kind] : Status.OK;
    duration.record((performance.now() - this.started) / 1000, {
      'rpc.system.name': 'grpc',
      'rpc.method': this.method,
      'rpc.response.status_code': Status[code],
      ...(failure && { [attribute.failure]: failure.reason }),
    });
    if (failure) this.span.setAttribute(attribute.failure, failure.reason);
    endServed(this.span, code);
    this.answer(failure);
  }

  abort(failure: Failure): void {
    this.aborted = failure;
    this.aborter?.abort(failure);
    this.end(failure);
  }

  /** Aborted by the caller's cancellation or the deadline. Most handlers never ask, and making one is not free. */
  signal(): AbortSignal {
    if (!this.aborter) {
      this.aborter = new AbortController();
      if (this.aborted) this.aborter.abort(this.aborted);
    }
    return this.aborter.signal;
  }
}

function tooLate(): Failure {
  return new Failure('DEADLINE_EXCEEDED', 'deadline', 'The deadline of the call has passed.');
}

function gone(): Failure {
  return new Failure('CANCELLED', 'cancelled', 'The caller cancelled the call.');
}

/** What the policies say of one caller, method and purpose: the same for all the calls that share them. */
type Admission = Pick<Call, 'principal' | 'scope' | 'method' | 'purpose' | 'permits' | 'seesBy'>;

function admission(method: string, principal: Principal, purpose: string, policies: Policies): Admission | undefined {
  const decide = (dataClass: DataClass) => policies.decide(principal.roles, method, purpose, dataClass);
  const decision = decide('C1');
  if (decision === 0) return undefined;
  return {
    principal,
    scope: scopeOf(decision, principal),
    method,
    purpose,
    permits: (relation, dataClass = 'C1') => allows(decide(dataClass), relation),
    seesBy: (other, dataClass) => scopeOf(policies.decide(principal.roles, other, purpose, dataClass), principal),
  };
}

/** Purposes that are remembered of a caller: they are the caller's word, and so without end. */
const MOST_PURPOSES = 50;

/** Remembers admissions by the caller, as long as the caller itself is remembered. */
function admissions(method: string, policies: Policies) {
  const known = new WeakMap<Principal, Map<string, Admission | undefined>>();
  return (principal: Principal, purpose: string): Admission | undefined => {
    let ofCaller = known.get(principal);
    if (!ofCaller || ofCaller.size >= MOST_PURPOSES) {
      ofCaller = new Map();
      known.set(principal, ofCaller);
    }
    if (!ofCaller.has(purpose)) ofCaller.set(purpose, admission(method, principal, purpose, policies));
    return ofCaller.get(purpose);
  };
}

/** A call that was admitted. */
class AdmittedCall implements Call {
  readonly principal: Principal;
  readonly scope: Scope;
  readonly method: string;
  readonly purpose: string;
  readonly permits: Call['permits'];
  readonly seesBy: Call['seesBy'];
  readonly metadata: Metadata;

  constructor(
    admission: Admission,
    private readonly attempt: Attempt,
    readonly parent: ServerCall,
    readonly token: string | undefined,
  ) {
    this.principal = admission.principal;
    this.scope = admission.scope;
    this.method = admission.method;
    this.purpose = admission.purpose;
    this.permits = admission.permits;
    this.seesBy = admission.seesBy;
    this.metadata = parent.metadata;
  }

  get deadline(): Date {
    return this.attempt.deadline;
  }

  get signal(): AbortSignal {
    return this.attempt.signal();
  }
}

/** Identity and authorisation of the calls of one method; refusals are counted. */
function gatekeeper(method: string, gates: Gates) {
  const admissionOf = admissions(method, gates.policies);

  function authorise({ principal, token }: Identified, call: ServerCall, attempt: Attempt): Call {
    const purpose = String(call.metadata.get('rapport-purpose')[0] ?? 'service');
    if (!purposePattern.test(purpose)) {
      throw new Failure('PURPOSE_INVALID', 'invalid', 'The purpose of the call must be a lower-case word.');
    }
    attempt.span.setAttribute(attribute.purpose, purpose);
    const admitted = admissionOf(principal, purpose);
    if (!admitted) {
      throw new Failure('PERMISSION_DENIED', 'denied', 'The policies do not permit this call.', {
        metadata: { method },
      });
    }
    return new AdmittedCall(admitted, attempt, call, token);
  }

  return async (call: ServerCall, attempt: Attempt): Promise<Call> => {
    try {
      const identified = gates.identify(call);
      return authorise(identified instanceof Promise ? await identified : identified, call, attempt);
    } catch (error) {
      if (error instanceof Failure && (error.kind === 'unauthenticated' || error.kind === 'denied')) {
        refused.add(1, { 'rpc.method': method, [attribute.denialReason]: error.kind });
      }
      throw error;
    }
  };
}

const encoding = getTextEncoding();
const LONGEST_PLAIN = 64;

/** Most texts of requests are short and plain ASCII, for which the general decoder takes several times as long. */
function isPlain(bytes: Uint8Array): boolean {
  if (bytes.length > LONGEST_PLAIN) return false;
  for (let at = 0; at < bytes.length; at += 1) if ((bytes[at] as number) >= 0x80) return false;
  return true;
}

// Text that is not UTF-8 is refused, as proto3 demands. The generated functions would put U+FFFD in its place, and the
// validator, which refuses it, passes over the fields that no rule applies to.
configureTextEncoding({
  ...encoding,
  decodeUtf8: (bytes) =>
    isPlain(bytes)
      ? (Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)).toString('latin1')
      : encoding.decodeUtf8(bytes, true),
});

function decoder(method: MethodShape, name: string, gates: Gates): (bytes: Buffer) => unknown {
  return (bytes) => {
    gates.validate(name, bytes);
    try {
      return method.requestDeserialize(bytes);
    } catch (error) {
      throw malformed(error);
    }
  };
}

/**
 * Wraps the handler of one method for grpc-js, which must be registered with `raw` codecs: requests arrive as bytes, so
 * that nothing is decoded for a caller who is not admitted, and answers are encoded here, so that a broken one is an
 * error of ours and not grpc-js' raw text.
 */
export function serve(method: MethodShape, handler: AnyHandler, gates: Gates): UntypedHandleCall {
  const name = methodName(method);
  const admit = gatekeeper(name, gates);
  const decode = decoder(method, name, gates);
  const encode = method.responseSerialize as (value: unknown) => Buffer;
  const traced = served(name);

  async function answerOnce(call: ServerCall, attempt: Attempt, request: () => unknown): Promise<Buffer | undefined> {
    const admitted = await admit(call, attempt);
    if (attempt.over) return undefined;
    return encode(await handler(request(), admitted));
  }

  async function* incoming(call: ServerReadableStream<Buffer, Buffer> | ServerDuplexStream<Buffer, Buffer>) {
    try {
      // The stream has to survive a handler that stops reading: its answer is still to be sent.
      for await (const bytes of call.iterator({ destroyOnReturn: false })) yield decode(bytes as Buffer);
      // A cancelled grpc-js client half-closes its stream just before it resets it, so the end of the messages may be
      // that of a call nobody wants any more; a handler that took it for complete would commit half an import.
      await sleep(5);
      if (call.cancelled) throw gone();
    } catch (error) {
      throw call.cancelled ? gone() : error;
    }
  }

  function unary(call: ServerCall, span: Span, request: () => unknown, callback: sendUnaryData<Buffer>): void {
    let value: Buffer | undefined;
    const attempt = new Attempt(name, call, span, gates, (failure) => {
      if (failure) callback(encodeFailure(failure));
      else callback(null, value);
    });
    answerOnce(call, attempt, request)
      .then((bytes) => {
        value = bytes;
        attempt.end();
      })
      .catch((error) => attempt.over || attempt.end(toFailure(error, name)));
  }

  function streaming(
    call: ServerWritableStream<Buffer, Buffer> | ServerDuplexStream<Buffer, Buffer>,
    span: Span,
    request: () => unknown,
  ): void {
    const attempt = new Attempt(name, call, span, gates, (failure) => {
      if (failure) call.emit('error', encodeFailure(failure));
      else call.end(new Metadata());
    });
    pump(call, attempt, request)
      .then(() => attempt.end())
      .catch((error) => attempt.over || attempt.end(toFailure(error, name)));
  }

  async function pump(
    call: ServerWritableStream<Buffer, Buffer> | ServerDuplexStream<Buffer, Buffer>,
    attempt: Attempt,
    request: () => unknown,
  ): Promise<void> {
    const admitted = await admit(call, attempt);
    if (attempt.over) return;
    for await (const message of handler(request(), admitted) as AsyncIterable<unknown>) {
      if (attempt.over) return;
      if (!call.write(encode(message))) await writable(call, attempt.signal());
    }
  }

  if (method.responseStream) {
    return (call: ServerWritableStream<Buffer, Buffer> | ServerDuplexStream<Buffer, Buffer>) => {
      const request = 'iterator' in call ? () => incoming(call) : () => decode(call.request);
      traced(headersOf(call), (span) => streaming(call, span, request));
    };
  }
  if (method.requestStream) {
    return (call: ServerReadableStream<Buffer, Buffer>, callback: sendUnaryData<Buffer>) =>
      traced(headersOf(call), (span) => unary(call, span, () => incoming(call), callback));
  }
  return (call: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>) =>
    traced(headersOf(call), (span) => unary(call, span, () => decode(call.request), callback));
}

/** Gives the headers of a call; what was sent in several is one list. */
function headersOf({ metadata }: ServerCall): (name: string) => string | undefined {
  return (name) => {
    const values = metadata.get(name);
    return values.length === 0 ? undefined : values.join(',');
  };
}

/** Waits until a slow reader has room again, or nobody waits for the answer any more. */
function writable(call: NodeJS.EventEmitter, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      call.off('drain', done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    call.on('drain', done);
    signal.addEventListener('abort', done);
    if (signal.aborted) done();
  });
}
