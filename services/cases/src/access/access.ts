import type { Scope } from '@rapport/kit/db';
import type { Call, DataClass } from '@rapport/kit/rpc';

/** What decides whether a caller may see a row. */
export interface Placed {
  organisationPath: string;
  /** `staff/{id}`, empty when nobody has it. */
  assignee: string;
}

/** Whether a path is the other or lies above it. */
export function covers(path: string, other: string): boolean {
  return path === '/' || path === other || other.startsWith(`${path}/`);
}

/** The rows whose fields of that class the caller may see with this method. */
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
  return scope.own !== undefined && scope.own === row.assignee;
}

/** The first segment of an organisation path: one bank's root. */
export function bookOf(organisationPath: string): string {
  return organisationPath.split('/')[1] ?? '';
}
