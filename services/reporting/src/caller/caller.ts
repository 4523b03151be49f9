import type { Scope } from '@rapport/kit/db';
import type { Call } from '@rapport/kit/rpc';

/** The resource name of who calls: `staff/{id}` or `services/{id}`. */
export function callerName(call: Call): string {
  const { subject, type } = call.principal;
  return type === 'service' ? `services/${subject.slice(subject.indexOf(':') + 1)}` : subject;
}

/** Whether a path is the other or lies above it. */
export function covers(path: string, other: string): boolean {
  return path === '/' || path === other || other.startsWith(`${path}/`);
}

/** Where the caller stands for this call, or undefined for one who sees everything. */
export function placeOf(scope: Scope): string | undefined {
  if (scope.kind !== 'rows') return scope.kind === 'everything' ? undefined : '';
  return scope.subtree ?? scope.branch ?? '';
}
