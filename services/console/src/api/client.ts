import { currentLanguage } from '../i18n/index.js';
import { uuid } from '../shared/uuid.js';

/** A field that the server did not accept. */
interface Violation {
  field: string;
  description: string;
}

/** A refusal of the gateway or of a service (RFC 9457), or a network failure with status 0 and reason `OFFLINE`. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly reason: string,
    message: string,
    readonly violations: readonly Violation[] = [],
    /** Names the request in the logs; empty when it never arrived. */
    readonly instance = '',
  ) {
    super(message);
  }
}

interface ProblemBody {
  title?: string;
  detail?: string;
  reason?: string;
  instance?: string;
  violations?: Violation[];
}

type QueryValue = string | number | boolean | undefined | readonly string[];
export type Query = Record<string, QueryValue>;

let csrf = '';

/** Keeps the token that writes must carry. */
export function setCsrf(token: string): void {
  csrf = token;
}

/** Leaves for the sign-in of the gateway, to come back to `path`. */
export function goToSignIn(path: string): void {
  const target = `/auth/sign-in?return_to=${encodeURIComponent(path)}&lang=${currentLanguage()}`;
  window.location.assign(target);
}

/** `?a=1&b=x&b=y`; empty values are left out. */
export function queryString(query: Query): string {
  const parameters = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value === undefined || value === '' || value === false) continue;
    if (typeof value === 'object') for (const one of value) parameters.append(key, one);
    else parameters.append(key, String(value));
  }
  const text = parameters.toString();
  return text ? `?${text}` : '';
}

async function problemOf(response: Response): Promise<Problem> {
  const body = (await response.json().catch(() => ({}))) as ProblemBody;
  return new Problem(
    response.status,
    body.reason ?? `HTTP_${response.status}`,
    body.detail ?? body.title ?? response.statusText,
    body.violations ?? [],
    body.instance ?? '',
  );
}

interface Options {
  query?: Query;
  body?: unknown;
  signal?: AbortSignal;
  /** Whether a missing session leads to the sign-in; default true. */
  signIn?: boolean;
}

/** Calls the gateway. Throws Problem; without a session it leaves for the sign-in and never settles. */
export async function call<T>(method: string, path: string, options: Options = {}): Promise<T> {
  const { query = {}, body, signal, signIn = true } = options;
  const headers: Record<string, string> = { accept: 'application/json' };
  if (method !== 'GET') headers['x-rapport-csrf'] = csrf;
  if (body !== undefined) headers['content-type'] = 'application/json';
  const response = await fetch(`${path}${queryString(query)}`, {
    method,
    headers,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(signal ? { signal } : {}),
  }).catch((error: unknown) => {
    if (signal?.aborted) throw error;
    throw new Problem(0, 'OFFLINE', '');
  });
  if (response.status === 401 && signIn) {
    goToSignIn(`${window.location.pathname}${window.location.search}`);
    return new Promise<T>(() => {});
  }
  if (!response.ok) throw await problemOf(response);
  return (await response.json()) as T;
}

const escapeName = (name: string): string => name.split('/').map(encodeURIComponent).join('/').replaceAll('%40', '@');

/** GET of a `/v1/…` path of the contract. Resource names may hold `@`. */
export function get<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
  return call<T>('GET', `/api/v1/${path}`, { query, ...(signal ? { signal } : {}) });
}

/** POST that reads: no request id. */
export function ask<T>(path: string, body: object, signal?: AbortSignal): Promise<T> {
  return call<T>('POST', `/api/v1/${path}`, { body, ...(signal ? { signal } : {}) });
}

/** The path of a resource name, such as `campaigns/{id}` or `segments/{id}@2`, made safe for an address. */
export function nameOf(collection: string, id: string): string {
  return `${collection}/${escapeName(id)}`;
}

const unsettled = new Map<string, string>();

/**
 * A call that changes something. A repetition after a lost answer carries the same request id, so that it takes effect
 * once; after an answer the next write gets another.
 */
export async function write<T>(
  path: string,
  body: object,
  method: 'POST' | 'PUT' | 'PATCH' | 'DELETE' = 'POST',
): Promise<T> {
  const key = `${method} ${path} ${JSON.stringify(body)}`;
  const requestId = unsettled.get(key) ?? uuid();
  unsettled.set(key, requestId);
  const target = `/api/v1/${path}`;
  try {
    const answer = await (method === 'DELETE'
      ? call<T>(method, target, { query: { ...body, requestId } })
      : call<T>(method, target, { body: { ...body, requestId } }));
    unsettled.delete(key);
    return answer;
  } catch (error) {
    if (error instanceof Problem && error.status >= 400 && error.status < 500) unsettled.delete(key);
    throw error;
  }
}
