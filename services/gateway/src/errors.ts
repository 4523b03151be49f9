/** What the gateway itself refuses, each reason with its HTTP status and title. */
const reasons = {
  BODY_TOO_LARGE: { status: 413, title: 'The request body is too large' },
  CSRF_REFUSED: {
    status: 403,
    title: 'The request does not carry the token of this session',
  },

  GATEWAY_IDENTITY_REFUSED: {
    status: 502,
    title: 'The service refused the identity of the gateway',
  },
  INTERNAL: { status: 500, title: 'Something went wrong inside the gateway' },
  INVALID_BODY: {
    status: 400,
    title: 'The request body does not fit the method',
  },
  INVALID_QUERY: { status: 400, title: 'The query does not fit the method' },
  MALFORMED_JSON: {
    status: 400,
    title: 'The request body is not acceptable JSON',
  },
  MALFORMED_PATH: { status: 400, title: 'The path is malformed' },
  METHOD_NOT_ALLOWED: {
    status: 405,
    title: 'The path does not support this HTTP method',
  },
  NOT_SIGNED_IN: { status: 401, title: 'Sign in first' },
  NO_SUCH_PATH: { status: 404, title: 'There is nothing at this path' },
  ORIGIN_REFUSED: {
    status: 403,
    title: 'The request comes from another origin',
  },
  PROVIDER_UNAVAILABLE: {
    status: 503,
    title: 'The sign-in provider does not answer',
  },
  RATE_LIMITED: { status: 429, title: 'Too many requests' },
  SERVICE_NOT_CONFIGURED: {
    status: 503,
    title: 'The service behind this path is not configured',
  },
  SIGN_IN_EXPIRED: {
    status: 400,
    title: 'The sign-in took too long or was started elsewhere',
  },
  SIGN_IN_FAILED: {
    status: 400,
    title: 'The sign-in provider refused the sign-in',
  },
  SIGN_IN_NOT_ENTITLED: {
    status: 403,
    title: 'The account has no role in this application',
  },
  TOKEN_REFUSED: { status: 401, title: 'The bearer token is not valid here' },
  UNSUPPORTED_MEDIA_TYPE: {
    status: 415,
    title: 'Only application/json is accepted',
  },
} as const;

export type Reason = keyof typeof reasons;

/** One field that is wrong; `field` is the path in the JSON body or the name of the query parameter. */
export interface Violation {
  field: string;
  description: string;
}

export interface Detail {
  detail?: string;
  violations?: Violation[];
  /** Response headers that belong to the refusal, such as Allow or Retry-After. */
  headers?: Record<string, string>;
}

/** A request that the gateway refuses; answered as Problem Details. */
export class Refusal extends Error {
  readonly status: number;
  readonly title: string;

  constructor(
    readonly reason: Reason,
    readonly detail: Detail = {},
    options?: ErrorOptions,
  ) {
    super(detail.detail ?? reasons[reason].title, options);
    this.status = reasons[reason].status;
    this.title = reasons[reason].title;
  }
}

/** Makes a refusal; `cause` is logged, never answered. */
export function fail(reason: Reason, detail: Detail = {}, cause?: unknown): Refusal {
  return new Refusal(reason, detail, cause === undefined ? undefined : { cause });
}
