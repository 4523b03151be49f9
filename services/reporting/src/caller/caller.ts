import type { Scope } from '@rapport/kit/db';

/** Where the caller stands for this call, or undefined for one who sees everything. */
export function placeOf(scope: Scope): string | undefined {
  if (scope.kind !== 'rows') return scope.kind === 'everything' ? undefined : '';
  return scope.subtree ?? scope.branch ?? '';
}
