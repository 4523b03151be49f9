import type { CallOptions, Metadata } from '@grpc/grpc-js';
import type { Scope } from '../db/index.js';

/** Who calls, as proven by a token or a client certificate. */
export interface Principal {
  /** `service:<name>` for a service, the staff member's id otherwise. */
  subject: string;
  roles: readonly string[];
  /** Where in the organisation the caller stands: `/` is everything, `/berka/prague` a region and all below it. */
  orgPath: string;
  type: 'staff' | 'service';
  /** The staff members that the caller stands in for, whose customers count as the team's. */
  team?: readonly string[];
}

/**
 * How the caller stands to a row: looks after it (`own`), stands in for who does (`team`), looks after somebody of the
 * same household, sits in the same branch or above it; `none` is no
 * relation at all, hence any row.
 */
export const relations = ['own', 'household', 'team', 'branch', 'subtree', 'none'] as const;
export type Relation = (typeof relations)[number];

/** The classes of JR/T 0171-2020; C3 is the most sensitive. */
export type DataClass = 'C1' | 'C2' | 'C3';

/** The server call of grpc-js, which carries deadline and cancellation to outgoing calls. */
export type ServerCall = NonNullable<CallOptions['parent']>;

/** One inbound call that was authenticated and authorised. */
export interface Call {
  principal: Principal;
  /** The rows that the caller may see with this method: the filter of every query and the row security of the session. */
  scope: Scope;
  /** The full name of the method, `rapport.customer.v1.CustomerService/GetParty`. */
  method: string;
  /** Why the caller asks; metadata `rapport-purpose`, `service` when absent. */
  purpose: string;
  /** When the answer is no longer wanted; every call has one. */
  deadline: Date;
  /** Aborted when the caller cancels or the deadline passes. */
  signal: AbortSignal;
  /** Passed on with outgoing calls. */
  parent: ServerCall;
  metadata: Metadata;
  /** The bearer token that proved the caller; absent when a client certificate did. */
  token?: string;
  /** Whether the policies allow this method for rows of that relation and fields of that class (C1 when not given). */
  permits(relation: Relation, dataClass?: DataClass): boolean;
  /**
   * The rows of which the caller could see fields of that class by another method of this service: for an answer that has
   * a part of what that method gives. Nothing where the policies do not permit it.
   */
  seesBy(method: string, dataClass: DataClass): Scope;
}
