import { status as Status } from '@grpc/grpc-js';

/** What a failure means to the caller, each with its own gRPC status. */
export type Kind =
  | 'invalid'
  | 'not_found'
  | 'already_exists'
  | 'conflict'
  | 'precondition'
  | 'denied'
  | 'unauthenticated'
  | 'exhausted'
  | 'unavailable'
  | 'deadline'
  | 'cancelled'
  | 'unimplemented'
  | 'internal';

/** The gRPC status of each kind. */
export const statusOfKind: Readonly<Record<Kind, Status>> = {
  invalid: Status.INVALID_ARGUMENT,
  not_found: Status.NOT_FOUND,
  already_exists: Status.ALREADY_EXISTS,
  conflict: Status.ABORTED,
  precondition: Status.FAILED_PRECONDITION,
  denied: Status.PERMISSION_DENIED,
  unauthenticated: Status.UNAUTHENTICATED,
  exhausted: Status.RESOURCE_EXHAUSTED,
  unavailable: Status.UNAVAILABLE,
  deadline: Status.DEADLINE_EXCEEDED,
  cancelled: Status.CANCELLED,
  unimplemented: Status.UNIMPLEMENTED,
  internal: Status.INTERNAL,
};

/** One field of a request that breaks a rule; `field` is its path in proto names, `party.display_name`. */
export interface Violation {
  field: string;
  description: string;
}

/** What a failure carries beside its reason. Nothing personal belongs here: it is logged and sent to the caller. */
export interface FailureDetail {
  metadata?: Record<string, string>;
  violations?: readonly Violation[];
  /** When a retry may succeed, in milliseconds from now. */
  retryInMs?: number;
  /** Who gives the reason its meaning, `customer.rapport`; `defineFailures` fills it. */
  domain?: string;
  cause?: unknown;
}

/**
 * The one error that reaches a caller as it is thrown: a reason to branch on (UPPER_SNAKE_CASE, never changed once
 * published), a kind that becomes the gRPC status, a text for people. On the calling side `decodeFailure` gives it back.
 */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly domain: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly violations: readonly Violation[];
  readonly retryInMs: number | undefined;

  constructor(
    readonly reason: string,
    readonly kind: Kind,
    message: string,
    detail: FailureDetail = {},
  ) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.domain = detail.domain ?? 'rapport';
    this.metadata = detail.metadata ?? {};
    this.violations = detail.violations ?? [];
    this.retryInMs = detail.retryInMs;
  }
}

/** The reasons that a domain can fail for. */
export type FailureTable = Readonly<Record<string, { kind: Kind; message: string }>>;

/**
 * Declares the reasons of one domain and gives the function that makes them:
 * `throw fail('PARTY_NOT_FOUND', { metadata: { party: name } })`.
 */
export function defineFailures<const T extends FailureTable>(
  domain: string,
  table: T,
): (reason: keyof T & string, detail?: Omit<FailureDetail, 'domain'>) => Failure {
  return (reason, detail) => {
    const entry = table[reason];
    if (!entry) throw new Error(`the reason ${reason} is not declared`);
    return new Failure(reason, entry.kind, entry.message, { ...detail, domain });
  };
}
