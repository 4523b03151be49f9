import { createHash } from 'node:crypto';
import { Failure } from './failure.js';

type Fields = Record<string, unknown>;

function invalid(path: string, description: string): Failure {
  return new Failure('UPDATE_MASK_INVALID', 'invalid', 'The update mask names a field that cannot be updated.', {
    violations: [{ field: 'update_mask', description: `${path}: ${description}` }],
  });
}

function camel(segment: string): string {
  return segment.replace(/_([a-z0-9])/g, (_all, letter: string) => letter.toUpperCase());
}

/**
 * A copy of `current` in which the fields named by the mask come from `update` (AIP-134). Paths are proto names,
 * `person.birth_date`; a member of a oneof is named like any field. Without a mask every updatable field that is set in
 * `update` counts; `*` is every updatable field. Only `updatable` paths, and what lies below them, may be named;
 * anything else is INVALID_ARGUMENT. Neither argument is changed.
 */
export function applyMask<T extends object>(
  current: T,
  update: T,
  mask: readonly string[] | undefined,
  updatable: readonly string[],
): T {
  const result = structuredClone(current) as Fields;
  const source = update as Fields;
  for (const path of pathsOf(source, mask, updatable)) copy(result, source, path.split('.').map(camel), path);
  return result as T;
}

function pathsOf(source: Fields, mask: readonly string[] | undefined, updatable: readonly string[]): readonly string[] {
  if (!mask || mask.length === 0) return updatable.filter((path) => isSet(read(source, path.split('.').map(camel))));
  if (mask.length === 1 && mask[0] === '*') return updatable;
  for (const path of mask) {
    if (!updatable.some((allowed) => path === allowed || path.startsWith(`${allowed}.`))) {
      throw invalid(path, 'is not a field that can be updated');
    }
  }
  return mask;
}

function isSet(value: unknown): boolean {
  if (value === undefined || value === '' || value === 0 || value === 0n || value === false) return false;
  return !(Array.isArray(value) && value.length === 0);
}

interface Union {
  $case: string;
  value: unknown;
}

function isUnion(value: unknown): value is Union {
  return typeof value === 'object' && value !== null && '$case' in value;
}

/** The oneof of a message that holds, or may hold, the member. */
function unionOf(message: Fields, member: string): string | undefined {
  return Object.keys(message).find((name) => {
    const value = message[name];
    return isUnion(value) && value.$case === member;
  });
}

function read(message: unknown, [head, ...rest]: string[]): unknown {
  if (head === undefined) return message;
  if (typeof message !== 'object' || message === null) return undefined;
  const fields = message as Fields;
  if (head in fields) return read(fields[head], rest);
  const union = unionOf(fields, head);
  return union === undefined ? undefined : read((fields[union] as Union).value, rest);
}

function copy(target: Fields, source: Fields, segments: string[], path: string): void {
  const [head, ...rest] = segments;
  if (head === undefined) return;
  const union = head in target || head in source ? undefined : (unionOf(source, head) ?? unionOf(target, head));
  if (!(head in target) && !(head in source) && union === undefined) throw invalid(path, 'does not exist');
  if (union === undefined) {
    assign(target, head, rest, source[head], path, (value) => value);
    return;
  }
  const from = source[union];
  const into = target[union];
  const incoming = isUnion(from) && from.$case === head ? from.value : undefined;
  if (rest.length === 0) {
    if (incoming !== undefined) target[union] = structuredClone(from);
    else if (isUnion(into) && into.$case === head) target[union] = undefined;
    return;
  }
  if (!isUnion(into) || into.$case !== head) throw invalid(path, 'belongs to another kind');
  copy(into.value as Fields, (incoming ?? {}) as Fields, rest, path);
}

function assign(
  target: Fields,
  head: string,
  rest: string[],
  incoming: unknown,
  path: string,
  keep: (value: unknown) => unknown,
): void {
  if (rest.length === 0) {
    target[head] = keep(structuredClone(incoming));
    return;
  }
  const into = target[head];
  if (typeof into === 'object' && into !== null) copy(into as Fields, (incoming ?? {}) as Fields, rest, path);
  else if (incoming !== undefined) target[head] = structuredClone(incoming);
}

/** A strong etag over what identifies a version of a row: its version number, or its last change. */
export function etag(...parts: readonly (string | number | bigint | Date)[]): string {
  const text = parts.map((part) => (part instanceof Date ? part.toISOString() : String(part))).join('\n');
  return `"${createHash('sha256').update(text).digest('base64url').slice(0, 22)}"`;
}

/** Refuses (ABORTED, ETAG_MISMATCH) when the caller saw another version than the current one. No etag, no check. */
export function checkEtag(given: string, current: string): void {
  if (given === '' || given === current) return;
  throw new Failure('ETAG_MISMATCH', 'conflict', 'The resource has changed since it was read; read it again.');
}
