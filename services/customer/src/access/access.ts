import type { Scope } from '@rapport/kit/db';
import type { Call, DataClass } from '@rapport/kit/rpc';
import { fail } from '../errors.js';

/** What decides whether a caller may see a row. */
export interface Placed {
  organisationPath: string;
  /** Staff id of who looks after it; empty when nobody does. */
  manager: string;
}

/** Whether a path is the other or lies above it. */
export function covers(path: string, other: string): boolean {
  return path === '/' || path === other || other.startsWith(`${path}/`);
}

/**
 * The rows that the caller may see with this method in fields of that class. Where a row is of no use without its
 * personal fields (money, contacts, consents), ask for C2: what the caller may not see in full is then absent.
 */
export function scopeFor(call: Call, dataClass: DataClass): Scope {
  const { orgPath, subject } = call.principal;
  const subtree = call.permits('subtree', dataClass);
  if (call.permits('none', dataClass) || (subtree && orgPath === '/')) return { kind: 'everything' };
  const branch = call.permits('branch', dataClass);
  const own = call.permits('own', dataClass);
  if (!subtree && !branch && !own) return { kind: 'nothing' };
  return {
    kind: 'rows',
    ...(subtree && { subtree: orgPath }),
    ...(branch && { branch: orgPath }),
    ...(own && { own: subject }),
  };
}

/** Whether one row lies inside a scope. */
export function within(scope: Scope, row: Placed): boolean {
  if (scope.kind !== 'rows') return scope.kind === 'everything';
  if (scope.subtree !== undefined && covers(scope.subtree, row.organisationPath)) return true;
  if (scope.branch !== undefined && scope.branch === row.organisationPath) return true;
  return scope.own !== undefined && scope.own === row.manager;
}

/** Refuses to put a row where the caller could not see it. */
export function assertInside(scope: Scope, row: Placed): void {
  if (within(scope, row)) return;
  throw fail('ORGANISATION_PATH_OUTSIDE', { metadata: { organisation_path: row.organisationPath } });
}
